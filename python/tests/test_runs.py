"""Runs are those of the program, byte for byte but for their timings."""

import os
import signal
import subprocess
import sys
import threading
import tomllib
from pathlib import Path

import numpy as np
import pytest

import tapeout


def log(folder: Path) -> list[str]:
    """The lines of a log without their timings."""
    return [line.split(',"timing":')[0] for line in (folder / "trials.jsonl").read_text().splitlines()]


def test_the_program_a_run_and_a_loop_of_ones_own_write_the_same_log(gemm, program, tmp_path):
    program("search", "--env", "gpu-gemm-model", "--agent", "tpe", "--trials", "90", "--seed", "3", "--out", "program", "--quiet")
    tapeout.run(gemm, "tpe", trials=90, seed=3, out=tmp_path / "run", threads=2)
    agent = tapeout.Agent("tpe", gemm, trials=90, seed=3, out=tmp_path / "agent")
    while len(designs := agent.ask()):
        agent.tell(gemm.evaluate(designs[:7]))
    assert agent.stop == "all trials of the budget are done"
    expected = log(tmp_path / "program")
    assert len(expected) == 91
    assert log(tmp_path / "run") == expected
    assert log(tmp_path / "agent") == expected
    # The spec is the same too, so either goes on with what the other began.
    specs = [tomllib.loads((tmp_path / folder / "spec.toml").read_text()) for folder in ("program", "run", "agent")]
    assert specs[0] == specs[1] == specs[2]
    assert program("replay", "agent").startswith("90 trials replayed")


def test_a_run_is_read_and_gone_on_with(gemm, tmp_path):
    whole = tapeout.run(gemm, "ga", trials=120)
    tapeout.run(gemm, "ga", trials=50, out=tmp_path / "run")
    assert len(tapeout.load(tmp_path / "run")) == 50
    resumed = tapeout.resume(tmp_path / "run", trials=120)
    assert np.array_equal(resumed.trials.levels, whole.trials.levels)
    assert tapeout.load(tmp_path / "run").best() == whole.best()
    assert resumed.folder == str(tmp_path / "run") and whole.folder is None
    with pytest.raises(ValueError, match="there is a run in this folder already"):
        tapeout.run(gemm, "ga", trials=50, out=tmp_path / "run")
    with pytest.raises(ValueError, match="there is no run in this folder"):
        tapeout.load(tmp_path)


def test_front_and_best_are_what_no_trial_dominates(edge):
    run = tapeout.run(edge, "nsga2", trials=150, objectives=["latency_s", "energy_j"])
    trials = run.trials
    latency, energy = trials.metrics["latency_s"], trials.metrics["energy_j"]
    acceptable = [(a, b) for a, b, ok in zip(latency, energy, trials.acceptable, strict=True) if ok]
    front = {point for point in acceptable if not any(a <= point[0] and b <= point[1] and (a, b) != point for a, b in acceptable)}
    assert {(it.metrics["latency_s"], it.metrics["energy_j"]) for it in run.front()} == front
    assert run.best().metrics["latency_s"] == min(acceptable)[0]
    assert run.best(1).metrics["energy_j"] == min(b for _, b in acceptable)
    with pytest.raises(ValueError, match="expected a number below 2"):
        run.best(2)
    assert run._repr_svg_().startswith("<svg")


def test_an_agent_is_told_of_somebody_elses_simulator_in_dicts(edge):
    agent = tapeout.Agent("random", edge, batch=4)
    asked = agent.ask()
    assert np.array_equal(asked, agent.ask())
    measured = {"latency_s": 1.0, "energy_j": 2.0, "area_m2": 3e-6, "utilization": 0.5, "mapping_gap": 0.1}
    with pytest.raises(ValueError, match="outcome 0: metric `latency_s` is missing"):
        agent.tell([{"energy_j": 2.0}])
    with pytest.raises(ValueError, match="not the outcomes of the designs that were asked about"):
        agent.tell(edge.evaluate(edge.space.sample(1, seed=99)))
    with pytest.raises(ValueError, match="`energy_j` is NaN"):
        agent.tell([{**measured, "energy_j": float("nan")}])
    agent.tell([measured, {"infeasible": "does_not_route", "violation": 2.0}])
    agent.tell([{"failed": "no licence"}])
    assert len(agent) == 3 and np.array_equal(agent.ask(), asked[3:])
    first, second, third = agent.run().trials
    assert first.metrics["energy_j"] == 2.0
    assert (second.infeasible, second.violation) == ("does_not_route", 2.0)
    assert (third.status, third.failed, third.infeasible) == ("failed", "no licence", None)


