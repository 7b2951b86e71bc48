// The designs over two axes, coloured by a third, with the front of every run.

// Beyond so many points a coloured cloud is drawn of a part, spread evenly. Ours: as many are drawn in a tenth of a second.
const MOST_COLOURED = 50000;

// Share of the acceptable designs, the worst ones, that the best part leaves out along an axis. Ours.
const SHOWN_FROM = 0.03;

function frontSection() {
  const [first] = report.runs;
  const about = "Every design that was measured, and the front. Point at a design to see it, click to copy it; drag to move, Ctrl and the wheel or the buttons to zoom.";
  const place = section("front", "Front", about);
  const metrics = first.columns.filter((it) => it.kind === "metric");
  const numbers = first.columns.filter((it) => it.isNumber || it.kind === "parameter");
  const start = first.objectives.length > 1 ? first.objectives : [{ name: "trial" }, first.objectives[0] ?? metrics[0]];
  const view = { x: start[0].name, y: start[1].name, by: "", copies: "values", showLimits: true, isWhole: false };
  for (const key of ["x", "y"]) view[`${key}Log`] = spansDecades(rangeOfRuns(view[key]));
  const redraw = () => { legend(); picture.draw(); };
  const names = numbers.map((it) => [it.name, label(it)]);
  const logs = Object.fromEntries(["x", "y"].map((key) => [key, tick(`log ${key}`, view[`${key}Log`], (isOn) => { view[`${key}Log`] = isOn; redraw(); })]));
  const takeAxis = (key) => (name) => {
    view[key] = name;
    view[`${key}Log`] = spansDecades(rangeOfRuns(name));
    logs[key].querySelector("input").checked = view[`${key}Log`];
    redraw();
  };
  const copies = [["values", "its values"], ["command", "its command"]].filter(([value]) => value === "values" || report.runs.some((run) => run.command));
  controls(place,
    choice("right", names, view.x, takeAxis("x")), logs.x, choice("up", names, view.y, takeAxis("y")), logs.y,
    choice("colour", [["", report.runs.length > 1 ? "run" : "none"], ...names], view.by, (name) => { view.by = name; redraw(); }),
    tick("designs outside a constraint", true, (isOn) => { view.showLimits = isOn; redraw(); }),
    choice("click copies", copies, view.copies, (what) => { view.copies = what; }));
  const beyond = element("span", { class: "faint" });
  const scale = element("span", { class: "scale", hidden: true });
  const scaleText = element("span", {});
  const zoom = (share) => () => zoomBy(picture, share);
  controls(place, button("Zoom in", zoom(0.5)), button("Zoom out", zoom(2)), button("Best part", () => { view.isWhole = false; redraw(); }), button("Whole", () => { view.isWhole = true; redraw(); }), beyond, scale, scaleText);
  const legend = () => {
    const outside = view.isWhole ? 0 : countBeyond(view);
    beyond.textContent = outside ? `${count(outside)} acceptable designs lie beyond the axes` : "";
    scale.hidden = !view.by;
    scale.style.background = `linear-gradient(to right, ${SCALE.join(",")})`;
    const [low, high] = view.by ? rangeOfRuns(view.by) : [0, 0];
    const by = view.by ? column(first, view.by) : null;
    scaleText.textContent = by ? `${label(by)}, ${by.isNumber ? `${quantity(low, by.unit)} to ${quantity(high, by.unit)}` : by.levels.join(", ")}` : "";
  };
  const picture = chart(place, `designs over ${view.x} and ${view.y}, with the front`, () => frontOptions(view));
  picture.onBegin = () => followPointer(picture, view);
  picture.begin();
  legend();
  return picture;
}

// Over all runs, the range of a column among designs that can be acceptable; all measured ones if none is.
function rangeOfRuns(name) {
  const wanted = (isWanted) => report.runs.map((run) => range(column(run, name), trialsWhere(run, isWanted)));
  const whole = (ranges) => [Math.min(...ranges.map(([low]) => low)), Math.max(...ranges.map(([, high]) => high))];
  const acceptable = whole(wanted((state) => state === 0));
  return acceptable[0] <= acceptable[1] ? acceptable : whole(wanted((state) => state <= 1));
}

