#!/usr/bin/env bash
# FARSI @ ce59c96, for whoever calls it with a folder of that commit: windows of power are cut out of the wrong phases. `slice_phases_with_PWP` skips phases without time when
# it counts, but its bounds are used as places among all phases, and every simulation begins with two of them (before the source, and the source itself). So ends of windows come two phases too
# early. The last one may hold what should be several, whose mean is below the peak that a budget is held against; another one may be a short phase alone, whose mean is far above that of any 10 ms: of 212
# designs for FARSI's workloads 32 have a power of over ten times energy over latency, and one of cava has 6.05 mW, of 106 us, with a mean of 52 uW.
#
# Seen, two empty phases, then 12 ms at 1 W and 12 ms at 3 W: windows (0, 1), (1, 2), (2, 4), and a power of 2 W; each phase is a window of its own, and the power 3 W
# Seen, two empty phases, then 12 ms at 1 W, 0.1 ms at 60 W and twice 12 ms at 1 W: windows (0, 1), (1, 3), (3, 4), (4, 6), and a power of 60 W; the worst 10 ms have 1.59 W
set -euo pipefail
farsi=${1:?a folder with facebookresearch/Project_FARSI at ce59c96}
PYTHONDONTWRITEBYTECODE=1 python3 - "$farsi" <<'PYTHON'
import sys
import types

sys.path.insert(0, sys.argv[1])
# The function needs one setting, and FARSI's settings need all of FARSI.
settings = types.ModuleType("settings")
settings.config = types.SimpleNamespace(PCP=0.01)
sys.modules["settings"] = settings

from design_utils.common_design_utils import slice_phases_with_PWP

for times, watts, expected, power in [
    ([0, 0, 0.012, 0.012], [0, 0, 1, 3], [(0, 1), (1, 2), (2, 4)], 2),
    ([0, 0, 0.012, 0.0001, 0.012, 0.012], [0, 0, 1, 60, 1, 1], [(0, 1), (1, 3), (3, 4), (4, 6)], 60),
]:
    joules = [time * watt for time, watt in zip(times, watts)]
    windows = slice_phases_with_PWP({place - 1: time for place, time in enumerate(times)})
    powers = [sum(joules[a:b]) / sum(times[a:b]) for a, b in windows if sum(times[a:b]) > 0]
    print(f"windows {', '.join(map(str, windows))}, and a power of {max(powers):.0f} W")
    assert windows == expected and round(max(powers), 9) == power
PYTHON
