// Agents side by side, and proposals against what was measured.

function comparisonSections(compared) {
  compared.envs.forEach((env, index) => compareEnv(compared, env, index));
  ranksSection(compared);
  costSection(compared);
}

function compareEnv(compared, env, at) {
  const measure = { name: env.measure, unit: env.unit, kind: "metric", isNumber: true };
  const place = section(`env-${at}`, env.name, `Median of ${label(measure)} over ${compared.seeds} seeds after so many trials. A line stands out when it is pointed at; the quartiles of one agent can be added.`);
  const view = { isLog: true, shaded: "" };
  controls(place, tick("trials on a logarithmic axis", true, (isLog) => { view.isLog = isLog; picture.draw(); }), choice("quartiles of", [["", "nobody"], ...env.agents.map((it) => it.name)], "", (name) => { view.shaded = name; picture.draw(); }));
  // The first designs of a search may be far worse than all that matters later: they may leave the frame.
  const isLate = (_, index) => compared.checkpoints[index] >= compared.trials / 20;
  const values = env.agents.flatMap((it) => it.quartiles.filter(isLate).map(([, median]) => median)).filter((it) => it !== null);
  const isLogValue = spansDecades([Math.min(...values), Math.max(...values)]);
  const curve = (agent, which) => agent.quartiles.map((it, index) => [compared.checkpoints[index], it[which]]).filter(([, value]) => value !== null);
  const picture = chart(place, `progress of ${env.agents.length} agents`, () => {
    const shaded = env.agents.find((it) => it.name === view.shaded);
    const edge = (which) => ({ type: "line", name: `quartiles of ${view.shaded}`, showSymbol: false, silent: true, data: curve(shaded, which), lineStyle: { type: "dotted", color: seriesColour(env.agents.indexOf(shaded)), width: 1.5 }, itemStyle: { color: seriesColour(env.agents.indexOf(shaded)) } });
    return {
      grid: { left: 85, right: 130, top: 40, bottom: 55 },
      xAxis: axis({ name: "trials", unit: "", isNumber: true }, view.isLog, { nameGap: 32, min: view.isLog ? 1 : 0, max: compared.trials }),
      yAxis: axis(measure, isLogValue, { nameGap: 65, ...ends([Math.min(...values), Math.max(...values)], isLogValue) }),
      tooltip: { ...base().tooltip, trigger: "axis", formatter: (all) => tip(`after ${count(all[0].value[0])} trials`, all.map((it) => [it.seriesName, quantity(it.value[1], env.unit)])) },
      series: [...env.agents.map((agent, index) => ({
        type: "line", name: agent.name, showSymbol: false, data: curve(agent, 1), emphasis: { focus: "series" }, lineStyle: { width: 2, color: seriesColour(index), type: lineType(index) }, itemStyle: { color: seriesColour(index) },
        clip: true, endLabel: { show: true, formatter: "{a}", color: seriesColour(index), fontSize: 11 }, labelLayout: { moveOverlap: "shiftY" },
      })), ...(shaded ? [edge(0), edge(2)] : [])],
    };
  });
  const row = (agent) => [agent.name, ...agent.quartiles.at(-1).map((it) => quantity(it, env.unit)), `${agent.finals.length} of ${compared.seeds}`, count(agent.failed)];
  place.append(plainTable(`Final ${measure.name} in ${env.name}`, [["agent"], "lower quartile", "median", "upper quartile", "runs with a result", "failed trials"], env.agents.map(row)));
}

// The diagram of Demšar (2006), figure 1, with the agents below each other and the intervals of their ranks.
function ranksSection(compared) {
  const { ranks, cliques } = compared;
  if (ranks.length < 2) return;
  const about = `Average ranks over ${count(compared.blocks)} blocks (environments times seeds) with their 95 % intervals; 1 is best. Agents joined by a bar do not differ by more than the critical difference ${digits(compared.critical_difference)} (Nemenyi, α = 0.05; Demšar 2006).`;
  const place = section("ranks", "Ranks", about);
  const figure = chart(place, "average ranks with the critical difference", () => ({
    grid: { left: 150, right: 30, top: 20, bottom: 50 + 12 * cliques.length }, legend: { show: false },
    xAxis: axis({ name: "average rank", unit: "", isNumber: true }, false, { min: 1, max: ranks.length, nameGap: 30, axisLine: { onZero: false, lineStyle: { color: colour("grey") } } }),
    yAxis: { type: "value", inverse: true, min: -1, max: ranks.length + Math.ceil(0.4 * cliques.length), interval: 1, axisLabel: { color: colour("text"), formatter: (at) => ranks[at]?.agent ?? "" }, splitLine: { show: false }, axisTick: { show: false }, axisLine: { show: false } },
    tooltip: { ...base().tooltip, formatter: (it) => (ranks[it.value[1]] ? tip(ranks[it.value[1]].agent, [["average rank", digits(ranks[it.value[1]].rank)], ["interval", `${digits(ranks[it.value[1]].low)} to ${digits(ranks[it.value[1]].high)}`]]) : null) },
    series: [
      { type: "scatter", symbolSize: 10, z: 4, data: ranks.map((it, at) => [it.rank, at]), itemStyle: { color: colour("blue") } },
      ...ranks.map((it, at) => ({ type: "line", silent: true, symbol: "none", data: [[it.low, at], [it.high, at]], lineStyle: { color: colour("grey"), width: 2 } })),
      ...cliques.map(([first, last], index) => ({ type: "line", silent: true, symbol: "none", data: [first, last].map((at) => [ranks[at].rank, ranks.length - 0.2 + 0.4 * index]), lineStyle: { color: colour("text"), width: 4 } })),
    ],
  }));
  figure.holder.style.height = `${8 + 1.6 * (ranks.length + 0.5 * cliques.length)}rem`;
  place.append(plainTable("Average ranks", [["agent"], "average rank", "from", "to"], ranks.map((it) => [it.agent, digits(it.rank), digits(it.low), digits(it.high)])));
}

