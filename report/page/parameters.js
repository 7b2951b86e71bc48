// What the parameters do: which of them matter, an objective along one, and over two of them.

// Points of a slice that are drawn, spread evenly. Ours: more hide the lines.
const MOST_OF_SLICE = 4000;

function importanceSection(run) {
  if (!run.importance.length) return;
  const place = section("importance", "Which parameters matter", run.importance_method);
  const all = run.importance;
  const names = all[0].parameters.map(([name]) => name);
  const share = (of, name) => of.parameters.find(([it]) => it === name)?.[1] ?? 0;
  const figure = chart(place, "importance of parameters", () => ({
    grid: { left: 160, right: 40, top: 40, bottom: 50 },
    xAxis: axis({ name: "share of the variance that is lost", unit: "", isNumber: true }, false, { min: 0, nameGap: 30 }),
    yAxis: { type: "category", inverse: true, data: names.map((name) => label(column(run, name))), axisLabel: { color: colour("text") }, axisLine: { lineStyle: { color: colour("grey") } }, axisTick: { show: false } },
    tooltip: { ...base().tooltip, trigger: "axis", axisPointer: { type: "shadow" }, formatter: (bars) => tip(bars[0].name, bars.map((it) => [it.seriesName, it.value.toFixed(3)])) },
    series: all.map((of, index) => ({ type: "bar", name: label(column(run, of.metric)), data: names.map((name) => share(of, name)), itemStyle: { color: seriesColour(index) } })),
  }), "low");
  figure.holder.style.height = `${7 + names.length * (0.7 + 0.75 * all.length)}rem`;
  place.append(element("p", {}, `On trials that it has not seen the forest explains ${all.map((of) => `${(100 * of.explained).toFixed(0)} % of the variance of ${label(column(run, of.metric))}`).join(", ")}${all.some((of) => of.explained < 0.5) ? "; where that is little, so is what it says of parameters" : ""}.`));
  place.append(plainTable("Importance of parameters", [["parameter"], ...all.map((of) => label(column(run, of.metric)))], names.map((name) => [name, ...all.map((of) => share(of, name).toFixed(3))])));
}

function slicesSection(run) {
  const parameters = run.columns.filter((it) => it.kind === "parameter" && it.levels.length > 1);
  const metrics = run.columns.filter((it) => it.kind === "metric");
  const acceptable = trialsWhere(run, (state) => state === 0);
  if (!parameters.length || !metrics.length || !acceptable.length) return;
  const place = section("slices", "Along parameters", "A metric of acceptable designs along one parameter, or the best value for each pair of levels of two. A search looks where it is good, so these are what it saw, not the whole space.");
  const first = run.importance[0]?.parameters.map(([name]) => name) ?? parameters.map((it) => it.name);
  const view = { along: first[0], against: "", metric: run.objectives[0]?.name ?? metrics[0].name };
  const names = parameters.map((it) => [it.name, label(it)]);
  const redraw = () => picture.draw();
  controls(place, choice("along", names, view.along, (name) => { view.along = name; redraw(); }), choice("against", [["", "nothing: a slice"], ...names], "", (name) => { view.against = name; redraw(); }), choice("metric", metrics.map((it) => [it.name, label(it)]), view.metric, (name) => { view.metric = name; redraw(); }));
  const picture = chart(place, "a metric along parameters", () => (view.against && view.against !== view.along ? contourOptions(run, acceptable, view) : sliceOptions(run, acceptable, view)));
}

function isToBeLarge(metric) {
  return metric.direction === "maximize";
}

function sliceOptions(run, acceptable, view) {
  const [along, metric] = [column(run, view.along), column(run, view.metric)];
  const byLevel = along.levels.map(() => []);
  for (const trial of acceptable) byLevel[along.index[trial]].push(metric.number(trial));
  for (const values of byLevel) values.sort((a, b) => a - b);
  const best = byLevel.map((values) => (isToBeLarge(metric) ? values.at(-1) : values[0]) ?? null);
  const median = byLevel.map((values) => values[Math.floor(values.length / 2)] ?? null);
  const all = range(metric, acceptable);
  const line = (name, data, ink, type) => ({ type: "line", name, data, connectNulls: true, symbolSize: 7, lineStyle: { color: ink, width: 2, type }, itemStyle: { color: ink }, z: 4 });
  return {
    grid: { left: 85, right: 25, top: 40, bottom: 55 },
    xAxis: levelAxis(along, { nameGap: 32 }),
    yAxis: axis(metric, spansDecades(all), { nameGap: 65, ...ends(all, spansDecades(all)) }),
    tooltip: { ...base().tooltip, trigger: "axis", formatter: (it) => tip(`${label(along)} ${along.levels[it[0].dataIndex]}`, [["designs", count(byLevel[it[0].dataIndex].length)], ["best", quantity(best[it[0].dataIndex], metric.unit)], ["median", quantity(median[it[0].dataIndex], metric.unit)]]) },
    series: [
      { type: "scatter", name: "designs", silent: true, progressive: 0, tooltip: { show: false }, symbolSize: 4, itemStyle: { color: colour("blue"), opacity: 0.25 }, data: spread(acceptable, MOST_OF_SLICE).map((trial) => [along.index[trial], metric.number(trial)]) },
      line("best", best, colour("vermillion"), "solid"), line("median", median, colour("text"), "dashed"),
    ],
  };
}

// Levels in their order, evenly: what a parameter can be is a list.
function levelAxis(parameter, more) {
  return { ...axis(parameter, false), type: "category", name: `${label(parameter)}${parameter.unit ? ` (${parameter.unit})` : ""}`, data: parameter.levels.map(String), axisLabel: { color: colour("faint"), hideOverlap: true }, splitLine: { show: false }, ...more };
}

function contourOptions(run, acceptable, view) {
  const [along, against, metric] = [column(run, view.along), column(run, view.against), column(run, view.metric)];
  const better = isToBeLarge(metric) ? Math.max : Math.min;
  const cells = new Map();
  for (const trial of acceptable) {
    const key = along.index[trial] * against.levels.length + against.index[trial];
    const value = metric.number(trial);
    cells.set(key, cells.has(key) ? better(cells.get(key), value) : value);
  }
  const isLog = spansDecades([Math.min(...cells.values()), Math.max(...cells.values())]);
  const shade = (value) => (isLog ? Math.log10(value) : value);
  const data = [...cells].map(([key, value]) => [Math.floor(key / against.levels.length), key % against.levels.length, shade(value), value]);
  const shades = data.map(([, , it]) => it);
  return {
    grid: { left: 110, right: 110, top: 25, bottom: 55 }, legend: { show: false },
    xAxis: levelAxis(along, { nameGap: 32 }), yAxis: levelAxis(against, { nameGap: 70 }),
    visualMap: { min: Math.min(...shades), max: Math.max(...shades), dimension: 2, calculable: true, right: 5, top: "middle", inRange: { color: SCALE }, textStyle: { color: colour("text") }, formatter: (it) => quantity(isLog ? 10 ** it : it, metric.unit) },
    tooltip: { ...base().tooltip, formatter: (it) => tip(`${label(along)} ${along.levels[it.value[0]]}, ${label(against)} ${against.levels[it.value[1]]}`, [[`best ${label(metric)}`, quantity(it.value[3], metric.unit)]]) },
    series: [{ type: "heatmap", progressive: 0, data }],
  };
}
