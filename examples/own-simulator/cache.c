/* A cache with least-recently-used replacement, under the addresses of a transposed matrix: a simulator in C.
 *
 * cache SETS WAYS LINE_BYTE   runs one design and prints a report; 3 is the exit code of a cache that is too large
 * cache                       reads designs in lines of JSON and answers in lines
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 64, WORD_BYTE = 4, MAX_BYTE = 1 << 16 };

static long misses_of(int sets, int ways, int line_byte, long *accesses) {
    long *tags = malloc(sizeof *tags * sets * ways), *used = malloc(sizeof *used * sets * ways);
    memset(tags, -1, sizeof *tags * sets * ways);
    long misses = 0;
    *accesses = 0;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            /* b[j][i] = a[i][j] */
            long addresses[2] = {(long)(i * SIDE + j) * WORD_BYTE, (long)(SIDE * SIDE + j * SIDE + i) * WORD_BYTE};
            for (int k = 0; k < 2; k++) {
                long line = addresses[k] / line_byte, first = line % sets * ways, oldest = first, found = -1;
                for (long way = first; way < first + ways; way++) {
                    if (tags[way] == line) found = way;
                    if (tags[way] == -1 || (tags[oldest] != -1 && used[way] < used[oldest])) oldest = way;
                }
                if (found < 0) misses++, tags[found = oldest] = line;
                used[found] = ++*accesses;
            }
        }
    }
    free(tags), free(used);
    return misses;
}

int main(int count, char **arguments) {
    int sets, ways, line_byte;
    long accesses;
    if (count == 4) {
        sets = atoi(arguments[1]), ways = atoi(arguments[2]), line_byte = atoi(arguments[3]);
        if (sets * ways * line_byte > MAX_BYTE) return 3;
        long misses = misses_of(sets, ways, line_byte, &accesses);
        printf("misses: %ld of %ld\ncapacity: %d byte\n", misses, accesses, sets * ways * line_byte);
        return 0;
    }
    while (scanf(" {\"design\":{\"sets\":%d,\"ways\":%d,\"line_byte\":%d}}", &sets, &ways, &line_byte) == 3) {
        if (sets * ways * line_byte > MAX_BYTE) {
            printf("{\"infeasible\": \"too_large\", \"violation\": %g}\n", (double)sets * ways * line_byte / MAX_BYTE - 1);
        } else {
            long misses = misses_of(sets, ways, line_byte, &accesses);
            printf("{\"metrics\": {\"misses\": %ld, \"capacity_byte\": %d}}\n", misses, sets * ways * line_byte);
        }
        fflush(stdout);
    }
    return 0;
}
