"""Hardware design-space exploration: environments, agents, runs and models, as the program ``tapeout`` has them.

>>> import tapeout
>>> env = tapeout.Env("gpu-gemm-model")
>>> run = tapeout.run(env, "tpe", trials=100)
>>> run.best().metrics["time_s"] < 1e-3
True

Everything is computed by the Rust core; the same seed gives the same bytes as on the command line. Importing this package
registers every environment with Gymnasium, where Gymnasium is installed: ``gymnasium.make("tapeout:tapeout/EdgeAccelerator-v4")``.
"""

from importlib.util import find_spec as _find_spec

from tapeout._agent import Agent
from tapeout._env import Env, Problem, agents, envs, learners
from tapeout._learning import Dataset, Model, Prediction, fit, offline, predict
from tapeout._native import Failed
from tapeout._outcomes import Outcome, Outcomes
from tapeout._program import command
from tapeout._run import Run, load, resume, run
from tapeout._space import Parameter, Space, Walk

__version__ = "0.1.0"

__all__ = [
    "Agent",
    "Dataset",
    "Env",
    "Failed",
    "Model",
    "Outcome",
    "Outcomes",
    "Parameter",
    "Prediction",
    "Problem",
    "Run",
    "Space",
    "Walk",
    "agents",
    "command",
    "envs",
    "fit",
    "learners",
    "load",
    "offline",
    "predict",
    "resume",
    "run",
]

if _find_spec("gymnasium") is not None:
    try:
        import tapeout.gymnasium  # noqa: F401
    except ImportError as error:  # Gymnasium before 1.1
        import warnings as _warnings

        _warnings.warn(f"environments are not registered in Gymnasium, of which 1.1 or newer is needed: {error}", stacklevel=2)
