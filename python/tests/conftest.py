"""What tests share: environments, made once."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import tapeout

# A shell's job in the background ignores what Ctrl-C sends, and so would those that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

#: Environments that can be asked here with their default settings.
ASKED = [name for name, _, _, is_complete in tapeout._native.envs() if is_complete and not tapeout.Env(name).missing]


@pytest.fixture(scope="session")
def gemm() -> tapeout.Env:
    """A model of kernels for matrix products: microseconds a design, rules between parameters."""
    return tapeout.Env("gpu-gemm-model")


@pytest.fixture(scope="session")
def edge() -> tapeout.Env:
    """An accelerator with two objectives, of which some designs are infeasible."""
    return tapeout.Env("edge-accelerator")


@pytest.fixture
def program(tmp_path: Path):
    """Runs the console script in a folder of its own, and returns what it prints."""

    def run(*arguments: str) -> str:
        start = "from tapeout._program import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", start, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=os.environ,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
