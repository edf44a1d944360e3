// Units as images or as a table, beside the same units without do, and one unit under each value of a label.

import { el, number, soft } from "./dom.js";
import { changed } from "./state.js";

export const TWINS = "the same units without do";

const rowText = (model, row) => model.labels.map((label, k) => `${label.name}=${number(row[k])}`).join(", ");

// Draws the units; `chosen(place)` is called for the one that the strip shall show.
export function drawUnits(root, model, state, answer, chosen) {
  const twins = state.twins ? answer.twins : null;
  if (!answer.samples.images || state.view === "table") {
    root.replaceChildren(table(model, answer.samples, twins?.labels, state, chosen));
    if (twins) root.append(el("p", { class: "muted small" }, "Marked: what do has changed; the value without do is behind it."));
  } else {
    const parts = [grid(model, answer.samples, caption(answer.query), state.unit, chosen, true)];
    if (twins) parts.unshift(grid(model, twins, TWINS, state.unit, chosen, false));
    const focused = document.activeElement?.classList.contains("unit") && root.contains(document.activeElement);
    root.replaceChildren(el("div", { class: twins ? "grids two" : "grids" }, ...parts));
    if (focused) root.querySelector(".unit[tabindex='0']").focus({ preventScroll: true });
  }
}

export const caption = (query) => (query === "" ? "as observed" : `${query.startsWith("do(") ? "under" : "given"} ${query}`);

function grid(model, rows, caption, unit, chosen, main) {
  const images = rows.images.map((source, place) => {
    const odd = rows.supported && !rows.supported[place];
    const words = `unit ${place + 1}: ${rowText(model, rows.labels[place])}${odd ? "; no training image has these labels" : ""}`;
    return el(
      "button",
      {
        type: "button",
        class: `unit${odd ? " odd" : ""}${place === unit ? " chosen" : ""}`,
        "data-place": place,
        // one stop of the tab key; arrows go on from there
        tabindex: main && place === unit ? 0 : -1,
        "aria-pressed": place === unit ? "true" : "false",
        "aria-label": words,
        title: words,
        onclick: () => chosen(place),
      },
      el("img", { src: source, alt: "", draggable: "false" }),
    );
  });
  const body = el("div", { class: `images${model.image_size <= 64 ? " crisp" : ""}`, role: "group", "aria-label": caption }, ...images);
  body.addEventListener("keydown", (event) => move(event, body, unit, images.length, chosen));
  body.addEventListener("pointerover", (event) => mark(event.target.closest(".unit")?.dataset.place));
  body.addEventListener("pointerleave", () => mark(undefined));
  return el("figure", { class: main ? "main" : "without" }, el("figcaption", {}, caption), body);
}

// The two twins of a unit light up together.
function mark(place) {
  document.querySelectorAll(".unit.near").forEach((unit) => unit.classList.remove("near"));
  if (place !== undefined) document.querySelectorAll(`.unit[data-place="${place}"]`).forEach((unit) => unit.classList.add("near"));
}

function move(event, body, unit, count, chosen) {
  const columns = getComputedStyle(body).gridTemplateColumns.split(" ").length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns, Home: -unit, End: count - 1 - unit }[event.key];
  if (step === undefined || unit + step < 0 || unit + step >= count) return;
  event.preventDefault();
  chosen(unit + step);
}

function table(model, rows, before, { unit, do: set }, chosen) {
  const names = new Set(Object.keys(set));
  const head = el("tr", {}, el("th", { scope: "col" }, "Unit"), ...model.labels.map((label) => el("th", { scope: "col" }, label.name)));
  const body = rows.labels.map((row, place) =>
    el(
      "tr",
      { class: place === unit ? "chosen" : null, "data-place": place, onclick: () => chosen(place) },
      el("th", { scope: "row" }, el("button", { type: "button", class: "plain", "aria-pressed": String(place === unit) }, String(place + 1))),
      ...cells(row, before?.[place], before && changed(model, row, before[place], names)),
    ),
  );
  return el("div", { class: "scroll tall" }, el("table", {}, el("thead", {}, head), el("tbody", {}, ...body)));
}

function cells(row, before, differs) {
  return row.map((value, k) =>
    el("td", { class: differs?.[k] ? "changed" : null }, number(value), differs?.[k] ? el("s", {}, number(before[k])) : null),
  );
}

// One unit under each value of a label.
export function drawStrip(root, model, strip) {
  if (!strip) return root.replaceChildren();
  const own = strip.own.labels[0];
  const place = model.labels.findIndex((label) => label.name === strip.label);
  if (!strip.own.images) return root.replaceChildren(stripTable(model, strip, own, place));
  const figures = strip.rows.map((rows, k) => {
    const labels = rows.labels[0];
    const differs = changed(model, labels, own, new Set([strip.label]));
    const others = model.labels
      .map((label, j) => (j !== place && differs[j] ? `${label.name} ${number(own[j])} → ${number(labels[j])}` : null))
      .filter(Boolean);
    const odd = rows.supported && !rows.supported[0];
    const same = labels[place] === own[place];
    const words = `${rowText(model, labels)}${odd ? "; no training image has these labels" : ""}`;
    return el(
      "figure",
      { class: same ? "value own" : "value" },
      el("div", { class: `frame${odd ? " odd" : ""}` }, el("img", { src: rows.images[0], class: model.image_size <= 64 ? "crisp" : null, alt: words, title: words })),
      el(
        "figcaption",
        {},
        el("b", {}, ...soft(strip.label), ` = ${number(strip.values[k])}`),
        same ? el("span", {}, "as it is") : null,
        ...others.map((text) => el("span", { class: "follows" }, ...soft(text))),
      ),
    );
  });
  root.replaceChildren(el("div", { class: "strip" }, ...figures));
}

function stripTable(model, strip, own, place) {
  const head = el("tr", {}, el("th", { scope: "col" }, `${strip.label} =`), ...model.labels.map((label) => el("th", { scope: "col" }, label.name)));
  const body = strip.rows.map((rows, k) =>
    el(
      "tr",
      { class: rows.labels[0][place] === own[place] ? "own" : null },
      el("th", { scope: "row" }, number(strip.values[k])),
      ...cells(rows.labels[0], own, changed(model, rows.labels[0], own, new Set([strip.label]))),
    ),
  );
  const first = el("tr", { class: "own" }, el("th", { scope: "row" }, "as it is"), ...cells(own));
  return el("table", {}, el("thead", {}, head), el("tbody", {}, first, ...body));
}
