"""Types say what there is."""

import subprocess
import sys

import pytest


def test_stubs_are_what_the_extension_has():
    pytest.importorskip("mypy")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "tapeout._native"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout
