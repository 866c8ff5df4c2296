// @ts-check
// window.explorer: a small reading interface, for tests and for the curious at the console.
// It gives copies; nothing here changes the page.
import { coverOf, flowOf } from "./model.js";
import { feeds, inspect } from "./pooling.js";

/**
 * @param {() => import("./model.js").Model} model
 * @param {() => string} address
 */
export function reading(model, address) {
  const pooled = (/** @type {"a" | "b"} */ name) => model()[name]?.pooled ?? null;
  const grid = (
    /** @type {number} */ rows,
    /** @type {number} */ cols,
    /** @type {ArrayLike<number> | null} */ values,
  ) => values && { rows, cols, values: Array.from(values) };
  const onInput = (/** @type {ArrayLike<number> | null} */ values) =>
    grid(model().picture.rows, model().picture.cols, values);
  return Object.freeze({
    /** The address's hash that leads to what is shown. */
    address,
    /** The numbers that are pooled: rows, cols, values. */
    input: () => onInput(model().plane),
    /** Red, green and blue of a picture in colour, else one plane. */
    planes: () => model().picture.planes.map((plane) => Array.from(plane)),
    /** The outputs of "a" or "b"; null where there are none, and fault says why. */
    output: (/** @type {"a" | "b"} */ name) => {
      const found = pooled(name);
      return found && grid(found.rows, found.cols, found.values);
    },
    fault: (/** @type {"a" | "b"} */ name) => model()[name]?.fault ?? "",
    /** A − B, or null. */
    difference: () => {
      const { a, difference } = model();
      return a.pooled && grid(a.pooled.rows, a.pooled.cols, difference);
    },
    /** What output (r, c) reads: values, span, divisor, winner, slopes. */
    inspect: (/** @type {"a" | "b"} */ name, /** @type {number} */ r, /** @type {number} */ c) => {
      const found = pooled(name);
      return found && inspect(found, r, c);
    },
    /** The outputs that input (i, j) feeds, each with its weight. */
    feeds: (/** @type {"a" | "b"} */ name, /** @type {number} */ i, /** @type {number} */ j) => {
      const found = pooled(name);
      return found && feeds(found, i, j);
    },
    /** How many outputs read each input. */
    coverage: (/** @type {"a" | "b"} */ name) => {
      const found = pooled(name);
      return found && onInput(coverOf(found));
    },
    /** The gradient of the sum of all outputs by each input; null where there is none. */
    gradient: (/** @type {"a" | "b"} */ name) => {
      const found = pooled(name);
      return found && onInput(flowOf(found));
    },
  });
}
