"""A class in Python as a program that speaks lines of JSON: an agent, as Tapeout's agent `process` asks it, or an environment, as mode
"lines" of its environment `command` does.

    python -c SOURCE find CLASS       prints the file and name of the class
    python -c SOURCE agent CLASS      answers `begin`, `suggest` and `observe`
    python -c SOURCE env CLASS JSON   answers `declare` and designs; JSON is an object, the keywords that the class is made with

CLASS is `FILE.py:Name`, or `module:Name` as Python finds modules. Nothing but the standard library is needed.
"""

import functools
import importlib
import importlib.util
import json
import os
import random
import sys
import traceback


def find(text):
    """The file of a module, and the name of the class in it."""
    module, colon, name = text.rpartition(":")
    if not colon or not module or not name:
        raise ValueError(f"`{text}` names no class, expected `FILE.py:Class` or `module:Class`")
    if module.endswith(".py"):
        return os.path.abspath(module), name
    found = importlib.util.find_spec(module)
    if found is None or not found.has_location:
        raise ValueError(f"there is no module `{module}` in {', '.join(path or '.' for path in sys.path)}")
    return os.path.abspath(found.origin), name


def load(text):
    """The class. The folder of its module, or of the package that this is in, is where its imports are looked for first."""
    file, name = find(text)
    folder, module = os.path.split(os.path.splitext(file)[0])
    if module == "__init__":
        folder, module = os.path.split(folder)
    package = []
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, part = os.path.split(folder)
        package.insert(0, part)
    sys.path.insert(0, folder)
    if package:
        loaded = importlib.import_module(".".join([*package, module]))
    else:
        # Another module of this name may be there already: one of Python's own.
        known_as = module if module not in sys.modules else f"own_{module}"
        spec = importlib.util.spec_from_file_location(known_as, file)
        loaded = importlib.util.module_from_spec(spec)
        sys.modules[known_as] = loaded
        spec.loader.exec_module(loaded)
    try:
        return functools.reduce(getattr, name.split("."), loaded)
    except AttributeError:
        there = [it for it, value in vars(loaded).items() if isinstance(value, type) and value.__module__ == loaded.__name__]
        raise ValueError(f"{file} has no class `{name}`; there are {', '.join(there) or 'none'}") from None


def told(error):
    """What went wrong, in one line, and where, without the lines of this program."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == load.__code__.co_filename:
        trace = trace.tb_next
    summary = "".join(traceback.format_exception_only(type(error), error)).strip()
    if trace is None:
        return summary
    return f"{summary}\n{''.join(traceback.format_exception(type(error), error, trace)).rstrip()}"


def plain(value):
    """What JSON has no name for: the numbers and arrays of NumPy."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{value!r} of type {type(value).__name__} is neither a number nor a name")


def text(answer):
    """A line of JSON, which has neither infinity nor NaN."""
    return json.dumps(answer, default=plain, allow_nan=False)


class Agent:
    """Asks an agent."""

    def __init__(self, made_by):
        self.made_by = made_by
        self.agent = None

    def begin(self, problem):
        if problem["protocol"] != 1:
            raise ValueError(f"protocol {problem['protocol']}, expected 1")
        random.seed(problem["seed"])
        self.agent = self.made_by(problem, **problem.pop("settings"))
        return {}

    def suggest(self, wanted):
        if "refused" in wanted and hasattr(self.agent, "refuse"):
            self.agent.refuse(wanted["refused"])
        return {"designs": [dict(design) for design in self.agent.suggest(wanted["count"], wanted.get("candidates", []))]}

    def observe(self, trials):
        self.agent.observe(trials)
        return {}


class Environment:
    """Asks an environment."""

    def __init__(self, made_by, settings):
        self.env = made_by(**settings)

    def declare(self, _):
        return {"declaration": declaration(self.env)}

    def design(self, design):
        said = dict(self.env.evaluate(design))
        return said if "infeasible" in said else {"metrics": said}


def declaration(env):
    """What an environment says of its designs and metrics, in TOML, as the file of a simulator says it."""
    lines = ["schema = 1"]

    def table(name, entries, short):
        lines.append(f"[{name}]")
        for key, entry in entries.items():
            entry = entry if isinstance(entry, dict) else short(entry)
            lines.append(f"{quoted(key)} = {toml(entry)}")

    table("parameters", env.parameters, lambda levels: {"levels": list(levels)})
    metrics = env.metrics
    table("metrics", metrics if isinstance(metrics, dict) else {name: {} for name in metrics}, lambda unit: {"unit": unit})
    objectives = [env.objectives] if isinstance(env.objectives, str) else list(env.objectives)
    lines.append(f"[goal]\nobjectives = {toml(objectives)}\nconstraints = {toml(list(getattr(env, 'constraints', [])))}")
    for name, holds in getattr(env, "rules", {}).items():
        lines.append(f"[[rules]]\nname = {quoted(name)}\nholds = {quoted(holds)}")
    return "\n".join(lines)


def quoted(words):
    # A JSON string is one of TOML where it holds neither surrogates nor the one control character that JSON leaves as it is.
    return json.dumps(str(words), ensure_ascii=False).replace("\x7f", "\\u007f")


def toml(value):
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{quoted(key)} = {toml(entry)}" for key, entry in value.items()) + " }"
    if isinstance(value, (list, tuple, range)):
        return "[" + ", ".join(toml(entry) for entry in value) + "]"
    if isinstance(value, str):
        return quoted(value)
    return json.dumps(value, default=plain)


def main(role, name, settings="{}"):
    if role == "find":
        print(":".join(find(name)))
        return
    # What a class prints goes to the error output: the standard output has answers alone.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    questions = open(0, encoding="utf-8", closefd=False)
    asked = None
    for line in questions:
        ((what, said),) = json.loads(line).items()
        try:
            if asked is None:
                asked = Agent(load(name)) if role == "agent" else Environment(load(name), json.loads(settings))
            answer = text(getattr(asked, what)(said))
        except Exception as error:
            answer = text({"error": told(error)})
        answers.write(answer + "\n")
        answers.flush()


try:
    main(*sys.argv[1:])
except Exception as error:
    sys.exit(told(error))
