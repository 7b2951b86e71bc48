"""Asking environments, and judging what they say."""

import os
import pickle
import signal
import threading
import time
import traceback

import numpy as np
import pytest

import tapeout


def illegal(space, n):
    """Levels of ``n`` designs that break rules."""
    n_levels = [len(parameter.levels) for parameter in space.parameters]
    drawn = np.random.default_rng(0).integers(0, n_levels, (50 * n, len(n_levels)))
    return drawn[~space.is_legal(drawn)][:n]


def test_one_design_and_many_have_the_same_metrics(edge):
    levels = edge.space.sample(20, seed=5)
    many = edge.evaluate(levels)
    for index, (row, values) in enumerate(zip(levels, edge.space.values(levels), strict=True)):
        one = edge.evaluate(row)
        assert one == many[index] == edge.evaluate(values)
        assert one.design == values
        assert one.feasible == many.feasible[index] == (one.infeasible is None)
    assert 0 < many.feasible.sum() < 20
    assert np.isnan(many.metrics["latency_s"]).tolist() == (~many.feasible).tolist()


def test_the_number_of_threads_changes_nothing(gemm):
    levels = gemm.space.sample(2000)
    one, two = (gemm.evaluate(levels, threads=threads).metrics for threads in (1, 2))
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_illegal_designs_are_refused_marked_or_repaired(gemm):
    levels = np.vstack([gemm.space.sample(2), illegal(gemm.space, 3)]).astype(np.uint32)
    rules = gemm.space.broken(levels)
    with pytest.raises(ValueError, match=f"rule `{rules[2]}`"):
        gemm.evaluate(levels)
    marked = gemm.evaluate(levels, on_illegal="mark")
    assert marked.infeasible == rules
    assert (marked.violation > 0).tolist() == [rule is not None for rule in rules]
    repaired = gemm.evaluate(levels, on_illegal="repair")
    assert np.array_equal(repaired.levels, gemm.space.repair(levels))
    assert np.array_equal(repaired.metrics["time_s"], gemm.evaluate(repaired.levels).metrics["time_s"])
    with pytest.raises(ValueError, match="expected `raise`, `mark` or `repair`"):
        gemm.evaluate(levels, on_illegal="forgive")


def test_environments_with_the_same_settings_share_what_they_are_made_of_and_pickle(gemm):
    began = time.process_time()
    again = [tapeout.Env("gpu-gemm-model") for _ in range(20)]
    # Building it takes some hundredths of a second each time.
    assert time.process_time() - began < 0.5
    copy = pickle.loads(pickle.dumps(gemm))
    assert copy.config == gemm.config == again[0].config
    levels = gemm.space.sample(3)
    assert np.array_equal(copy.evaluate(levels).metrics["time_s"], gemm.evaluate(levels).metrics["time_s"])


def test_wrong_names_and_settings_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean `gpu-gemm-model`"):
        tapeout.Env("gpu-gem-model")
    with pytest.raises(ValueError, match="networkz`: unknown setting; did you mean `networks`"):
        tapeout.Env("edge-accelerator", networkz=["resnet50"])


def test_an_evaluator_that_fails_raises_with_its_causes():
    env = tapeout.Env("gpu-gemm-compiled")
    if env.missing is None:
        pytest.skip("the compiler is there")
    with pytest.raises(tapeout.Failed) as caught:
        env.evaluate(env.space.sample(1)[0])
    text = "".join(traceback.format_exception(caught.value))
    assert "failed to evaluate" in str(caught.value)
    assert "direct cause" in text and "NVRTC" in text


def test_judging_by_hand(edge):
    outcomes = edge.evaluate(edge.space.sample(50))
    limit = float(np.nanmedian(outcomes.metrics["area_m2"]))
    problem = edge.problem(["latency_s", "max:utilization"], [f"area_m2 <= {limit}"])
    judged = problem.judge(outcomes)
    assert problem.objectives == ["min:latency_s", "max:utilization"]
    np.testing.assert_array_equal(judged.losses[:, 0], outcomes.metrics["latency_s"])
    np.testing.assert_array_equal(judged.losses[:, 1], -outcomes.metrics["utilization"])
    within = outcomes.feasible & (outcomes.metrics["area_m2"] <= limit)
    assert judged.acceptable.tolist() == within.tolist()
    # By how much a limit is overshot, relative to it.
    beyond = outcomes.feasible & ~within
    expected = outcomes.metrics["area_m2"][beyond] / limit - 1
    np.testing.assert_allclose(judged.violation[beyond], expected)
    with pytest.raises(ValueError, match="did you mean `latency_s`"):
        edge.problem("latency")


def test_ctrl_c_does_not_wait_for_a_slow_environment():
    slow = tapeout.Env("gemmini-accelerator")
    levels = slow.space.sample(400)
    pressed = []

    def press():
        pressed.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    timer = threading.Timer(0.3, press)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        slow.evaluate(levels, threads=1)
    # Ours: 0.02 s are usual, whatever a design takes; on a machine with many at work, a thread waits for its turn.
    assert time.perf_counter() - pressed[0] < 0.5
    timer.join()


@pytest.mark.parametrize("one_by_one", [False, True])
def test_a_forked_child_evaluates_as_its_parent(gemm, edge, one_by_one):
    """Many at once, and one by one: layers of a network are mapped side by side even for one design."""
    env = edge if one_by_one else gemm
    levels = env.space.sample(20 if one_by_one else 100)

    def latencies():
        if one_by_one:
            return [env.evaluate(row).violation for row in levels]
        return env.evaluate(levels, threads=2).metrics["time_s"].tolist()

    expected = latencies()
    child = os.fork()
    if child == 0:
        os._exit(0 if latencies() == expected else 1)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0
            return
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    pytest.fail("the child hangs")


def test_a_row_of_a_frame_is_the_design_that_it_says(gemm):
    pandas = pytest.importorskip("pandas")
    levels = gemm.space.sample(5, seed=3)
    frame = pandas.DataFrame(gemm.space.values(levels))
    expected = gemm.evaluate(levels)
    for index in range(len(frame)):
        assert gemm.evaluate(frame.iloc[index]) == expected[index]
    for row, outcome in zip(frame.itertuples(index=False), expected, strict=True):
        assert gemm.evaluate(row) == outcome


def test_outcomes_are_judged_by_problems_of_their_own_metrics(gemm, edge):
    with pytest.raises(ValueError, match="expected those of latency_s"):
        edge.problem().judge(gemm.evaluate(gemm.space.sample(3)))


def test_places_beyond_the_outcomes_are_refused(gemm):
    outcomes = gemm.evaluate(gemm.space.sample(3))
    assert outcomes[-3] == outcomes[0]
    for index in (3, -4):
        with pytest.raises(IndexError):
            outcomes[index]
