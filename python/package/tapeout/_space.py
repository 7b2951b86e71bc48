"""Design spaces: parameters with levels, and the designs that rules leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tapeout import _native

Value = int | float | str


@dataclass(frozen=True)
class Parameter:
    """One knob of a design.

    ``levels``: what it can be set to, in order; names if it is ``categorical``, numbers in ``unit`` otherwise.
    """

    name: str
    unit: str
    summary: str
    categorical: bool
    levels: tuple[Value, ...]


class Space:
    """The designs of an environment.

    A design is ``d`` levels, one for each parameter, counted from 0. Wherever designs are taken, they can be an array of whole
    numbers of shape ``[n, d]`` or ``[d]``, a dict of values by parameter, a list of these, or a data frame of Polars, pandas or
    Arrow with a column for each parameter (others are passed over).
    """

    def __init__(self, native: _native.Space) -> None:
        self._native = native
        self.parameters = tuple(
            Parameter(**{**about, "levels": tuple(about["levels"])}) for about in native.parameters()
        )
        self.names = tuple(parameter.name for parameter in self.parameters)

    def __repr__(self) -> str:
        return f"Space({', '.join(self.names)}; {self.cardinality} designs)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return self.fingerprint

    @property
    def cardinality(self) -> int:
        """How many designs are legal."""
        return self._native.cardinality()

    @property
    def rules(self) -> dict[str, str]:
        """The rules that legal designs obey, by name."""
        return dict(self._native.rules())

    @property
    def fingerprint(self) -> int:
        """A number that tells spaces apart by parameters, levels and rules."""
        return self._native.fingerprint()

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """Levels of ``n`` designs drawn uniformly from the legal ones, shape ``[n, d]``."""
        return self._native.sample(n, seed)

    def levels(self, designs: Any) -> np.ndarray:
        """Designs as levels, shape ``[n, d]``, legal or not.

        Raises:
            ValueError: a name is unknown or missing, or a value is no level.
            TypeError: they are none of what designs can be.
        """
        if isinstance(designs, np.ndarray):
            return self._of_array(designs)
        named = _named(designs)
        if named is not None:
            return self._native.levels_of([{name: named[name] for name in self.names if name in named}])
        rows = _rows(designs, self.names)
        if rows is not None:
            return self._native.levels_of(rows)
        designs = list(designs)
        if designs and all(isinstance(design, Mapping) for design in designs):
            return self._native.levels_of([dict(design) for design in designs])
        return self._of_array(np.asarray(designs).reshape(-1, len(self.names)) if not designs else np.asarray(designs))

    def _of_array(self, levels: np.ndarray) -> np.ndarray:
        if levels.dtype == np.uint32 and levels.ndim in (1, 2) and levels.flags.c_contiguous:
            return levels if levels.ndim == 2 else levels[None]
        if levels.size and levels.dtype.kind not in "iu":
            raise TypeError(f"levels are whole numbers counted from 0, got {levels.dtype}; values stand in dicts")
        if levels.size and levels.min() < 0:
            raise ValueError(f"levels are counted from 0, got {levels.min()}")
        if levels.ndim not in (1, 2):
            raise ValueError(f"levels have shape [n, d] or [d], got {list(levels.shape)}")
        if levels.size and levels.max() > np.iinfo(np.uint32).max:
            raise ValueError(f"there is no level number {levels.max()}")
        return np.ascontiguousarray(np.atleast_2d(levels), dtype=np.uint32)

    def values(self, levels: Any) -> list[dict[str, Value]]:
        """Designs as dicts of values by parameter.

        Raises:
            ValueError: there is no such level.
        """
        levels = self._checked(levels)
        columns = [
            [parameter.levels[level] for level in column]
            for parameter, column in zip(self.parameters, levels.T.tolist(), strict=True)
        ]
        return [dict(zip(self.names, row, strict=True)) for row in zip(*columns, strict=True)]

    def _checked(self, designs: Any) -> np.ndarray:
        levels = self.levels(designs)
        if levels.shape[1] != len(self.names):
            raise ValueError(f"a design of this space has {len(self.names)} levels, got {levels.shape[1]}")
        n_levels = np.array([len(parameter.levels) for parameter in self.parameters])
        beyond = np.argwhere(levels >= n_levels)
        if len(beyond):
            row, column = beyond[0]
            raise ValueError(f"parameter `{self.names[column]}`: there is no level number {levels[row, column]}")
        return levels

    def is_legal(self, designs: Any) -> np.ndarray:
        """Whether each design is legal, shape ``[n]``."""
        return self._native.is_legal(self.levels(designs))

    def broken(self, designs: Any) -> list[str | None]:
        """The first rule that each design breaks; none if it is legal."""
        return [rule and rule[0] for rule in self._native.broken(self._checked(designs))]

    def repair(self, designs: Any) -> np.ndarray:
        """Levels of the legal designs nearest to these, shape ``[n, d]``; a level beyond the last is taken as the last."""
        return self._native.repair(self.levels(designs))

    def encode(self, designs: Any, encoding: str = "log2-one-hot") -> np.ndarray:
        """Legal designs as numbers, shape ``[n, columns]``.

        ``encoding``: ``level-index``, ``unit-cube``, ``log2-one-hot`` or ``one-hot``.
        """
        return self._native.encode(self.levels(designs), encoding)[0]

    def columns(self, encoding: str = "log2-one-hot") -> list[str]:
        """A name for each column of an encoding."""
        return self._native.encode(self.sample(1), encoding)[1]

    def decode(self, numbers: np.ndarray, encoding: str = "log2-one-hot") -> np.ndarray:
        """Levels of the legal designs nearest to encoded ones, shape ``[n, d]``."""
        numbers = np.ascontiguousarray(np.atleast_2d(numbers), dtype=np.float64)
        return self._native.decode(numbers, encoding)

    def walk(self) -> Walk:
        """A walk through the decisions that make a design, in which only legal choices are offered."""
        return Walk(self)


class Walk:
    """Decides one parameter after another; offers only levels from which a legal design can still be reached."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._chosen: list[int] = []
        self._levels: dict[str, int] = {}
        self._look()

    def _look(self) -> None:
        index, allowed = self._space._native.walk(self._chosen)
        self.parameter: Parameter | None = None if index is None else self._space.parameters[index]
        """The parameter to decide now; none at the end."""
        self.allowed: list[int] = allowed
        """The levels that can be chosen now."""

    def choose(self, level: int) -> None:
        """Sets the parameter at hand to ``level``.

        Raises:
            ValueError: everything is decided, or the level is not allowed.
        """
        if self.parameter is None or level not in self.allowed:
            raise ValueError(f"level {level} cannot be chosen here; allowed are {self.allowed}")
        self._levels[self.parameter.name] = level
        self._chosen.append(level)
        self._look()

    @property
    def design(self) -> np.ndarray | None:
        """Levels of the design, shape ``[d]``; none until all is decided."""
        if self.parameter is not None:
            return None
        return np.array([self._levels[name] for name in self._space.names], dtype=np.uint32)


def _named(design: Any) -> Mapping[str, Any] | None:
    """Values by name of one design: a mapping, a row of pandas, a named tuple; none if it is none of these."""
    if isinstance(design, Mapping):
        return design
    if hasattr(design, "to_dict") and hasattr(design, "index") and not hasattr(design, "columns"):  # a row of pandas
        return {name: getattr(value, "item", lambda value=value: value)() for name, value in design.to_dict().items()}
    if hasattr(design, "_asdict"):  # a row of `itertuples` or `iter_rows(named=True)`
        return dict(design._asdict())
    return None


def _rows(designs: Any, names: Sequence[str]) -> list[dict[str, Value]] | None:
    """The rows of a data frame; none if it is none."""
    if hasattr(designs, "to_dicts") and hasattr(designs, "columns"):  # Polars
        frame: Iterable[dict[str, Any]] = designs.to_dicts()
    elif hasattr(designs, "to_pylist") and hasattr(designs, "column_names"):  # Arrow
        frame = designs.to_pylist()
    elif hasattr(designs, "to_dict") and hasattr(designs, "columns"):  # pandas
        frame = designs.to_dict("records")
    else:
        return None
    return [{name: row[name] for name in names if name in row} for row in frame]
