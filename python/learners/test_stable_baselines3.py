"""Stable-Baselines3 and sb3-contrib on our environments: a job of its own, since they bring 5 GB of packages.

    pip install '.[sb3]' pytest && pytest python/learners
"""

import numpy as np
import pytest
from sb3_contrib import MaskablePPO
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.env_checker import check_env

import tapeout
import tapeout.gymnasium as view
from tapeout.sb3 import best, design_env

#: Where learners are tried: without rules and with, and one of which most designs are infeasible.
THREE = ["gpu-gemm-model", "recorded-kernel", "edge-accelerator"]


@pytest.mark.parametrize("episode", ["design", "parameter"])
@pytest.mark.parametrize("name", view.ids())
def test_every_environment_passes_their_checker_without_a_warning(name, episode):
    if tapeout.Env(name).missing:
        pytest.skip("it needs what is not here")
    check_env(view.DesignEnv(name, episode=episode), skip_render_check=True)


@pytest.mark.parametrize("name", THREE)
def test_masked_ppo_proposes_no_illegal_design_and_learns(name):
    env = design_env(name)
    model = MaskablePPO("MlpPolicy", env, n_steps=256, batch_size=64, seed=0)
    proposed, before = ended(model, env)
    assert proposed == 20
    model.learn(2_000)
    proposed, after = ended(model, env)
    assert proposed == 20
    assert after > before
    assert best(model, env, episodes=5) is not None


def ended(model, env):
    """How many of 20 designs of the model's are legal, and their mean reward."""
    n_legal, rewards = 0, []
    for seed in range(20):
        observation, info = env.reset(seed=seed)
        done = False
        while not done:
            action, _ = model.predict(observation, action_masks=env.action_masks())
            observation, reward, done, _, info = env.step(action)
        n_legal += info.get("infeasible") != "masked_action"
        rewards.append(reward)
    return n_legal, np.mean(rewards)


@pytest.mark.parametrize("name", THREE)
def test_ppo_and_dqn_train(name):
    PPO("MlpPolicy", view.DesignEnv(name), n_steps=128, batch_size=64, seed=0).learn(256)
    DQN("MlpPolicy", view.DesignEnv(name, episode="parameter"), learning_starts=100, buffer_size=1_000, seed=0).learn(300)
