"""What the program prints as JSON is of the form that `tapeout schema` states, and of no other."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

jsonschema = pytest.importorskip("jsonschema")

ROOT = Path(__file__).parents[2]

#: Commands in an order in which each finds what those before it made.
WALK = [
    ["list"],
    ["describe", "gpu-gemm-model"],
    ["describe", "dram-controller"],
    ["describe", "ga"],
    ["describe", "prime"],
    ["describe", "alexnet"],
    ["spec", "--env", "gpu-gemm-model", "--trials", "3", "--constraint", "energy_j <= 1"],
    ["search", "--env", "gpu-gemm-model", "--agent", "ga", "--trials", "40", "--objective", "time_s", "--objective", "energy_j", "--out", "run"],
    ["search", "--env", "gpu-gemm-model", "--trials", "20", "--warm-start", "run", "--out", "one"],
    ["resume", "one", "--trials", "30"],
    ["replay", "run"],
    ["check", "run", "ga"],
    ["watch", "run"],
    ["plot", "run", "one", "--y", "time_s"],
    ["report", "run", "--out", "run.html"],
    ["evaluate", "run", "0"],
    ["evaluate", "gemmini-accelerator", "array=16", "scratchpad_bytes=65536", "accumulator_bytes=16384", "--set", "env.networks=[\"dlrm\"]"],
    ["explain", "run", "0", "1"],
    ["compress", "one"],
    ["compare", "--env", "gpu-gemm-model", "--agents", "random,ga", "--seeds", "2", "--trials", "10", "--out", "two"],
    ["compare", "--env", "gpu-gemm-model", "--agents", "random,ga", "--seeds", "2", "--trials", "10", "--shard", "1/2", "--out", "part"],
    ["sweep", "--env", "gpu-gemm-model", "--agent", "ga", "--grid", "population=4,8", "--seeds", "2", "--trials", "10", "--out", "sweep"],
    ["dataset", "import", "logs.csv", "--columns", "columns.toml", "--out", "logs"],
    ["dataset", "generate", "gpu-gemm-model", "--designs", "60", "--out", "set"],
    ["dataset", "build", "run", "--out", "built"],
    ["dataset", "info", "logs"],
    ["dataset", "split", "set", "--objective", "time_s"],
    ["fit", "set", "--learner", "random-forest", "--out", "model"],
    ["offline", "set", "--learner", "random-forest", "--trials", "50", "--top", "2", "--out", "offline"],
    ["predict", "model", "offline/proposals.json"],
    ["validate", "offline/proposals.json"],
    ["measure", "--rehearse", "--types", "f16-u8", "--designs", "3", "--out", "table.jsonl"],
    ["simulate", "edge-like", "dlrm:top4", "--why", "--effort", "2000"],
    ["simulate", "--check", f"{ROOT}/simulators/tests/golden/timeloop_hand.json"],
    ["network", "import", "topology.csv"],
    ["describe", "recorded-kernel", f"{ROOT}/data/kernel-tuner/convolution_A100.json.gz"],
    ["leaderboard", "--seeds", "1", "--trials", "2", "--data", "boards", "--shard", "0/40"],
]

#: What the columns of a log mean, of which one line does not fit and one design was measured twice.
COLUMNS = """
name = "logs"
[goal]
objectives = ["time_s"]
[[parameters]]
column = "a"
[[parameters]]
column = "b"
[[metrics]]
column = "time_s"
unit = "s"
"""


def closed(schema):
    """The schema, by which an object may have no key that it does not name."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: closed(part) for key, part in schema.items()}
    if isinstance(parts.get("properties"), dict) and "type" in parts:
        parts.setdefault("additionalProperties", False)
    return parts


@pytest.fixture
def is_answer(program):
    """Holds what a command prints to its form; which forms there are, and which were met."""
    schema = json.loads(program("schema"))
    jsonschema.Draft202012Validator.check_schema(schema)
    schema = closed(schema)
    met = set()

    def check(form: str, text: str) -> None:
        met.add(form)
        jsonschema.Draft202012Validator(schema | {"$ref": f"#/$defs/{form}"}).validate(json.loads(text))

    check.met = met
    check.forms = {name for name in schema["$defs"] if name.endswith("-answer")}
    return check


def test_every_answer_is_of_its_form(program, is_answer, tmp_path):
    (tmp_path / "logs.csv").write_text("a,b,time_s\n1,2,0.5\n2,2,0.4\n2,4,0.3\n4,2,0.3\n4,4,0.2\n1,2,0.6\n4,4,0.2\n2,4,fast\n")
    (tmp_path / "topology.csv").write_text("Layer,M,N,K,\nfirst,8,16,32,\n")
    (tmp_path / "columns.toml").write_text(COLUMNS)
    for words in WALK:
        answer = program(*words, "--json")
        command = "-".join(words[:2]) if words[0] in ("dataset", "network") else words[0]
        is_answer(f"{command}-answer", answer)
    # These print nothing but JSON.
    asked = program("ask", "mine", "--env", "gpu-gemm-model", "--trials", "2", "--batch", "2")
    is_answer("ask-answer", asked)
    told = [{"infeasible": "slow"} for _ in json.loads(asked)["designs"]]
    (tmp_path / "told.json").write_text(json.dumps(told))
    is_answer("tell-answer", program("tell", "mine", "told.json"))
    is_answer("ask-answer", program("ask", "mine"))
    assert is_answer.met == is_answer.forms


def test_an_error_is_of_its_form(is_answer, tmp_path):
    start = "from tapeout._program import main; main()"
    done = subprocess.run([sys.executable, "-c", start, "describe", "nobody", "--json"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    is_answer("error", done.stderr)
    with pytest.raises(jsonschema.ValidationError):
        is_answer("error", done.stderr.replace('"hint"', '"advice"'))
