#!/usr/bin/env bash
# Timeloop's front end, by the reference outputs of timeloop-accelergy-exercises @ 2d55108, for whoever calls it with a folder of that commit:
# `split` does not cut the permutation that is written down. The front end puts dimensions that run once (a size or a factor of 1) before those that
# are listed, and leaves `split` as it is. The output- and weight-stationary designs ask for `permutation: [C, M]` with `split: 1`, C over x and M
# over y of 16 x 16 units; handed on is `NQPSRCM` with the same 1, so that only N, of size 1, may run over x, and the published mappings use 16
# units and 12.
#
# Seen: simple_output_stationary asks for [C, M] and 1, is handed NQPSRCM and 1, and its mapping has 0 loops over x; utilization 6.25 %
# Seen: simple_weight_stationary asks for [C, M] and 1, is handed NQPSRCM and 1, and its mapping has 0 loops over x; utilization 4.69 %
set -euo pipefail
exercises=${1:?a folder with Accelergy-Project/timeloop-accelergy-exercises at 2d55108}
cd "$exercises/workspace/example_designs/example_designs"
for design in simple_output_stationary simple_weight_stationary; do
    outputs="$design/ref_outputs/default_problem"
    asked=$(grep -A2 'permutation: \[C, M\]' "$design/arch.yaml" | sed -n 's/.*split: //p')
    handed=$(grep -A1 'permutation: NQPSRCM' "$outputs/parsed-processed-input.yaml" | sed -n 's/.*split: //p')
    over_x=$(grep -c 'Spatial-X' "$outputs/timeloop-mapper.map.txt" || true)
    utilization=$(sed -n 's/^Utilization: \(.*\)%/\1/p' "$outputs/timeloop-mapper.stats.txt" | head -1)
    echo "$design asks for [C, M] and $asked, is handed NQPSRCM and $handed, and its mapping has $over_x loops over x; utilization $utilization %"
    test "$asked $handed $over_x" = "1 1 0"
done
