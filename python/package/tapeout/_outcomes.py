"""What became of designs: one, or a table of many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

    from tapeout._space import Space, Value

# What stands in the place of a rule's number, as in the extension.
MEASURED, FAILED = -1, -2

STATUSES = ("measured", "infeasible", "failed")
"""What may become of a design."""


class Metric(NamedTuple):
    """A quantity that an environment measures; ``unit`` is in SI, empty for a ratio or a count."""

    name: str
    unit: str
    summary: str


class Outcome:
    """What became of one design.

    ``metrics``: by name, in their units, if it was measured; otherwise empty, and ``infeasible`` names the rule that the design breaks,
    by ``violation``, which is above 0, or ``failed`` says why its evaluation failed, and nothing is known of it. ``levels``: of the
    design, shape ``[d]``.
    """

    __slots__ = ("_space", "failed", "infeasible", "levels", "metrics", "violation")

    def __init__(
        self,
        space: Space,
        levels: np.ndarray,
        metrics: dict[str, float],
        infeasible: str | None,
        violation: float,
        failed: str | None,
    ) -> None:
        self._space = space
        self.levels = levels
        self.metrics = metrics
        self.infeasible = infeasible
        self.violation = violation
        self.failed = failed

    @property
    def design(self) -> dict[str, Value]:
        """The value of each parameter."""
        return self._space.values(self.levels)[0]

    @property
    def feasible(self) -> bool:
        """Whether it can be built and run; false too where its evaluation failed."""
        return self.infeasible is None and self.failed is None

    @property
    def status(self) -> str:
        """``measured``, ``infeasible`` or ``failed``."""
        return STATUSES[0 if self.feasible else 1 if self.failed is None else 2]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Outcome):
            return NotImplemented
        said = (self.metrics, self.infeasible, self.violation, self.failed, self.levels.tolist())
        return said == (other.metrics, other.infeasible, other.violation, other.failed, other.levels.tolist())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        if self.failed is not None:
            return f"Outcome(failed={self.failed!r}, design={self.design})"
        said = self.metrics if self.feasible else f"infeasible={self.infeasible!r}, violation={self.violation}"
        return f"Outcome({said}, design={self.design})"


class Outcomes:
    """What became of ``n`` designs, as columns that no one has copied.

    ``levels``: shape ``[n, d]``. ``metrics``: by name an array of shape ``[n]``, NaN where a design is infeasible or failed (NumPy has
    no null; the frames do). ``feasible``: shape ``[n]``. ``violation``: shape ``[n]``, 0 but where a rule is broken.
    """

    def __init__(self, space: Space, metrics: tuple[Metric, ...], columns: tuple[Any, ...]) -> None:
        levels, values, rule, rules, violation, causes = columns
        self.space = space
        self.about = metrics
        self.levels: np.ndarray = levels
        self.metrics: dict[str, np.ndarray] = dict(zip((it.name for it in metrics), values, strict=True))
        self.violation: np.ndarray = violation
        self._rule: np.ndarray = rule
        self._rules: list[str] = rules
        self._causes: dict[int, str] = dict(causes)

    def __len__(self) -> int:
        return len(self.levels)

    def __repr__(self) -> str:
        n_failed = len(self._causes)
        failed = f", {n_failed} failed" if n_failed else ""
        return f"Outcomes({len(self)} designs, {len(self) - int(self.feasible.sum()) - n_failed} infeasible{failed})"

    def __iter__(self) -> Iterator[Outcome]:
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: int) -> Outcome:
        if not 0 <= (place := index if index >= 0 else len(self) + index) < len(self):
            raise IndexError(f"there is no outcome {index} of {len(self)}")
        rule = int(self._rule[place])
        measured = {name: column.item(place) for name, column in self.metrics.items()} if rule == MEASURED else {}
        rule_name = None if rule < 0 else self._rules[rule]
        violation, failed = self.violation.item(place), self._causes.get(place)
        return Outcome(self.space, self.levels[place], measured, rule_name, violation, failed)

    @cached_property
    def feasible(self) -> np.ndarray:
        """Whether each design can be built and run, shape ``[n]``."""
        feasible: np.ndarray = self._rule == MEASURED
        return feasible

    @property
    def infeasible(self) -> list[str | None]:
        """The rule that each design breaks; none where it breaks none, or its evaluation failed."""
        return [None if rule < 0 else self._rules[rule] for rule in self._rule]

    @property
    def failed(self) -> list[str | None]:
        """Why each design's evaluation failed; none where it did not."""
        return [self._causes.get(place) for place in range(len(self))]

    @property
    def status(self) -> list[str]:
        """What became of each design: ``measured``, ``infeasible`` or ``failed``."""
        return [STATUSES[code] for code in self._status]

    @cached_property
    def _status(self) -> np.ndarray:
        """The number of each status, shape ``[n]``."""
        codes: np.ndarray = np.where(self.feasible, 0, np.where(self._rule == FAILED, 2, 1)).astype(np.int32)
        return codes

    @cached_property
    def _unbroken(self) -> np.ndarray:
        """Whether each design breaks no rule, shape ``[n]``."""
        return self._rule < 0

    @property
    def units(self) -> dict[str, str]:
        """The units of parameters and metrics by name; those without are left out."""
        named = [(parameter.name, parameter.unit) for parameter in self.space.parameters]
        named += [(metric.name, metric.unit) for metric in self.about]
        return {name: unit for name, unit in named if unit}

    def _told(self) -> tuple[np.ndarray, np.ndarray, list[str], np.ndarray, list[tuple[int, str]]]:
        """Metrics of shape ``[n, k]``, numbers of rules, the rules, violations, causes of failures."""
        metrics = np.empty((len(self), len(self.metrics)))
        for place, column in enumerate(self.metrics.values()):
            metrics[:, place] = column
        return metrics, self._rule, self._rules, self.violation, list(self._causes.items())

    def _numbers(self, place: int) -> np.ndarray:
        """The values of a parameter that is a number, shape ``[n]``: whole numbers if all of its levels are."""
        values: np.ndarray = np.asarray(self.space.parameters[place].levels)[self.levels[:, place]]
        return values

    def _more(self) -> dict[str, np.ndarray]:
        """Columns behind the rest."""
        return {}

    def to_arrow(self) -> pyarrow.Table:
        """A table of Arrow: parameters by value, categories as dictionaries, metrics (null where not measured), ``status``,
        ``infeasible``, the rule, ``violation``, and ``failed``, why an evaluation failed. The memory of the metrics is shared. Fields have
        their ``unit`` in their metadata."""
        import pyarrow as pa

        columns: dict[str, pa.Array] = {}
        for place, parameter in enumerate(self.space.parameters):
            if parameter.categorical:
                codes = self.levels[:, place].astype(np.int32)
                columns[parameter.name] = pa.DictionaryArray.from_arrays(codes, pa.array(list(parameter.levels)))
            else:
                columns[parameter.name] = pa.array(self._numbers(place))
        for name, column in self.metrics.items():
            columns[name] = pa.array(column, from_pandas=True)
        columns["status"] = pa.DictionaryArray.from_arrays(pa.array(self._status), pa.array(list(STATUSES)))
        codes = pa.array(self._rule, mask=self._unbroken)
        columns["infeasible"] = pa.DictionaryArray.from_arrays(codes, pa.array(self._rules, pa.string()))
        columns["violation"] = pa.array(self.violation, mask=self._unbroken)
        columns["failed"] = pa.array(self.failed, pa.string())
        for name, column in self._more().items():
            columns[name] = pa.array(column)
        units = self.units
        fields = [
            pa.field(name, column.type, metadata={"unit": units[name]} if name in units else None)
            for name, column in columns.items()
        ]
        return pa.Table.from_arrays(list(columns.values()), schema=pa.schema(fields))

    def to_polars(self) -> polars.DataFrame:
        """A data frame of Polars with the same columns; categories are enums, in the order of their levels. A metric is copied only
        if a design is infeasible, to make room for nulls."""
        import polars as pl

        columns: list[pl.Series] = []
        for place, parameter in enumerate(self.space.parameters):
            if parameter.categorical:
                names = [str(level) for level in parameter.levels]
                columns.append(pl.Series(parameter.name, names, pl.Enum(names)).gather(self.levels[:, place]))
            else:
                columns.append(pl.Series(parameter.name, self._numbers(place)))
        measured = [pl.Series(name, column) for name, column in self.metrics.items()]
        if not self.feasible.all():
            measured = [column.fill_nan(None) for column in measured]
        # Behind the rules stands the null of whatever breaks none.
        rules = pl.Series("infeasible", [*self._rules, None], pl.Enum(self._rules))
        columns += measured
        columns.append(pl.Series("status", list(STATUSES), pl.Enum(STATUSES)).gather(self._status))
        columns.append(rules.gather(np.where(self._unbroken, len(self._rules), self._rule)))
        columns.append(pl.Series("violation", np.where(self._unbroken, np.nan, self.violation)).fill_nan(None))
        columns.append(pl.Series("failed", self.failed, pl.String))
        columns += [pl.Series(name, column) for name, column in self._more().items()]
        return pl.DataFrame(columns)

    def to_pandas(self) -> pandas.DataFrame:
        """A data frame of pandas with the same columns, which shares the memory of the metrics; categories in the order of their
        levels. ``attrs["units"]`` are the units."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for place, parameter in enumerate(self.space.parameters):
            if parameter.categorical:
                codes = self.levels[:, place].astype(np.int32)
                columns[parameter.name] = pd.Categorical.from_codes(codes, list(parameter.levels), ordered=False)
            else:
                columns[parameter.name] = self._numbers(place)
        columns.update(self.metrics)
        columns["status"] = pd.Categorical.from_codes(self._status, list(STATUSES))
        columns["infeasible"] = pd.Categorical.from_codes(np.maximum(self._rule, -1), self._rules)
        columns["violation"] = np.where(self._unbroken, np.nan, self.violation)
        columns["failed"] = pd.array(self.failed, "string")
        columns.update(self._more())
        frame = pd.DataFrame({name: pd.Series(column, copy=False) for name, column in columns.items()}, copy=False)
        frame.attrs["units"] = self.units
        return frame


def told(about: tuple[Metric, ...], outcomes: Outcomes | Sequence[Outcome | Mapping[str, Any]]) -> tuple[Any, ...]:
    """What became of designs as the extension is told: metrics ``[n, k]``, numbers of rules, the rules, violations, causes of failures.

    Raises:
        ValueError: a metric is missing.
    """
    if isinstance(outcomes, Outcomes):
        return outcomes._told()
    names = [metric.name for metric in about]
    metrics = np.full((len(outcomes), len(names)), np.nan)
    rule, violation = np.full(len(outcomes), MEASURED, dtype=np.int32), np.zeros(len(outcomes))
    rules: list[str] = []
    causes: list[tuple[int, str]] = []
    for index, said in enumerate(outcomes):
        if isinstance(said, Outcome):
            outcome = {**said.metrics, "infeasible": said.infeasible, "violation": said.violation, "failed": said.failed}
        else:
            outcome = dict(said)
        broken, failed = outcome.get("infeasible"), outcome.get("failed")
        if isinstance(failed, str):
            rule[index] = FAILED
            causes.append((index, failed))
            continue
        if isinstance(broken, str):
            if broken not in rules:
                rules.append(broken)
            rule[index] = rules.index(broken)
            violation[index] = outcome.get("violation", 1.0)
            continue
        missing = [name for name in names if name not in outcome]
        if missing:
            raise ValueError(f"outcome {index}: metric `{missing[0]}` is missing")
        metrics[index] = [outcome[name] for name in names]
    return metrics, rule, rules, violation, causes
