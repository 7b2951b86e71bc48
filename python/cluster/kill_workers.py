"""Twenty rounds in each of which a worker of Ray is killed by its id, and how many logs are those of a run without workers.

    pip install '.[ray]' && python python/cluster/kill_workers.py
"""

import os
import signal
import sys
import tempfile
import threading
from pathlib import Path

import ray

import tapeout
import tapeout.ray

ROUNDS = 20


def search(env: tapeout.Env, folder: Path, evaluator: tapeout.ray.Evaluator | None) -> list[str]:
    """The trials of a run of 300, without their timings."""
    tapeout.run(env, "nsga2", trials=300, seed=1, out=folder, evaluator=evaluator)
    return [line.split(',"timing":')[0] for line in (folder / "trials.jsonl").read_text().splitlines()]


def main() -> None:
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    env = tapeout.Env("edge-accelerator")
    evaluator = tapeout.ray.Evaluator(env, workers=2)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        here = search(env, folder / "here", None)
        killed, same = 0, 0
        for number in range(ROUNDS):
            victim = evaluator.processes()[number % 2]
            over = threading.Event()

            def kill(victim: int = victim, over: threading.Event = over, after_s: float = 0.03 * (1 + number % 5)) -> None:
                nonlocal killed
                if not over.wait(after_s):
                    os.kill(victim, signal.SIGKILL)
                    killed += 1

            killer = threading.Thread(target=kill)
            killer.start()
            same += search(env, folder / str(number), evaluator) == here
            over.set()
            killer.join()
    print(f"{ROUNDS} rounds, {killed} workers killed while they ran, {same} logs the same")
    sys.exit(killed < ROUNDS or same < ROUNDS)


if __name__ == "__main__":
    main()
