// Three objectives and more: every pair of them, with the front over all.

const MOST_OF_MATRIX = 5000;

function matrixSection(run) {
  if (run.objectives.length < 3) return;
  const about = "Every pair of objectives. A design on the front over all of them need not be on the edge of a pair.";
  const place = section("matrix", "All objectives", about);
  const m = run.objectives.length;
  const cells = run.objectives.flatMap((up, row) => run.objectives.slice(0, row).map((across, column) => ({ up, across, row: row - 1, column })));
  const ranges = new Map(run.objectives.map((it) => [it, range(it, trialsWhere(run, (state) => state === 0))]));
  const figure = chart(place, `every pair of ${m} objectives`, () => {
    const share = 84 / (m - 1);
    const isLog = (it) => spansDecades(ranges.get(it));
    const acceptable = spread(trialsWhere(run, (state) => state === 0), MOST_OF_MATRIX);
    const cellAxis = (it, isShown, more) => axis(it, isLog(it), { ...ends(ranges.get(it), isLog(it)), splitNumber: 3, axisLabel: { ...axis(it, false).axisLabel, show: isShown }, name: isShown ? axis(it, isLog(it)).name : "", ...more });
    return {
      legend: { show: false },
      grid: cells.map(({ row, column }) => ({ left: `${9 + column * share}%`, top: `${3 + row * share}%`, width: `${share - 4}%`, height: `${share - 4}%` })),
      xAxis: cells.map(({ across, row }, gridIndex) => cellAxis(across, row === m - 2, { gridIndex, nameGap: 28 })),
      yAxis: cells.map(({ up, column }, gridIndex) => cellAxis(up, column === 0, { gridIndex, nameGap: 62 })),
      series: cells.flatMap(({ across, up }, index) => {
        const view = { x: across.name, y: up.name, xLog: isLog(across), yLog: isLog(up) };
        const at = { xAxisIndex: index, yAxisIndex: index };
        return [
          cloud("acceptable", points(run, acceptable, view), colour("blue"), { ...at, symbolSize: 3 }),
          cloud("Pareto front", points(run, run.front, view), colour("vermillion"), { ...at, symbolSize: 6, itemStyle: { color: colour("vermillion"), opacity: 0.9 } }),
        ].filter((it) => it.data.length);
      }),
    };
  });
  figure.holder.style.height = `${14 + 12 * (m - 1)}rem`;
}
