// @ts-check
// What is to be seen of one cell: of an output its window, of an input the outputs it feeds.
import { slideOf } from "./windows.js";
import { feeds, inspect } from "./pooling.js";

/** @typedef {"input" | "a" | "b" | "d"} PanelName */
/** @typedef {{panel: PanelName, cell: number}} Spotted  a cell by its number in row-major order */
/** @typedef {import("./model.js").Side} LookSide */
/** @typedef {import("./pooling.js").Pooled} LookPooled */
/** @typedef {{side: LookSide, r: number, c: number, seen: import("./pooling.js").Inspection}} Window */
/** @typedef {{side: LookSide, to: {r: number, c: number, weight: number | null}[]}} Feeding */

/**
 * One cell, looked at: windows of an output cell (both poolings' where their outputs are alike),
 * or the outputs that an input cell feeds.
 * @typedef {{panel: PanelName, r: number, c: number, value: number, windows: Window[],
 *     feeding: Feeding[]}} Look
 */

/**
 * @param {import("./model.js").Model} model
 * @param {Spotted} at
 * @returns {Look | null} nothing where there is no such cell
 */
export function lookAt(model, { panel, cell }) {
  const sides = [model.a, model.b].filter((side) => side !== null);
  if (panel === "input") return lookBack(model, sides, cell);
  const own = panel === "d" ? model.a : sides.find(({ name }) => name === panel);
  if (!own?.pooled || cell < 0 || cell >= own.pooled.values.length) return null;
  const { pooled: base } = own;
  const { cols, values } = base;
  const [r, c] = [Math.floor(cell / cols), cell % cols];
  const windows = sides.flatMap((side) => {
    const at = side.pooled && placeIn(side.pooled, base, r, c);
    return side.pooled && at ? [{ side, ...at, seen: inspect(side.pooled, at.r, at.c) }] : [];
  });
  const value = panel === "d" && model.difference ? model.difference[cell] : values[cell];
  return { panel, r, c, value, windows, feeding: [] };
}

/**
 * The output of one pooling that lies where output (r, c) of another does: the same one where
 * both have as many, else the one over the same place of the picture. A pyramid's have no place.
 * @param {LookPooled} other
 * @param {LookPooled} own
 * @param {number} r
 * @param {number} c
 */
function placeIn(other, own, r, c) {
  if (other.rows === own.rows && other.cols === own.cols) return { r, c };
  if (other.layout.joined || own.layout.joined) return null;
  return {
    r: Math.floor(((r + 0.5) * other.rows) / own.rows),
    c: Math.floor(((c + 0.5) * other.cols) / own.cols),
  };
}

/**
 * @param {import("./model.js").Model} model
 * @param {LookSide[]} sides
 * @param {number} cell
 * @returns {Look | null}
 */
function lookBack({ picture, plane }, sides, cell) {
  if (cell < 0 || cell >= plane.length) return null;
  const [r, c] = [Math.floor(cell / picture.cols), cell % picture.cols];
  const feeding = sides.flatMap((side) =>
    side.pooled ? [{ side, to: feeds(side.pooled, r, c) }] : [],
  );
  return { panel: "input", r, c, value: plane[cell], windows: [], feeding };
}

/** @typedef {{top: number, bottom: number, left: number, right: number}} Margins */

/**
 * How far the windows of some poolings reach beyond the input, declared padding included.
 * @param {LookSide[]} sides
 * @param {number} rows
 * @param {number} cols
 * @returns {Margins}
 */
export function marginsOf(sides, rows, cols) {
  const none = { top: 0, bottom: 0, left: 0, right: 0 };
  return sides.reduce((most, { pooling, pooled }) => {
    if (!pooled || pooling.windows.kind !== "sliding") return most;
    const [down, across] = [rows, cols].map((n, axis) => beyond(pooled, n, axis));
    return {
      top: Math.max(most.top, down.before),
      bottom: Math.max(most.bottom, down.after),
      left: Math.max(most.left, across.before),
      right: Math.max(most.right, across.after),
    };
  }, none);
}

/**
 * @param {import("./pooling.js").Pooled} pooled
 * @param {number} n
 * @param {number} axis
 */
function beyond({ pooling, rows, cols }, n, axis) {
  if (pooling.windows.kind !== "sliding") return { before: 0, after: 0 };
  const { before, after, stride, reach } = slideOf(pooling.windows, n, axis);
  const last = ([rows, cols][axis] - 1) * stride - before + reach - n;
  return { before, after: Math.max(after, last, 0) };
}

/**
 * The whole extent of a window in input rows and columns, padding included: [from, to) of each.
 * @param {Window} window
 * @returns {{rows: [number, number], cols: [number, number]}}
 */
export function extentOf({ side, r, c, seen }) {
  const { pooling, pooled } = side;
  if (pooling.windows.kind === "sliding" && pooled) {
    const down = slideOf(pooling.windows, pooled.inputRows, 0);
    const across = slideOf(pooling.windows, pooled.inputCols, 1);
    const [top, left] = [r * down.stride - down.before, c * across.stride - across.before];
    return { rows: [top, top + down.reach], cols: [left, left + across.reach] };
  }
  return { rows: ends(seen.rowIndices), cols: ends(seen.colIndices) };
}

/** @param {number[]} indices @returns {[number, number]} */
function ends(indices) {
  return indices.length ? [indices[0], indices[indices.length - 1] + 1] : [0, 0];
}
