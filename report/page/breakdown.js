// Designs taken apart: what each network, layer or memory has of a metric.

// Parts that have a bar of their own, the largest; the rest share one. Ours: what can be told apart.
const MOST_PARTS = 30;

function breakdownSection(run) {
  if (!run.breakdowns.length) return;
  const place = section("parts", "Designs taken apart", "Where the metrics of the best designs come from.");
  const view = { design: run.breakdowns[0], sheet: run.breakdowns[0].sheets[0], at: 0 };
  const firstQuantity = () => Math.max(view.sheet.columns.findIndex((it) => it.unit), 0);
  view.at = firstQuantity();
  const parts = element("div");
  const bounds = element("p");
  const sheetNames = () => view.design.sheets.map((sheet, index) => [String(index), `by ${sheet.of}`]);
  const columnNames = () => view.sheet.columns.map((it, index) => [String(index), label(it)]);
  const row = controls(place);
  const rebuild = () => {
    row.replaceChildren(
      choice("design", run.breakdowns.map((it, index) => [String(index), `${it.title}: trial ${it.trial}`]), String(run.breakdowns.indexOf(view.design)), (index) => {
        const of = view.sheet.of;
        view.design = run.breakdowns[Number(index)];
        view.sheet = view.design.sheets.find((sheet) => sheet.of === of) ?? view.design.sheets[0];
        rebuild();
      }),
      choice("taken apart", sheetNames(), String(view.design.sheets.indexOf(view.sheet)), (index) => { view.sheet = view.design.sheets[Number(index)]; view.at = firstQuantity(); rebuild(); }),
      choice("metric", columnNames(), String(view.at), (index) => { view.at = Number(index); rebuild(); }));
    bounds.textContent = view.design.bounds.map((bound) => `Bound by ${bound}.`).join(" ");
    const cells = (it) => [it.name, ...it.values.map((value, index) => quantity(value, view.sheet.columns[index].unit)), it.bound ?? ""];
    parts.replaceChildren(plainTable(`Parts by ${view.sheet.of}`, [[view.sheet.of], ...view.sheet.columns.map(label), ["bound by"]], view.sheet.rows.map(cells)));
    figure.holder.style.height = `${6 + Math.min(view.sheet.rows.length, MOST_PARTS + 1) * 1.5}rem`;
    figure.instance?.resize();
    figure.draw();
  };
  const figure = chart(place, "parts of a design", () => {
    const metric = { ...view.sheet.columns[view.at], kind: "metric", isNumber: true };
    const value = (it) => it.values[view.at];
    const largest = [...view.sheet.rows].sort((a, b) => value(b) - value(a));
    const bars = largest.slice(0, MOST_PARTS).map((it) => [it.name, value(it)]);
    const rest = largest.slice(MOST_PARTS);
    if (rest.length) bars.push([`${rest.length} others`, rest.reduce((sum, it) => sum + value(it), 0)]);
    return {
      grid: { left: 190, right: 60, top: 15, bottom: 55 }, legend: { show: false },
      xAxis: axis(metric, false, { min: 0, nameGap: 32 }),
      yAxis: { type: "category", inverse: true, data: bars.map(([name]) => name), axisLabel: { color: colour("text"), width: 170, overflow: "truncate" }, axisLine: { lineStyle: { color: colour("grey") } }, axisTick: { show: false } },
      tooltip: { ...base().tooltip, formatter: (it) => tip(it.name, [[label(metric), quantity(it.value, metric.unit)]]) },
      series: [{ type: "bar", data: bars.map(([, it]) => it), itemStyle: { color: colour("blue") } }],
    };
  }, "low");
  place.append(bounds, parts);
  rebuild();
}
