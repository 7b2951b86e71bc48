"""A hill climber as a class, for Tapeout's agent `python`. It is the program of `agent.py` without the lines of JSON.

It draws designs from the candidates until it knows a good one, then changes one parameter of the best at a time.
"""

import random


class HillClimber:
    def __init__(self, problem, patience=20):
        self.random = random.Random(problem["seed"])
        self.parameters = [it for it in problem["parameters"] if len(it["levels"]) > 1]
        self.patience = patience
        self.begin_anew()

    def begin_anew(self):
        self.best, self.best_loss, self.failures = None, float("inf"), 0

    def suggest(self, count, candidates):
        if self.best is None or self.failures >= self.patience:
            self.begin_anew()
            return candidates[:count]
        return [self.neighbour() for _ in range(count)]

    def refuse(self, refused):
        """A neighbour is not legal."""
        self.begin_anew()

    def neighbour(self):
        """The best design with one parameter at a level beside its own."""
        design = dict(self.best)
        parameter = self.random.choice(self.parameters)
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
