"""A class in Python as a program that speaks lines of JSON: an agent, as Tapeout's agent `process` asks it, or an environment, as mode
"lines" of its environment `command` does.

    python -c SOURCE find CLASS              prints the file and name of the class
    python -c SOURCE agent CLASS SHA256      answers `begin`, `suggest` and `observe`
    python -c SOURCE env CLASS SHA256 JSON   answers `declare` and designs; JSON is an object, the keywords that the class is made with

CLASS is `FILE.py:Name`, or for `find` `module:Name` as Python finds modules. SHA256 is of FILE.py. Nothing but the standard library is needed.
"""

import sys

# Modules are looked for where the user stands, but not those of this program: a json.py there is none of it.
HERE = sys.path.pop(0) if sys.path[:1] == [""] else None

import functools
import hashlib
import importlib
import importlib.machinery
import importlib.util
import json
import os
import queue
import random
import signal
import threading
import time
import traceback

if HERE is not None:
    sys.path.insert(0, HERE)

# Seconds that a class may take to end when nobody asks any more. Ours: as whoever asks waits.
FAREWELL_S = 2

# There while the class is loaded: what searches then would start this program again, and that the search.
LOADING = "__tapeout_loading__"


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


class Exact(importlib.machinery.SourceFileLoader):
    """Loads one module from bytes that are known, whatever has become of its file or of what was compiled of it before."""

    def __init__(self, known_as, file, source, folders):
        super().__init__(known_as, file)
        self.source = source
        self.folders = folders

    def get_code(self, fullname):
        return compile(self.source, self.path, "exec", dont_inherit=True)

    def find_spec(self, fullname, path=None, target=None):
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self, submodule_search_locations=self.folders)


def load(text, sha256):
    """The class. The folder of its module, or of the package that this is in, is where its imports are looked for first."""
    file, name = find(text)
    with open(file, "rb") as opened:
        source = opened.read()
    got = hashlib.sha256(source).hexdigest()
    if got != sha256:
        raise ValueError(f"{file}: the file has changed since the search began: its SHA-256 is {got}, expected {sha256}")
    folder, module = os.path.split(os.path.splitext(file)[0])
    folders = None
    if module == "__init__":
        folders = [folder]
        folder, module = os.path.split(folder)
    package = []
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, part = os.path.split(folder)
        package.insert(0, part)
    sys.path.insert(0, folder)
    known_as = ".".join([*package, module])
    if known_as in sys.modules:
        # Another module of this name is there already: one of Python's own.
        known_as = f"own_{module}"
    sys.meta_path.insert(0, Exact(known_as, file, source, folders))
    sys.modules[LOADING] = type(sys)(LOADING)
    try:
        loaded = importlib.import_module(known_as)
    finally:
        del sys.modules[LOADING]
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
        if "infeasible" in said and said["infeasible"] is None:
            raise ValueError("`infeasible` is None, expected the name of a rule; a design that breaks none has no `infeasible`")
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


def asked_for(questions):
    """The lines of questions. A class that goes on when nobody asks any more, whoever asked being gone, is ended with all that it started."""
    lines = queue.SimpleQueue()

    def read():
        for line in questions:
            lines.put(line)
        lines.put(None)
        time.sleep(FAREWELL_S)
        if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    return iter(lines.get, None)


def main(role, name, sha256="", settings="{}"):
    # Both streams are this program's: what a class prints goes to the error output, and what it reads is empty.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    questions = os.fdopen(os.dup(0), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if role == "find":
        answers.write(":".join(find(name)))
        answers.close()
        return
    asked = None
    for line in asked_for(questions):
        ((what, said),) = json.loads(line).items()
        try:
            if asked is None:
                made_by = load(name, sha256)
                asked = Agent(made_by) if role == "agent" else Environment(made_by, json.loads(settings))
            answer = text(getattr(asked, what)(said))
        except Exception as error:
            answer = text({"error": told(error)})
        answers.write(answer + "\n")
        answers.flush()


try:
    main(*sys.argv[1:])
except Exception as error:
    sys.exit(told(error))
