"""What the border between Python and Rust costs; figures stand in docs/benchmarks.md. Processor time, but where it says wall.

Run with the package installed from a release wheel: ``python python/benches/border.py``. Polars and Gymnasium are used if they are there.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import tapeout


def per(n: int, work, repeats: int = 5) -> float:
    """Processor time of ``work``, which does ``n`` things, for each; the least of some repeats."""
    took = []
    for _ in range(repeats):
        began = time.process_time()
        work()
        took.append((time.process_time() - began) / n)
    return min(took)


def imports() -> None:
    """Each in an interpreter of its own, where Gymnasium cannot be found."""
    hide = "import importlib.util as u; find = u.find_spec; u.find_spec = lambda name: None if name == 'gymnasium' else find(name); "
    numpy = "import time; t = time.process_time(); import numpy; print(time.process_time() - t)"
    ours = hide + "import time, numpy; t = time.process_time(); import tapeout; print(time.process_time() - t)"
    for label, code in [("NumPy", numpy), ("tapeout behind it, without Gymnasium", ours), ("tapeout behind it", ours[len(hide) :])]:
        run = [sys.executable, "-c", code]
        took = [float(subprocess.run(run, capture_output=True, text=True, check=True).stdout) for _ in range(7)]
        print(f"import {label}: {min(took):.3f} s")


def evaluations() -> None:
    env = tapeout.Env("gpu-gemm-model")
    levels = env.space.sample(20_000)
    rows = list(levels[:2_000])
    values = env.space.values(levels[:2_000])
    many = per(20_000, lambda: env.evaluate(levels, threads=1))
    print(f"evaluate 20,000 rows, one thread: {1e6 * many:.2f} us a design")
    one = per(2_000, lambda: [env.evaluate(row) for row in rows])
    print(f"evaluate one row: {1e6 * one:.2f} us, {1e6 * (one - many):.2f} us over the evaluation")
    native = [row.reshape(1, -1) for row in rows]
    bare = per(2_000, lambda: [env.evaluate(row) for row in native])
    print(f"evaluate one row, as columns: {1e6 * bare:.2f} us, {1e6 * (bare - many):.2f} us over the evaluation")
    one = per(2_000, lambda: [env.evaluate(value) for value in values])
    print(f"evaluate one dict: {1e6 * one:.2f} us, {1e6 * (one - many):.2f} us over the evaluation")
    listed = per(2_000, lambda: env.evaluate(values, threads=1))
    print(f"evaluate 2,000 dicts: {1e6 * listed:.2f} us a design")


def vectors() -> None:
    import gymnasium

    import tapeout.gymnasium as view

    for episode in ("design", "parameter"):
        vector = view.VectorDesignEnv("gpu-gemm-model", 256, episode=episode)
        vector.reset(seed=0)
        space = tapeout.Env("gpu-gemm-model").space
        actions = space.sample(256).astype(np.int64) if episode == "design" else np.zeros(256, np.int64)
        took = per(256 * 200, lambda: [vector.step(actions) for _ in range(200)])
        began = time.perf_counter()
        for _ in range(200):
            vector.step(actions)
        wall = (time.perf_counter() - began) / (256 * 200)
        print(f"vector of 256, a {episode} a step: {1e6 * took:.2f} us a step, {1e6 * wall:.2f} us wall")
        sync = gymnasium.make_vec("tapeout/GpuGemmModel-v2", num_envs=16, episode=episode, vectorization_mode="sync")
        sync.reset(seed=0)
        took = per(16 * 200, lambda: [sync.step(actions[:16]) for _ in range(200)], 3)
        print(f"SyncVectorEnv of 16, a {episode} a step: {1e6 * took:.2f} us a step")


def frames(n: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        tapeout.run("gpu-gemm-model", "random", trials=n, batch=10_000, out=path)
        began = time.process_time()
        run = tapeout.load(path)
        loaded = time.process_time()
        frame = run.to_polars()
        done = time.process_time()
        size = (path / "trials.jsonl").stat().st_size
        print(f"load a run of {n:,} trials ({size / 1e6:.0f} MB): {loaded - began:.2f} s; to_polars: {done - loaded:.2f} s; {frame.shape}")


def peers(n: int) -> None:
    import optuna

    from tapeout.optuna import Objective

    env = tapeout.Env("gpu-gemm-model")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    began = time.process_time()
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(Objective(env), n_trials=n)
    theirs = time.process_time() - began
    began = time.process_time()
    agent = tapeout.Agent("tpe", env, batch=1)
    while len(agent) < n:
        agent.tell(env.evaluate(agent.ask()))
    ours = time.process_time() - began
    print(json.dumps({"trials": n, "optuna_s": round(theirs, 3), "ours_s": round(ours, 3), "times": round(theirs / ours, 1),
                      "optuna_best_s": study.best_value, "ours_best_s": agent.run().best().metrics["time_s"]}))  # fmt: skip


if __name__ == "__main__":
    imports()
    evaluations()
    vectors()
    peers(300)
    frames(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
