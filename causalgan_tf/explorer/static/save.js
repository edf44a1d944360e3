// Files for the user: the units as a PNG and as a CSV.

import { el } from "./dom.js";
import { TWINS, caption } from "./units.js";

const CELL = 64;
const GAP = 2;
const HEAD = 34;

function offer(blob, name) {
  const url = URL.createObjectURL(blob);
  el("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

const quoted = (value) => (/[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value);

// The labels of the units with their seeds, and which have training images.
export function csv(model, rows) {
  const known = rows.supported !== null;
  const head = [...model.labels.map((label) => label.name), "seed", ...(known ? ["supported"] : [])];
  const body = rows.labels.map((row, place) => [...row, rows.seeds[place], ...(known ? [Number(rows.supported[place])] : [])]);
  return [head, ...body].map((row) => row.map((value) => quoted(String(value))).join(",")).join("\n") + "\n";
}

export function saveCsv(model, answer) {
  offer(new Blob([csv(model, answer.samples)], { type: "text/csv" }), "units.csv");
}

async function loaded(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}

// One captioned grid a block, side by side; `blocks` are [words, sources].
export async function picture(blocks, size) {
  const scale = Math.max(1, Math.ceil(CELL / size));
  const side = size * scale + GAP;
  const count = blocks[0][1].length;
  const columns = Math.min(count, blocks.length > 1 ? 6 : 8);
  const rows = Math.ceil(count / columns);
  const canvas = el("canvas", { width: blocks.length * (columns * side + 16), height: HEAD + rows * side + 8 });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingEnabled = false;
  context.font = "15px system-ui, sans-serif";
  for (const [block, [words, sources]] of blocks.entries()) {
    const left = 8 + block * (columns * side + 16);
    context.fillStyle = "#1d2433";
    context.fillText(words, left, 22, columns * side);
    const images = await Promise.all(sources.map(loaded));
    images.forEach((image, place) => {
      const x = left + (place % columns) * side;
      context.drawImage(image, x, HEAD + Math.floor(place / columns) * side, side - GAP, side - GAP);
    });
  }
  return canvas;
}

export async function savePng(model, answer, twins) {
  const blocks = [[caption(answer.query), answer.samples.images]];
  if (twins && answer.twins) blocks.unshift([TWINS, answer.twins.images]);
  const canvas = await picture(blocks, model.image_size);
  canvas.toBlob((blob) => offer(blob, "units.png"), "image/png");
}
