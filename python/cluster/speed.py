"""What a question to a worker of Ray costs beside the designs.

    pip install '.[ray]' && python python/cluster/speed.py
"""

import statistics
import tempfile
import time
from pathlib import Path

import ray

import tapeout
import tapeout.ray

#: A design takes 2 ms, and no processor.
SLEEPER = """
import time

class Sleeper:
    parameters = {"a": list(range(64)), "b": list(range(64))}
    metrics = {"latency_s": "s"}
    objectives = ["latency_s"]

    def evaluate(self, design):
        time.sleep(2e-3)
        return {"latency_s": 1e-9 * (1 + design["a"] + design["b"])}
"""


def seconds(work) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def main() -> None:
    ray.init(num_cpus=1, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own_sleeper.py"
        path.write_text(SLEEPER)
        sleeper = tapeout.Env("python", **{"class": f"{path}:Sleeper"})
        worker = tapeout.ray.Evaluator(sleeper, workers=1)
        rows = sleeper.space.sample(5, seed=1)
        here, there = [], []
        worker.evaluate(rows)  # it starts
        for _ in range(100):
            here.append(seconds(lambda: sleeper.evaluate(rows, threads=1)))
            there.append(seconds(lambda: worker.evaluate(rows)))
    one, other = statistics.median(here), statistics.median(there)
    print(f"5 designs of 2 ms: {1e3 * one:.2f} ms here, {1e3 * other:.2f} ms by a worker, {100 * (other / one - 1):.0f} % more")


if __name__ == "__main__":
    main()
