// What the page shows: columns of every run, unpacked.

const report = JSON.parse(document.getElementById("data").textContent);

async function inflate(text) {
  const letters = atob(text);
  const bytes = Uint8Array.from({ length: letters.length }, (_, index) => letters.charCodeAt(index));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Bytes of a kind stand beside each other: brings those of each number together.
function gathered(bytes, at, width, n) {
  const together = new Uint8Array(width * n);
  for (let plane = 0; plane < width; plane++) {
    for (let index = 0; index < n; index++) together[index * width + plane] = bytes[at + plane * n + index];
  }
  return together.buffer;
}

function counts(buffer, width) {
  return width === 1 ? new Uint8Array(buffer) : width === 2 ? new Uint16Array(buffer) : new Uint32Array(buffer);
}

// Gives `run` its columns: `number` and `text` say what a trial has there.
async function unpack(run) {
  const bytes = await inflate(run.packed);
  run.packed = null;
  const n = run.trials;
  let at = 0;
  const next = (width) => {
    const buffer = gathered(bytes, at, width, n);
    at += width * n;
    return buffer;
  };
  const trial = { name: "trial", unit: "", kind: "trial", isNumber: true, number: (index) => index, text: String };
  const parameters = run.parameters.map((parameter) => {
    const levels = counts(next(parameter.width), parameter.width);
    const isNumber = !parameter.is_categorical;
    return {
      ...parameter, kind: "parameter", isNumber, index: levels,
      number: (index) => (isNumber ? parameter.levels[levels[index]] : levels[index]),
      text: (index) => String(parameter.levels[levels[index]]),
    };
  });
  const metrics = run.metrics.map((metric) => {
    const values = new Float64Array(next(8));
    return {
      ...metric, kind: "metric", isNumber: true, values,
      number: (index) => values[index],
      text: (index) => (Number.isNaN(values[index]) ? "" : String(values[index])),
      shown: (index) => (Number.isNaN(values[index]) ? "" : String(Number(values[index].toPrecision(6)))),
    };
  });
  const states = counts(next(run.state_width), run.state_width);
  const state = { name: "state", unit: "", kind: "state", isNumber: false, number: (index) => states[index], text: (index) => run.states[states[index]] };
  Object.assign(run, { state: states, columns: [trial, ...metrics, ...parameters, state], isOnFront: new Set(run.front) });
  run.objectives = metrics.filter((metric) => metric.direction);
  run.chosen = null; // a byte for each trial that a brush or a filter keeps; all, if none
}

function column(run, name) {
  return run.columns.find((it) => it.name === name);
}

function evaluateCommand(run, trial) {
  return run.command ? `${run.command} ${trial}` : null;
}

function designValues(run, trial) {
  return run.columns.filter((it) => it.kind === "parameter").map((it) => `${it.name}=${it.text(trial)}`).join(" ");
}

// Least and largest of a column over trials that have a number.
function range(column, trials) {
  let [low, high] = [Infinity, -Infinity];
  for (const trial of trials) {
    const value = column.number(trial);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// Trials in a state that `isWanted`, as a list.
function trialsWhere(run, isWanted) {
  const trials = [];
  for (let index = 0; index < run.trials; index++) if (isWanted(run.state[index], index)) trials.push(index);
  return trials;
}

// At most `most` of `trials`, spread evenly.
function spread(trials, most) {
  if (trials.length <= most) return trials;
  return Array.from({ length: most }, (_, place) => trials[Math.floor((place * trials.length) / most)]);
}
