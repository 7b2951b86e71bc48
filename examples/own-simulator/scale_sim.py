"""A systolic array under SCALE-Sim 3.0.0: reads designs in lines of JSON, runs one layer on each, and answers in lines.

Needs the packages `scalesim==3.0.0` and `numpy<2.4`, with which that version still works.
"""

import contextlib
import io
import json
import sys
import tempfile
from pathlib import Path

CONFIG = """[general]
run_name = design

[architecture_presets]
ArrayHeight: {rows}
ArrayWidth: {columns}
IfmapSramSzkB: {input_kib}
FilterSramSzkB: {filter_kib}
OfmapSramSzkB: {output_kib}
IfmapOffset: 0
FilterOffset: 10000000
OfmapOffset: 20000000
Bandwidth: 10
Dataflow: {dataflow}
MemoryBanks: 1
ReadRequestBuffer: 32
WriteRequestBuffer: 32

[layout]
IfmapCustomLayout: False
IfmapSRAMBankBandwidth: 10
IfmapSRAMBankNum: 10
IfmapSRAMBankPort: 2
FilterCustomLayout: False
FilterSRAMBankBandwidth: 10
FilterSRAMBankNum: 10
FilterSRAMBankPort: 2

[sparsity]
SparsitySupport: false
SparseRep: ellpack_block
OptimizedMapping: false
BlockSize: 8
RandomNumberGeneratorSeed: 40

[run_presets]
InterfaceBandwidth: CALC
UseRamulatorTrace: False
"""

TOPOLOGY = """Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
conv, 10, 10, 3, 3, 8, 16, 1,
"""


def evaluate(design, folder):
    """What SCALE-Sim reports of a design, and what the design is made of."""
    from scalesim.scale_sim import scalesim

    (folder / "scale.cfg").write_text(CONFIG.format(**design))
    (folder / "topology.csv").write_text(TOPOLOGY)
    # Read, but without use as long as no custom layout is asked for.
    (folder / "layout.csv").write_text("Layer name," + "factor," * 22 + "\nconv," + "1," * 22 + "\n")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        run = scalesim(save_disk_space=True, verbose=False, config=str(folder / "scale.cfg"),
                       topology=str(folder / "topology.csv"), layout=str(folder / "layout.csv"))
        run.run_scale(top_path=str(folder))
    header, row = (folder / "design" / "COMPUTE_REPORT.csv").read_text().splitlines()[:2]
    report = dict(zip((name.strip() for name in header.split(",")), row.split(",")))
    memories_kib = design["input_kib"] + design["filter_kib"] + design["output_kib"]
    return {
        "cycles": float(report["Total Cycles"]),
        "stall_cycles": float(report["Stall Cycles"]),
        "utilization": float(report["Compute Util %"]) / 100.0,
        "units": design["rows"] * design["columns"],
        "memory_byte": 1024 * memories_kib,
    }


for line in sys.stdin:
    with tempfile.TemporaryDirectory() as scratch:
        try:
            answer = {"metrics": evaluate(json.loads(line)["design"], Path(scratch))}
        except Exception as error:  # what goes wrong is told, and the process lives on
            answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
