// The page: keeps the state, asks the server, and shows the answer to the newest state alone.

import { Controls } from "./controls.js";
import { $, el, segmented } from "./dom.js";
import { drawGraph } from "./graph.js";
import { saveCsv, savePng } from "./save.js";
import { descendants, fresh, fromHash, toHash, without, withValue, written } from "./state.js";
import { drawStrip, drawUnits } from "./units.js";

const WAIT = 90; // milliseconds before a change is asked: a slider moves on
const COUNTS = [12, 24, 48, 64];
const MANY = 12; // labels, beyond which one looks for them by name
const LANGUAGES = { python: "Python", command: "Command line", curl: "curl" };

let model;
let state;
let answer = null;
let controls;
let language = "python";
let asking = false;
let again = false;
let timer = 0;
const choose = {};

async function ask(path, body) {
  const options = body && { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, options);
  const found = await response.json().catch(() => ({ error: `The server answers with ${response.status}.` }));
  return { ok: response.ok, found };
}

// A change of the state: shown at once, asked a little later.
function change(changes) {
  Object.assign(state, changes);
  history.replaceState(null, "", toHash(state) || location.pathname);
  delete document.body.dataset.answered;
  show();
  clearTimeout(timer);
  timer = setTimeout(answerState, WAIT);
}

async function answerState() {
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  const { n, seed, unit } = state;
  const body = { do: state.do, given: state.given, n, seed, unit, label: stripLabel() };
  const shown = setTimeout(() => busy(true), 150);
  const before = toHash(state);
  try {
    const { ok, found } = await ask("/api/answer", body);
    // an answer to what is no longer asked is dropped
    if (toHash(state) !== before) again = true;
    else if (ok) took(found);
    else refused(found);
  } catch {
    refused({ error: "The explorer's server does not answer. Is causalgan-explore still running?" });
  }
  clearTimeout(shown);
  asking = false;
  if (again) {
    again = false;
    await answerState();
  } else busy(false);
}

function busy(is) {
  $("progress").hidden = !is;
  document.body.setAttribute("aria-busy", String(is));
}

// What the strip is of: the label that was chosen, else the first that is set, else the first that has causes.
function stripLabel() {
  const known = model.labels.map((label) => label.name);
  const set = Object.keys(state.do).find((name) => known.includes(name));
  return state.label ?? set ?? (model.labels.find((label) => label.parents.length) ?? model.labels[0]).name;
}

function took(found) {
  answer = found;
  document.body.classList.remove("stale");
  controls.error(null, "");
  controls.laws(found);
  $("drawn-laws").hidden = found.exact;
  const mass = found.mass < 1 ? ` The condition has probability ${Number((found.mass).toPrecision(2))}.` : "";
  $("how").textContent = `${found.samples.labels.length} units: ${found.how}.${mass}`;
  notices();
  drawAnswer();
  showCode();
  document.body.dataset.answered = toHash(state);
}

function showCode() {
  $("code-text").textContent = answer?.code[language] ?? "";
  $("code-note").textContent = answer?.notes[language] ?? "";
}

function refused(found) {
  document.body.classList.add("stale");
  const beside = found.label && controls.has(found.label);
  controls.error(beside ? found.label : null, found.error);
  notices(found.error);
  document.body.dataset.answered = toHash(state);
}

function drawAnswer() {
  const unit = (place) => {
    change({ unit: place });
    drawUnits($("grids"), model, state, answer, unit);
  };
  drawUnits($("grids"), model, state, answer, unit);
  $("unit-number").textContent = state.unit + 1;
  drawStrip($("strip-body"), model, answer.strip);
  $("twins-switch").hidden = !answer.twins;
  const first = (answer.samples.images ?? []).slice(0, 6);
  $("peek").replaceChildren(...first.map((src) => el("img", { src, alt: "", class: model.image_size <= 64 ? "crisp" : null })));
}

function notices(error) {
  const parts = [];
  if (error) parts.push(el("p", { class: "notice error", role: "alert" }, error));
  else if (answer.samples.supported?.includes(false)) {
    const none = !answer.samples.supported.includes(true);
    const words = none
      ? "No training image shows any of these label combinations. All of these images are extrapolated."
      : `${answer.samples.support}. The others, marked by a corner, are extrapolated: no training image shows their labels.`;
    parts.push(el("p", { class: "notice warn" }, words));
  }
  $("notices").replaceChildren(...parts);
}

// Shows the state, before its answer has come.
function show() {
  const below = descendants(model, new Set(Object.keys(state.do)));
  controls.show(state, below);
  drawGraph($("graph-body"), model, state, below, (name) => controls.focus(name));
  queryLine();
  // not while it is typed
  if (document.activeElement !== $("seed")) $("seed").value = state.seed;
  if (![...$("n").options].some((option) => Number(option.value) === state.n)) $("n").append(el("option", {}, String(state.n)));
  $("n").value = state.n;
  $("strip-label").value = stripLabel();
  $("twins").checked = state.twins;
  choose.view(state.view);
}

