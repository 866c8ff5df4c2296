// @ts-check
// The chosen cell in words and numbers: its window as a table, the winner, the divisor, the
// weights; of an input cell the outputs that it feeds.
import { el } from "./dom.js";
import { counted, longNumber, shortNumber, weightText } from "./format.js";
import { colourOf, inkOn } from "./palette.js";
import { mostOf } from "./axis.js";
import { explainCell } from "./calls.js";

/** @typedef {import("./look.js").Look} InspectedLook */
/** @typedef {import("./look.js").Window} InspectedWindow */
/** @typedef {import("./look.js").Feeding} InspectedFeeding */
/** @typedef {import("./look.js").LookSide} InspectedSide */

const MOST_SIDE_CELLS = 9; // a window of more rows or columns is too large for a table
const MOST_FED = 9;

/**
 * @param {HTMLElement} host
 * @param {import("./model.js").Model} model
 * @param {InspectedLook | null} look
 * @param {import("./palette.js").Scale} scale of the input's values
 */
export function renderInspector(host, model, look, scale) {
  const sides = [model.a, model.b].filter((side) => side !== null);
  host.replaceChildren(
    el("h2", {}, look ? titleOf(look) : "The chosen cell"),
    ...sides.map((side) => card(side, look, scale)),
  );
}

/** @param {InspectedLook} look */
function titleOf({ panel, r, c, value }) {
  const name = { input: "Input", a: "Output", b: "Output", d: "Difference" }[panel];
  const shown = panel === "input" || panel === "d" ? `: ${longNumber(value)}` : "";
  return `${name} (${r}, ${c})${shown}`;
}

/**
 * @param {InspectedSide} side
 * @param {InspectedLook | null} look
 * @param {import("./palette.js").Scale} scale
 */
function card(side, look, scale) {
  const window = look?.windows.find((one) => one.side === side);
  const feeding = look?.feeding.find((one) => one.side === side);
  const body = window
    ? windowCard(window, scale)
    : feeding
      ? feedingCard(feeding)
      : [el("p", { class: "sentence" }, missing(side, look))];
  const article = el("article", { class: "card", "data-side": side.name }, ...body);
  const [rows, cols] = largest(side);
  article.classList.toggle("large", Math.max(rows, cols) > MOST_SIDE_CELLS);
  article.classList.toggle("wide", cols > 3);
  article.style.setProperty("--rows", String(Math.min(rows, MOST_SIDE_CELLS)));
  article.style.setProperty("--cols", String(Math.min(cols, MOST_SIDE_CELLS)));
  return article;
}

/** @param {InspectedSide} side @param {InspectedLook | null} look */
function missing(side, look) {
  if (!side.pooled) return side.fault;
  return look ? "Its outputs lie elsewhere: point at one of them." : "Point at a cell.";
}

/**
 * The most rows and columns of a window of a pooling: room is kept for them, so that nothing
 * moves while a pointer does.
 * @param {InspectedSide} side
 */
function largest({ pooled }) {
  const grids = pooled?.layout.grids ?? [];
  return [
    Math.max(1, ...grids.map(({ rows }) => mostOf(rows))),
    Math.max(1, ...grids.map(({ cols }) => mostOf(cols))),
  ];
}

/**
 * @param {InspectedWindow} window
 * @param {import("./palette.js").Scale} scale
 */
function windowCard({ side, r, c, seen }, scale) {
  const large =
    seen.rowIndices.length > MOST_SIDE_CELLS || seen.colIndices.length > MOST_SIDE_CELLS;
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
      el("div", { class: "grid" }, large ? loupe(seen, scale) : windowTable(seen, scale)),
      factList(side, seen),
    ),
  ];
}

/**
 * A window of too many numbers to write, as a small picture.
 * @param {import("./pooling.js").Inspection} seen
 * @param {import("./palette.js").Scale} scale
 */
function loupe(seen, scale) {
  const [rows, cols] = [seen.rowIndices.length, seen.colIndices.length];
  const canvas = el("canvas", {
    width: cols,
    height: rows,
    role: "img",
    "aria-label": `The window, ${rows} × ${cols} numbers`,
  });
  const image = new ImageData(cols, rows);
  seen.values.forEach((value, i) => image.data.set([...colourOf(scale, value), 255], 4 * i));
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}

/**
 * @param {import("./pooling.js").Inspection} seen
 * @param {import("./palette.js").Scale} scale
 */
function windowTable(seen, scale) {
  if (!seen.values.length)
    return el("p", { class: "many" }, "This window reads nothing but padding.");
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
  const small =
    weight === undefined
      ? []
      : [el("small", { "data-weight": String(weight) }, `×${weightText(weight)}`)];
  const cell = el(
    "td",
    { "data-value": String(value), class: won ? "won" : "" },
    el("span", {}, shortNumber(value)),
    ...small,
  );
  cell.style.backgroundColor = `rgb(${fill.join(" ")})`;
  cell.style.color = inkOn(fill);
  return cell;
}

/** @param {InspectedSide} side @param {import("./pooling.js").Inspection} seen */
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

/** @param {InspectedFeeding} feeding */
function feedingCard({ side, to }) {
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
