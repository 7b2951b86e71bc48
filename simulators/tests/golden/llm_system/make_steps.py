"""Writes steps.csv: what Calculon says of 240 random ways of training GPT-3 175B on 1,024 A100, drawn from a seed.

    PYTHONPATH=<calculon-ai/calculon @ caa4b11> python make_steps.py > steps.csv

Memory is not looked at: what does not fit has a time too. Activations are not offloaded, since their bytes are counted otherwise here.
"""

import json
import logging
import os
import random

import calculon
from calculon.llm import Llm

ROOT = os.path.dirname(os.path.dirname(calculon.__file__))
TIMES = {
    "step_s": "get_total_time",
    "forward_s": "get_fw_time",
    "backward_s": "get_bw_time",
    "recompute_s": "get_recompute_time",
    "tensor_s": "get_tp_comm_exposed_time",
    "tensor_again_s": "get_recomm_exposed_time",
    "pipeline_s": "get_pp_comm_exposed_time",
    "data_s": "get_dp_comm_exposed_time",
    "bubble_s": "get_bubble_time",
    "optimizer_s": "get_optim_step_time",
}
KNOBS = ["tensor", "pipeline", "interleave", "microbatch", "recompute", "communication", "gathers_again", "sharded", "offload_weights", "offload_optimizer"]


def read(*path):
    with open(os.path.join(ROOT, *path)) as file:
        return json.load(file)


def draw(rng):
    while True:
        knobs = {
            "tensor": rng.choice([1, 2, 4, 8]),
            "pipeline": rng.choice([1, 2, 4, 8, 16, 32]),
            "interleave": rng.choice([1, 2, 3, 4, 6]),
            "microbatch": rng.choice([1, 2, 4, 8]),
            "recompute": rng.choice(["none", "attn_only", "full"]),
            "communication": rng.choice(["ar", "p2p_rs_ag", "rs_ag"]),
            "gathers_again": rng.random() < 0.5,
            "sharded": rng.random() < 0.5,
            "offload_weights": rng.random() < 0.2,
            "offload_optimizer": rng.random() < 0.2,
        }
        data = 1024 // (knobs["tensor"] * knobs["pipeline"])
        stage = 96 // knobs["pipeline"]
        if 1536 % data or (1536 // data) % knobs["microbatch"] or stage % knobs["interleave"]:
            continue
        if knobs["pipeline"] == 1 and knobs["interleave"] > 1 or data == 1 and knobs["sharded"]:
            continue
        # A pipeline of one stage sends nothing, but Calculon hides the host's memory behind the network's latency there.
        if knobs["pipeline"] == 1 and (knobs["offload_weights"] or knobs["offload_optimizer"]):
            continue
        if knobs["gathers_again"] and (knobs["communication"] != "rs_ag" or knobs["recompute"] == "full"):
            continue
        return knobs, data


def step(app, system, knobs, data):
    execution = read("validation", "seqsel", "tab5", "gpt3-175B_seqsel.json")
    execution.update(
        num_procs=1024,
        batch_size=1536,
        data_par=data,
        tensor_par=knobs["tensor"],
        pipeline_par=knobs["pipeline"],
        pipeline_interleaving=knobs["interleave"],
        microbatch_size=knobs["microbatch"],
        activation_recompute=knobs["recompute"],
        tensor_par_comm_type=knobs["communication"],
        seq_par_ag_redo=knobs["gathers_again"],
        optimizer_sharding=knobs["sharded"],
        weight_offload=knobs["offload_weights"],
        optimizer_offload=knobs["offload_optimizer"],
    )
    model = Llm(app, logging.getLogger())
    model.compile(system, Llm.Execution.from_json(execution))
    model._compute_block_stats()
    model._compute_batch_stats()
    return model


def main():
    rng = random.Random(0)
    app = Llm.Application(read("models", "gpt3-175B.json"))
    system = calculon.System(read("systems", "a100_80g.json"))
    print(",".join(KNOBS + list(TIMES)))
    for _ in range(240):
        knobs, data = draw(rng)
        model = step(app, system, knobs, data)
        values = [str(knobs[name]).lower() for name in KNOBS]
        print(",".join(values + [repr(getattr(model, get)()) for get in TIMES.values()]))


main()
