"""Other optimisers over environments: whatever they propose, what is evaluated is legal."""

import numpy as np
import pytest

import tapeout

optuna = pytest.importorskip("optuna")
pytest.importorskip("pymoo")

from pymoo.algorithms.moo.nsga2 import NSGA2  # noqa: E402
from pymoo.optimize import minimize  # noqa: E402

from tapeout.optuna import Objective, Sampler, distributions  # noqa: E402
from tapeout.pymoo import DesignProblem, operators  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_designs_that_tpe_proposes_are_repaired(gemm):
    objective = Objective(gemm)
    study = optuna.create_study(directions=objective.directions, sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=40)
    designs = [trial.user_attrs["design"] for trial in study.trials]
    assert len(designs) == 40 and gemm.space.is_legal(designs).all()
    best = gemm.evaluate(study.best_trial.user_attrs["design"])
    assert study.best_value == best.metrics["time_s"]
    # What it proposed itself was not always legal: otherwise nothing would have been repaired.
    proposed = [list(distributions(gemm)[name].to_internal_repr(trial.params[name]) for name in gemm.space.names) for trial in study.trials]
    assert not gemm.space.is_legal(np.array(proposed, dtype=int)).all()


def test_infeasible_designs_are_pruned_and_limits_are_constraints(edge):
    objective = Objective(edge, ["latency_s", "max:utilization"], ["area_m2 <= 5 mm2"])
    assert objective.directions == ["minimize", "maximize"]
    study = optuna.create_study(directions=objective.directions, sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=60)
    pruned = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.PRUNED]
    done = [trial for trial in study.trials if trial.state == optuna.trial.TrialState.COMPLETE]
    assert pruned and done
    assert all(trial.user_attrs["infeasible"] for trial in pruned)
    for trial in done:
        assert trial.values == [trial.user_attrs["metrics"]["latency_s"], trial.user_attrs["metrics"]["utilization"]]
        assert (trial.constraints["constraint_violation"] > 0) == (trial.user_attrs["metrics"]["area_m2"] > 5e-6)


def test_an_agent_as_a_sampler_proposes_what_it_does_by_itself(gemm):
    study = optuna.create_study(sampler=Sampler("tpe", gemm, seed=4))
    study.optimize(Objective(gemm), n_trials=60)
    alone = tapeout.run(gemm, "tpe", trials=60, seed=4, batch=1)
    assert [trial.user_attrs["design"] for trial in study.trials] == gemm.space.values(alone.trials.levels)


def test_what_pymoo_breeds_is_legal_and_its_front_is_measured(edge):
    problem = DesignProblem(edge, constraints=["area_m2 <= 20 mm2"])
    found = minimize(problem, NSGA2(pop_size=12, **operators()), ("n_gen", 4), seed=0)
    assert edge.space.is_legal(found.pop.get("X").astype(int)).all()
    outcomes = edge.evaluate(found.X.astype(int))
    np.testing.assert_array_equal(found.F[:, 0], outcomes.metrics["latency_s"])
    assert (outcomes.metrics["area_m2"] <= 20e-6).all()
