"""Every environment as one of Gymnasium 1.x: ``gymnasium.make("tapeout:tapeout/EdgeAccelerator-v4")``.

Importing this module registers them; Gymnasium has no plug-ins. ``gymnasium.make_vec`` makes vectors of our own, which step
together in Rust, in threads, and share what the environment is made of.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from tapeout import _native
from tapeout._env import Env, _listed
from tapeout._own import named

__all__ = ["DesignEnv", "VectorDesignEnv", "gymnasium_id", "ids"]


class _Made:
    """What single environments and vectors are made of; all arguments are plain values, so that both pickle.

    ``env``: the name of an environment. ``episode``: ``design``, in which one action is the whole design, a level for each
    parameter, or ``parameter``, in which each step decides one. ``reward``: ``relative``, octaves by which a design is better
    than is usual in the environment; or ``sum``, the negated sum of the losses in SI units. ``objectives``, ``constraints``: as in
    :class:`tapeout.Problem`. ``on_failure``: whether an evaluation that fails is to ``raise``, or to ``end`` the episode with the reward of a
    design that cannot be built. ``config``: settings of the environment.
    """

    def __init__(
        self,
        env: str,
        episode: str,
        reward: str,
        objectives: Iterable[str] | None,
        constraints: Iterable[str] | None,
        on_failure: str,
        config: dict[str, Any],
    ) -> None:
        self.env = Env(env, **config)
        goal = _listed(objectives), _listed(constraints)
        self.task = _native.Task(self.env._native, episode, *goal, reward, on_failure)
        actions, self.is_single = self.task.actions()
        self.n_actions = sum(actions)
        self.action_space: spaces.Space[Any] = spaces.Discrete(actions[0]) if self.is_single else spaces.MultiDiscrete(actions)
        self.observation_space = spaces.Box(0.0, 1.0, (self.task.observation_len(),), np.float32)


class DesignEnv(gymnasium.Env[np.ndarray, Any]):
    """Designs one after another. Observed are three numbers in [0, 1] for each parameter: its level, whether it is decided, whether
    it is to be decided now. ``info`` has an ``action_mask`` in episodes of a parameter a step, and at the end ``levels``, each
    metric by its name, ``constraint_violation``, or ``infeasible``, the rule, and ``violation``, or ``failed``, why the evaluation failed.

    ``design_env``: what it is an environment of. For the other arguments see the page of the module.
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(
        self,
        env: str | type,
        *,
        episode: str = "design",
        reward: str = "relative",
        objectives: Iterable[str] | None = None,
        constraints: Iterable[str] | None = None,
        on_failure: str = "raise",
        render_mode: str | None = None,
        **config: Any,
    ) -> None:
        env, config = named(env, config)
        self._arguments = (env, episode, reward, _listed(objectives), _listed(constraints), on_failure, config)
        made = _Made(*self._arguments)
        self.design_env = made.env
        self.render_mode = render_mode
        self.action_space = made.action_space
        self.observation_space = made.observation_space
        self.task_scale: tuple[list[float] | None, float] = made.task.scale()
        """What is usual, a value for each objective, if rewards are relative to it; and the reward of an infeasible design."""
        self._is_single = made.is_single
        self._n_actions = made.n_actions
        self._native = _native.Episodes(made.task)
        self._info: dict[str, Any] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _design_env, self._arguments

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins a design. ``options["exploring_start"]``: how many of the first decisions the environment draws."""
        super().reset(seed=seed)
        observation, self._info = self._native.reset(seed, _exploring_start(options))
        return observation, self._info

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """Sets one parameter, or all.

        Raises:
            ValueError: there is no episode, or the action is not in the action space.
            Failed: the evaluator failed, and that is to be raised; the same step can be tried again.
        """
        numbers = [int(action)] if self._is_single else [int(number) for number in action]
        observation, reward, terminated, truncated, self._info = self._native.step(numbers, self._is_single)
        return observation, reward, terminated, truncated, self._info

    def action_masks(self) -> np.ndarray:
        """Which levels of the parameter at hand lead on to a legal design, as sb3-contrib's MaskablePPO asks; all, where actions
        are whole designs, whose rules tie levels together."""
        if "action_mask" in self._info:
            mask: np.ndarray = self._info["action_mask"].astype(bool)
            return mask
        return np.ones(self._n_actions, dtype=bool)


class VectorDesignEnv(VectorEnv[np.ndarray, Any, np.ndarray]):
    """Several environments that step together, in threads. ``autoreset_mode``: when the next design begins, ``NEXT_STEP`` as
    in Gymnasium's own vectors, or ``SAME_STEP``. The other arguments are those of :class:`DesignEnv`."""

    def __init__(
        self,
        env: str | type,
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        episode: str = "design",
        reward: str = "relative",
        objectives: Iterable[str] | None = None,
        constraints: Iterable[str] | None = None,
        on_failure: str = "raise",
        render_mode: str | None = None,
        **config: Any,
    ) -> None:
        env, config = named(env, config)
        mode = AutoresetMode(autoreset_mode)
        if mode == AutoresetMode.DISABLED:
            raise ValueError("autoreset_mode: got DISABLED, expected NEXT_STEP or SAME_STEP")
        goal = _listed(objectives), _listed(constraints)
        self._arguments = (env, num_envs, mode, episode, reward, *goal, on_failure, config)
        made = _Made(env, episode, reward, *goal, on_failure, config)
        self.metadata = {"render_modes": [], "autoreset_mode": mode}
        self.render_mode = render_mode
        self.design_env = made.env
        self.num_envs = num_envs
        self.single_action_space = made.action_space
        self.single_observation_space = made.observation_space
        self.action_space = batch_space(made.action_space, num_envs)
        self.observation_space = batch_space(made.observation_space, num_envs)
        self._native = _native.Vector(made.task, num_envs, mode == AutoresetMode.SAME_STEP)

    def __reduce__(self) -> tuple[Any, ...]:
        return _vector_design_env, self._arguments

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        """Begins a design in each; member ``i`` is seeded with ``seed + i``."""
        super().reset(seed=seed)
        return self._native.reset(seed, _exploring_start(options))

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Acts once in each; ``actions``: shape ``[n]`` or ``[n, d]``.

        Raises:
            ValueError: there is no episode, or an action is not in the action space.
            Failed: an evaluator failed, and that is to be raised; the vector needs a reset then.
        """
        rows = np.ascontiguousarray(actions, dtype=np.int64).reshape(self.num_envs, -1)
        return self._native.step(rows)


def _design_env(
    env: str, episode: str, reward: str, objectives: Any, constraints: Any, on_failure: str, config: dict[str, Any]
) -> DesignEnv:
    return DesignEnv(
        env,
        episode=episode,
        reward=reward,
        objectives=objectives,
        constraints=constraints,
        on_failure=on_failure,
        **config,
    )


def _vector_design_env(
    env: str,
    num_envs: int,
    mode: Any,
    episode: str,
    reward: str,
    objectives: Any,
    constraints: Any,
    on_failure: str,
    config: dict[str, Any],
) -> VectorDesignEnv:
    return VectorDesignEnv(
        env,
        num_envs,
        autoreset_mode=mode,
        episode=episode,
        reward=reward,
        objectives=objectives,
        constraints=constraints,
        on_failure=on_failure,
        **config,
    )


def _exploring_start(options: dict[str, Any] | None) -> int:
    options = dict(options or {})
    start = options.pop("exploring_start", 0)
    if options:
        raise ValueError(f"unknown option `{next(iter(options))}`; there is `exploring_start`")
    return int(start)


def ids() -> dict[str, str]:
    """The id in Gymnasium of each environment that needs no settings, by its name."""
    return {name: gymnasium_id(name) for name, _, _, is_complete in _native.envs() if is_complete}


def gymnasium_id(env: str) -> str:
    """The id in Gymnasium of the environment called ``env``: ``tapeout/EdgeAccelerator-v4``.

    Raises:
        ValueError: there is no such environment.
    """
    return _native.gymnasium_id(env)


def _register() -> None:
    for name, _, _, _ in _native.envs():
        gymnasium.register(
            id=gymnasium_id(name),
            entry_point="tapeout.gymnasium:DesignEnv",
            vector_entry_point="tapeout.gymnasium:VectorDesignEnv",
            kwargs={"env": name},
        )


_register()