function queryLine() {
  const chips = ["do", "given"].flatMap((part) =>
    Object.entries(state[part]).map(([name, value]) => {
      const text = part === "do" ? `do(${name}=${written(value)})` : `${name}=${written(value)}`;
      const remove = () => leave(part, name);
      return el("button", { type: "button", class: `chip ${part}`, title: "Remove", "aria-label": `remove ${text}`, onclick: remove }, text, el("span", { "aria-hidden": "true" }, " ×"));
    }),
  );
  const what = model.image_size ? "P(labels, image" : "P(labels";
  const bar = chips.length ? [el("span", { class: "math" }, " | "), ...chips] : [];
  $("query").replaceChildren(el("span", { class: "math" }, what), ...bar, el("span", { class: "math" }, ")"));
}

function leave(part, name) {
  change({ [part]: without(state[part], name) });
}

// A label is set or seen, not both: the newer wish counts.
function controlled(part, name, value) {
  if (value === null) return leave(part, name);
  const other = part === "do" ? "given" : "do";
  change({ [part]: withValue(state[part], name, value), [other]: without(state[other], name) });
}

async function copy(text, button) {
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // without a secure context there is the older way
    const field = el("textarea", { class: "hidden" });
    field.value = text;
    document.body.append(field);
    field.select();
    done = document.execCommand("copy");
    field.remove();
  }
  const before = button.dataset.text ?? button.textContent;
  button.dataset.text = before;
  button.textContent = done ? "Copied" : "Not copied";
  setTimeout(() => (button.textContent = before), 1500);
}

function wire() {
  COUNTS.forEach((count) => $("n").append(el("option", {}, String(count))));
  model.labels.forEach(({ name }) => $("strip-label").append(el("option", { value: name }, name)));
  $("n").addEventListener("change", () => change({ n: Number($("n").value), unit: Math.min(state.unit, Number($("n").value) - 1) }));
  $("seed").addEventListener("input", () => $("seed").value !== "" && $("seed").validity.valid && change({ seed: Number($("seed").value) }));
  $("new-units").addEventListener("click", () => change({ seed: (state.seed + 1) % 2 ** 31 }));
  $("reset").addEventListener("click", () => change({ ...fresh(), view: state.view }));
  $("copy-link").addEventListener("click", () => copy(location.href, $("copy-link")));
  $("copy-code").addEventListener("click", () => copy($("code-text").textContent, $("copy-code")));
  $("twins").addEventListener("change", () => {
    change({ twins: $("twins").checked });
    if (answer) drawAnswer();
  });
  $("strip-label").addEventListener("change", () => change({ label: $("strip-label").value }));
  $("save-csv").addEventListener("click", () => answer && saveCsv(model, answer));
  $("save-png").addEventListener("click", () => answer && savePng(model, answer, state.twins));
  choose.view = segmented($("view"), [["images", "Images", "images"], ["table", "Table", "table"]], (view) => {
    change({ view });
    if (answer) drawAnswer();
  });
  choose.language = segmented($("code-tabs"), Object.entries(LANGUAGES).map(([key, text]) => [key, text, text]), (chosen) => {
    language = chosen;
    showCode();
  });
  choose.language(language);
  $("view").hidden = $("save-png").hidden = !model.image_size;
  $("find").hidden = model.labels.length <= MANY;
  $("find").addEventListener("input", () => controls.find($("find").value));
  $("peek").addEventListener("click", () => $("units").scrollIntoView({ behavior: "smooth" }));
  // while the labels are on the screen and the units are not
  const near = { labels: false, grids: true };
  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) near[entry.target.id] = entry.isIntersecting;
    $("peek").classList.toggle("near", near.labels && !near.grids && model.image_size !== null);
  });
  watcher.observe($("labels"));
  watcher.observe($("grids"));
  window.addEventListener("hashchange", restore);
}

function restore() {
  state = fromHash(location.hash, model);
  delete document.body.dataset.answered;
  show();
  answerState();
}

async function begin() {
  busy(true);
  const { ok, found } = await ask("/api/model").catch(() => ({ ok: false, found: { error: "The server does not answer." } }));
  if (!ok) {
    $("notices").replaceChildren(el("p", { class: "notice error" }, found.error));
    return busy(false);
  }
  model = found;
  document.title = `Explorer: ${model.origin}`;
  $("origin").textContent = model.origin;
  $("drawn-laws").textContent = `Bars are shares of ${model.drawn.toLocaleString("en")} drawn rows.`;
  if (model.warnings.length) {
    const lines = model.warnings.map((line) => el("li", {}, line));
    const words = `What this model knows little of (${lines.length})`;
    $("ask").append(el("details", { class: "muted small" }, el("summary", {}, words), el("ul", {}, ...lines)));
  }
  controls = new Controls($("label-list"), model.labels, controlled);
  wire();
  restore();
}

begin();
