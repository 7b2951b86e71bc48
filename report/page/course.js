// What was found after so many trials, and what could not be built.

// Equal stretches of a search in which infeasible designs are counted. Ours: wide enough to be read, narrow enough to show a trend.
const STRETCHES = 40;

function courseSection() {
  const [first] = report.runs;
  const measures = [...(first.course.hypervolume.length ? [["hypervolume", "hypervolume"]] : []), ...first.objectives.map((it, index) => [String(index), `best ${label(it)}`])];
  if (!measures.length) return;
  const place = section("course", "Progress", "The hypervolume of the front, and the best acceptable values, after so many trials.");
  const view = { of: measures[0][0], isLog: true };
  controls(place, choice("show", measures, view.of, (of) => { view.of = of; picture.draw(); }), tick("trials on a logarithmic axis", true, (isLog) => { view.isLog = isLog; picture.draw(); }));
  const picture = chart(place, "progress over trials", () => {
    const isVolume = view.of === "hypervolume";
    const y = isVolume ? { name: "hypervolume", unit: "", isNumber: true, kind: "metric" } : first.objectives[Number(view.of)];
    const steps = (run) => (isVolume ? run.course.hypervolume : run.course.best[Number(view.of)] ?? []);
    const values = report.runs.flatMap((run) => steps(run).map(([, value]) => value));
    const isLogValue = !isVolume && spansDecades([Math.min(...values), Math.max(...values)]);
    return {
      grid: { left: 85, right: 25, top: 40, bottom: 55 },
      xAxis: axis({ name: "trials", unit: "", isNumber: true }, view.isLog, { nameGap: 32, min: view.isLog ? 1 : 0, max: Math.max(...report.runs.map((run) => run.trials)) }),
      yAxis: axis(y, isLogValue, { nameGap: 65 }),
      tooltip: { ...base().tooltip, trigger: "axis", formatter: (all) => tip(`trial ${count(all[0].value[0])}`, all.map((it) => [it.seriesName, quantity(it.value[1], y.unit)])) },
      series: report.runs.map((run, index) => {
        const last = steps(run).at(-1);
        return { type: "line", name: run.name, step: "end", showSymbol: false, data: last ? [...steps(run), [run.trials, last[1]]] : [], lineStyle: { width: 2, color: seriesColour(index), type: lineType(index) }, itemStyle: { color: seriesColour(index) } };
      }),
    };
  }, "low");
  const references = report.runs.filter((run) => run.course.reference.length);
  if (references.length) {
    const [run] = references;
    place.append(element("p", {}, `Volumes end at the worst acceptable value among what is shown: ${run.course.reference.map((value, index) => `${label(run.objectives[index])} ${quantity(value, run.objectives[index].unit)}`).join(", ")}.`));
  }
}

function infeasibleSection(run) {
  const rules = run.states.slice(2);
  const limited = trialsWhere(run, (state) => state === 1).length;
  if (!rules.length && !limited) return;
  const place = section("infeasible", "Infeasible designs", "What could not be built or run, by the rule it breaks, what lies outside a constraint, and what has no result since its evaluation failed, as a share of each stretch of the search.");
  const shown = [...(limited ? [1] : []), ...rules.map((_, index) => index + 2)];
  const stretch = Math.max(1, Math.ceil(run.trials / STRETCHES));
  const stretches = Math.ceil(run.trials / stretch);
  const counted = run.states.map(() => new Array(stretches).fill(0));
  run.state.forEach((state, trial) => { counted[state][Math.floor(trial / stretch)] += 1; });
  const size = (index) => Math.min(stretch, run.trials - index * stretch);
  chart(place, "infeasible designs by rule over trials", () => ({
    grid: { left: 65, right: 25, top: 40, bottom: 55 },
    xAxis: { ...axis({ name: "trials", unit: "", isNumber: true }, false), type: "category", nameGap: 32, data: Array.from({ length: stretches }, (_, index) => String(index * stretch)), axisLabel: { color: colour("faint"), hideOverlap: true }, splitLine: { show: false } },
    yAxis: axis({ name: "share", unit: "", isNumber: true }, false, { min: 0, max: 1, nameGap: 42, axisLabel: { color: colour("faint"), formatter: (value) => `${Math.round(100 * value)} %` } }),
    tooltip: { ...base().tooltip, trigger: "axis", formatter: (all) => tip(`from trial ${all[0].name}`, all.filter((it) => it.value).map((it) => [it.seriesName, `${(100 * it.value).toFixed(1)} %`])) },
    series: shown.map((state, index) => ({ type: "bar", stack: "all", barCategoryGap: 0, name: run.states[state], data: counted[state].map((number, at) => number / size(at)), itemStyle: { color: state === 1 ? colour("grey") : seriesColour(index) } })),
  }), "low");
  const total = (state) => counted[state].reduce((sum, number) => sum + number, 0);
  place.append(plainTable(`Infeasible designs by rule of ${run.name}`, [["rule"], "designs", "share"], shown.map((state) => [run.states[state], count(total(state)), `${((100 * total(state)) / run.trials).toFixed(1)} %`])));
}