// What an axis shows: of a metric the best part, so that a few absurd designs do not press all others into a corner.
function shownRange(view, key) {
  const whole = rangeOfRuns(view[key]);
  const of = column(report.runs[0], view[key]);
  if (view.isWhole || of.kind !== "metric") return whole;
  const values = report.runs.flatMap((run) => spread(trialsWhere(run, (state) => state === 0), 20000).map((trial) => column(run, view[key]).number(trial))).sort((a, b) => a - b);
  if (!values.length) return whole;
  const fronts = report.runs.flatMap((run) => run.front.map((trial) => column(run, view[key]).number(trial)));
  const at = (share) => values[Math.round(share * (values.length - 1))];
  const isUp = isToBeLarge(of);
  return [Math.min(isUp ? at(SHOWN_FROM) : whole[0], ...fronts), Math.max(isUp ? whole[1] : at(1 - SHOWN_FROM), ...fronts)];
}

function countBeyond(view) {
  const ranges = ["x", "y"].map((key) => [key, shownRange(view, key)]);
  const isBeyond = (run) => (state, trial) => state === 0 && ranges.some(([key, [low, high]]) => column(run, view[key]).number(trial) < low || column(run, view[key]).number(trial) > high);
  return report.runs.reduce((sum, run) => sum + trialsWhere(run, isBeyond(run)).length, 0);
}

// The points of `trials` over the axes, one behind the other; designs that have no place on a logarithmic axis are left out.
function points(run, trials, view) {
  const [x, y] = [column(run, view.x), column(run, view.y)];
  const flat = new Float64Array(trials.length * 2);
  let length = 0;
  for (const trial of trials) {
    const [across, up] = [x.number(trial), y.number(trial)];
    if (Number.isNaN(across + up) || (view.xLog && across <= 0) || (view.yLog && up <= 0)) continue;
    flat[length++] = across;
    flat[length++] = up;
  }
  return flat.subarray(0, length);
}

function cloud(name, data, ink, more = {}) {
  return { type: "scatter", name, data, dimensions: ["x", "y"], large: true, largeThreshold: 0, progressive: 0, silent: true, symbolSize: 5, itemStyle: { color: ink, opacity: 0.45 }, ...more };
}

function frontOptions(view) {
  const [first] = report.runs;
  const [x, y] = [column(first, view.x), column(first, view.y)];
  const isMany = report.runs.length > 1;
  const series = [];
  report.runs.forEach((run, index) => {
    const ink = isMany ? seriesColour(index) : colour("blue");
    const kept = (trial) => !run.chosen || run.chosen[trial];
    if (view.showLimits) series.push(cloud("outside a constraint", points(run, trialsWhere(run, (state, trial) => state === 1 && kept(trial)), view), colour("grey"), { symbolSize: 3 }));
    const acceptable = trialsWhere(run, (state, trial) => state === 0 && kept(trial));
    if (run.chosen) series.push(cloud("not chosen", points(run, trialsWhere(run, (state, trial) => state === 0 && !kept(trial)), view), colour("grid"), { symbolSize: 3 }));
    if (view.by) series.push(...colouredClouds(run, acceptable, view));
    else series.push(cloud(isMany ? run.name : "acceptable", points(run, acceptable, view), ink));
  });
  report.runs.forEach((run, index) => series.push(frontLine(run, view, isMany ? seriesColour(index) : colour("vermillion"), isMany ? `front of ${run.name}` : "Pareto front")));
  const named = [...new Set(series.filter((it) => it.data.length && it.name).map((it) => it.name))];
  return {
    grid: { left: 85, right: 25, top: 40, bottom: 55 },
    legend: { ...base().legend, data: named },
    xAxis: axis(x, view.xLog, { nameGap: 32, ...ends(shownRange(view, "x"), view.xLog) }),
    yAxis: axis(y, view.yLog, { nameGap: 65, ...ends(shownRange(view, "y"), view.yLog) }),
    dataZoom: ["xAxisIndex", "yAxisIndex"].map((which) => ({ type: "inside", [which]: 0, zoomOnMouseWheel: "ctrl", filterMode: "none" })),
    tooltip: { show: false },
    series: series.filter((it) => it.data.length),
  };
}

// A cloud for each step of the scale.
function colouredClouds(run, trials, view) {
  const by = column(run, view.by);
  const [low, high] = rangeOfRuns(view.by);
  const isLog = spansDecades([low, high]);
  const along = (value) => (high > low ? (isLog ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low)) : 0);
  const steps = SCALE.map(() => []);
  for (const trial of spread(trials, MOST_COLOURED)) {
    const step = Math.round(along(by.number(trial)) * (SCALE.length - 1));
    steps[Math.min(Math.max(step, 0), SCALE.length - 1)].push(trial);
  }
  return steps.map((step, index) => cloud("", points(run, step, view), SCALE[index], { itemStyle: { color: SCALE[index], opacity: 0.8 } }));
}

