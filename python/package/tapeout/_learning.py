"""Data sets, models fitted to them, and design from logs alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tapeout import _native
from tapeout._env import _listed
from tapeout._outcomes import Metric, Outcomes
from tapeout._program import command
from tapeout._run import Run
from tapeout._space import Space


class Rows(Outcomes):
    """The rows of a data set, with the number of the ``workload`` of each, shape ``[n]``."""

    def __init__(self, space: Space, metrics: tuple[Metric, ...], columns: tuple[Any, ...], workload: np.ndarray) -> None:
        super().__init__(space, metrics, columns)
        self.workload = workload

    def _more(self) -> dict[str, np.ndarray]:
        return {"workload": self.workload}


class Dataset:
    """Designs and what became of them, for one workload or several of one environment."""

    def __init__(self, native: _native.Dataset) -> None:
        self._native = native
        self.space = Space(native.space())
        self.metrics = tuple(Metric(*about) for about in native.metrics())
        self.workloads: list[str] = native.workloads()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Dataset:
        """The data set in the folder ``path``, as ``tapeout dataset`` writes it.

        Raises:
            ValueError: there is none, or its table is not the one that its manifest says.
        """
        return cls(_native.Dataset.load(os.fspath(path)))

    @classmethod
    def of_runs(cls, runs: Iterable[Run | str | os.PathLike[str]]) -> Dataset:
        """The trials of all these runs, or of those in these folders.

        Raises:
            ValueError: a run is kept in memory alone, or they differ in environment, space or settings.
        """
        folders: list[str | os.PathLike[str]] = []
        for it in runs:
            folder = it.folder if isinstance(it, Run) else os.fspath(it)
            if folder is None:
                raise ValueError("a run in memory has no folder; give `out` to `run`")
            folders.append(folder)
        return cls(_native.Dataset.of_runs(folders))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it into the folder ``path``: a manifest, and a table as Parquet.

        Raises:
            Failed: there is a data set already, or the folder cannot be written to.
        """
        self._native.save(os.fspath(path))

    def __len__(self) -> int:
        return self._native.n_rows()

    def __repr__(self) -> str:
        return f"Dataset({self._native.env_id()!r}, {len(self)} rows, {len(self.workloads)} workloads)"

    @cached_property
    def rows(self) -> Rows:
        """The rows, workload by workload."""
        columns, workload = self._native.rows()
        return Rows(self.space, self.metrics, columns, workload)


class Prediction(NamedTuple):
    """What a model expects of ``n`` designs.

    ``mean``: by metric, shape ``[n]``, in its unit, if feasible. ``std``: the standard deviations of those, none if the model has none.
    ``p_feasible``: the probability that each is feasible, shape ``[n]``.
    """

    mean: dict[str, np.ndarray]
    std: dict[str, np.ndarray] | None
    p_feasible: np.ndarray


class Model:
    """A fitted model: predicts what an environment would say."""

    def __init__(self, native: _native.Model) -> None:
        self._native = native
        self.space = Space(native.space())
        self.workloads: list[str] = native.workloads()

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Model:
        """The model in the file ``path``, as ``tapeout fit`` writes it.

        Raises:
            ValueError: the file is none, or of another version.
        """
        return cls(_native.Model.load(os.fspath(path)))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes it to the file ``path``, from which the environment ``proxy`` can be made."""
        self._native.save(os.fspath(path))

    def __repr__(self) -> str:
        return f"Model({self._native.learner()!r})"

    def predict(self, designs: Any, workload: str | None = None) -> Prediction:
        """What it expects of legal designs, in the workload of this name, or the first.

        Raises:
            ValueError: a design is none, or there is no such workload.
        """
        mean, std, p_feasible = self._native.predict(self.space.levels(designs), workload)
        names = self._native.metrics()
        by_name = [None if it is None else dict(zip(names, it.T, strict=True)) for it in (mean, std)]
        return Prediction(by_name[0] or {}, by_name[1], p_feasible)


def fit(
    dataset: Dataset,
    learner: str = "random-forest",
    *,
    objectives: Iterable[str] | None = None,
    constraints: Iterable[str] | None = None,
    seed: int = 0,
    **config: Any,
) -> Model:
    """Fits a model to all rows of ``dataset``.

    ``learner``: one of :func:`tapeout.learners`, with the hyperparameters ``config``.

    Raises:
        ValueError: there is no such learner, or a hyperparameter is refused.
        Failed: there is too little to learn from.
    """
    return Model(dataset._native.fit(learner, config, _listed(objectives), _listed(constraints), seed))


def predict(model: Model, designs: Any, workload: str | None = None) -> Prediction:
    """:meth:`Model.predict`."""
    return model.predict(designs, workload)


def offline(
    dataset: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    learner: str = "auto",
    trials: int = 5000,
    top: int = 16,
    seed: int = 0,
    objectives: Iterable[str] | None = None,
    constraints: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Fits a model to the data set in a folder, searches the model, and proposes ``top`` designs; no simulator is asked.

    What comes of it is in the folder ``out``, as ``tapeout offline`` leaves it, and ``tapeout validate`` goes on from there. Returned is
    ``proposals.json``: under ``proposals`` a dict for each design, with what to expect of it.

    Raises:
        ValueError: there is no such data set, or there are proposals in ``out`` already.
        Failed: there is too little to learn from.
    """
    flags = [f"--learner={learner}", f"--trials={trials}", f"--top={top}", f"--seed={seed}"]
    flags += [f"--objective={text}" for text in _listed(objectives) or []]
    flags += [f"--constraint={text}" for text in _listed(constraints) or []]
    command("offline", os.fspath(dataset), f"--out={os.fspath(out)}", "--json", "--quiet", *flags)
    found: dict[str, Any] = json.loads((Path(out) / "proposals.json").read_text())
    return found
