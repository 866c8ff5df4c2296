// @ts-check
// The chosen cell in words and numbers: one card for each pooling.
import { mostOf } from "./axis.js";
import { feedingCard, MOST_SIDE_CELLS, windowCard } from "./cards.js";
import { el } from "./dom.js";
import { longNumber } from "./format.js";
import { lookAt } from "./look.js";

/** @typedef {import("./look.js").Look} InspectedLook */
/** @typedef {import("./look.js").LookSide} InspectedSide */
/** @typedef {import("./palette.js").Scale} InspectedScale */

const FRAME = 52; // a card's padding and a table's row names, in pixels

/**
 * The room that each pooling's card takes when it is full: nothing below moves when it is not.
 * Measured once a setting, in pixels; container units would do it alone, at twice the layout time.
 * @type {Map<string, {height: number, width: number}>}
 */
const ROOM = new Map();

/**
 * Find how much room the cards need, for an output and for an input.
 * @param {HTMLElement} host
 * @param {import("./model.js").Model} model
 * @param {InspectedScale} scale
 */
export function reserveInspector(host, model, scale) {
  ROOM.clear();
  renderInspector(host, model, null, scale);
  for (const card of host.querySelectorAll("article")) {
    ROOM.set(card.dataset.side ?? "", { height: 0, width: card.clientWidth });
  }
  for (const panel of /** @type {const} */ (["a", "b", "input"])) {
    renderInspector(host, model, lookAt(model, { panel, cell: 0 }), scale);
    for (const card of host.querySelectorAll("article")) {
      const room = ROOM.get(card.dataset.side ?? "");
      if (room) room.height = Math.max(room.height, card.offsetHeight);
    }
  }
}

/**
 * @param {HTMLElement} host
 * @param {import("./model.js").Model} model
 * @param {InspectedLook | null} look
 * @param {InspectedScale} scale of the input's values
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
 * @param {InspectedScale} scale
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
  article.classList.toggle("wide", cols > 3 && Math.max(rows, cols) <= MOST_SIDE_CELLS);
  const room = ROOM.get(side.name) ?? { height: 0, width: 400 };
  const across = Math.min(cols, MOST_SIDE_CELLS);
  const cell = Math.min(42, (room.width - FRAME) / across - 2);
  article.style.setProperty("--rows", String(Math.min(rows, MOST_SIDE_CELLS)));
  article.style.setProperty("--cols", String(across));
  article.style.setProperty("--cell", `${cell.toFixed(2)}px`);
  article.style.minHeight = `${room.height}px`;
  return article;
}

/** @param {InspectedSide} side @param {InspectedLook | null} look */
function missing(side, look) {
  if (!side.pooled) return side.fault;
  return look ? "Its outputs have another order: point at one of them." : "Point at a cell.";
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
