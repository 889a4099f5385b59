// Elements. Text is always set as text: nothing here, and nothing that uses it, parses HTML.

const SVG = "http://www.w3.org/2000/svg";

const isThere = (child) => child !== null && child !== undefined && child !== "" && child !== false;

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "checked" || name === "value" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter(isThere));
  return element;
}

const h = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
const s = (name, attributes, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

function replace(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(isThere));
  return element;
}

// A link inside the page. `path` is made by `address`, so that it begins with #.
const link = (path, ...children) => h("a", { href: path }, ...children);

// Text in which addresses of the web become links; they open in a new tab and tell nobody where the reader came from.
function linked(text) {
  return text
    .split(/(https:\/\/[^\s<>"')]+[^\s<>"').,;])/)
    .map((part, place) =>
      place % 2 ? h("a", { href: part, rel: "noopener noreferrer", target: "_blank" }, part) : part,
    );
}

function choice(label, options, value, change) {
  const select = h(
    "select",
    { onchange: () => change(select.value) },
    options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)),
  );
  select.value = options.some(([key]) => key === value) ? value : options.length ? options[0][0] : "";
  return h("label", {}, h("span", {}, label), select);
}

function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

function say(text) {
  document.getElementById("said").textContent = text;
}
