"""Agents and environments of one's own: classes, under the names that the catalog has for them."""

from __future__ import annotations

import inspect
import os
import sys
from typing import Any


def not_while_loading() -> None:
    """Whatever starts processes for classes asks this first.

    Raises:
        RuntimeError: this process is one of these, and only loads the class.
    """
    # `process/src/worker.py` has it there as long.
    if "__tapeout_loading__" in sys.modules:
        raise RuntimeError(
            "a search begins while its class is loaded in a process of its own, which would begin it again and again: put what searches "
            'under `if __name__ == "__main__":` in the file of the class, or the class into a file of its own'
        )


def named(what: str | type, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The name and settings of an agent or environment. A class is ``python``, with its file, and ``config`` is what it is made with.

    Raises:
        TypeError: it is neither.
        ValueError: another process could not find the class.
        RuntimeError: this process loads the class, and a class would start another.
    """
    if isinstance(what, str):
        return what, config
    not_while_loading()
    if not isinstance(what, type):
        kind = type(what).__name__
        raise TypeError(f"got an object of type `{kind}`, expected a name or a class: give `{kind}` itself, and what it is made with as keywords")
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
