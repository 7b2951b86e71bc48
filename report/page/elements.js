// Parts of the page. Names from outside go in as text, never as markup.

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function section(id, title, about) {
  const made = element("section", { id, "aria-labelledby": `${id}-title` }, element("h2", { id: `${id}-title` }, title), about ? element("p", {}, about) : null);
  document.getElementById("main").append(made);
  return made;
}

// Links to all sections, in their order.
function contents() {
  const link = (it) => element("a", { href: `#${it.id}` }, it.querySelector("h2").textContent);
  document.getElementById("contents").replaceChildren(...[...document.querySelectorAll("main > section")].map(link));
}

function controls(parent, ...children) {
  const row = element("div", { class: "controls" }, ...children);
  parent.append(row);
  return row;
}

// A choice among `options`, each a text or a value and a text.
function choice(title, options, chosen, onchange) {
  const pairs = options.map((option) => (Array.isArray(option) ? option : [option, option]));
  const select = element("select", { onchange: () => onchange(select.value) }, ...pairs.map(([value, text]) => element("option", { value }, text)));
  select.value = chosen;
  return element("label", {}, title, select);
}

function tick(title, isOn, onchange) {
  const box = element("input", { type: "checkbox", onchange: () => onchange(box.checked) });
  box.checked = isOn;
  return element("label", {}, box, title);
}

function button(title, onclick) {
  return element("button", { type: "button", onclick }, title);
}

function definitions(pairs) {
  return element("dl", {}, ...pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

// Tells everybody, those who listen too.
function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { said.textContent = ""; }, 6000);
}

// A page from a file has no clipboard of its own in every browser; a selection can always be copied.
function copy(text) {
  const area = element("textarea", { readonly: true, style: "position:fixed;left:-100rem" });
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
  say(`Copied: ${text}`);
}

function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

// A plain table: heads are texts, or texts of words; cells are texts.
function plainTable(caption, heads, rows) {
  const isWords = heads.map((head) => Array.isArray(head));
  const cell = (tag, index, text, more) => element(tag, { class: isWords[index] ? "words" : null, ...more }, text);
  const head = element("tr", {}, ...heads.map((it, index) => cell("th", index, Array.isArray(it) ? it[0] : it, { scope: "col" })));
  const body = rows.map((row) => element("tr", {}, ...row.map((text, index) => cell("td", index, text))));
  return element("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption }, element("table", {}, element("caption", { hidden: true }, caption), element("thead", {}, head), element("tbody", {}, ...body)));
}