function costSection(compared) {
  if (!compared.costs.length) return;
  const place = section("cost", "What the agents cost", "Processor time of the agent for each trial, to suggest and to observe. Median over runs; the table has the quartiles.");
  const costs = [...compared.costs].sort((a, b) => a.own_s[1] - b.own_s[1]);
  const time = { name: "time for each trial", unit: "s", kind: "metric", isNumber: true };
  const figure = chart(place, "time of the agents for each trial", () => ({
    grid: { left: 150, right: 30, top: 10, bottom: 50 }, legend: { show: false },
    xAxis: axis(time, true, { nameGap: 30 }),
    yAxis: { type: "category", inverse: true, data: costs.map((it) => it.agent), axisLabel: { color: colour("text") }, axisTick: { show: false }, axisLine: { lineStyle: { color: colour("grey") } } },
    tooltip: { ...base().tooltip, formatter: (it) => tip(costs[it.dataIndex].agent, [["median", quantity(costs[it.dataIndex].own_s[1], "s")]]) },
    series: [{ type: "scatter", symbolSize: 11, data: costs.map((it, at) => [Math.max(it.own_s[1], 1e-9), at]), itemStyle: { color: colour("blue") } }],
  }), "low");
  figure.holder.style.height = `${6 + 1.6 * costs.length}rem`;
  place.append(plainTable("Time for each trial", [["agent"], "lower quartile", "median", "upper quartile", "in the environment"], costs.map((it) => [it.agent, ...it.own_s.map((own) => quantity(own, "s")), quantity(it.evaluation_s, "s")])));
}

function proposalsSections(proposals) {
  if (proposals.facts.length) section("facts", "Facts").append(definitions(proposals.facts));
  const { metrics, designs } = proposals;
  const place = section("promised", "Expected and measured", "What was expected of each proposal against what was measured; bars are the intervals within which nine in ten were to lie. On the diagonal a promise was kept.");
  const isMeasured = (at) => designs.some((it) => it.measured[at] !== null && it.expected[at] !== null);
  const shown = metrics.map((_, at) => at).filter(isMeasured);
  const view = { at: shown[0] ?? 0 };
  if (shown.length) {
    controls(place, choice("metric", shown.map((at) => [String(at), label(metrics[at])]), String(view.at), (at) => { view.at = Number(at); picture.draw(); }));
  } else place.append(element("p", {}, "Nothing was measured yet: “tapeout validate --out FILE.json” asks, and “--validation FILE.json” shows it here."));
  const picture = shown.length ? chart(place, "expected against measured", () => parityOptions(proposals, view.at)) : null;
  const cell = (design) => (metric, at) => [quantity(design.expected[at], metric.unit), quantity(design.measured[at], metric.unit)];
  place.append(plainTable("Proposals", ["", ...metrics.flatMap((metric) => [`expected ${label(metric)}`, "measured"]), ["verdict"], ["design"]], designs.map((design, index) => [String(index + 1), ...metrics.flatMap(cell(design)), design.verdict, design.values.join(" ")])));
}

function parityOptions({ metrics, designs }, at) {
  const metric = { ...metrics[at], kind: "metric", isNumber: true };
  const pairs = designs.filter((it) => it.expected[at] !== null && it.measured[at] !== null);
  const all = pairs.flatMap((it) => [it.expected[at], it.measured[at], ...(it.intervals[at] ?? [])]);
  const whole = [Math.min(...all), Math.max(...all)];
  const isLog = spansDecades(whole);
  const both = ends(whole, isLog);
  return {
    grid: { left: 90, right: 30, top: 40, bottom: 55 },
    xAxis: axis({ ...metric, name: `expected ${metric.name}` }, isLog, { nameGap: 32, ...both }),
    yAxis: axis({ ...metric, name: `measured ${metric.name}` }, isLog, { nameGap: 68, ...both }),
    tooltip: { ...base().tooltip, formatter: (it) => tip(`proposal ${designs.indexOf(pairs[it.dataIndex]) + 1}`, [["expected", quantity(it.value[0], metric.unit)], ["measured", quantity(it.value[1], metric.unit)]]) },
    series: [
      { type: "line", name: "kept", silent: true, symbol: "none", data: [[both.min, both.min], [both.max, both.max]], lineStyle: { color: colour("grey"), type: "dashed" }, itemStyle: { color: colour("grey") } },
      ...pairs.filter((it) => it.intervals[at]).map((it) => ({ type: "line", name: "interval", silent: true, symbol: "none", data: it.intervals[at].map((end) => [end, it.measured[at]]), lineStyle: { color: colour("blue"), opacity: 0.5 }, itemStyle: { color: colour("blue") } })),
      ...(metric.logged === null ? [] : [{ type: "line", name: "best logged design", silent: true, symbol: "none", data: [[both.min, metric.logged], [both.max, metric.logged]], lineStyle: { color: colour("vermillion") }, itemStyle: { color: colour("vermillion") } }]),
      { type: "scatter", name: "proposals", symbolSize: 10, data: pairs.map((it) => [it.expected[at], it.measured[at]]), itemStyle: { color: colour("blue") } },
    ],
  };
}
