"""Trials as frames: nothing is copied that need not be, and nothing is lost."""

import numpy as np
import polars
import pytest

import tapeout


@pytest.fixture(scope="module")
def run(edge):
    """A run with infeasible trials."""
    return tapeout.run(edge, "random", trials=120)


def test_all_frames_hold_the_same(run):
    frames = [run.to_polars().to_dicts(), run.to_arrow().to_pylist()]
    assert frames[0] == frames[1]
    pandas_rows = run.to_pandas().to_dict("records")
    for row, other, trial in zip(frames[0], pandas_rows, run.trials, strict=True):
        for name, value in trial.design.items():
            assert row[name] == other[name] == value
        assert row["infeasible"] == trial.infeasible
        for name in run.trials.metrics:
            if trial.feasible:
                assert row[name] == other[name] == trial.metrics[name]
            else:
                assert row[name] is None and np.isnan(other[name])
        assert row["violation"] == (None if trial.feasible else trial.violation)
    assert sum(row["infeasible"] is None for row in frames[0]) == run.trials.feasible.sum() < 120


def test_categories_keep_the_order_of_their_levels(gemm):
    outcomes = gemm.evaluate(gemm.space.sample(10))
    swizzle = next(parameter for parameter in gemm.space.parameters if parameter.name == "swizzle")
    assert outcomes.to_polars()["swizzle"].dtype == polars.Enum(list(swizzle.levels))
    assert outcomes.to_pandas()["swizzle"].cat.categories.tolist() == list(swizzle.levels)
    assert outcomes.to_arrow()["swizzle"].chunk(0).dictionary.to_pylist() == list(swizzle.levels)


def test_the_memory_of_metrics_is_shared(gemm):
    outcomes = gemm.evaluate(gemm.space.sample(1000))
    column = outcomes.metrics["time_s"]
    place = column.__array_interface__["data"][0]
    assert outcomes.to_arrow()["time_s"].chunk(0).buffers()[1].address == place
    assert outcomes.to_pandas()["time_s"].to_numpy().__array_interface__["data"][0] == place
    assert outcomes.to_polars()["time_s"].to_numpy().__array_interface__["data"][0] == place


def test_units_go_along(run):
    assert run.trials.units["latency_s"] == "s"
    assert run.to_pandas().attrs["units"]["area_m2"] == "m2"
    assert run.to_arrow().schema.field("energy_j").metadata == {b"unit": b"J"}
