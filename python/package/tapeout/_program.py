"""The program ``tapeout``, in this process."""

from __future__ import annotations

import signal
import sys

from tapeout import _native


def command(*arguments: str) -> str:
    """What the program ``tapeout`` prints for these arguments: ``command("compare", "--env", "recorded-kernel", "--json")``.

    Where it starts itself, to measure, ``python -m tapeout`` is started.

    Raises:
        ValueError: the arguments, or what they name, cannot be used.
        Failed: something failed on the way.
    """
    return _native.answer(["tapeout", *arguments])


def main() -> None:
    """The console script: does what the process's arguments say, and exits as the program does."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # the program listens for Ctrl-C itself
    sys.exit(_native.main(sys.argv))
