// Charts: each is drawn when it comes into view, and again when the colours change.

// Colours that people with any colour vision tell apart, on either ground. Source: Okabe & Ito (2008), "Color universal design".
const SERIES_COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6bb1", "#7f7f7f"];
// A scale from few to many. Source: viridis, van der Walt & Smith (2015), at seven even steps.
const SCALE = ["#440154", "#443a83", "#31688e", "#21918c", "#35b779", "#90d743", "#fde725"];

let charts = [];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

function seriesColour(index) {
  return SERIES_COLOURS[index % SERIES_COLOURS.length];
}

// Lines of the ninth and later series are dashed, so that no two are alike.
function lineType(index) {
  return ["solid", "dashed", "dotted"][Math.floor(index / SERIES_COLOURS.length) % 3];
}

// A chart in `parent` that says `title` to those who cannot see it; `options` says what is in it now.
function chart(parent, title, options, size = "") {
  const holder = element("div", { class: `chart ${size}`, role: "img", "aria-label": `Chart: ${title}. The table has every value.` });
  const canvas = element("div", { style: "width:100%;height:100%" });
  holder.append(canvas);
  parent.append(holder);
  const made = { holder, canvas, instance: null, afterDraw: null };
  made.draw = () => {
    if (!made.instance) return;
    made.instance.setOption({ ...base(), ...options() }, { notMerge: true });
    if (made.afterDraw) made.afterDraw();
  };
  made.begin = () => {
    if (made.instance) return;
    made.instance = echarts.init(canvas, null, { renderer: "canvas" });
    if (made.onBegin) made.onBegin(made.instance);
    made.draw();
    new ResizeObserver(() => { made.instance.resize(); if (made.afterDraw) made.afterDraw(); }).observe(canvas);
  };
  new IntersectionObserver((entries, observer) => {
    if (entries.some((entry) => entry.isIntersecting)) { observer.disconnect(); made.begin(); }
  }, { rootMargin: "200px" }).observe(holder);
  charts.push(made);
  return made;
}

function base() {
  return {
    animation: false,
    textStyle: { color: colour("text"), fontFamily: "system-ui, DejaVu Sans, sans-serif", fontSize: 13 },
    legend: { textStyle: { color: colour("text") }, type: "scroll", top: 0 },
    tooltip: { backgroundColor: colour("card"), borderColor: colour("line"), textStyle: { color: colour("text"), fontSize: 13 } },
  };
}

// What an axis of this column looks like. A label says so if the axis is logarithmic.
function axis(column, isLog, more = {}) {
  const name = label(column) + (isLog ? " (logarithmic)" : "");
  const shown = column.kind === "metric" || column.unit ? (value) => quantity(value, column.unit) : (value) => count(Number(value.toPrecision(6)));
  return {
    type: isLog ? "log" : "value", name, nameLocation: "middle", scale: true,
    nameTextStyle: { color: colour("text"), fontSize: 13 },
    axisLabel: { color: colour("faint"), formatter: column.isNumber ? shown : (value) => column.levels?.[value] ?? "", hideOverlap: true },
    axisLine: { show: true, lineStyle: { color: colour("grey") } },
    splitLine: { lineStyle: { color: colour("grid") } },
    ...more,
  };
}

// Ends a little beyond the data, so that no mark lies on the frame.
function ends([low, high], isLog) {
  if (!(low <= high)) return {};
  if (isLog) return { min: low / (high / low) ** 0.04, max: high * (high / low) ** 0.04 };
  const margin = (high - low || Math.abs(high) || 1) * 0.04;
  return { min: low - margin, max: high + margin };
}

// Whether numbers are positive and span more than two powers of ten: then a logarithmic axis shows all of them.
function spansDecades([low, high]) {
  return low > 0 && high / low > 100;
}

// An element for a tooltip, since texts from outside are not to be read as markup.
function tip(title, pairs) {
  return element("div", {}, element("strong", {}, title), definitions(pairs));
}

// Forgets the charts that are no longer on the page.
function forgetRemoved() {
  for (const it of charts) if (!it.holder.isConnected && it.instance) it.instance.dispose();
  charts = charts.filter((it) => it.holder.isConnected);
}

function redrawAll() {
  for (const it of charts) it.draw();
}
