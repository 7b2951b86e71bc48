"""Decisions of AdaStop on some data, by the package adastop 0.1.3: writes ../tests/golden/adastop.json.

    pip install adastop==0.1.3 && python adastop_golden.py

The package takes the largest signed difference of each permutation, and so spends twice the level it is given (see
findings/adastop-spends-twice-its-level.sh); the paper takes absolute values, as is done here by handing those to the package. Four seeds
to a stage and two stages, so that it counts all permutations, 70 and 4,900, and that means of costs are exact: of three seeds they are not, and
what is level with the boundary then counts as beyond it or not by rounding.
"""

import json
import pathlib

import numpy as np
from adastop import MultipleAgentsComparator


class Absolute(MultipleAgentsComparator):
    """The differences of algorithm 1 of the paper."""

    def compute_mean_diffs(self, k, Z):
        signed = super().compute_mean_diffs(k, Z)
        return {pair: list(np.abs(differences)) for pair, differences in signed.items()}


def case(means, level, seed):
    rng = np.random.RandomState(seed)
    n, stages = 4, 2
    # Steps of 1/1024 are exact in every order of summation.
    costs = [[round(float(mean + rng.normal()) * 1024) / 1024 for _ in range(n * stages)] for mean in means]
    test = Absolute(n=n, K=stages, B=10_000, alpha=level, seed=0)
    names = [str(index) for index in range(len(means))]
    decided = {}
    for stage in range(1, stages + 1):
        test.partial_compare({name: np.array(costs[int(name)][: n * stage]) for name in names}, verbose=False)
        for pair, decision in test.decisions.items():
            if decision in ("larger", "smaller") and pair not in decided:
                decided[pair] = [decision, stage]
        if test.is_finished:
            break
    pairs = [[int(word) for word in pair.strip("[]").split()] for pair in test.decisions]
    decisions = [decided.get(str(np.array(pair)), ["equal", stage]) for pair in pairs]
    return {
        "level": level,
        "costs": costs,
        "pairs": [{"pair": pair, "decision": decision, "stage": at} for pair, (decision, at) in zip(pairs, decisions)],
    }


cases = [
    case(means, level, seed)
    for seed in range(6)
    for means, level in [((0, 1.5), 0.05), ((0, 0), 0.3), ((0, 1, 2), 0.1), ((0, 0.2, 3, 3), 0.05)]
]
path = pathlib.Path(__file__).parent.parent / "tests" / "golden" / "adastop.json"
path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
