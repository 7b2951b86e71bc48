#!/usr/bin/env bash
# adastop 0.1.3 (PyPI) finds more than its level allows, and then nothing at all. `partial_compare` takes the boundary from the largest signed
# difference of each permutation, but holds the absolute difference against it, so of two agents that are the same it tells twice as many
# apart as `alpha` says; the paper (arXiv:2306.10882, algorithm 1) has absolute values on both sides. And once permutations are drawn rather
# than counted (C(2n, n) > B = 10,000, that is from n = 8 on), `compute_mean_diffs` sets `normalization` to C(2n, n) to the power
# floor(log B / log C(2n, n)) = 1 at the second stage, so that each permutation weighs 1 and not 1/B: only what is beyond all of
# them counts as shown, and two agents a standard deviation apart are "equal" after 50 seeds. Whoever compares with the package hands it
# absolute differences, and stages whose permutations can be counted.
#
# Seen: told apart at level 0.1: 0.19 of 400 pairs of equals; normalization at the second stage of ten seeds: 1.0
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check adastop==0.1.3
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
from adastop import MultipleAgentsComparator

rng = np.random.RandomState(0)
n_told_apart = 0
for _ in range(400):
    test = MultipleAgentsComparator(n=5, K=1, B=10_000, alpha=0.1, seed=0)
    test.partial_compare({"a": rng.normal(size=5), "b": rng.normal(size=5)}, verbose=False)
    n_told_apart += any(decision in ("larger", "smaller") for decision in test.decisions.values())
# 40 of 400 are expected, with a standard deviation of 6.
print(f"told apart at level 0.1: {n_told_apart / 400:.2f} of 400 pairs of equals", end="; ")
assert n_told_apart > 64

test = MultipleAgentsComparator(n=10, K=5, B=10_000, alpha=0.05, seed=0)
costs = {"a": rng.normal(size=20), "b": rng.normal(size=20) + 1.0}
for stage in (10, 20):
    test.partial_compare({name: values[:stage] for name, values in costs.items()}, verbose=False)
print(f"normalization at the second stage of ten seeds: {test.normalization}")
assert test.normalization == 1.0
PYTHON
