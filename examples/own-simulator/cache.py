"""A cache as a class, for Tapeout's environment `python`: misses while a matrix is transposed."""

from collections import OrderedDict


class Cache:
    parameters = {
        "sets": {"levels": [1, 2, 4, 8, 16, 32, 64, 128], "about": "sets of lines"},
        "ways": {"levels": [1, 2, 4, 8, 16], "about": "lines of a set"},
        "line_byte": {"levels": [4, 8, 16, 32, 64, 128], "unit": "byte", "about": "length of a line"},
        "replaced": ["lru", "fifo"],
    }
    rules = {"not_tiny": "sets * ways * line_byte >= 256"}
    metrics = {
        "misses": {"about": "accesses that miss"},
        "capacity_byte": {"unit": "byte", "about": "all lines"},
    }
    objectives = ["misses", "capacity_byte"]

    def __init__(self, rows=16):
        self.rows = rows

    def evaluate(self, design):
        capacity_byte = design["sets"] * design["ways"] * design["line_byte"]
        if capacity_byte > 32768:
            return {"infeasible": "too_large", "violation": capacity_byte / 32768 - 1}
        lines = [OrderedDict() for _ in range(design["sets"])]
        misses = 0
        for address in self.addresses():
            line = address // design["line_byte"]
            held = lines[line % design["sets"]]
            if line not in held:
                misses += 1
                if len(held) == design["ways"]:
                    held.popitem(last=False)
                held[line] = None
            elif design["replaced"] == "lru":
                held.move_to_end(line)
        return {"misses": misses, "capacity_byte": capacity_byte}

    def addresses(self):
        """What is read and written, in byte: words of 4 byte, the result behind the matrix."""
        for row in range(self.rows):
            for column in range(self.rows):
                yield 4 * (row * self.rows + column)
                yield 4 * (self.rows * self.rows + column * self.rows + row)
