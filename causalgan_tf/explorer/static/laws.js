// Bars of a label's law: what is asked filled, what there is without do and given as a mark behind it.

import { el, number, percent, svg } from "./dom.js";

const HEIGHT = 44;

// Draws into `root` and returns the figure beside the label's name.
export function drawLaw(root, label, law, settled, asked) {
  if (label.kind === "continuous") return numberLaw(root, label, law, settled, asked);
  if (label.kind === "binary") {
    root.replaceChildren(bar(label, law, 1));
    const [was, is] = [law.before[1], law.after[1]];
    return asked && percent(was) !== percent(is) ? `${percent(was).replace(" %", "")} → ${percent(is)}` : percent(is);
  }
  const rows = label.values.map((value, place) => [
    el("span", { class: "value", title: value }, value),
    bar(label, law, place),
    el("span", { class: "share" }, percent(law.after[place])),
  ]);
  root.replaceChildren(el("div", { class: "categories" }, ...rows.flat()));
  return "";
}

function bar(label, law, place) {
  const words = `P(${label.name}=${label.values[place]}) ${percent(law.after[place])}, without do and given ${percent(law.before[place])}`;
  return el(
    "div",
    { class: "bar", role: "img", "aria-label": words, title: words, "data-after": law.after[place], "data-before": law.before[place] },
    el("i", { class: "after", style: { width: `${100 * law.after[place]}%` } }),
    el("i", { class: "before", style: { left: `${100 * law.before[place]}%` } }),
  );
}

function numberLaw(root, label, law, settled, asked) {
  const same = !asked || law.before.every((share, place) => share === law.after[place]);
  const after = settled === undefined ? law.after : null;
  const top = Math.max(...law.before, ...(after ?? []), 1e-9);
  const words =
    settled !== undefined
      ? `${label.name} is set to ${number(settled)}`
      : `mean of ${label.name} ${number(law.mean_after)}, without do and given ${number(law.mean_before)}`;
  const bins = law.before.length;
  const steps = (shares) => {
    const points = shares.flatMap((share, place) => [place, place + 1].map((x) => `${x},${HEIGHT * (1 - share / top)}`));
    return `M0,${HEIGHT} L${points.join(" ")} L${bins},${HEIGHT} Z`;
  };
  const x = settled === undefined ? 0 : (bins * (Math.min(Math.max(settled, law.low), law.high) - law.low)) / (law.high - law.low);
  root.replaceChildren(
    svg(
      "svg",
      { viewBox: `0 0 ${bins} ${HEIGHT}`, preserveAspectRatio: "none", class: "histogram", role: "img", "aria-label": words },
      after ? svg("path", { d: steps(after), class: "after" }) : null,
      svg("path", { d: steps(law.before), class: same ? "before same" : "before" }),
      settled !== undefined ? svg("line", { x1: x, x2: x, y1: 0, y2: HEIGHT, class: "point" }) : null,
    ),
    el("div", { class: "ends", "aria-hidden": "true" }, el("span", {}, number(law.low)), el("span", {}, number(law.high))),
  );
  root.dataset.after = settled ?? law.mean_after;
  if (settled !== undefined) return `= ${number(settled)}`;
  const [was, is] = [number(law.mean_before), number(law.mean_after)];
  return asked && was !== is ? `mean ${was} → ${is}` : `mean ${is}`;
}
