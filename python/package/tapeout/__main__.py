"""``python -m tapeout``: the console script."""

from tapeout._program import main

main()