def test_ctrl_c_ends_a_run_in_good_order(tmp_path):
    slow = tapeout.Env("gemmini-accelerator")
    timer = threading.Timer(1.0, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        tapeout.run(slow, "random", trials=100_000, batch=4, out=tmp_path / "run")
    timer.join()
    kept = len(tapeout.load(tmp_path / "run"))
    assert kept > 0
    assert len(tapeout.resume(tmp_path / "run", trials=kept + 1)) == kept + 1


def test_wrong_plans_are_refused_before_anything_is_run(gemm):
    with pytest.raises(ValueError, match="did you mean `tpe`"):
        tapeout.run(gemm, "tpee", trials=10)
    with pytest.raises(ValueError, match="populaton`: unknown setting; did you mean `population`"):
        tapeout.run(gemm, "ga", trials=10, populaton=5)
    with pytest.raises(ValueError, match="unknown metric"):
        tapeout.run(gemm, "ga", trials=10, objectives="speed")


def test_commands_of_the_program_answer_here_too(tmp_path):
    assert "gpu-gemm-model" in tapeout.command("list", "envs")
    with pytest.raises(ValueError, match="unknown name `gpu-gem-model`; did you mean `gpu-gemm-model`"):
        tapeout.command("describe", "gpu-gem-model")
    assert "tpe" in tapeout.agents() and "edge-accelerator" in tapeout.envs() and "prime" in tapeout.learners()


def test_agents_are_told_outcomes_one_by_one_and_rows_of_frames(gemm):
    told = []
    for say in (lambda outcomes: outcomes, list, lambda outcomes: iter(outcomes), lambda outcomes: outcomes.to_pandas().to_dict("records")):
        agent = tapeout.Agent("ga", gemm, seed=1)
        for _ in range(2):
            agent.tell(say(gemm.evaluate(agent.ask())))
        told.append([outcome.design for outcome in agent.run().front()])
    assert all(designs == told[0] for designs in told)


def test_a_loop_that_is_logged_says_how_long_it_is(gemm, tmp_path):
    with pytest.raises(ValueError, match="`trials`"):
        tapeout.Agent("ga", gemm, out=tmp_path / "run")


def test_commands_leave_signals_to_the_interpreter(tmp_path):
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    code = (
        "import os, signal, sys, tapeout\n"
        f"tapeout.command('search', '--env', 'gpu-gemm-model', '--trials', '20', '--out', {str(tmp_path / 'run')!r})\n"
        "for _ in range(3):\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        for _ in range(1000): pass\n"
        "        sys.exit(3)\n"
        "    except KeyboardInterrupt:\n"
        "        pass\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "sys.exit(4)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGTERM, done.stderr
    assert handlers == [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]


class Elsewhere:
    """Evaluates in its own way what it is asked about, until it has had enough."""

    threads = 3

    def __init__(self, env, answers=1_000_000):
        self.env, self.answers, self.asked = env, answers, 0

    def evaluate(self, levels, is_over):
        assert not is_over()
        self.asked += len(levels)
        if self.asked > self.answers:
            raise OSError("the last machine is gone")
        return [{**o.metrics, "infeasible": o.infeasible, "violation": o.violation} for o in self.env.evaluate(levels)]


def test_designs_are_evaluated_by_whoever_is_named_and_the_run_is_the_same(edge, tmp_path):
    here = tapeout.run(edge, "nsga2", trials=100, seed=4)
    elsewhere = Elsewhere(edge)
    there = tapeout.run(edge, "nsga2", trials=100, seed=4, evaluator=elsewhere)
    assert elsewhere.asked == 100
    assert list(there.trials) == list(here.trials)
    with pytest.raises(tapeout.Failed) as raised:
        tapeout.run(edge, "nsga2", trials=100, seed=4, evaluator=Elsewhere(edge, 50), out=tmp_path / "run")
    assert isinstance(raised.value.__cause__.__cause__, OSError)
    assert 0 < len(tapeout.load(tmp_path / "run")) <= 50
    assert list(tapeout.resume(tmp_path / "run", 80).trials) == list(here.trials)[:80]
    elsewhere = Elsewhere(edge)
    assert list(tapeout.resume(tmp_path / "run", 100, evaluator=elsewhere).trials) == list(here.trials)
    assert elsewhere.asked == 20
    other = tapeout.Env("edge-accelerator", networks=["alexnet"])
    with pytest.raises(ValueError, match="evaluator: it is one of"):
        tapeout.run(edge, evaluator=Elsewhere(other))
    with pytest.raises(ValueError, match="evaluator: it is one of"):
        tapeout.resume(tmp_path / "run", 120, evaluator=Elsewhere(other))
