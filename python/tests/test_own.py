"""Agents and environments that are classes in Python."""

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from test_runs import log

import tapeout

EXAMPLES = Path(__file__).parents[2] / "examples"

FAULTY = """
import time

class Faulty:
    parameters = {"x": {"low": 0, "high": 99}}
    metrics = {"loss": "s"}
    objectives = ["loss"]

    def __init__(self, waits_s=0):
        self.waits_s = waits_s

    def evaluate(self, design):
        time.sleep(self.waits_s)
        if design["x"] == 7:
            raise ValueError("seven")
        if design["x"] == 8:
            return {"infeasible": "eight", "violation": 2}
        return {"loss": design["x"]}
"""


@pytest.fixture
def own(monkeypatch, tmp_path):
    """The classes of the guide, and one that fails."""
    (tmp_path / "faulty.py").write_text(FAULTY)
    for folder in (EXAMPLES / "own-agent", EXAMPLES / "own-simulator", tmp_path):
        monkeypatch.syspath_prepend(folder)
    from cache import Cache
    from climber import HillClimber
    from faulty import Faulty

    yield Cache, HillClimber, Faulty
    del sys.modules["faulty"]


def test_the_program_a_run_and_a_loop_of_ones_own_write_the_same_log_with_classes(own, program, tmp_path):
    cache, climber, _ = own
    run = tapeout.run(cache, climber, trials=32, batch=8, objectives="misses", out=tmp_path / "run", threads=2, patience=5)
    assert len(run) == 32 and run.best().metrics["misses"] < np.nanmedian(run.trials.metrics["misses"])
    classes = [f"env.class={EXAMPLES / 'own-simulator' / 'cache.py'}:Cache", f"agent.class={EXAMPLES / 'own-agent' / 'climber.py'}:HillClimber"]
    settings = [flag for setting in [*classes, "agent.settings.patience=5"] for flag in ("--set", setting)]
    program("search", "--env", "python", "--agent", "python", *settings, "--objective", "misses", "--trials", "32", "--batch", "8", "--out", "program", "--quiet")
    agent = tapeout.Agent(climber, cache, trials=32, batch=8, objectives="misses", out=tmp_path / "agent", patience=5)
    while len(designs := agent.ask()):
        agent.tell(agent.env.evaluate(designs))
    expected = log(tmp_path / "program")
    assert log(tmp_path / "run") == expected == log(tmp_path / "agent")
    assert program("replay", "agent").startswith("32 trials replayed")


def test_failures_are_told_as_what_they_are(own):
    env = tapeout.Env(own[2])
    designs = [{"x": x} for x in (6, 7, 8)]
    with pytest.raises(tapeout.Failed):
        env.evaluate(designs)
    outcomes = env.evaluate(designs, on_failure="mark")
    assert outcomes.status == ["measured", "failed", "infeasible"]
    assert [outcome.status for outcome in outcomes] == outcomes.status
    assert outcomes.infeasible == [None, None, "eight"] and outcomes.violation.tolist() == [0, 0, 2]
    cause = outcomes[1].failed
    assert cause.startswith("it says: ValueError: seven\nTraceback") and "in evaluate" in cause
    assert outcomes.failed == [None, cause, None] and not outcomes[1].feasible and outcomes[1].infeasible is None
    for rows in (outcomes.to_polars().to_dicts(), outcomes.to_arrow().to_pylist()):
        assert [(row["status"], row["failed"], row["infeasible"], row["loss"]) for row in rows] == [
            ("measured", None, None, 6),
            ("failed", cause, None, None),
            ("infeasible", None, "eight", None),
        ]
    judged = env.problem().judge(outcomes)
    assert judged.feasible.tolist() == [True, False, False]
    told = []
    for say in (outcomes, list(outcomes), outcomes.to_pandas().to_dict("records"), outcomes.to_polars().to_dicts()):
        agent = tapeout.Agent("grid", env, batch=9)
        agent.ask()
        agent.tell(env.evaluate(agent._asked[:6]))
        agent.tell(say)
        told.append([(trial.status, trial.failed) for trial in agent.run().trials][6:])
    assert all(said == [("measured", None), ("failed", cause), ("infeasible", None)] for said in told)
    run = tapeout.run(env, "grid", trials=20)
    assert run.trials[7].failed == cause


