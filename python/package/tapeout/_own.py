"""Agents and environments of one's own: classes, under the names that the catalog has for them."""

from __future__ import annotations

import inspect
import os
from typing import Any


def named(what: str | type, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name and settings of an agent or environment. A class is ``python``, with its file, and ``config`` is what it is made with.

    Raises:
        ValueError: another process could not find the class.
    """
    if isinstance(what, str):
        return what, config
    name = what.__qualname__
    if "<locals>" in name:
        raise ValueError(f"`{name}` is made in a function, where a process of its own does not find it: move it to the top of its file")
    try:
        file = inspect.getsourcefile(what)
    except (TypeError, OSError):  # in a notebook, or typed at the prompt
        file = None
    if file is None or not file.endswith(".py"):
        raise ValueError(f"`{name}` is in no file, where a process of its own would find it: write it to one, and import it")
    return "python", {"class": f"{os.path.abspath(file)}:{name}", "settings": config}
