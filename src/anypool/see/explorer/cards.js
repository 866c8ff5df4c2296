// @ts-check
// What a card of the inspector holds: a window as a table with weights, winner and divisor; or the
// outputs that an input feeds.
import { explainCell } from "./calls.js";
import { el } from "./dom.js";
import { counted, longNumber, shortNumber, weightText } from "./format.js";
import { colourOf, inkOn } from "./palette.js";

/** @typedef {import("./look.js").Window} CardWindow */
/** @typedef {import("./look.js").Feeding} CardFeeding */
/** @typedef {import("./look.js").LookSide} CardSide */

/** A window of more rows or columns than this is shown as a picture, not as a table. */
export const MOST_SIDE_CELLS = 9;
const MOST_FED = 9;
const LOUPE = 352; // pixels of a window's picture, twice its size on the page

/**
 * @param {CardWindow} window
 * @param {import("./palette.js").Scale} scale
 */
export function windowCard({ side, r, c, seen }, scale) {
  const value = el(
    "output",
    { "data-value": String(seen.value), class: "value" },
    longNumber(seen.value),
  );
  return [
    el(
      "header",
      {},
      el("b", { class: "badge" }, side.name.toUpperCase()),
      el("span", { class: "op" }, side.pooling.reduce),
      value,
    ),
    el("p", { class: "sentence" }, side.pooled ? explainCell(side.pooled, r, c) : ""),
    el(
      "div",
      { class: "seen" },
      el("div", { class: "grid" }, windowView(seen, scale)),
      factList(side, seen),
    ),
  ];
}

/**
 * @param {import("./pooling.js").Inspection} seen
 * @param {import("./palette.js").Scale} scale
 */
function windowView(seen, scale) {
  if (!seen.values.length) return el("p", { class: "many" }, "This window reads nothing.");
  const most = Math.max(seen.rowIndices.length, seen.colIndices.length);
  return most > MOST_SIDE_CELLS ? loupe(seen, scale) : windowTable(seen, scale);
}

/**
 * A window of too many numbers to write, as a small picture.
 * @param {import("./pooling.js").Inspection} seen
 * @param {import("./palette.js").Scale} scale
 */
function loupe(seen, scale) {
  const [rows, cols] = [seen.rowIndices.length, seen.colIndices.length];
  const canvas = el("canvas", {
    width: LOUPE,
    height: LOUPE,
    role: "img",
    "aria-label": `The window, ${rows} × ${cols} numbers`,
  });
  const pen = canvas.getContext("2d");
  if (!pen) return canvas;
  const cell = LOUPE / Math.max(rows, cols);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(small(seen, scale), 0, 0, cols * cell, rows * cell);
  if (!seen.winner) return canvas;
  const x = (seen.colIndices.indexOf(seen.winner.col) + 0.5) * cell;
  const y = (seen.rowIndices.indexOf(seen.winner.row) + 0.5) * cell;
  for (const [colour, width] of /** @type {const} */ ([
    ["#000", 9],
    ["#fff", 4],
  ])) {
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.beginPath();
    pen.arc(x, y, Math.max(cell * 0.6, 9), 0, 2 * Math.PI);
    pen.stroke();
  }
  return canvas;
}

/**
 * A window at one pixel a number.
 * @param {import("./pooling.js").Inspection} seen
 * @param {import("./palette.js").Scale} scale
 */
function small(seen, scale) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [seen.colIndices.length, seen.rowIndices.length];
  const image = new ImageData(canvas.width, canvas.height);
  seen.values.forEach((value, i) => image.data.set([...colourOf(scale, value), 255], 4 * i));
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}

/**
 * @param {import("./pooling.js").Inspection} seen
 * @param {import("./palette.js").Scale} scale
 */
function windowTable(seen, scale) {
  const head = el(
    "tr",
    {},
    el("td", {}),
    ...seen.colIndices.map((j) => el("th", { scope: "col" }, String(j))),
  );
  const rows = seen.rowIndices.map((i, down) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, String(i)),
      ...seen.colIndices.map((j, across) =>
        windowCell(seen, i, j, down * seen.colIndices.length + across, scale),
      ),
    ),
  );
  return el(
    "table",
    { "aria-label": "The numbers it reads, with the weight of each" },
    el("thead", {}, head),
    el("tbody", {}, ...rows),
  );
}

/**
 * @param {import("./pooling.js").Inspection} seen
 * @param {number} i
 * @param {number} j
 * @param {number} place
 * @param {import("./palette.js").Scale} scale
 */
function windowCell(seen, i, j, place, scale) {
  const value = seen.values[place];
  const weight = seen.slopes?.[place];
  const won = seen.winner?.row === i && seen.winner?.col === j;
  const fill = colourOf(scale, value);
  const number = el("span", {}, shortNumber(value));
  const cell = el(
    "td",
    { "data-value": String(value), class: won ? "won" : "" },
    fitting(number, 1),
  );
  if (weight !== undefined) {
    const small = el("small", { "data-weight": String(weight) }, `×${weightText(weight)}`);
    cell.append(fitting(small, 0.82));
  }
  cell.style.backgroundColor = `rgb(${fill.join(" ")})`;
  cell.style.color = inkOn(fill);
  return cell;
}

/**
 * A text in a size that fits its cell: about four and a half letters fit at full size.
 * @template {HTMLElement} T
 * @param {T} text
 * @param {number} most
 */
function fitting(text, most) {
  text.style.fontSize = `${Math.min(most, 4.4 / (text.textContent ?? "").length)}em`;
  return text;
}

/** @param {CardSide} side @param {import("./pooling.js").Inspection} seen */
function factList(side, seen) {
  const divides = side.pooling.reduce === "mean";
  const weights = seen.slopes?.reduce((sum, v) => sum + v, 0);
  const facts = [
    ["reads", String(seen.values.length), seen.values.length],
    ["covers", String(seen.span), seen.span],
    ["divides by", divides ? String(seen.divisor) : "unused", seen.divisor],
    ["winner", seen.winner ? `(${seen.winner.row}, ${seen.winner.col})` : "none", ""],
    ["weights sum", weights === undefined ? "no derivative" : weightText(weights), weights ?? ""],
  ];
  return el(
    "dl",
    {},
    ...facts.map(([name, words, value]) =>
      el(
        "div",
        {},
        el("dt", {}, String(name)),
        el("dd", { "data-fact": name, "data-value": String(value) }, String(words)),
      ),
    ),
  );
}

/** @param {CardFeeding} feeding */
export function feedingCard({ side, to }) {
  const shown = to.slice(0, MOST_FED);
  const items = shown.map(({ r, c, weight }) =>
    el(
      "li",
      {},
      `(${r}, ${c})`,
      el(
        "small",
        { "data-weight": String(weight) },
        weight === null ? "no derivative" : `×${weightText(weight)}`,
      ),
    ),
  );
  const more =
    to.length > MOST_FED
      ? [el("li", { class: "more" }, `and ${counted(to.length - MOST_FED, "more", "more")}`)]
      : [];
  const sum = to.reduce((total, { weight }) => total + (weight ?? 0), 0);
  const gets = to.some(({ weight }) => weight === null)
    ? ""
    : ` Together they send back ${longNumber(sum)} if each gets 1.`;
  return [
    el(
      "header",
      {},
      el("b", { class: "badge" }, side.name.toUpperCase()),
      el("span", { class: "op" }, side.pooling.reduce),
    ),
    el(
      "p",
      { class: "sentence" },
      to.length ? `Read by ${counted(to.length, "output")}.${gets}` : "No output reads it.",
    ),
    el("ul", { class: "fed" }, ...items, ...more),
  ];
}
