"""Environments as objectives of Optuna, and the agents of this package as its samplers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from tapeout._agent import Agent
from tapeout._env import Env

__all__ = ["Objective", "Sampler", "distributions"]


def distributions(env: Env) -> dict[str, BaseDistribution]:
    """A distribution for each parameter: numbers of levels, or the names of categories."""
    found: dict[str, BaseDistribution] = {}
    for parameter in env.space.parameters:
        if parameter.categorical:
            found[parameter.name] = CategoricalDistribution(parameter.levels)
        else:
            found[parameter.name] = IntDistribution(0, len(parameter.levels) - 1)
    return found


def _levels(env: Env, params: dict[str, Any]) -> np.ndarray:
    """Levels of the design with these values of :func:`distributions`, shape ``[1, d]``."""
    row = [
        parameter.levels.index(params[parameter.name]) if parameter.categorical else params[parameter.name]
        for parameter in env.space.parameters
    ]
    return np.array([row], dtype=np.uint32)


class Objective:
    """An objective for ``study.optimize``: designs are repaired before they are evaluated, and what cannot be built is pruned.

    ``objectives``, ``constraints``: as in :class:`tapeout.Problem`; by how much a design is beyond the constraints is Optuna's constraint
    ``constraint_violation``. Each trial has the ``design`` and its metrics among its attributes.
    """

    def __init__(
        self, env: Env, objectives: Iterable[str] | None = None, constraints: Iterable[str] | None = None
    ) -> None:
        self.env = env
        self.problem = env.problem(objectives, constraints)
        self._signs = [-1.0 if text.startswith("max:") else 1.0 for text in self.problem.objectives]

    @property
    def directions(self) -> list[str]:
        """Which way each objective is to go."""
        return ["maximize" if sign < 0 else "minimize" for sign in self._signs]

    def __call__(self, trial: optuna.Trial) -> float | Sequence[float]:
        """The objectives of a trial, in their metrics' units.

        Raises:
            optuna.TrialPruned: the design cannot be built or run.
        """
        params: dict[str, Any] = {}
        for parameter in self.env.space.parameters:
            if parameter.categorical:
                params[parameter.name] = trial.suggest_categorical(parameter.name, parameter.levels)
            else:
                params[parameter.name] = trial.suggest_int(parameter.name, 0, len(parameter.levels) - 1)
        outcomes = self.env.evaluate(self.env.space.repair(_levels(self.env, params)))
        outcome, judged = outcomes[0], self.problem.judge(outcomes)
        trial.set_user_attr("design", outcome.design)
        if not outcome.feasible:
            trial.set_user_attr("infeasible", outcome.infeasible)
            raise optuna.TrialPruned(outcome.infeasible)
        trial.set_user_attr("metrics", outcome.metrics)
        if self.problem.constraints:
            trial.set_constraint("constraint_violation", float(judged.violation[0]))
        values = [sign * loss for sign, loss in zip(self._signs, judged.losses[0].tolist(), strict=True)]
        return values if len(values) > 1 else values[0]


class Sampler(optuna.samplers.BaseSampler):
    """An agent as a sampler of studies over :class:`Objective`, which asks it for one design after another.

    ``agent``: one of :func:`tapeout.agents`, with the hyperparameters ``config``, or a class. It learns from the trials of this process alone.
    """

    def __init__(self, agent: str | type, env: Env, *, seed: int = 0, **config: Any) -> None:
        self._agent = Agent(agent, env, seed=seed, batch=1, **config)
        self._env = env
        self._distributions = distributions(env)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Every parameter."""
        return self._distributions

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """What the agent proposes; anything legal, once it is over."""
        asked = self._agent.ask()
        row = (asked if len(asked) else self._env.space.sample(1, trial.number))[0].tolist()
        return {
            parameter.name: parameter.levels[level] if parameter.categorical else level
            for parameter, level in zip(self._env.space.parameters, row, strict=True)
        }

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Refuses what is no parameter of the environment."""
        raise ValueError(f"`{param_name}` is no parameter of `{self._env.id}`")

    def after_trial(
        self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None
    ) -> None:
        """Tells the agent what became of its design."""
        asked = self._agent.ask()
        if len(asked) and np.array_equal(asked[0], _levels(self._env, trial.params)[0]):
            self._agent.tell(self._env.evaluate(asked[:1]))
