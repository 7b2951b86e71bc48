"""MaskablePPO of sb3-contrib beside the agent ``ppo``, over as many designs and three seeds; figures stand in docs/benchmarks.md.

    pip install '.[sb3]' && python python/learners/beside_our_ppo.py
"""

import time

import numpy as np
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback

import tapeout
from tapeout.sb3 import design_env

DESIGNS = 1_500


class Designs(BaseCallback):
    """Counts designs, and keeps the best value of a metric and what could not be built."""

    def __init__(self, metric: str) -> None:
        super().__init__()
        self.metric, self.n, self.illegal, self.best = metric, 0, 0, np.inf

    def _on_step(self) -> bool:
        for info, done in zip(self.locals["infos"], self.locals["dones"], strict=True):
            self.n += done
            self.illegal += info.get("infeasible") == "masked_action"
            self.best = min(self.best, info.get(self.metric, np.inf))
        return self.n < DESIGNS


for name, metric in [("gpu-gemm-model", "time_s"), ("recorded-kernel", "time_s"), ("edge-accelerator", "latency_s")]:
    for seed in range(3):
        env, seen = design_env(name, objectives=[metric]), Designs(metric)
        began = time.process_time()
        MaskablePPO("MlpPolicy", env, seed=seed).learn(10**9, callback=seen)
        theirs = time.process_time() - began
        began = time.process_time()
        run = tapeout.run(name, "ppo", trials=DESIGNS, seed=seed, objectives=[metric])
        ours = time.process_time() - began
        best = run.best()
        print(
            f"{name}, seed {seed}: MaskablePPO {seen.best:.4g} after {seen.n} designs, {seen.illegal} illegal, {theirs:.0f} s; "
            f"ppo {best.metrics[metric] if best else np.inf:.4g} after {len(run)}, {ours:.0f} s",
            flush=True,
        )
