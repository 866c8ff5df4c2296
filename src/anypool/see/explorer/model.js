// @ts-check
// What follows from a state: the picture's numbers, both poolings of them, and their difference.
import { countOf } from "./axis.js";
import { lay } from "./windows.js";
import { coverage, flow, pool } from "./pooling.js";
import { planeOf } from "./pictures.js";
import { shortNumber } from "./format.js";

/** @typedef {import("./pooling.js").Pooled} ModelPooled */
/** @typedef {import("./pooling.js").Pooling} ModelPooling */
/** @typedef {import("./pictures.js").Picture} ModelPicture */

/**
 * One pooling of the picture. fault says why there is none; heavy that it would take long and
 * waits to be asked for. colours holds the red, green and blue outputs where they are shown.
 * @typedef {{name: "a" | "b", pooling: ModelPooling, pooled: ModelPooled | null, fault: string,
 *     heavy: boolean, colours: Float64Array[] | null}} Side
 */

/**
 * @typedef {{picture: ModelPicture, plane: Float64Array, a: Side, b: Side | null,
 *     difference: Float64Array | null, apart: string}} Model
 */

const MOST_STEPS = 2e8; // about a second in a browser of today
// these look at a number about twelve times as long: they sort, or take powers and exponentials
const SLOW = new Set(["median", "quantile", "mode", "topk", "lp", "gem", "lse", "soft"]);

/**
 * @param {ModelPicture} picture
 * @param {import("./pictures.js").Channel} channel
 * @param {boolean} colour
 * @param {ModelPooling} a
 * @param {ModelPooling | null} b
 * @param {boolean} patient whether to pool what takes long
 * @returns {Model}
 */
export function derive(picture, channel, colour, a, b, patient) {
  const plane = planeOf(picture, channel);
  const inColour = colour && picture.planes.length === 3;
  const sideA = sideOf("a", a, picture, plane, inColour, patient);
  const sideB = b && sideOf("b", b, picture, plane, inColour, patient);
  return { picture, plane, a: sideA, b: sideB, ...compared(sideA, sideB) };
}

/**
 * @param {"a" | "b"} name
 * @param {ModelPooling} pooling
 * @param {ModelPicture} picture
 * @param {Float64Array} plane
 * @param {boolean} inColour
 * @param {boolean} patient
 * @returns {Side}
 */
function sideOf(name, pooling, picture, plane, inColour, patient) {
  const { rows, cols, planes } = picture;
  const side = { name, pooling, pooled: null, fault: "", heavy: false, colours: null };
  try {
    const steps = stepsOf(pooling, rows, cols) * (inColour ? 4 : 1);
    if (steps > MOST_STEPS && !patient) return { ...side, heavy: true, fault: tooLong(steps) };
    const colours = inColour ? planes.map((one) => pool(pooling, one, rows, cols).values) : null;
    return { ...side, pooled: pool(pooling, plane, rows, cols), colours };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...side, fault: sentence(error.message) };
  }
}

/** @param {number} steps */
function tooLong(steps) {
  return `This takes about ${Math.round(steps / MOST_STEPS)} seconds or more; the page would stand still meanwhile.`;
}

/**
 * How many numbers all windows read, slow reductions counted as more.
 * @param {ModelPooling} pooling
 * @param {number} rows
 * @param {number} cols
 */
function stepsOf(pooling, rows, cols) {
  const { grids } = lay(pooling.windows, rows, cols);
  const read = grids.reduce((sum, grid) => sum + reads(grid.rows) * reads(grid.cols), 0);
  return read * (SLOW.has(pooling.reduce) ? 12 : 1);
}

/** @param {import("./windows.js").Table} table */
function reads(table) {
  let total = 0;
  for (let o = 0; o < table.start.length; o++) total += countOf(table, o);
  return total;
}

/** A message as a sentence. @param {string} words */
function sentence(words) {
  const text = words.charAt(0).toUpperCase() + words.slice(1);
  return text.endsWith(".") ? text : `${text}.`;
}

/**
 * A − B, cell by cell, or in words why there is no such thing.
 * @param {Side} a
 * @param {Side | null} b
 * @returns {{difference: Float64Array | null, apart: string}}
 */
function compared(a, b) {
  if (!b || !a.pooled || !b.pooled) return { difference: null, apart: "" };
  const [one, two] = [a.pooled, b.pooled];
  if (one.rows !== two.rows || one.cols !== two.cols) {
    const apart = `A is ${sizeWords(one)} and B is ${sizeWords(two)}: there is no difference cell by cell.`;
    return { difference: null, apart };
  }
  return {
    difference: one.values.map((v, i) => (v === two.values[i] ? 0 : v - two.values[i])),
    apart: "",
  };
}

/** @param {{rows: number, cols: number}} size */
export function sizeWords({ rows, cols }) {
  return `${rows} × ${cols}`;
}

/**
 * How far apart the outputs are, in a few words.
 * @param {Float64Array} difference
 */
export function differenceWords(difference) {
  const size = difference.map(Math.abs);
  const same = size.reduce((count, v) => count + (v === 0 ? 1 : 0), 0);
  if (same === size.length) return "Both give the same numbers everywhere.";
  const most = size.reduce((a, b) => Math.max(a, b), 0);
  return `Equal in ${same} of ${size.length} cells; ${shortNumber(most)} apart at most, ${meanWords(difference)}.`;
}

/**
 * How far apart two outputs are, over all cells.
 * @param {Float64Array} difference
 */
export function meanWords(difference) {
  const total = difference.reduce((sum, v) => sum + Math.abs(v), 0);
  return `${shortNumber(total / difference.length)} apart on average`;
}

/** @type {WeakMap<ModelPooled, Int32Array>} */
const covers = new WeakMap();
/** @type {WeakMap<ModelPooled, Float64Array | null>} */
const flows = new WeakMap();

/**
 * How many outputs read each input; counted once.
 * @param {ModelPooled} pooled
 */
export function coverOf(pooled) {
  const known = covers.get(pooled) ?? coverage(pooled);
  covers.set(pooled, known);
  return known;
}

/**
 * The gradient that flows back to each input, or null; worked out once.
 * @param {ModelPooled} pooled
 */
export function flowOf(pooled) {
  const known = flows.get(pooled);
  if (known !== undefined) return known;
  const fresh = flow(pooled);
  flows.set(pooled, fresh);
  return fresh;
}
