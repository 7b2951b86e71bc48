#!/usr/bin/env bash
# Timeloop's front end @ 5603893 and Accelergy @ 6911d15, for whoever calls it with folders of these commits: `split` does not cut the permutation
# that is written down. The front end puts dimensions that run once (a size or a factor of 1) before those that are listed, and leaves `split` as it
# is. Asked here is C over x and M over y of 16 x 16 units; handed on is N, of size 1, over x, and C and M over y, so that one column of
# units is used. Two designs of Timeloop's exercises ask so, and their published mappings use 16 and 12 of 256 units.
#
# Seen: asked for CM, split 1; handed on NCM, split 1
set -euo pipefail
front_end=${1:?a folder with Accelergy-Project/timeloopfe at 5603893}
accelergy=${2:?a folder with Accelergy-Project/accelergy at 6911d15}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check \
    ruamel.yaml==0.18.6 psutil==7.0.0 joblib==1.5.1 jinja2==3.1.6 pyyaml==6.0.2 yamlordereddictloader==0.4.2 pyfiglet==1.0.2 deepdiff==8.5.0
cat >"$folder/design.yaml" <<'YAML'
architecture:
  version: 0.4
  nodes:
  - !Component
    name: DRAM
    class: DRAM
    attributes: {width: 64, datawidth: 8}
  - !Container
    name: unit
    spatial: {meshX: 16, meshY: 16}
    constraints:
      spatial: {permutation: [C, M], split: 1}
  - !Component
    name: mac
    class: intmac
    attributes: {datawidth: 8}
problem:
  version: 0.4
  shape:
    name: product
    dimensions: [C, M, P, N]
    data_spaces:
    - {name: Weights, projection: [[[C]], [[M]]]}
    - {name: Inputs, projection: [[[C]], [[P]], [[N]]]}
    - {name: Outputs, projection: [[[M]], [[P]], [[N]]], read_write: true}
  instance: {C: 64, M: 64, P: 8, N: 1}
YAML
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$front_end:$accelergy" "$folder/python/bin/python" -W ignore - "$folder/design.yaml" <<'PYTHON'
import sys

from timeloopfe.v4 import Specification
from timeloopfe.v4.processors import REQUIRED_PROCESSORS

design = Specification.from_yaml_files(sys.argv[1])


def constraint():
    spatial = design.architecture.find("unit").constraints.spatial
    return "".join(spatial.permutation), spatial.split


asked = constraint()
design.process()
design.process(REQUIRED_PROCESSORS)
handed = constraint()
print(f"asked for {asked[0]}, split {asked[1]}; handed on {handed[0]}, split {handed[1]}")
assert (asked, handed) == (("CM", 1), ("NCM", 1))
PYTHON
