"""Data sets, models, and design from logs alone."""

import json

import numpy as np
import pytest

import tapeout


@pytest.fixture(scope="module")
def logged(edge, tmp_path_factory):
    """A data set of one run."""
    folder = tmp_path_factory.mktemp("logged")
    tapeout.run(edge, "random", trials=200, out=folder / "run")
    dataset = tapeout.Dataset.of_runs([folder / "run"])
    dataset.save(folder / "dataset")
    return folder / "dataset"


def test_a_data_set_holds_the_trials_of_its_runs_and_is_read_back(edge, logged):
    dataset = tapeout.Dataset.load(logged)
    assert len(dataset) == 200 and dataset.workloads == ["resnet50"]
    trials = tapeout.run(edge, "random", trials=200).trials
    assert np.array_equal(dataset.rows.levels, trials.levels)
    assert np.array_equal(dataset.rows.metrics["latency_s"], trials.metrics["latency_s"], equal_nan=True)
    assert dataset.rows.to_polars()["workload"].to_list() == [0] * 200
    with pytest.raises(ValueError, match="has no folder"):
        tapeout.Dataset.of_runs([tapeout.run(edge, "random", trials=1)])


def test_the_table_of_a_data_set_has_units_levels_and_categories(edge, logged, tmp_path):
    parquet, polars, pandas = (pytest.importorskip(name) for name in ("pyarrow.parquet", "polars", "pandas"))
    table = parquet.read_table(logged / "table.parquet")
    energy, cores = (table.schema.field(name).metadata for name in ("measured.energy_j", "design.cores"))
    assert energy[b"unit"] == b"J" and b"about" in energy
    assert json.loads(cores[b"levels"]) == list(next(it for it in edge.space.parameters if it.name == "cores").levels)
    group = parquet.ParquetFile(logged / "table.parquet").metadata.row_group(0)
    columns = {group.column(index).path_in_schema: group.column(index) for index in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"SNAPPY"}
    assert "RLE_DICTIONARY" in columns["infeasible.rule"].encodings
    frame = pandas.read_parquet(logged / "table.parquet")
    assert frame["workload"].dtype == "category" and frame["workload"].unique().tolist() == ["resnet50"]
    assert polars.read_parquet(logged / "table.parquet")["infeasible.rule"].dtype == polars.Categorical
    rows = tapeout.Dataset.load(logged).rows
    assert frame["infeasible.rule"].astype(object).where(frame["infeasible.rule"].notna(), None).tolist() == rows.infeasible


def test_a_model_knows_better_than_the_mean_and_is_read_back(edge, logged, tmp_path):
    tapeout.run(edge, "nsga2", trials=400, out=tmp_path / "run")
    dataset = tapeout.Dataset.of_runs([logged.parent / "run", tmp_path / "run"])
    model = tapeout.fit(dataset, "boosted-trees")
    unseen = tapeout.run(edge, "nsga2", trials=200, seed=5).trials
    said = tapeout.predict(model, unseen.levels)
    true = np.log(unseen.metrics["latency_s"][unseen.feasible])
    error = np.abs(np.log(said.mean["latency_s"][unseen.feasible]) - true).mean()
    assert error < np.abs(true - true.mean()).mean() / 2
    assert said.std is not None and (said.std["latency_s"] >= 0).all()
    assert said.p_feasible[unseen.feasible].mean() > said.p_feasible[~unseen.feasible].mean()
    model.save(tmp_path / "model.tapeout")
    again = tapeout.Model.load(tmp_path / "model.tapeout").predict(unseen.levels)
    assert np.array_equal(again.mean["latency_s"], said.mean["latency_s"])
    with pytest.raises(ValueError, match="no such workload; there are resnet50"):
        model.predict(unseen.levels, workload="unet")
    with pytest.raises(ValueError, match="unknown learner"):
        tapeout.fit(dataset, "random-forrest")


def test_offline_design_proposes_without_asking_the_simulator(edge, logged, tmp_path):
    found = tapeout.offline(logged, tmp_path / "out", learner="ridge", trials=200, top=3)
    assert 0 < len(found["proposals"]) <= 3
    designs = [proposal["design"] for proposal in found["proposals"]]
    assert edge.space.is_legal(designs).all()
    with pytest.raises(ValueError, match="there are proposals in this folder already"):
        tapeout.offline(logged, tmp_path / "out", learner="ridge", trials=200, top=3)
