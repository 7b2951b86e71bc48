"""Environments as Gymnasium has them."""

import pickle

import gymnasium
import numpy as np
import pytest
from conftest import ASKED
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import tapeout
import tapeout.gymnasium as view

EPISODES = ["design", "parameter"]


@pytest.mark.parametrize("episode", EPISODES)
@pytest.mark.parametrize("name", ASKED)
def test_every_environment_passes_the_checker_without_a_warning(name, episode):
    env = gymnasium.make(f"tapeout:{view.gymnasium_id(name)}", episode=episode, disable_env_checker=True)
    check_env(env.unwrapped, skip_render_check=True)
    copy = pickle.loads(pickle.dumps(env.unwrapped))
    assert copy.action_space == env.action_space
    assert copy.observation_space == env.observation_space


def test_ids_are_those_of_the_catalog():
    assert view.ids()["gpu-gemm-model"] == "tapeout/GpuGemmModel-v2"
    with pytest.raises(ValueError, match="did you mean"):
        view.gymnasium_id("gpu-gem-model")


def test_masked_actions_lead_to_legal_designs_and_others_are_told(gemm):
    env = view.DesignEnv("gpu-gemm-model", episode="parameter")
    rng = np.random.default_rng(0)
    for _ in range(20):
        env.reset()
        ended = False
        while not ended:
            _, reward, ended, _, info = env.step(rng.choice(np.flatnonzero(env.action_masks())))
        outcome = gemm.evaluate(info["levels"])
        assert info["time_s"] == outcome.metrics["time_s"]
        assert "infeasible" not in info
    env.reset()
    _, reward, ended, _, info = env.step(int(np.flatnonzero(~env.action_masks())[0]))
    assert ended and info["infeasible"] == "masked_action"


def test_rewards_are_octaves_above_what_is_usual(gemm):
    env = view.DesignEnv("gpu-gemm-model")
    usual, infeasible = env.task_scale
    worst = infeasible + 1
    levels = gemm.space.sample(200, seed=7)
    octaves = np.log2(usual[0] / gemm.evaluate(levels).metrics["time_s"])
    assert (octaves < worst).any() and (octaves > worst).any()
    for row, octave in zip(levels, octaves, strict=True):
        env.reset()
        _, reward, _, _, _ = env.step(row)
        # What is worse than the worst that is usual is pressed into half an octave, in the same order.
        assert reward == pytest.approx(octave if octave >= worst else worst - 0.5 + 0.5 * 2 ** (octave - worst))
        assert reward > infeasible
    assert infeasible < -1
    in_si = view.DesignEnv("gpu-gemm-model", reward="sum")
    in_si.reset()
    assert in_si.step(levels[0])[1] == -gemm.evaluate(levels[0]).metrics["time_s"]
    with pytest.raises(ValueError, match="expected `relative` or `sum`"):
        view.DesignEnv("gpu-gemm-model", reward="shaped")


@pytest.mark.parametrize("episode", EPISODES)
def test_a_vector_steps_as_its_members_would(episode):
    vector = gymnasium.make_vec("tapeout:tapeout/GpuGemmModel-v2", num_envs=5, episode=episode)
    assert isinstance(vector.unwrapped, view.VectorDesignEnv)
    assert vector.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    sync = gymnasium.make_vec("tapeout:tapeout/GpuGemmModel-v2", num_envs=5, episode=episode, vectorization_mode="sync")
    vector.action_space.seed(0)
    for here, there in [(vector.reset(seed=1), sync.reset(seed=1))]:
        same(here, there)
    for _ in range(40):
        actions = vector.action_space.sample()
        same(vector.step(actions), sync.step(actions))


def same(here, there):
    """Both say the same: observations, rewards, ends, and infos wherever these hold."""
    for one, other in zip(here[:-1], there[:-1], strict=True):
        np.testing.assert_array_equal(one, other)
    assert here[-1].keys() == there[-1].keys()
    for key, column in there[-1].items():
        mask = there[-1][key if key.startswith("_") else f"_{key}"]
        np.testing.assert_array_equal(np.asarray(here[-1][key])[mask], np.asarray(list(column))[mask])


def test_in_the_same_step_mode_the_last_observation_is_kept():
    vector = view.VectorDesignEnv("gpu-gemm-model", 3, autoreset_mode="SameStep")
    first, _ = vector.reset()
    levels = tapeout.Env("gpu-gemm-model").space.sample(3)
    observation, _, ended, _, infos = vector.step(levels)
    assert ended.all() and np.array_equal(observation, first)
    assert np.array_equal(infos["final_info"]["levels"], levels)
    # The second of the three numbers of each parameter: it is decided.
    assert all(seen[1::3].all() for seen in infos["final_obs"])
    with pytest.raises(ValueError, match="expected NEXT_STEP or SAME_STEP"):
        view.VectorDesignEnv("gpu-gemm-model", 3, autoreset_mode=AutoresetMode.DISABLED)


def test_a_vector_pickles():
    vector = pickle.loads(pickle.dumps(view.VectorDesignEnv("gpu-gemm-model", 2, episode="parameter")))
    assert vector.num_envs == 2 and vector.single_action_space.n == 8


def test_steps_without_an_episode_and_actions_outside_are_errors():
    env = view.DesignEnv("gpu-gemm-model", episode="parameter")
    with pytest.raises(ValueError, match="step was called before the first reset"):
        env.step(0)
    env.reset(options={"exploring_start": 3})
    with pytest.raises(ValueError, match="not in the action space"):
        env.step(1000)
    with pytest.raises(ValueError, match="unknown option `warm`"):
        env.reset(options={"warm": 1})
    with pytest.raises(ValueError, match="exploring_start"):
        env.reset(options={"exploring_start": 1000})
