// Elements made of texts, never of markup: a label may be called <script>.

const SVG = "http://www.w3.org/2000/svg";

export const $ = (id) => document.getElementById(id);

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "style") Object.assign(node.style, value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export const el = (tag, props = {}, ...children) => fill(document.createElement(tag), props, children);
export const svg = (tag, props = {}, ...children) => fill(document.createElementNS(SVG, tag), props, children);

let groups = 0;

// Radio buttons side by side; `choices` are [value, text, spoken text]. Returns the element with set(value).
export function segmented(root, choices, changed) {
  const name = `group-${groups++}`;
  const inputs = choices.map(([value, text, spoken]) => {
    const input = el("input", { type: "radio", name, value, "aria-label": spoken, onchange: () => changed(value) });
    root.append(el("label", {}, input, el("span", { "aria-hidden": "true" }, text)));
    return input;
  });
  return (value) => inputs.forEach((input) => (input.checked = input.value === String(value)));
}

export function number(value) {
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(4)));
}

export function percent(share) {
  if (share > 0 && share < 0.0005) return "<0.1 %";
  if (share < 1 && share > 0.9995) return ">99.9 %";
  return `${(100 * share).toFixed(1)} %`;
}

// A text that may break behind its underscores.
export const soft = (text) => text.split(/(?<=_)/).flatMap((part) => [part, el("wbr")]).slice(0, -1);
