// The state of the page, and its text behind # in the address: do.Mustache=1&given.Age=20..30&n=24&seed=7

export const FIRST = { n: 24, seed: 0, unit: 0, twins: true, view: "images" };

// Values by label. A plain {} has a constructor and a __proto__ already, which a label may be called.
const values = (entries) => Object.assign(Object.create(null), Object.fromEntries(entries));

export const fresh = () => ({ ...FIRST, do: values([]), given: values([]), label: null });

export const withValue = (set, name, value) => values([...Object.entries(set), [name, value]]);

export const without = (set, name) => values(Object.entries(set).filter(([own]) => own !== name));

const whole = (text, least, most, otherwise) => {
  const value = Number(text);
  return text !== null && Number.isInteger(value) && value >= least && value <= most ? value : otherwise;
};

// A value as the model takes it: a number, where the label is no category.
function read(label, text) {
  if (!label || label.kind === "categorical") return text;
  return text.trim() === "" || Number.isNaN(Number(text)) ? text : Number(text);
}

function interval(text) {
  const [low, high] = text.split("..");
  const end = (part) => (part === undefined || part === "" ? null : Number(part));
  return [end(low), end(high)];
}

export function fromHash(hash, model) {
  const state = fresh();
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  const labels = new Map(model.labels.map((label) => [label.name, label]));
  for (const [key, text] of parts) {
    const [, part, name] = key.match(/^(do|given)\.(.+)$/s) ?? [];
    if (!part) continue;
    const label = labels.get(name);
    const between = part === "given" && label?.kind === "continuous" && text.includes("..");
    state[part][name] = between ? interval(text) : read(label, text);
  }
  state.n = whole(parts.get("n"), 1, model.most, FIRST.n);
  state.seed = whole(parts.get("seed"), 0, 2 ** 31 - 1, FIRST.seed);
  state.unit = whole(parts.get("unit"), 0, state.n - 1, FIRST.unit);
  state.label = labels.has(parts.get("label")) ? parts.get("label") : null;
  state.twins = parts.get("twins") !== "0";
  state.view = parts.get("view") === "table" ? "table" : "images";
  return state;
}

export function toHash(state) {
  const parts = new URLSearchParams();
  for (const part of ["do", "given"])
    for (const [name, value] of Object.entries(state[part]))
      parts.set(`${part}.${name}`, Array.isArray(value) ? value.map((end) => end ?? "").join("..") : value);
  for (const name of ["n", "seed", "unit", "view"]) if (state[name] !== FIRST[name]) parts.set(name, state[name]);
  if (state.label !== null) parts.set("label", state.label);
  if (!state.twins) parts.set("twins", "0");
  return parts.size ? `#${parts}` : "";
}

// What is set or seen, as one writes it.
export function written(value) {
  return Array.isArray(value) ? `${value[0] ?? ""}..${value[1] ?? ""}` : String(value);
}

export function descendants(model, names) {
  const found = new Set();
  const parents = new Map(model.labels.map((label) => [label.name, label.parents]));
  // labels come in ancestral order
  for (const [name, causes] of parents) if (causes.some((cause) => names.has(cause) || found.has(cause))) found.add(name);
  names.forEach((name) => found.delete(name));
  return found;
}

// Which labels [K] differ between two rows because some were set: what does not descend from these differs by rounding.
export function changed(model, row, other, set) {
  const below = descendants(model, set);
  return model.labels.map((label, k) => {
    if (!set.has(label.name) && !below.has(label.name)) return false;
    return label.kind === "continuous" ? Math.abs(row[k] - other[k]) > 1e-5 * (label.high - label.low) : row[k] !== other[k];
  });
}
