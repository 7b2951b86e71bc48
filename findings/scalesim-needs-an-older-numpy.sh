#!/usr/bin/env bash
# SCALE-Sim 3.0.0, its last version in the Python package index, asks for any numpy. numpy 2.4 no longer turns an array of one element
# into a number (deprecated since 1.25), which `double_buffered_scratchpad_mem.py` does with `int(max(ofmap_serviced_cycles))`: every
# layer fails. Whoever installs `scalesim` today gets a simulator that cannot run; with numpy below 2.4 it does.
#
# Seen, with numpy 2.4: TypeError: only 0-dimensional arrays can be converted to Python scalars
# Seen, with numpy 2.3: 1547 cycles
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
design='{"design": {"rows": 8, "columns": 8, "input_kib": 8, "filter_kib": 8, "output_kib": 8, "dataflow": "ws"}}'
answer() {
  "$folder/python/bin/pip" install --quiet --disable-pip-version-check 'scalesim==3.0.0' "numpy$1"
  "$folder/python/bin/python" -W ignore "$here/examples/own-simulator/scale_sim.py" <<<"$design"
}
answer '==2.4.*' | tee "$folder/new"
answer '==2.3.*' | tee "$folder/old"
grep -q 'only 0-dimensional arrays can be converted' "$folder/new"
grep -q '"cycles": 1547.0' "$folder/old"
