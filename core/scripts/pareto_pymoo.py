"""Writes tests/golden/pareto_pymoo.json: fronts, crowding, hypervolumes and contributions of random point sets.

Fronts and crowding distances are those of pymoo, volumes those of moocore, the library that pymoo calls for them.

    pip install pymoo==0.6.2 moocore==0.3.2
    python scripts/pareto_pymoo.py > tests/golden/pareto_pymoo.json
"""

import json

import moocore
import numpy as np
from pymoo.operators.survival.rank_and_crowding.metrics import FunctionalDiversity, calc_crowding_distance
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

crowding = FunctionalDiversity(calc_crowding_distance, filter_out_duplicates=True)


def case(name, points, reference):
    # pymoo breaks ties within an objective by input order, Tapeout by the other losses: sorted input makes them one.
    points = np.array(sorted(points.tolist()))
    fronts = [sorted(int(i) for i in front) for front in NonDominatedSorting().do(points)]
    first = points[fronts[0]]
    # pymoo divides the sum over objectives by their number; Deb et al. (2002) do not.
    distances = crowding.do(first) * points.shape[1]
    return {
        "name": name,
        "points": points.tolist(),
        "reference": reference,
        "fronts": fronts,
        # JSON has no infinity: null stands for it.
        "crowding_of_first_front": [None if np.isinf(x) else x for x in distances.tolist()],
        "hypervolume": moocore.hypervolume(points, ref=reference),
        "contributions": moocore.hv_contributions(points, ref=reference, ignore_dominated=False).tolist(),
    }


def main():
    rng = np.random.default_rng(2002)
    cases = []
    for m, n in [(2, 60), (3, 60), (4, 40), (5, 30)]:
        # A cloud: many fronts, and some points beyond the reference.
        cases.append(case(f"cloud, {m} objectives", rng.random((n, m)), [0.9] * m))
        # One front: directions on the sphere, seen from its far side, on scales a thousand apart.
        directions = np.abs(rng.normal(size=(n, m)))
        sphere = 1.0 - directions / np.linalg.norm(directions, axis=1, keepdims=True)
        scale = 1e3 ** np.arange(m)
        cases.append(case(f"sphere, {m} objectives", sphere * scale, (1.1 * scale).tolist()))
        # A grid without its best half: ties and copies, also on the first front.
        grid = rng.integers(0, 6, (4 * n, m)).astype(float)
        grid = grid[grid.sum(axis=1) >= 2.5 * m][:n]
        cases.append(case(f"grid, {m} objectives", grid, [6.0] * m))
    print(json.dumps(cases, indent=None, separators=(",", ":")).replace('{"name"', '\n{"name"'))


main()
