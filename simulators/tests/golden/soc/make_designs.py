"""Random systems on chip, simulated by FARSI.

    python make_designs.py FARSI CACTI 120 20 > designs.jsonl
    python make_designs.py FARSI CACTI 92 77 > held_back.jsonl

FARSI: a checkout of facebookresearch/Project_FARSI @ ce59c96; CACTI: one of zaddan/cacti_for_FARSI @ f0287c3, built there with `make`.
With NumPy 2 or pandas 2, `np.Inf` (krnel.py) and `DataFrame.append` (cact_handlr.py) need their present names.
"""

import contextlib
import io
import json
import os
import random
import sys
import types
from unittest import mock

farsi, cacti, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
sys.path.insert(0, farsi)
# FARSI's settings ask these two for its folders.
home = types.ModuleType("home_settings")
home.home_dir = os.path.join(farsi, "")
sys.modules["home_settings"] = home
folders = types.ModuleType("settings.config_cacti")
folders.cact_bin_addr = os.path.join(cacti, "cacti")
folders.cacti_param_addr = os.path.join(cacti, "farsi_gen.cfg")
folders.cacti_data_log_file = os.path.join(cacti, "memories.csv")
sys.modules["settings.config_cacti"] = folders
# What only its pictures and its own searches need.
for name in ["pygraphviz", "plotly", "plotly.graph_objs", "pygmo", "sklearn", "sklearn.linear_model", "sympy",
             "sympy.functions", "sympy.functions.combinatorial", "dill", "seaborn",
             "matplotlib", "matplotlib.pyplot", "matplotlib.patches", "mpl_toolkits", "mpl_toolkits.mplot3d", "visualization_utils.vis_hardware"]:
    sys.modules[name] = mock.MagicMock(__all__=[])

from SIM_utils.SIM import OSASimulator  # noqa: E402
from design_utils.components.hardware import HardwareGraph  # noqa: E402
from design_utils.des_handler import DesignHandler  # noqa: E402
from design_utils.design import ExDesignPoint  # noqa: E402
from specs.data_base import DataBase  # noqa: E402
from specs.database_input import database_input_class  # noqa: E402

CLOCKS = [1, 4, 6, 8]
WIDTHS = [4, 8, 16, 32, 64, 128]
WORKLOADS = {"audio-decoder": "audio_decoder", "cava": "hpvm_cava", "edge-detection": "edge_detection"}
# As in FARSI's FARSI_what_ifs_with_params.py.
KNOBS = {
    "ip_freq_correction_ratio": 1,
    "gpp_freq_correction_ratio": 1,
    "ip_spawn": {
        "ip_loop_unrolling": {"incr": 2, "max_spawn_ip": 17, "spawn_mode": "geometric"},
        "ip_freq_range": CLOCKS,
    },
    "mem_spawn": {"mem_freq_range": CLOCKS},
    "ic_spawn": {"ic_freq_range": CLOCKS},
    "tech_node_SF": {
        "perf": 1,
        "energy": {"non_gpp": 0.064, "gpp": 1},
        "area": {"non_mem": 0.0374, "mem": 0.07, "gpp": 1},
    },
    "base_budget_scaling": {"latency": 1, "power": 1, "area": 1},
    "queue_available_size": [1, 2, 4, 8, 16],
    "burst_size_options": [1024],
}
EXACT = dict.fromkeys(["latency", "energy", "area", "one_over_area"], 1)
SAMPLING = {
    "mode": "exact",
    "population_size": 1,
    "reduction": "most_likely",
    "accuracy_percentage": {kind: EXACT for kind in ["sram", "dram", "ic", "gpp", "ip"]},
}


def library(workload):
    return DataBase(
        database_input_class(
            {"db_mode": "parse", "hw_graph_mode": "generated_from_scratch", "workloads": {workload}, "misc_knobs": KNOBS}
        ),
        SAMPLING,
    )


def unrollings(database, task):
    """Unrollings of the accelerator of a task; none if it has none."""
    prefix = task + "_IP0_"
    names = [block.block_instance_name_without_type for block in database.blocksL]
    return sorted({int(name[len(prefix):].split("_")[0]) for name in names if name.startswith(prefix)})


