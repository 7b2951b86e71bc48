// Parallel coordinates: a line for each design, brushes that choose among all of them.

// Lines that are drawn: those of the front first, then acceptable designs spread evenly over the search. Ours: more is a carpet.
const MOST_LINES = 600;

function parallelSection(run) {
  const shown = run.columns.filter((it) => (it.kind === "parameter" && it.levels.length > 1) || it.direction);
  const acceptable = trialsWhere(run, (state) => state === 0);
  if (shown.length < 2 || !acceptable.length) return;
  const lines = [...spread(acceptable, MOST_LINES).filter((trial) => !run.isOnFront.has(trial)), ...spread(run.front, MOST_LINES)];
  const about = `Drag along an axis to keep the designs that lie there; click the axis to let all in again. Drawn are the front and acceptable designs, ${count(lines.length)} of ${count(run.trials)}; brushes choose among all, in the table and above.`;
  const place = section("parallel", "Parallel coordinates", about);
  const kept = element("span", { role: "status" });
  const brushes = new Map();
  const apply = () => {
    const chosen = new Uint8Array(run.trials);
    for (let trial = 0; trial < run.trials; trial++) {
      chosen[trial] = [...brushes].every(([at, intervals]) => intervals.some(([low, high]) => coordinate(shown[at], trial) >= low && coordinate(shown[at], trial) <= high)) ? 1 : 0;
    }
    const isAll = brushes.size === 0;
    kept.textContent = isAll ? "" : `${count(chosen.reduce((sum, one) => sum + one, 0))} of ${count(run.trials)} trials are kept`;
    choose(run, isAll ? null : chosen);
  };
  controls(place, button("Let all in", () => { brushes.clear(); apply(); picture.draw(); }), kept);
  const isLog = (it) => it.isNumber && spansDecades(range(it, acceptable));
  const picture = chart(place, "parallel coordinates of the designs", () => ({
    legend: { ...base().legend, data: ["acceptable", "Pareto front"] },
    parallel: { left: 60, right: 90, top: 110, bottom: 30, axisExpandable: false, parallelAxisDefault: { areaSelectStyle: { width: 18, color: colour("blue"), opacity: 0.3 } } },
    parallelAxis: shown.map((it, dim) => {
      const drawn = axis(it, isLog(it));
      return { dim, id: `axis-${dim}`, name: label(it), type: isList(it) ? "category" : drawn.type, data: isList(it) ? it.levels.map(String) : undefined, scale: true, ...(isList(it) ? {} : parallelEnds(it, acceptable)),
        nameTextStyle: { color: colour("text"), fontSize: 12 }, nameRotate: shown.length > 6 ? 25 : 0, nameTruncate: { maxWidth: 220 }, axisLine: { lineStyle: { color: colour("grey") } }, axisTick: { lineStyle: { color: colour("grey") } }, axisLabel: { color: colour("faint"), fontSize: 11, formatter: isList(it) ? (text) => (it.unit ? quantity(Number(text), it.unit) : text) : drawn.axisLabel.formatter } };
    }),
    series: ["acceptable", "Pareto front"].map((name, isFront) => ({
      type: "parallel", name, smooth: false, progressive: 0, inactiveOpacity: 0.02, activeOpacity: isFront ? 0.9 : 0.3, z: isFront ? 3 : 2,
      lineStyle: { color: colour(isFront ? "vermillion" : "blue"), width: isFront ? 1.8 : 1, opacity: isFront ? 0.9 : 0.22 }, itemStyle: { color: colour(isFront ? "vermillion" : "blue") },
      data: lines.filter((trial) => run.isOnFront.has(trial) === Boolean(isFront)).map((trial) => shown.map((it) => coordinate(it, trial))),
    })),
  }));
  picture.onBegin = (instance) => instance.on("axisareaselected", (event) => {
    for (const it of event.batch ?? [event]) {
      const at = Number(String(it.parallelAxisId).replace("axis-", ""));
      const intervals = (it.intervals ?? []).map((interval) => [Math.min(...interval), Math.max(...interval)]);
      if (intervals.length) brushes.set(at, intervals); else brushes.delete(at);
    }
    apply();
  });
}

function parallelEnds(it, trials) {
  const [low, high] = range(it, trials);
  return low < high ? { min: low, max: high } : {};
}

// Whether the levels of a parameter stand evenly along its axis, as in its list: of more the texts would lie on each other.
function isList(it) {
  return it.kind === "parameter" && it.levels.length <= 40;
}

function coordinate(it, trial) {
  return isList(it) ? it.index[trial] : it.number(trial);
}

// Keeps these trials of a run, in everything that shows them.
function choose(run, chosen) {
  run.chosen = chosen;
  choose.front.draw();
  choose.tell();
}
