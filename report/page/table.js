// Every trial in a table: sorted, filtered, exported.

const ROWS_OF_PAGE = 50;

// A word is looked for in the text; `< 5`, `>= 1e-3`, `= 4` and `2..8` compare numbers.
function reads(text) {
  const wanted = text.trim();
  const between = /^(-?[\d.eE+-]+)\s*\.\.\s*(-?[\d.eE+-]+)$/.exec(wanted);
  if (between) return { number: (value) => value >= Number(between[1]) && value <= Number(between[2]) };
  const compared = /^(<=|>=|<|>|=)\s*(-?[\d.eE+-]+)$/.exec(wanted);
  if (compared) {
    const bound = Number(compared[2]);
    const compare = { "<": (a) => a < bound, "<=": (a) => a <= bound, ">": (a) => a > bound, ">=": (a) => a >= bound, "=": (a) => a === bound };
    return { number: compare[compared[1]] };
  }
  return { text: (value) => value.toLowerCase().includes(wanted.toLowerCase()) };
}

// The trials of a run that `filters`, by column, and the brushes let through.
function filtered(run, filters) {
  const tests = [...filters].filter(([, text]) => text.trim()).map(([column, text]) => {
    const read = reads(text);
    return read.number && column.isNumber ? (trial) => read.number(column.number(trial)) : (trial) => (read.text ?? ((value) => value === text.replace(/^=\s*/, "").trim()))(column.text(trial));
  });
  return trialsWhere(run, (_, trial) => (!run.chosen || run.chosen[trial]) && tests.every((test) => test(trial)));
}

function sorted(trials, column, isRising) {
  const sign = isRising ? 1 : -1;
  const order = (a, b) => {
    const [one, other] = [column.number(a), column.number(b)];
    if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) - Number.isNaN(other) || a - b;
    return sign * (one - other) || a - b;
  };
  return [...trials].sort(order);
}

// Source: RFC 4180, section 2: quotes around what holds a comma, a quote or a line break, and lines that end in CR LF.
function asCsv(run, trials) {
  const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const lines = [run.columns.map((it) => quoted(it.name)).join(",")];
  for (const trial of trials) lines.push(run.columns.map((it) => quoted(it.text(trial))).join(","));
  return lines.join("\r\n") + "\r\n";
}

function tableSection(run) {
  const place = section("table", "Trials", "Sort by a column's name. Filter by part of a text, or of numbers by “< 5”, “>= 1e-3”, “= 4” or “2..8”. Metrics are in SI units, here with six digits and in the CSV with all.");
  const view = { run, filters: new Map(), by: null, isRising: true, page: 0, trials: [] };
  const state = element("span", { role: "status", id: "rows" });
  const scroll = element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table of trials" });
  const body = element("tbody");
  const show = () => {
    const pages = Math.max(1, Math.ceil(view.trials.length / ROWS_OF_PAGE));
    view.page = Math.min(Math.max(view.page, 0), pages - 1);
    const from = view.page * ROWS_OF_PAGE;
    body.replaceChildren(...view.trials.slice(from, from + ROWS_OF_PAGE).map((trial) => row(view.run, trial)));
    state.textContent = `${count(view.trials.length)} of ${count(view.run.trials)} trials, page ${view.page + 1} of ${count(pages)}`;
    for (const turn of pager.querySelectorAll("button[data-by]")) turn.disabled = Number(turn.dataset.by) < 0 ? view.page === 0 : view.page === pages - 1;
  };
  const update = () => {
    view.trials = filtered(view.run, view.filters);
    if (view.by) view.trials = sorted(view.trials, view.by, view.isRising);
    view.page = 0;
    show();
  };
  const turn = (title, by) => {
    const made = button(title, () => { view.page += by; show(); scroll.scrollTop = 0; });
    made.dataset.by = by;
    return made;
  };
  const begin = () => {
    const sortBy = (column) => () => {
      view.isRising = view.by === column ? !view.isRising : true;
      view.by = column;
      for (const head of scroll.querySelectorAll("thead th")) head.setAttribute("aria-sort", head.dataset.name === column.name ? (view.isRising ? "ascending" : "descending") : "none");
      update();
    };
    const heads = view.run.columns.map((column) => element("th", { scope: "col", "aria-sort": "none", "data-name": column.name, class: column.isNumber ? null : "words" },
      button(column.name, sortBy(column)),
      element("input", { type: "search", "aria-label": `Filter ${column.name}`, placeholder: "filter", oninput: (event) => { view.filters.set(column, event.target.value); update(); } })));
    scroll.replaceChildren(element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body));
    update();
  };
  const pager = controls(place,
    turn("First", -1e9), turn("Earlier", -1), turn("Later", 1), turn("Last", 1e9), state,
    button("Save these rows as CSV", () => { download(`${view.run.name}.csv`, "text/csv", asCsv(view.run, view.trials)); say(`${count(view.trials.length)} rows saved`); }));
  place.append(scroll);
  choose.tell = update;
  begin();
}

function row(run, trial) {
  const cells = run.columns.map((column) => element("td", { class: column.isNumber ? null : "words" }, (column.shown ?? column.text)(trial)));
  return element("tr", { class: run.isOnFront.has(trial) ? "marked" : null }, ...cells);
}
