"""Agents whose loop is somebody else's."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tapeout import _native
from tapeout._env import Env
from tapeout._outcomes import Outcome, Outcomes, told
from tapeout._own import named, not_while_loading
from tapeout._run import Run, _path, _plan

# As many trials as a spec can say: TOML's whole numbers have 63 bits (TOML 1.0.0, "Integer").
_ENDLESS = 2**63 - 1


class Agent:
    """Proposes designs of ``env`` and learns from what it is told became of them.

    >>> agent = Agent("tpe", env, seed=1)
    >>> while len(agent.run()) < 100:
    ...     designs = agent.ask()
    ...     agent.tell(env.evaluate(designs))

    ``agent``: one of :func:`tapeout.agents`, with the hyperparameters ``config``, or a class of one's own; the rest as in :func:`tapeout.run`, whose log it gives
    for the same seed and batch. ``out``: the folder of the log, for which ``trials`` has to be said; a run that is there is gone on with.

    Raises:
        ValueError: something that was given cannot be used.
    """

    def __init__(
        self,
        agent: str | type,
        env: Env | str | type,
        *,
        trials: int | None = None,
        seed: int = 0,
        batch: int = 32,
        objectives: Iterable[str] | None = None,
        constraints: Iterable[str] | None = None,
        out: str | os.PathLike[str] | None = None,
        **config: Any,
    ) -> None:
        not_while_loading()
        self.env = env if isinstance(env, Env) else Env(env)
        agent, config = named(agent, config)
        if trials is None and out is not None:
            raise ValueError("`trials`: a run in a folder needs a number, up to which `resume` goes on with it")
        plan = _plan(agent, _ENDLESS if trials is None else trials, seed, batch, objectives, constraints)
        self._native = _native.Session(self.env._native, plan, config, _path(out))
        self._asked = np.empty((0, len(self.env.space.names)), np.uint32)
        self.stop: str | None = None
        """Why it wants nothing more to be known; none as long as it does."""

    def ask(self) -> np.ndarray:
        """Levels of the designs that it wants to know of, shape ``[n, d]``; none, once it is over. The same until it is told.

        Raises:
            Failed: the agent or the disk failed.
        """
        self._asked, self.stop = self._native.ask()
        return self._asked

    def tell(self, outcomes: Outcomes | Iterable[Outcome | Mapping[str, Any]]) -> None:
        """What became of the designs of :meth:`ask`, in their order, or of the first few of them.

        ``outcomes``: from :meth:`Env.evaluate`, or a dict each: metrics by name, or ``{"infeasible": rule}``, with a ``violation``
        above 0 if it is known, or ``{"failed": why}`` if there is no result; ``None`` or NaN for either says that there is none, as rows
        of data frames have it.

        Raises:
            ValueError: it was asked for other designs, or a metric is missing.
            Failed: the agent or the disk failed.
        """
        if not isinstance(outcomes, Outcomes):
            outcomes = list(outcomes)
        if isinstance(outcomes, Outcomes):
            if not np.array_equal(self._asked[: len(outcomes)], outcomes.levels):
                raise ValueError("these are not the outcomes of the designs that were asked about")
        self._native.tell(*told(self.env.metrics, outcomes))
        self._asked = self._asked[len(outcomes) :]

    def run(self) -> Run:
        """The run so far."""
        return Run(self._native.run())

    def __len__(self) -> int:
        return self._native.n_trials()
