#!/usr/bin/env bash
# Calculon @ caa4b11, for whoever calls it with a folder of that commit: what a block recomputes is added up wrongly. `_compute_block_stats` goes through the
# layers of a block and, for each that is recomputed, adds `_block_fw_flops`, the sum of all layers so far, where the layer's own operations are meant; bytes
# and both times likewise. `_block_re_time` is right, so a step takes what it should; but `_block_re_flops_time` and `_block_re_mem_time` say how much of
# the exchange of gradients the backward pass hides, so times of plans with `data_par_overlap` and recomputing are off.
#
# Seen, GPT-3 175B with attention alone recomputed: 736 Gflop recomputed of 954 in the forward pass; its layers have 13
set -euo pipefail
calculon=${1:?a folder with calculon-ai/calculon at caa4b11}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/python"
"$folder/python/bin/pip" install --quiet --disable-pip-version-check numpy pandas psutil
cd "$calculon"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=. "$folder/python/bin/python" - <<'PYTHON'
import json
import logging

from calculon import System
from calculon.llm import Llm


def read(path):
    with open(path) as file:
        return json.load(file)


plan = read("validation/seqsel/tab5/gpt3-175B_seqsel.json")
plan.update(tensor_par_comm_type="ar", seq_par_ag_redo=False)
system = System(read("systems/a100_80g.json"))
model = Llm(Llm.Application(read("models/gpt3-175B.json")), logging.getLogger())
model.compile(system, Llm.Execution.from_json(plan))
model._compute_block_stats()
layers = sum(layer.get_fw_flops() for layer in model._llm_block if layer.get_recompute_flag())
print(f"{model._block_re_flops / 1e9:.0f} Gflop recomputed of {model._block_fw_flops / 1e9:.0f} in the forward pass; its layers have {layers / 1e9:.0f}")
assert model._block_re_flops > 50 * layers
PYTHON
