"""Designs evaluated by workers of Ray: a job of its own, since Ray takes seconds and half a gigabyte to start.

    pip install '.[ray]' pytest && pytest python/cluster
"""

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
import ray

import tapeout
import tapeout.ray

# Workers do not find this file by its name.
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])

# What a class of one's own does in a worker that is lost, hangs or differs: by files, since it is in another process.
OWN = '''
import os, time
from pathlib import Path

class Touchy:
    parameters = {"a": list(range(16)), "b": list(range(16))}
    metrics = {"latency_s": "s"}
    objectives = ["latency_s"]

    def __init__(self, folder):
        self.folder = Path(folder)

    def evaluate(self, design):
        if design["a"] == 3 and (self.folder / "hang").exists():
            (self.folder / "hang").unlink()
            time.sleep(600)
        return {"latency_s": 1e-9 * (1 + (design["a"] - 7) ** 2 + (design["b"] - 5) ** 2)}
'''


@pytest.fixture(scope="session", autouse=True)
def cluster():
    for attempt in range(2):
        try:  # its start fails at times on a machine with much to do
            ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", object_store_memory=200 * 2**20)
            break
        except Exception:
            if attempt:
                raise
    yield
    ray.shutdown()


@pytest.fixture
def edge():
    return tapeout.Env("edge-accelerator")


@pytest.fixture
def workers(edge):
    evaluator = tapeout.ray.Evaluator(edge, workers=2)
    yield evaluator
    evaluator.close()


def trials(folder):
    """The trials of a log without their timings."""
    return [line.split(',"timing":')[0] for line in (Path(folder) / "trials.jsonl").read_text().splitlines()]


def test_the_log_is_that_of_a_run_without_workers_also_when_they_are_killed(edge, workers, tmp_path):
    tapeout.run(edge, "nsga2", trials=200, seed=1, out=tmp_path / "here")
    stop, killed = threading.Event(), []

    def kill():
        while not stop.is_set():
            victim = workers.processes()[len(killed) % 2]
            time.sleep(0.05)
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)
            stop.wait(1.0)

    workers.processes()
    killer = threading.Thread(target=kill)
    killer.start()
    try:
        tapeout.run(edge, "nsga2", trials=200, seed=1, out=tmp_path / "there", evaluator=workers)
    finally:
        stop.set()
        killer.join()
    assert killed
    assert trials(tmp_path / "there") == trials(tmp_path / "here")


class Killer(tapeout.Env):
    """An environment whose first legal design of a run ends the process that evaluates it, unless that is the test's own."""

    fatal: list[int] | None = None
    home = os.getpid()

    def __reduce__(self):
        return again, (self.id, self.config, self.fatal, self.home)

    def evaluate(self, designs, **how):
        if self.fatal is not None and os.getpid() != self.home and self.fatal in [list(map(int, row)) for row in designs]:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().evaluate(designs, **how)


def again(id, config, fatal, home):
    env = Killer(id, **config)
    env.fatal, env.home = fatal, home
    return env


def test_a_design_that_kills_each_worker_ends_the_run_with_its_name_and_a_log_that_is_gone_on_with(tmp_path):
    env = Killer("edge-accelerator")
    whole = tapeout.run(env, "random", trials=60, out=tmp_path / "here")
    env.fatal = [int(level) for level in whole.trials[40].levels]
    evaluator = tapeout.ray.Evaluator(env, workers=1)
    try:
        with pytest.raises(tapeout.Failed) as raised:
            tapeout.run(env, "random", trials=60, out=tmp_path / "there", evaluator=evaluator)
    finally:
        evaluator.close()
    causes, cause = [], raised.value
    while cause is not None:
        causes.append(str(cause))
        cause = cause.__cause__
    assert any("4 workers in a row were lost over the design" in said and str(whole.trials[40].design) in said for said in causes)
    left = trials(tmp_path / "there")
    assert 1 < len(left) <= 41 and left == trials(tmp_path / "here")[: len(left)]
    tapeout.resume(tmp_path / "there")
    assert trials(tmp_path / "there") == trials(tmp_path / "here")


def test_a_worker_that_takes_too_long_is_started_anew(tmp_path, caplog):
    (tmp_path / "own_touchy.py").write_text(OWN)
    env = tapeout.Env("python", **{"class": f"{tmp_path}/own_touchy.py:Touchy", "settings": {"folder": str(tmp_path)}})
    here = tapeout.run(env, "random", trials=60)
    (tmp_path / "hang").touch()
    evaluator = tapeout.ray.Evaluator(env, workers=1, limit_s=3.0)
    try:
        with caplog.at_level(logging.WARNING, "tapeout.ray"):
            there = tapeout.run(env, "random", trials=60, evaluator=evaluator)
    finally:
        evaluator.close()
    assert "has not answered in 3 s" in caplog.text
    assert list(there.trials) == list(here.trials)


def test_a_worker_that_is_not_the_same_is_refused(edge):
    for what in ["version of tapeout", "version of the environment", "space", "result for a probe design"]:
        other = tapeout.ray.Evaluator(edge, workers=1)
        other._known = {**other._known, what: b"another"}
        try:
            with pytest.raises(tapeout.Failed, match=f"a worker has another {what}"):
                other.evaluate(edge.space.sample(1, seed=3))
        finally:
            other.close()


def test_who_has_no_worker_waits_says_so_and_hears_that_the_run_is_over(edge, workers, caplog, monkeypatch):
    workers.processes()  # both processors are taken
    monkeypatch.setattr(tapeout.ray, "_SAY_S", 0.5)
    late = tapeout.ray.Evaluator(edge, workers=1)
    began_s = time.monotonic()
    try:
        with caplog.at_level(logging.WARNING, "tapeout.ray"), pytest.raises(tapeout.Failed, match="interrupted"):
            late.evaluate(edge.space.sample(1, seed=3), lambda: time.monotonic() > began_s + 2)
    finally:
        late.close()
    assert "no worker for" in caplog.text


def test_numbers_out_of_range_are_refused(edge):
    with pytest.raises(ValueError, match="workers: got 0"):
        tapeout.ray.Evaluator(edge, workers=0)
    with pytest.raises(ValueError, match="limit_s: got 0"):
        tapeout.ray.Evaluator(edge, workers=1, limit_s=0)
