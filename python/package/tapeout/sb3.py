"""Environments for the masked learners of sb3-contrib, and what these have learned."""

from __future__ import annotations

from typing import Any

from tapeout._outcomes import Outcome
from tapeout.gymnasium import DesignEnv

__all__ = ["best", "design_env"]


def design_env(env: str | type, **arguments: Any) -> DesignEnv:
    """The environment called ``env`` with one parameter a step, so that masks leave legal designs alone.

    ``arguments``: those of :class:`tapeout.gymnasium.DesignEnv`, and settings of the environment.
    """
    return DesignEnv(env, episode="parameter", **arguments)


def best(model: Any, env: DesignEnv, episodes: int = 1, seed: int = 0) -> Outcome | None:
    """The best of so many designs that a MaskablePPO proposes, by the rewards of ``env``; none if nothing that it proposes can be built.

    ``model``: what ``predict(observation, action_masks=...)`` is asked of. One episode takes the likeliest action each time, several
    draw theirs.
    """
    found: tuple[float, Outcome] | None = None
    for episode in range(episodes):
        observation, info = env.reset(seed=seed + episode)
        reward, ended = 0.0, False
        while not ended:
            action, _ = model.predict(observation, action_masks=env.action_masks(), deterministic=episodes == 1)
            observation, reward, ended, _, info = env.step(action)
        if "levels" in info and "infeasible" not in info and (found is None or reward > found[0]):
            found = (reward, env.design_env.evaluate(info["levels"]))
    return found and found[1]
