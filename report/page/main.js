// Lays the page out, first what is looked at first.

function setTheme(isDark) {
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  document.getElementById("theme").textContent = isDark ? "Light" : "Dark";
  redrawAll();
}

function factsSection(run) {
  const counted = run.states.map(() => 0);
  for (const state of run.state) counted[state] += 1;
  const failed = run.states.indexOf("evaluation failed");
  const infeasible = counted.slice(2).reduce((sum, number) => sum + number, 0) - (counted[failed] ?? 0);
  const share = (number) => `${count(number)} (${((100 * number) / Math.max(run.trials, 1)).toFixed(1)} %)`;
  const best = run.objectives.map((objective, index) => [`best ${label(objective)}`, run.course.best[index]?.length ? `${quantity(run.course.best[index].at(-1)[1], objective.unit)} after ${count(run.course.best[index].at(-1)[0])} trials` : "nothing acceptable"]);
  const facts = [...run.facts, ["trials", count(run.trials)], ["acceptable", share(counted[0])], ["outside a constraint", share(counted[1])], ["infeasible", share(infeasible)], ...(failed < 0 ? [] : [["failed", share(counted[failed])]]), ["on the front", count(run.front.length)], ...best];
  section("facts", "Facts").append(definitions(facts));
}

// Everything that is shown of one run at a time.
function showRun(run) {
  for (const it of document.querySelectorAll("section[data-of-run]")) it.remove();
  forgetRemoved();
  const known = new Set(document.querySelectorAll("main > section"));
  for (const part of [factsSection, matrixSection, parallelSection, importanceSection, slicesSection, infeasibleSection, breakdownSection, tableSection]) part(run);
  for (const it of document.querySelectorAll("main > section")) if (!known.has(it)) it.dataset.ofRun = run.name;
  contents();
}

function runSection() {
  const place = section("run", "One of them", "What stands below is of one of them.");
  controls(place, choice("show", report.runs.map((run, index) => [String(index), run.name]), "0", (index) => { showRun(report.runs[Number(index)]); say(`${report.runs[Number(index)].name} is shown`); }));
}

async function begin() {
  document.getElementById("title").textContent = report.title;
  document.getElementById("main").replaceChildren();
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  setTheme(prefersDark.matches);
  prefersDark.addEventListener("change", () => setTheme(prefersDark.matches));
  document.getElementById("theme").addEventListener("click", () => setTheme(document.documentElement.dataset.theme !== "dark"));
  await Promise.all(report.runs.map(unpack));
  if (report.runs.length) {
    const front = frontSection();
    choose.front = front;
    document.documentElement.dataset.front = performance.now();
    await new Promise((drawn) => setTimeout(drawn)); // so that the front is seen before the rest is laid out
    courseSection();
    if (report.runs.length > 1) runSection();
    showRun(report.runs[0]);
  }
  if (report.comparison) comparisonSections(report.comparison);
  if (report.proposals) proposalsSections(report.proposals);
  document.querySelector(".skip").hidden = !document.getElementById("table");
  contents();
  document.documentElement.dataset.ready = performance.now();
}

begin();
