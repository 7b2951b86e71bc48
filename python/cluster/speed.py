"""How much faster two workers of Ray are than one, and what a question to one costs beside the designs.

    pip install '.[ray]' && python python/cluster/speed.py
"""

import statistics
import time

import ray

import tapeout
import tapeout.ray

TURNS = 5


def seconds(work) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def main() -> None:
    ray.init(num_cpus=3, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    env = tapeout.Env("edge-accelerator")
    one, two = [tapeout.ray.Evaluator(env, workers=n) for n in (1, 2)]
    search = {
        name: lambda evaluator=evaluator: tapeout.run(env, "random", trials=400, batch=80, evaluator=evaluator)
        for name, evaluator in (("one", one), ("two", two))
    }
    for work in search.values():
        work()  # workers start
    turns = [{name: seconds(work) for name, work in search.items()} for _ in range(TURNS)]
    print(f"two workers are {statistics.median(it['one'] / it['two'] for it in turns):.2f} times as fast as one")

    for n in (1, 5, 20):
        levels = env.space.sample(n * 40, seed=1).reshape(40, n, -1)
        here = [seconds(lambda rows=rows: env.evaluate(rows, on_failure="mark", threads=1)) for rows in levels]
        there = [seconds(lambda rows=rows: one.evaluate(rows)) for rows in levels]
        more = statistics.median(b - a for a, b in zip(here, there, strict=True))
        print(f"{n} designs of {1e3 * statistics.mean(here) / n:.1f} ms: a question takes {1e3 * more:.2f} ms more, {100 * more / statistics.mean(here):.0f} %")


if __name__ == "__main__":
    main()
