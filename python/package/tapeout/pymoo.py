"""Environments as problems of pymoo."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from pymoo.core.problem import Problem
from pymoo.core.repair import Repair
from pymoo.core.sampling import Sampling
from pymoo.operators.crossover.ux import UX
from pymoo.operators.mutation.pm import PM
from pymoo.operators.repair.rounding import RoundingRepair

from tapeout._env import Env

__all__ = ["DesignProblem", "LegalRepair", "LegalSampling", "operators"]

# A loss for what cannot be built, which the constraint rules out whatever its loss: pymoo's arrays have no null.
_NOTHING = np.finfo(np.float64).max / 1e6


class DesignProblem(Problem):  # type: ignore[misc]
    """An environment as a problem over levels, shape ``[n, d]``. ``F``: losses, maximised metrics negated; ``G``: two constraints, by how
    much a design cannot be built, and by how much it is beyond ``constraints``.

    ``objectives``, ``constraints``: as in :class:`tapeout.Problem`.
    """

    def __init__(
        self, env: Env, objectives: Iterable[str] | None = None, constraints: Iterable[str] | None = None
    ) -> None:
        self.env = env
        self.problem = env.problem(objectives, constraints)
        last = np.array([len(parameter.levels) - 1 for parameter in env.space.parameters])
        super().__init__(
            n_var=len(last), n_obj=len(self.problem.objectives), n_ieq_constr=2, xl=np.zeros(len(last)), xu=last, vtype=int
        )

    def _evaluate(self, X: np.ndarray, out: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        outcomes = self.env.evaluate(X.astype(np.int64), on_illegal="mark")
        judged = self.problem.judge(outcomes)
        beyond = np.where(judged.feasible, judged.violation, 0.0)
        out["F"] = np.where(judged.feasible[:, None], judged.losses, _NOTHING)
        out["G"] = np.column_stack([outcomes.violation, beyond])


class LegalSampling(Sampling):  # type: ignore[misc]
    """Designs drawn uniformly from the legal ones."""

    def _do(self, problem: DesignProblem, n_samples: int, *args: Any, **kwargs: Any) -> np.ndarray:
        random_state = kwargs.get("random_state")
        seed = int(random_state.integers(2**32)) if random_state is not None else 0
        return problem.env.space.sample(n_samples, seed).astype(np.int64)


class LegalRepair(Repair):  # type: ignore[misc]
    """The legal design nearest to what crossover and mutation leave."""

    def _do(self, problem: DesignProblem, X: np.ndarray, **kwargs: Any) -> np.ndarray:
        rounded = RoundingRepair()._do(problem, X, **kwargs)
        levels = np.clip(rounded, problem.xl, problem.xu).astype(np.int64)
        return problem.env.space.repair(levels).astype(np.int64)


def operators() -> dict[str, Any]:
    """Sampling, crossover, mutation, repair and removal of duplicates for pymoo's genetic algorithms over :class:`DesignProblem`."""
    repair = LegalRepair()
    return {
        "sampling": LegalSampling(),
        "crossover": UX(),
        "mutation": PM(vtype=float, repair=RoundingRepair()),
        "repair": repair,
        "eliminate_duplicates": True,
    }
