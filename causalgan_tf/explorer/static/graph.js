// The causal graph: arrows that do cuts, what descends from what is set.

import { svg } from "./dom.js";

export function drawGraph(root, model, state, below, chosen) {
  const { width, height, boxes, arrows } = model.graph;
  const set = new Set(Object.keys(state.do));
  const seen = new Set(Object.keys(state.given));
  const moved = (name) => set.has(name) || below.has(name);
  const lines = arrows.map((arrow) => {
    const kind = set.has(arrow.to) ? "cut" : moved(arrow.from) ? "below" : "";
    return svg(
      "g",
      { class: `arrow ${kind}`, "data-from": arrow.from, "data-to": arrow.to },
      svg("path", { d: course(arrow.points), "marker-end": `url(#head${kind ? `-${kind}` : ""})` }),
      kind === "cut" ? cross(arrow.points) : null,
    );
  });
  // cut arrows below, for others may share their trunk
  lines.sort((one, other) => other.classList.contains("cut") - one.classList.contains("cut"));
  const nodes = Object.entries(boxes).map(([name, box]) => {
    const kind = set.has(name) ? "set" : seen.has(name) ? "seen" : below.has(name) ? "below" : "";
    const words = { set: "set by do", seen: "seen", below: "descends from what is set", "": "untouched" }[kind];
    return svg(
      "g",
      {
        class: `node ${kind}`,
        "data-label": name,
        tabindex: 0,
        role: "button",
        "aria-label": `${name}, ${words}`,
        onclick: () => chosen(name),
        onkeydown: (event) => {
          if (event.key !== "Enter" && event.key !== " ") return;
          event.preventDefault();
          chosen(name);
        },
      },
      svg("title", {}, `${name}: ${words}`),
      svg("rect", { x: box.x - box.width / 2, y: box.y - box.height / 2, width: box.width, height: box.height, rx: 9 }),
      svg("text", { x: box.x, y: box.y, "text-anchor": "middle", "dominant-baseline": "central" }, box.text),
    );
  });
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Causal graph" },
    svg("defs", {}, ...["", "below", "cut"].map(head)),
    ...lines,
    ...nodes,
  );
  // small graphs keep their size, wide ones are scrolled before their letters become too small
  Object.assign(drawing.style, { maxWidth: `${width}px`, minWidth: `${Math.min(width, Math.max(320, 0.62 * width))}px` });
  const focused = root.contains(document.activeElement) ? document.activeElement.dataset.label : null;
  root.replaceChildren(drawing);
  if (focused) nodes.find((node) => node.dataset.label === focused)?.focus();
}

function course(points) {
  const parts = points.slice(1).map(([x, y], place) => {
    const [x0, y0] = points[place];
    const bend = (y - y0) * (x === x0 ? 0.3 : 0.5);
    return `C${x0},${y0 + bend} ${x},${y - bend} ${x},${y}`;
  });
  return `M${points[0]} ${parts.join(" ")}`;
}

function cross(points) {
  const [[x0, y0], [x1, y1]] = points.slice(-2);
  const at = 0.62;
  const ease = at * at * (3 - 2 * at);
  const [x, y] = [x0 + (x1 - x0) * ease, y0 + (y1 - y0) * at];
  return svg("path", { class: "cross", d: `M${x - 4},${y - 4} l8,8 m0,-8 l-8,8` });
}

function head(kind) {
  return svg(
    "marker",
    { id: kind ? `head-${kind}` : "head", class: `head ${kind}`, viewBox: "0 0 8 8", refX: 7.4, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
    svg("path", { d: "M0,0.6 L8,4 L0,7.4 Z" }),
  );
}
