"""A hill climber that speaks the protocol of Tapeout's agent `process`: lines of JSON on standard input and output.

It draws designs from the candidates that it is sent until it knows a good one, then changes one parameter of the best at a time.
"""

import json
import random
import sys


class HillClimber:
    def __init__(self, begin):
        if begin["protocol"] != 1:
            raise ValueError(f"protocol {begin['protocol']}, expected 1")
        self.random = random.Random(begin["seed"])
        self.parameters = begin["parameters"]
        self.patience = begin["settings"].get("patience", 20)
        self.best, self.best_loss, self.failures = None, float("inf"), 0

    def suggest(self, count, candidates, refused):
        if self.best is None or self.failures >= self.patience or refused:
            self.best, self.best_loss, self.failures = None, float("inf"), 0
            return candidates[:count]
        return [self.neighbour() for _ in range(count)]

    def neighbour(self):
        """The best design with one parameter at a level beside its own."""
        design = dict(self.best)
        parameter = self.random.choice([it for it in self.parameters if len(it["levels"]) > 1])
        levels = parameter["levels"]
        place = levels.index(design[parameter["name"]])
        beside = [at for at in (place - 1, place + 1) if 0 <= at < len(levels)]
        design[parameter["name"]] = levels[self.random.choice(beside)]
        return design

    def observe(self, trials):
        for trial in trials:
            if trial.get("acceptable") and trial["losses"][0] < self.best_loss:
                self.best, self.best_loss, self.failures = trial["design"], trial["losses"][0], 0
            else:
                self.failures += 1


def main():
    agent = None
    for line in sys.stdin:
        (what, said), = json.loads(line).items()
        answer = {}
        if what == "begin":
            agent = HillClimber(said)
        elif what == "suggest":
            designs = agent.suggest(said["count"], said.get("candidates", []), said.get("refused", []))
            answer = {"designs": designs}
        elif what == "observe":
            agent.observe(said)
        print(json.dumps(answer), flush=True)


main()
