"""Runs: searched, read, gone on with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from tapeout import _native
from tapeout._env import Env, _listed
from tapeout._outcomes import Metric, Outcome, Outcomes, told
from tapeout._own import named, not_while_loading
from tapeout._space import Space


class Trials(Outcomes):
    """The trials of a run, in the order of its log, with ``acceptable``: measured, and within every constraint."""

    def __init__(self, space: Space, metrics: tuple[Metric, ...], columns: tuple[Any, ...], acceptable: np.ndarray) -> None:
        super().__init__(space, metrics, columns)
        self.acceptable = acceptable

    def _more(self) -> dict[str, np.ndarray]:
        return {"acceptable": self.acceptable}


class Run:
    """A run, finished or not: what was searched, and every trial of it."""

    def __init__(self, native: _native.Run) -> None:
        self._native = native
        self.space = Space(native.space())
        self.metrics = tuple(Metric(*about) for about in native.metrics())
        self.objectives, self.constraints = native.goal()

    def __repr__(self) -> str:
        return f"Run({self._native.env_id()!r}, {len(self)} trials)"

    def __len__(self) -> int:
        return self._native.n_trials()

    @property
    def spec(self) -> str:
        """What was searched, as TOML with every default filled in."""
        return self._native.spec()

    @property
    def stop(self) -> str | None:
        """Why it ended; none if it was read from its folder."""
        return self._native.stop()

    @property
    def folder(self) -> str | None:
        """Where its log is kept; none if it is in memory alone."""
        folder = self._native.folder()
        return None if folder is None else str(folder)

    @cached_property
    def trials(self) -> Trials:
        """Every trial, in the order of the log."""
        _, classes, _ = self._native.judged()
        return Trials(self.space, self.metrics, self._native.trials(), classes == 0)

    def front(self) -> list[Outcome]:
        """The acceptable designs that no other dominates, ordered by the first objective."""
        return [self.trials[index] for index in self._native.front()]

    def best(self, objective: int = 0) -> Outcome | None:
        """The best acceptable design by an objective, counted from 0; the first, of equals. None if nothing is acceptable.

        Raises:
            ValueError: there is no such objective.
        """
        index = self._native.best(objective)
        return None if index is None else self.trials[index]

    def to_polars(self) -> Any:
        """The trials as a data frame of Polars: :meth:`Outcomes.to_polars`."""
        return self.trials.to_polars()

    def to_pandas(self) -> Any:
        """The trials as a data frame of pandas: :meth:`Outcomes.to_pandas`."""
        return self.trials.to_pandas()

    def to_arrow(self) -> Any:
        """The trials as a table of Arrow: :meth:`Outcomes.to_arrow`."""
        return self.trials.to_arrow()

    def plot(self) -> str:
        """The front over the first two objectives, or the progress if there is one, as SVG; notebooks show it.

        Raises:
            ValueError: there is nothing to show.
        """
        return self._native.plot()

    def _repr_svg_(self) -> str | None:
        try:
            return self.plot()
        except ValueError:
            return None


class Evaluator(Protocol):
    """Whoever evaluates the designs of a run elsewhere, such as :class:`tapeout.ray.Evaluator`."""

    @property
    def env(self) -> Env:
        """Whose designs it evaluates."""

    @property
    def threads(self) -> int:
        """How many questions it can have open at once."""

    def evaluate(
        self, levels: np.ndarray, is_over: Callable[[], bool]
    ) -> Outcomes | Sequence[Outcome | Mapping[str, Any]]:
        """What became of designs, as :meth:`Agent.tell` is told; called by several threads at once.

        ``levels``: shape ``[n, d]``. ``is_over``: whether the run has been interrupted, so that nobody waits for the answer. What is
        raised ends the run.
        """


def run(
    env: Env | str | type,
    agent: str | type = "auto",
    *,
    trials: int = 1000,
    seed: int = 0,
    batch: int = 32,
    objectives: Iterable[str] | None = None,
    constraints: Iterable[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    threads: int = 1,
    evaluator: Evaluator | None = None,
    **config: Any,
) -> Run:
    """Searches ``env`` until ``trials`` distinct designs are evaluated.

    ``agent``: one of :func:`agents`, with the hyperparameters ``config``, or a class of one's own. ``batch``: how many designs it is asked for at once, which is
    part of the result, as ``seed`` is; ``threads`` is not. ``objectives`` and ``constraints``: as in :class:`Problem`. ``out``: the
    folder of the log, as the program makes it; memory alone if nothing is said. The log is what ``tapeout search`` would write.
    ``evaluator``: who evaluates the designs of ``env`` elsewhere, with as many questions at once as it can have open in place of ``threads``.

    Raises:
        ValueError: something that was given cannot be used, or there is a run in ``out`` already.
        Failed: evaluator, agent or disk failed. What was logged stays, and :func:`resume` goes on from there.
        KeyboardInterrupt: after Ctrl-C, when what is evaluated is in the log.
    """
    not_while_loading()
    env = env if isinstance(env, Env) else Env(env)
    agent, config = named(agent, config)
    plan = _plan(agent, trials, seed, batch, objectives, constraints)
    if evaluator is None:
        return Run(_native.run(env._native, plan, config, _path(out), threads, None))
    ours, theirs = [(it.id, it.version, it.config) for it in (env, evaluator.env)]
    if ours != theirs:
        raise ValueError(f"evaluator: it is one of {theirs[:2]} with {theirs[2]}, expected one of {ours[:2]} with {ours[2]}")
    return Run(_native.run(env._native, plan, config, _path(out), evaluator.threads, _asking(evaluator)))


def _asking(evaluator: Evaluator) -> Callable[[np.ndarray, _native.Interrupt], tuple[Any, ...]]:
    about = evaluator.env.metrics

    def ask(levels: np.ndarray, interrupt: _native.Interrupt) -> tuple[Any, ...]:
        return told(about, evaluator.evaluate(levels, interrupt.is_set))

    return ask


def load(path: str | os.PathLike[str]) -> Run:
    """The run in the folder ``path``, finished or not.

    Raises:
        ValueError: there is none, or its spec cannot be used.
        Failed: its log cannot be read.
    """
    not_while_loading()
    return Run(_native.load(os.fspath(path)))


def resume(
    path: str | os.PathLike[str], trials: int | None = None, *, threads: int = 1, evaluator: Evaluator | None = None
) -> Run:
    """Goes on with the run in the folder ``path``, up to so many trials in all, or to those of its spec. ``evaluator``: as in :func:`run`.

    Raises:
        ValueError: there is none, its spec cannot be used, or ``evaluator`` is one of another environment.
        Failed: its log cannot be read, its agent proposes something other than what is logged, or as :func:`run`.
    """
    not_while_loading()
    if evaluator is None:
        return Run(_native.resume(os.fspath(path), trials, threads, None))
    asked = (evaluator.env._native, _asking(evaluator))
    return Run(_native.resume(os.fspath(path), trials, evaluator.threads, asked))


def _path(out: str | os.PathLike[str] | None) -> str | None:
    return None if out is None else os.fspath(out)


def _plan(
    agent: str,
    trials: int,
    seed: int,
    batch: int,
    objectives: Iterable[str] | None,
    constraints: Iterable[str] | None,
) -> dict[str, Any]:
    return {
        "agent": agent,
        "trials": trials,
        "seed": seed,
        "batch": batch,
        "objectives": _listed(objectives),
        "constraints": _listed(constraints),
    }
