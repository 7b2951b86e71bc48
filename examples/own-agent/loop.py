"""A program that holds the loop: it asks Tapeout's agent for designs, evaluates them itself, and tells what became of them.

    python3 loop.py TAPEOUT RUN

TAPEOUT is the program, RUN the folder of a run, which goes on where it was when this program is started again.
"""

import json
import subprocess
import sys

SPACE = """schema = 1

[parameters]
x = { low = -20, high = 20 }
y = { low = -20, high = 20 }

[[rules]]
name = "disc"
holds = "x * x + y * y <= 400"

[metrics]
distance = { about = "how far from (3, -4)" }

[goal]
objectives = ["distance"]
"""


def evaluate(design):
    """What a design is worth; here one that cannot be built if x is 7."""
    if design["x"] == 7:
        return {"infeasible": "unlucky"}
    return {"metrics": {"distance": ((design["x"] - 3) ** 2 + (design["y"] + 4) ** 2) ** 0.5}}


def main(tapeout, run):
    with open(run + ".toml", "w", encoding="utf-8") as file:
        file.write(SPACE)
    command = [tapeout, "serve", run, "--env", "command", "--set", f"env.file={run}.toml",
               "--agent", "ga", "--trials", "120", "--batch", "8"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        def say(request):
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline())
            if "error" in answer:
                raise RuntimeError(answer["error"])
            return answer

        while designs := (asked := say({"ask": {}}))["designs"]:
            say({"tell": [evaluate(design) for design in designs]})
        print(f"{asked['trials']} trials: {asked['over']}")
        server.stdin.close()


main(*sys.argv[1:])