// The front, as a staircase if both axes are the objectives it is a front of.
function frontLine(run, view, ink, name) {
  const [x, y] = [column(run, view.x), column(run, view.y)];
  const isStairs = run.objectives.length === 2 && [x, y].every((it) => it.direction);
  const trials = [...run.front].sort((one, other) => x.number(one) - x.number(other));
  return {
    type: "line", name, silent: true, animation: false, data: trials.map((trial) => [x.number(trial), y.number(trial)]),
    step: isStairs ? (y.direction === "minimize" ? "end" : "start") : false,
    lineStyle: { color: ink, width: isStairs ? 2 : 0 }, symbol: "circle", symbolSize: 8, showAllSymbol: true,
    itemStyle: { color: ink, borderColor: colour("card"), borderWidth: 1.5 }, z: 5,
  };
}

function zoomBy(picture, share) {
  const batch = picture.instance.getOption().dataZoom.map((zoom, dataZoomIndex) => {
    const [middle, half] = [(zoom.start + zoom.end) / 2, Math.min(((zoom.end - zoom.start) / 2) * share, 50)];
    const start = Math.min(Math.max(middle - half, 0), 100 - 2 * half);
    return { dataZoomIndex, start, end: start + 2 * half };
  });
  picture.instance.dispatchAction({ type: "dataZoom", batch });
}

// Shows the design under the pointer and copies it when it is clicked: of whichever kind it is drawn, so the charts need not know.
function followPointer(picture, view) {
  const ring = element("div", { class: "ring", hidden: true });
  const box = element("div", { class: "tip", hidden: true });
  picture.holder.append(ring, box);
  const hide = () => { ring.hidden = true; box.hidden = true; };
  picture.afterDraw = hide;
  picture.instance.on("datazoom", hide);
  let [near, isDue] = [null, false];
  const look = (event) => {
    isDue = false;
    const at = [event.offsetX, event.offsetY];
    near = picture.instance.containPixel("grid", at) ? nearest(picture, view, at) : null;
    if (!near) return hide();
    ring.hidden = box.hidden = false;
    ring.style.left = `${near.at[0]}px`;
    ring.style.top = `${near.at[1]}px`;
    box.replaceChildren(designTip(near.run, near.trial));
    const isRight = near.at[0] > picture.holder.clientWidth / 2;
    box.style.left = isRight ? "auto" : `${near.at[0] + 14}px`;
    box.style.right = isRight ? `${picture.holder.clientWidth - near.at[0] + 14}px` : "auto";
    box.style.top = `${Math.min(Math.max(near.at[1] - 40, 0), Math.max(picture.holder.clientHeight - box.clientHeight, 0))}px`;
  };
  picture.canvas.addEventListener("mousemove", (event) => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => look(event));
  });
  picture.canvas.addEventListener("mouseleave", hide);
  picture.canvas.addEventListener("click", (event) => {
    look(event);
    if (near) copy((view.copies === "command" && evaluateCommand(near.run, near.trial)) || designValues(near.run, near.trial));
  });
}

// The measured design within 14 pixels of `at` that is nearest; those of the front first.
function nearest(picture, view, at) {
  const [low, high] = [[-14, 14], [14, -14]].map((by) => picture.instance.convertFromPixel("grid", [at[0] + by[0], at[1] + by[1]]));
  let best = null;
  for (const run of report.runs) {
    const [x, y] = [column(run, view.x), column(run, view.y)];
    for (let trial = 0; trial < run.trials; trial++) {
      const [across, up] = [x.number(trial), y.number(trial)];
      if (!(across >= low[0] && across <= high[0] && up >= low[1] && up <= high[1]) || run.state[trial] > 1) continue;
      const place = picture.instance.convertToPixel("grid", [across, up]);
      const distance = Math.hypot(place[0] - at[0], place[1] - at[1]) - (run.isOnFront.has(trial) ? 7 : 0);
      if (!best || distance < best.distance) best = { run, trial, distance, at: place };
    }
  }
  return best;
}

function designTip(run, trial) {
  const title = `${report.runs.length > 1 ? `${run.name}, ` : ""}trial ${trial}${run.isOnFront.has(trial) ? ", on the front" : ""}`;
  const shown = run.columns.filter((it) => it.kind === "parameter" || (it.kind === "metric" && !it.name.includes(".")));
  return tip(title, shown.map((it) => [label(it), it.kind === "metric" ? quantity(it.number(trial), it.unit) : `${it.text(trial)} ${it.unit}`]));
}