def test_gymnasium_ends_an_episode_whose_evaluation_failed_if_it_is_to(own):
    view = pytest.importorskip("tapeout.gymnasium")
    env = view.DesignEnv(own[2], on_failure="end", reward="sum")
    env.reset()
    _, reward, ended, _, info = env.step([7])
    assert ended and reward == env.task_scale[1] and "ValueError: seven" in info["failed"]
    vector = view.VectorDesignEnv(own[2], 2, on_failure="end", reward="sum")
    vector.reset()
    _, _, ended, _, infos = vector.step(np.array([[6], [7]]))
    assert ended.all() and infos["_failed"].tolist() == [False, True] and "seven" in infos["failed"][1]
    copy = pickle.loads(pickle.dumps(env))
    copy.reset()
    assert "failed" in copy.step([7])[-1]
    raises = view.DesignEnv(own[2], reward="sum")
    raises.reset()
    with pytest.raises(tapeout.Failed):
        raises.step([7])
    with pytest.raises(ValueError, match="expected `raise` or `end`"):
        view.DesignEnv(own[2], on_failure="mark")


def test_ctrl_c_does_not_wait_for_a_design(own):
    env = tapeout.Env(own[2], waits_s=3)
    pressed = []

    def press():
        pressed.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        env.evaluate([{"x": 1}, {"x": 2}], threads=1)
    # Ours: the design takes three seconds.
    assert time.perf_counter() - pressed[0] < 0.5
    timer.join()


def test_a_class_that_no_other_process_finds_is_refused(own):
    class Hidden:
        pass

    with pytest.raises(ValueError, match="move it to the top of its file"):
        tapeout.Env(Hidden)
    typed = type("Typed", (), {"__module__": "nowhere"})
    with pytest.raises(ValueError, match="write it to one"):
        tapeout.Env(typed)
    with pytest.raises(ValueError, match="unexpected keyword argument 'wait_s'"):
        tapeout.Env(own[2], wait_s=1)


SCRIPT = """
import tapeout

class Mine:
    parameters = {"x": {"low": 0, "high": 99}}
    metrics = ["loss"]
    objectives = ["loss"]

    def evaluate(self, design):
        return {"loss": design["x"]}

print(len(tapeout.run(Mine, "random", trials=8)))
"""


def test_a_script_whose_class_would_begin_its_search_again_is_told_the_remedy(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    # Ours: a chain of processes would not end.
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 1 and 'put what searches under `if __name__ == "__main__":`' in ran.stderr
    script.write_text(SCRIPT.replace("print(", 'if __name__ == "__main__":\n    print('))
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert (ran.returncode, ran.stdout) == (0, "8\n")


def test_what_is_made_of_a_class_is_not_taken_for_it(own):
    for made in (lambda: tapeout.Env(own[2]()), lambda: tapeout.run(own[2], object())):
        with pytest.raises(TypeError, match="expected a name or a class"):
            made()


def test_the_default_reward_passes_over_designs_whose_evaluation_failed(own, tmp_path):
    view = pytest.importorskip("tapeout.gymnasium")
    (tmp_path / "odd.py").write_text(FAULTY.replace("Faulty", "Odd").replace('design["x"] == 7', 'design["x"] % 4 == 3'))
    from odd import Odd

    env = view.DesignEnv(Odd, on_failure="end")
    env.reset()
    _, reward, ended, _, info = env.step([7])
    assert ended and reward == env.task_scale[1] and "seven" in info["failed"]


def test_a_forked_child_asks_processes_of_its_own(own):
    env = tapeout.Env(own[2])
    expected = env.evaluate([{"x": 3}])[0]
    child = os.fork()
    if child == 0:
        os._exit(0 if env.evaluate([{"x": 3}])[0] == expected else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert env.evaluate([{"x": 3}])[0] == expected


def test_the_program_measures_in_processes_of_its_own(program):
    told = program("measure", "--rehearse", "--designs", "4", "--threads", "1", "--out", "table.jsonl", "--quiet")
    assert "f16-u8" in told
