// A card for each label: what is set, what is seen, and its law.

import { el, segmented } from "./dom.js";
import { drawLaw } from "./laws.js";

// Calls changed(part, name, value) with a value, or with null where a label is left alone.
export class Controls {
  constructor(root, labels, changed) {
    this.cards = new Map(labels.map((label) => [label.name, new Card(label, changed)]));
    root.replaceChildren(...[...this.cards.values()].map((card) => card.root));
  }

  show(state, below) {
    for (const [name, card] of this.cards) card.show(state.do[name], state.given[name], below.has(name));
  }

  laws(answer) {
    for (const [name, card] of this.cards) {
      const settled = Object.hasOwn(answer.settled, name) ? answer.settled[name] : undefined;
      card.law(answer.laws[name], settled, answer.query !== "");
    }
  }

  error(name, message) {
    for (const [own, card] of this.cards) card.error(own === name ? message : "");
  }

  // Shows the labels alone whose names hold a text.
  find(text) {
    for (const [name, card] of this.cards) card.root.hidden = !name.toLowerCase().includes(text.trim().toLowerCase());
  }

  has(name) {
    return this.cards.has(name);
  }

  focus(name) {
    const card = this.cards.get(name).root;
    card.hidden = false;
    card.scrollIntoView({ block: "nearest", behavior: "smooth" });
    card.querySelector("input:checked, select, input").focus({ preventScroll: true });
  }
}

class Card {
  constructor(label, changed) {
    this.label = label;
    this.badge = el("span", { class: "badge" });
    this.figure = el("span", { class: "figure" });
    this.bars = el("div", { class: "law" });
    this.message = el("p", { class: "message", role: "alert" });
    const tell = (part) => (value) => changed(part, label.name, value);
    this.do = CONTROLS[label.kind]("do", label, tell("do"));
    this.given = (label.kind === "continuous" ? interval : CONTROLS[label.kind])("given", label, tell("given"));
    this.root = el(
      "fieldset",
      { class: `label ${label.kind}`, "data-label": label.name },
      el("legend", { class: "hidden" }, label.name),
      el("div", { class: "title" }, el("span", { class: "name", title: label.name }, label.name), this.badge, this.figure),
      this.bars,
      el("div", { class: "controls" }, this.do.root, this.given.root),
      this.message,
    );
  }

  show(set, seen, below) {
    this.do.set(set);
    this.given.set(seen);
    const kind = set !== undefined ? "set" : seen !== undefined ? "seen" : below ? "below" : "";
    this.root.classList.remove("set", "seen", "below");
    if (kind) this.root.classList.add(kind);
    this.badge.textContent = { set: "set", seen: "seen", below: "may follow", "": "" }[kind];
  }

  law(law, settled, asked) {
    this.figure.textContent = drawLaw(this.bars, this.label, law, settled, asked);
  }

  error(message) {
    this.message.textContent = message;
    this.root.classList.toggle("wrong", message !== "");
  }
}

const WORDS = { do: ["Set", "set by do"], given: ["Seen", "seen, given"] };

const spoken = (part, label) => `${label.name} ${WORDS[part][1]}`;

function row(part, ...children) {
  return el("div", { class: `control ${part}` }, el("span", { class: "verb", "aria-hidden": "true" }, WORDS[part][0]), ...children);
}

function binary(part, label, changed) {
  const root = el("div", { class: `seg ${part}`, role: "radiogroup", "aria-label": spoken(part, label) });
  const choices = [["", "–", "untouched"], ["0", "0", "0"], ["1", "1", "1"]];
  const choose = segmented(root, choices, (value) => changed(value === "" ? null : Number(value)));
  return { root: row(part, root), set: (value) => choose(value ?? "") };
}

function categorical(part, label, changed) {
  const options = label.values.map((value, place) => el("option", { value: place }, value));
  const select = el(
    "select",
    {
      "aria-label": spoken(part, label),
      onchange: () => changed(select.value === "" ? null : label.values[Number(select.value)]),
    },
    el("option", { value: "" }, "–"),
    ...options,
  );
  const place = (value) => (value === undefined ? "" : String(label.values.indexOf(String(value))));
  return { root: row(part, select), set: (value) => (select.value = place(value)) };
}

// The text of a number in an input, but not while it is being typed.
function put(input, value) {
  if (document.activeElement !== input) input.value = value ?? "";
}

function typed(input, changed) {
  input.addEventListener("input", () => {
    if (input.value === "" || input.validity.badInput) changed(null);
    else changed(Number(input.value));
  });
  return input;
}

function numberBox(label, words) {
  return el("input", { type: "number", step: "any", "aria-label": `${label.name} ${words}`, inputmode: "decimal", placeholder: "–" });
}

function slider(label, words) {
  const { low, high, step } = label;
  return el("input", { type: "range", min: low, max: high, step, "aria-label": `${label.name} ${words}, slider` });
}

// What a slider of decimal steps says, without the digits that binary fractions add.
const cleared = (input) => Number(Number(input.value).toPrecision(10));

function continuous(part, label, changed) {
  const range = slider(label, "set by do");
  const box = typed(numberBox(label, "set by do"), changed);
  const free = freeButton(label, part, changed);
  range.addEventListener("input", () => changed(cleared(range)));
  const set = (value) => {
    put(box, value);
    range.value = value ?? (label.low + label.high) / 2;
    range.style.setProperty("--fill", `${(100 * (range.value - label.low)) / (label.high - label.low)}%`);
    range.classList.toggle("off", value === undefined);
    free.hidden = value === undefined;
  };
  return { root: row(part, range, box, free), set };
}

function freeButton(label, part, changed) {
  const words = `leave ${label.name} alone`;
  return el("button", { type: "button", class: "free", "aria-label": words, title: words, onclick: () => changed(null) }, "×");
}

function interval(part, label, changed) {
  const ranges = ["seen from", "seen up to"].map((words) => slider(label, words));
  const boxes = ["seen from", "seen up to"].map((words) => numberBox(label, words));
  const free = freeButton(label, part, changed);
  let ends = [null, null];
  const tell = (place, value) => {
    ends = ends.map((end, own) => (own === place ? value : end));
    changed(ends[0] === null && ends[1] === null ? null : ends);
  };
  ranges.forEach((range, place) =>
    range.addEventListener("input", () => {
      const other = Number(ranges[1 - place].value);
      // the ends do not pass each other
      range.value = place === 0 ? Math.min(range.value, other) : Math.max(range.value, other);
      const open = Number(range.value) === Number(place === 0 ? range.min : range.max);
      tell(place, open ? null : cleared(range));
    }),
  );
  boxes.forEach((box, place) => typed(box, (value) => tell(place, value)));
  const fill = el("i");
  const set = (value) => {
    ends = Array.isArray(value) ? value : [null, null];
    ends.forEach((end, place) => {
      put(boxes[place], end);
      ranges[place].value = end ?? (place === 0 ? label.low : label.high);
      ranges[place].classList.toggle("off", value === undefined);
    });
    const [from, to] = ranges.map((range) => (100 * (range.value - label.low)) / (label.high - label.low));
    Object.assign(fill.style, { left: `${from}%`, right: `${100 - to}%` });
    fill.classList.toggle("off", value === undefined);
    free.hidden = value === undefined;
  };
  return { root: row(part, el("span", { class: "between" }, fill, ...ranges), boxes[0], boxes[1], free), set };
}

const CONTROLS = { binary, categorical, continuous };
