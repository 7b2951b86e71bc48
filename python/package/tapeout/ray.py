"""Designs evaluated by workers of Ray, on one machine or several, in a run whose loop and log stay here."""

from __future__ import annotations

import logging
import os
import queue
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import ray
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayTaskError

import tapeout
from tapeout._env import Env
from tapeout._native import Failed
from tapeout._outcomes import Outcome, Outcomes

__all__ = ["Evaluator"]

#: How often a design is asked about again whose worker was lost.
TRIES_AGAIN = 3

#: Seconds between two looks at whether a worker has answered or the run is interrupted. Ours: half of what people notice.
_LOOK_S = 0.1

#: Seconds after which somebody who waits for a worker says so.
_SAY_S = 10.0

_log = logging.getLogger("tapeout.ray")


class Evaluator:
    """Workers of Ray that evaluate the designs of ``env``, for :func:`tapeout.run`.

    >>> ray.init(address="auto")
    >>> run = tapeout.run(env, "nsga2", evaluator=tapeout.ray.Evaluator(env, workers=8))

    ``workers``: how many; each takes one processor of the cluster. ``limit_s``: seconds that an answer to a few designs may take, an hour if
    nothing is said; a worker that takes longer is started anew. Each worker that starts, or is started anew, has to have the same version of this
    package and of the environment, the same space, and the same bytes for a probe design. A design whose worker is lost is asked about again, at
    most three times.

    Raises:
        ValueError: ``env`` is noisy, so that no two processes agree, or a number is out of range.
        Failed: a worker is not the same as this process.
    """

    def __init__(self, env: Env | str | type, workers: int, *, limit_s: float = 3600.0) -> None:
        if workers < 1:
            raise ValueError(f"workers: got {workers}, expected at least 1")
        if not limit_s > 0:
            raise ValueError(f"limit_s: got {limit_s}, expected a number above 0")
        self.env = env if isinstance(env, Env) else Env(env)
        if self.env.noisy:
            raise ValueError(f"env: `{self.env.id}` is noisy, so that an answer depends on who is asked; expected one that is not")
        self.threads = workers
        self._limit_s = limit_s
        self._probe = self.env.space.sample(1, seed=0)
        self._known = _identity(self.env, self._probe)
        remote = ray.remote(num_cpus=1, max_restarts=-1, max_task_retries=0)(_Worker)
        self._workers = [remote.remote(self.env, self._probe) for _ in range(workers)]
        #: Workers that nobody asks, and whether they are known to be the same as this process.
        self._free: queue.SimpleQueue[tuple[Any, bool]] = queue.SimpleQueue()
        for worker in self._workers:
            self._free.put((worker, False))

    def __repr__(self) -> str:
        return f"Evaluator({self.env!r}, workers={self.threads})"

    def processes(self) -> list[int]:
        """The process of each worker, on its machine; waits until they run."""
        return [ray.get(worker.process.options(max_task_retries=-1).remote()) for worker in self._workers]

    def close(self) -> None:
        """Ends the workers."""
        for worker in self._workers:
            ray.kill(worker)

    def evaluate(self, levels: np.ndarray, is_over: Callable[[], bool] = lambda: False) -> Outcomes | list[Outcome]:
        """What became of designs; for :func:`tapeout.run`, which calls it.

        Raises:
            Failed: a design loses each worker that is asked about it, a worker is not the same as this process, or ``is_over`` has become true.
        """
        for _ in range(TRIES_AGAIN + 1):
            worker, is_ready = self._free.get()
            try:
                if not is_ready:
                    self._make_ready(worker, is_over)
                    is_ready = True
                return self._answer(worker, levels, is_over)
            except (ActorDiedError, ActorUnavailableError) as error:
                is_ready, lost = False, error
            except Failed:
                is_ready = False
                raise
            finally:
                self._free.put((worker, is_ready))
        if len(levels) > 1:  # one of them, perhaps
            return [outcome for row in levels for outcome in self.evaluate(row[np.newaxis], is_over)]
        design = self.env.space.values(levels)[0]
        raise Failed(f"{TRIES_AGAIN + 1} workers in a row were lost over the design {design}") from lost

    def _make_ready(self, worker: Any, is_over: Callable[[], bool]) -> None:
        """Waits until a worker runs, however often it is started anew, and compares it with this process."""
        began_s = said_s = time.monotonic()
        identity = worker.identity.options(max_task_retries=-1).remote()  # as often as it is started anew
        while not ray.wait([identity], timeout=_LOOK_S)[0]:
            now_s = time.monotonic()
            if is_over():
                raise Failed("the run was interrupted while it waited for a worker")
            if now_s - said_s > _SAY_S:
                _log.warning("no worker for %.0f s: the cluster has none, or it does not start; waiting", now_s - began_s)
                said_s = now_s
        try:
            theirs = ray.get(identity)
        except ActorDiedError as error:
            raise Failed("a worker cannot be started") from error
        for what, ours in self._known.items():
            if theirs[what] != ours:
                raise Failed(f"a worker has another {what}: {_shown(theirs[what])}, expected {_shown(ours)}")

    def _answer(self, worker: Any, levels: np.ndarray, is_over: Callable[[], bool]) -> Outcomes:
        began_s = time.monotonic()
        answer = worker.evaluate.remote(levels, self._known)
        while not ray.wait([answer], timeout=_LOOK_S)[0]:
            if is_over():
                ray.kill(worker, no_restart=False)  # whoever asks next does not wait for this question
                raise Failed("the run was interrupted before a worker answered")
            if time.monotonic() - began_s > self._limit_s:
                _log.warning("a worker has not answered in %g s, and is started anew", self._limit_s)
                ray.kill(worker, no_restart=False)
                break
        try:
            columns = ray.get(answer)
        except RayTaskError as error:
            raise Failed("a worker has no answer") from error
        return Outcomes(self.env.space, self.env.metrics, (levels, *columns))


def _shown(part: Any) -> str:
    return "other bytes" if isinstance(part, bytes) else str(part)


def _identity(env: Env, probe: np.ndarray) -> dict[str, Any]:
    """What workers have to have in common, by name."""
    metrics, rule, rules, violation, _ = env.evaluate(probe, on_failure="mark", threads=1)._told()
    return {
        "version of tapeout": tapeout.__version__,
        "version of the environment": env.version,
        "space": env.space.fingerprint,
        "result for a probe design": b"".join([metrics.tobytes(), rule.tobytes(), repr(rules).encode(), violation.tobytes()]),
    }


class _Worker:
    """Evaluates designs in a process of its own, and of each process that it is started in anew knows who it is."""

    def __init__(self, env: Env, probe: np.ndarray) -> None:
        self._env = env
        self._identity = _identity(env, probe)

    def identity(self) -> dict[str, Any]:
        return self._identity

    def process(self) -> int:
        return os.getpid()

    def evaluate(self, levels: np.ndarray, known: dict[str, Any]) -> tuple[Any, ...]:
        if self._identity != known:  # started anew on another machine since it was compared
            raise Failed("it is not the same as the process that asks")
        outcomes = self._env.evaluate(levels, on_failure="mark", threads=1)
        return (list(outcomes.metrics.values()), *outcomes._told()[1:])
