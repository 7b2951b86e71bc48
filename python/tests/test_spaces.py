"""Designs go in as people have them, and come out legal."""

import numpy as np
import pandas
import polars
import pyarrow
import pytest

import tapeout


def test_designs_are_the_same_as_levels_dicts_and_frames(gemm):
    levels = gemm.space.sample(5, seed=3)
    values = gemm.space.values(levels)
    for same in (levels, levels.astype(np.int64), levels.tolist(), values, polars.DataFrame(values), pandas.DataFrame(values),
                 pyarrow.Table.from_pylist(values)):  # fmt: skip
        assert np.array_equal(gemm.space.levels(same), levels)
    assert np.array_equal(gemm.space.levels(values[0]), levels[:1])


def test_samples_are_legal_and_the_same_for_the_same_seed(gemm):
    levels = gemm.space.sample(500, seed=1)
    assert gemm.space.is_legal(levels).all()
    assert np.array_equal(levels, gemm.space.sample(500, seed=1))
    assert not np.array_equal(levels, gemm.space.sample(500, seed=2))


def test_repair_leaves_what_is_legal_and_makes_the_rest_legal(gemm):
    rng = np.random.default_rng(0)
    n_levels = [len(parameter.levels) for parameter in gemm.space.parameters]
    drawn = rng.integers(0, n_levels, (500, len(n_levels)))
    legal = gemm.space.is_legal(drawn)
    assert 0 < legal.sum() < 500
    repaired = gemm.space.repair(drawn)
    assert gemm.space.is_legal(repaired).all()
    assert np.array_equal(repaired[legal], drawn[legal])
    assert [rule is None for rule in gemm.space.broken(drawn)] == legal.tolist()


@pytest.mark.parametrize("encoding", ["level-index", "unit-cube", "log2-one-hot", "one-hot"])
def test_decoding_undoes_encoding(gemm, encoding):
    levels = gemm.space.sample(50)
    numbers = gemm.space.encode(levels, encoding)
    assert numbers.shape == (50, len(gemm.space.columns(encoding)))
    assert np.array_equal(gemm.space.decode(numbers, encoding), levels)


def test_a_walk_that_takes_the_first_level_each_time_ends_in_a_legal_design(gemm):
    walk = gemm.space.walk()
    while walk.parameter is not None:
        assert walk.design is None
        walk.choose(walk.allowed[0])
    assert gemm.space.is_legal(walk.design).all()
    with pytest.raises(ValueError, match="cannot be chosen"):
        walk.choose(0)


def test_what_is_no_design_is_refused_by_name(gemm):
    space, d = gemm.space, len(gemm.space.names)
    values = space.values(space.sample(1))[0]
    short = np.zeros((1, d - 1), np.uint32)
    for wrong, message in [
        ({**values, "stages": 1000}, "parameter `stages`: 1000 is not a level"),
        ({**values, "stagse": 1}, "unknown parameter `stagse`; did you mean `stages`"),
        ({"stages": 2}, "is missing"),
        (short, f"expected {d}"),
        (-np.ones((1, d), int), "counted from 0"),
        (np.zeros((1, 1, d), int), "shape"),
    ]:
        with pytest.raises(ValueError, match=message):
            space.is_legal(wrong)
    # A short slice is no design, however it is repaired.
    with pytest.raises(ValueError, match=f"expected {d}"):
        space.repair(short)
    with pytest.raises(ValueError, match="there is no level number 999"):
        space.values(np.full((1, d), 999))
    with pytest.raises(TypeError, match="whole numbers"):
        space.is_legal(np.zeros((1, d)))
    with pytest.raises(TypeError, match="neither a number nor a name"):
        space.is_legal({**values, "stages": None})


def test_spaces_tell_what_they_are_made_of(gemm):
    names = [parameter.name for parameter in gemm.space.parameters]
    assert tuple(names) == gemm.space.names
    swizzle = gemm.space.parameters[names.index("swizzle")]
    assert swizzle.categorical and all(isinstance(level, str) for level in swizzle.levels)
    assert gemm.space == tapeout.Env("gpu-gemm-model").space
    assert gemm.space.rules and gemm.space.cardinality > 10**6
