#!/usr/bin/env bash
# FARSI @ ce59c96, for whoever calls it with a folder of that commit: windows of power are cut out of the wrong phases. `slice_phases_with_PWP` skips phases without time when
# it counts, but its bounds are used as places among all phases, and every simulation begins with two of them (before the source, and the source itself). So ends of windows come two phases too
# early, the first windows are empty, and the last one holds what should be several: its mean is below the peak that a budget is held against.
#
# Seen, two empty phases, then 12 ms at 1 W and 12 ms at 3 W: windows (0, 1), (1, 2), (2, 4), and a power of 2 W; each phase is a window of its own, and the power 3 W
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

seconds = {-1: 0, 0: 0, 1: 0.012, 2: 0.012}
joules = [0, 0, 0.012, 0.036]
windows = slice_phases_with_PWP(seconds)
times = list(seconds.values())
powers = [sum(joules[a:b]) / sum(times[a:b]) for a, b in windows if sum(times[a:b]) > 0]
print(f"windows {', '.join(map(str, windows))}, and a power of {max(powers):.0f} W")
assert windows == [(0, 1), (1, 2), (2, 4)] and round(max(powers), 9) == 2
PYTHON