def draw(rng, database):
    """A random design in which no block is idle."""
    tasks = database.get_tasks()
    n_buses = rng.randint(1, 3)
    n_cores = rng.randint(1, 2)
    accelerated = rng.choice([0.0, 0.5, 1.0])
    # Half of the designs have wide and fast blocks alone, so that not all are bound by the worst bus.
    low = rng.choice([0, 3])
    width, clock = lambda: rng.choice(WIDTHS[low:]), lambda: rng.choice(CLOCKS[low:])
    processors = [{"kind": "core"} for _ in range(n_cores)]
    runs = {}
    for task in tasks:
        levels = unrollings(database, task.name)
        if levels and rng.random() < accelerated:
            runs[task.name] = len(processors)
            processors.append({"kind": "accelerator", "task": task.name, "unroll": rng.choice(levels), "clock": clock()})
        else:
            runs[task.name] = rng.randrange(n_cores)
    memories = [
        {"kind": rng.choice(["sram", "dram"]), "width": width(), "clock": clock()} for _ in range(rng.randint(1, 3))
    ]
    buses = [{"width": width(), "clock": clock(), "parent": rng.randrange(max(i, 1))} for i in range(n_buses)]
    for block in processors + memories:
        block["bus"] = rng.randrange(n_buses)
    edges = [[task.name, child.name, rng.randrange(len(memories))] for task in tasks for child in task.get_children()]
    used = set(runs.values())
    if used != set(range(len(processors))) or {edge[2] for edge in edges} != set(range(len(memories))):
        return draw(rng, database)
    return {"buses": buses, "memories": memories, "processors": processors, "runs": runs, "edges": edges}


def simulate(design, database):
    block = database.gen_one_block_by_name

    def named(stem, index, it):
        return block(f"{stem}_{WIDTHS.index(it['width'])}_{it['clock']}_{index}")

    buses = [named("LMEM_ic", i, it) for i, it in enumerate(design["buses"])]
    memories = [
        named("LMEM" if it["kind"] == "sram" else "GMEM", i, it) for i, it in enumerate(design["memories"])
    ]
    processors = [
        block(f"A53_{i}" if it["kind"] == "core" else f"{it['task']}_IP0_{it['unroll']}_{it['clock']}_{i}")
        for i, it in enumerate(design["processors"])
    ]
    for bus, it in list(zip(buses, design["buses"]))[1:]:
        bus.connect(buses[it["parent"]])
    for what, it in zip(processors + memories, design["processors"] + design["memories"]):
        what.connect(buses[it["bus"]])
    task = database.get_task_by_name
    for name, processor in design["runs"].items():
        processors[processor].load_improved(task(name), task(name))
    for parent, child, memory in design["edges"]:
        memories[memory].load_improved(task(parent), task(child))
    handler = DesignHandler(database)
    drawn = ExDesignPoint(HardwareGraph(processors[0], "user_generated"))
    handler.load_tasks_to_read_mem_and_ic(drawn)
    drawn.sanity_check()
    drawn.hardware_graph.update_graph_without_prunning()
    drawn.hardware_graph.pipe_design()
    point = handler.convert_to_sim_des_point(drawn)
    OSASimulator(point, database).simulate()
    stats = point.dp_stats
    return {
        "latency_s": max(stats.get_system_complex_metric("latency").values()),
        "power_w": stats.get_system_complex_metric("power"),
        "energy_j": stats.get_system_complex_metric("energy"),
        "area_m2": stats.get_system_complex_metric("area"),
    }


def numbered(design, database):
    """The design with tasks and transfers by their places, in the order of FARSI's sheets."""
    places = {task.name: place for place, task in enumerate(database.get_tasks())}
    processors = [
        it | {"task": places[it["task"]]} if "task" in it else it for it in design["processors"]
    ]
    return {
        "buses": design["buses"],
        "memories": design["memories"],
        "processors": processors,
        "runs_on": list(design["runs"].values()),
        "lies_in": [memory for _, _, memory in design["edges"]],
    }


def main():
    rng = random.Random(seed)
    for index in range(count):
        ours, theirs = list(WORKLOADS.items())[index % 3]
        with contextlib.redirect_stdout(io.StringIO()):
            database = library(theirs)
            design = draw(rng, database)
            figures = simulate(design, database)
        print(json.dumps({"workload": ours} | numbered(design, database) | figures), flush=True)


main()
