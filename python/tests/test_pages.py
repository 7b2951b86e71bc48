"""What the guide shows works as it stands there."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "guide" / "python.md"
NOTEBOOK = ROOT / "docs" / "guide" / "quick-start.ipynb"


def blocks() -> list[str]:
    """The examples of the page."""
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_examples_of_the_page_run_one_after_another(tmp_path, monkeypatch, capsys):
    pytest.importorskip("optuna")
    pytest.importorskip("pymoo")
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    assert len(blocks()) >= 7
    for block in blocks():
        assert len(block.splitlines()) < 40
        exec(compile(block, PAGE.name, "exec"), names)
        assert capsys.readouterr().out


def test_the_notebook_runs_and_holds_no_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cells = [cell for cell in json.loads(NOTEBOOK.read_text())["cells"] if cell["cell_type"] == "code"]
    assert len(cells) >= 5 and not any(cell["outputs"] for cell in cells)
    names: dict[str, object] = {}
    for cell in cells:
        exec(compile("".join(cell["source"]), NOTEBOOK.name, "exec"), names)
