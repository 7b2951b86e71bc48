"""Environments, and what is wanted of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tapeout import _native
from tapeout._outcomes import Metric, Outcome, Outcomes
from tapeout._own import named
from tapeout._space import Space, _named


def envs() -> dict[str, str]:
    """The environments there are, with a line on each."""
    return {name: summary for name, _, summary, _ in _native.envs()}


def agents() -> dict[str, str]:
    """The agents there are, with a line on each."""
    return dict(_native.agents())


def learners() -> dict[str, str]:
    """The learners there are, with a line on each."""
    return dict(_native.learners())


class Env:
    """An environment: what designs there are, and what each is worth.

    ``id``: its name, one of :func:`envs`, or a class of one's own. ``config``: its settings, as ``tapeout describe`` lists them, or the
    keywords that the class is made with; what is absent keeps its default. Environments with the same settings share what they are made of; they pickle, and survive a fork.

    Raises:
        ValueError: there is no such environment or setting; the nearest name is suggested.
    """

    def __init__(self, id: str | type, **config: Any) -> None:
        id, config = named(id, config)
        self._native = _native.Env(id, config)
        self.space = Space(self._native.space())
        self.metrics = tuple(Metric(*about) for about in self._native.metrics())

    def __reduce__(self) -> tuple[Any, ...]:
        return _env_again, (self.id, self.config)

    def __repr__(self) -> str:
        return f"Env({self.id!r}, version {self.version})"

    @property
    def id(self) -> str:
        """Its name."""
        return self._native.id()

    @property
    def version(self) -> int:
        """Its version: any change to its numbers is a new one."""
        return self._native.version()

    @property
    def config(self) -> dict[str, Any]:
        """Every setting."""
        return self._native.config()

    @property
    def objectives(self) -> list[str]:
        """What is optimised in it when nobody says, such as ``min:latency_s``."""
        return self._native.goal()[0]

    @property
    def constraints(self) -> list[str]:
        """What is acceptable in it when nobody says, such as ``area_m2 <= 2.7e-5``."""
        return self._native.goal()[1]

    @property
    def missing(self) -> str | None:
        """What it needs and does not find here, such as a device; none if it can be asked."""
        return self._native.missing()

    @property
    def noisy(self) -> bool:
        """Whether asking twice about a design may give two answers."""
        return self._native.is_noisy()

    def evaluate(
        self, designs: Any, *, on_illegal: str = "raise", on_failure: str = "raise", threads: int | None = None
    ) -> Any:
        """What became of designs: an :class:`Outcome` for a dict or levels of shape ``[d]``, :class:`Outcomes` for any others.

        ``designs``: as :class:`Space` takes them. ``on_illegal``: what to do with levels that break a rule of the space: ``raise``,
        ``mark`` as infeasible by that rule, or ``repair``. ``on_failure``: what to do if the evaluator fails: ``raise``, or ``mark`` the
        design as failed, with the cause. ``threads``: how many designs are evaluated at once; all processors
        if nothing is said. The interpreter's lock is released in the meantime, and Ctrl-C is heard at once: a design that is being evaluated is left alone.

        Raises:
            ValueError: a design is none, or illegal.
            Failed: the evaluator failed, which says nothing of the design, and that is to be raised.
        """
        levels = self.space.levels(designs)
        is_single = _named(designs) is not None or (isinstance(designs, np.ndarray) and designs.ndim == 1)
        n_threads = 1 if len(levels) == 1 else threads or _processors()
        columns = self._native.evaluate(levels, on_illegal, on_failure, n_threads)
        outcomes = Outcomes(self.space, self.metrics, columns)
        return outcomes[0] if is_single else outcomes

    def problem(self, objectives: Iterable[str] | None = None, constraints: Iterable[str] | None = None) -> Problem:
        """What is wanted of it; what is not given is the environment's own."""
        return Problem(self, objectives, constraints)


def _env_again(id: str, config: dict[str, Any]) -> Env:
    return Env(id, **config)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _listed(texts: Iterable[str] | None) -> list[str] | None:
    """Objectives or constraints as a list; one may stand alone."""
    if texts is None:
        return None
    return [texts] if isinstance(texts, str) else list(texts)


class Problem:
    """Objectives and constraints over an environment, and what outcomes are worth under them.

    Objectives are ``metric``, ``min:metric`` or ``max:metric``; constraints ``metric <= number``, with a unit behind it if wished.

    Raises:
        ValueError: a metric is unknown, or a text is none of these.
    """

    def __init__(
        self, env: Env, objectives: Iterable[str] | None = None, constraints: Iterable[str] | None = None
    ) -> None:
        self._native = _native.Judge(env._native, _listed(objectives), _listed(constraints))
        self.env = env
        self.objectives, self.constraints = self._native.goal()

    def judge(self, outcomes: Outcomes) -> Judgements:
        """What outcomes are worth.

        Raises:
            ValueError: they are those of an environment with other metrics.
        """
        ours, theirs = [[metric.name for metric in about] for about in (self.env.metrics, outcomes.about)]
        if ours != theirs:
            raise ValueError(f"outcomes with metrics {', '.join(theirs)}, expected those of {', '.join(ours)}")
        return Judgements(*self._native.judge(*outcomes._told()))


class Judgements:
    """What ``n`` outcomes are worth under ``m`` objectives.

    ``losses``: shape ``[n, m]``, less is better, maximised metrics negated; NaN where infeasible. ``acceptable``: shape ``[n]``:
    measured, and within every constraint. ``violation``: shape ``[n]``, by how much the others are beyond, 0 for these.
    """

    def __init__(self, losses: np.ndarray, classes: np.ndarray, violation: np.ndarray) -> None:
        self.losses = losses
        self.acceptable = classes == 0
        self.feasible = classes < 2
        self.violation = violation


__all__ = ["Env", "Judgements", "Outcome", "Problem", "agents", "envs", "learners"]
