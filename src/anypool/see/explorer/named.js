// @ts-check
/*
 * anypool's functions by their names, as a call writes them.
 */
import { listed, python, pythonPair, slidingArguments } from "./python.js";
import { REDUCTIONS } from "./reductions.js";
import { padsByDefault } from "./windows.js";

/** @typedef {import("./pooling.js").Pooling} Called */
/** @typedef {import("./windows.js").Sliding} SlidingCalled */

/**
 * @param {Called} pooling
 * @param {SlidingCalled} windows
 */
export function slidingCall(pooling, windows) {
  const { padding } = windows;
  const told = typeof padding === "string" ? `"${padding}"` : paddingWord(padding);
  const ceil = windows.ceil && typeof padding !== "string";
  const counts = pooling.countPadding;
  const asked = counts !== null && counts !== padsByDefault(windows) && told !== null;
  const count = counts ? "count_include_pad=True" : "count_include_pad=False";
  return namedCall(pooling, [
    ...slidingArguments(windows.kernel, windows.stride, told, windows.dilation, ceil),
    pooling.reduce === "mean" && asked ? count : null,
  ]);
}

/**
 * Padding as a number, one for each axis, or pairs; null where there is none.
 * @param {[number, number][]} padding
 */
function paddingWord(padding) {
  if (padding.every(([before, after]) => before === 0 && after === 0)) return null;
  const even = padding.every(([before, after]) => before === after);
  if (even) return pythonPair(padding.map(([before]) => before));
  return `(${padding.map(([before, after]) => `(${before}, ${after})`).join(", ")})`;
}

/**
 * ap.max_pool(x, ...): the function that has the reduction in its name.
 * @param {Called} pooling
 * @param {(string | null)[]} where
 */
export function namedCall(pooling, where) {
  const { reduce, params } = pooling;
  const name = reduce === "mean" ? "avg" : reduce;
  const lead = reduce === "lp" ? [python(params.p ?? 2)] : [];
  const own = reduce === "lp" ? [] : ownArguments(pooling, ["q", "k"]);
  return `ap.${name}_pool(${listed(["x", ...lead, ...where, ...own])})`;
}

/**
 * ap.adaptive_max_pool(x, ...), where max and mean have a name of their own.
 * @param {Called} pooling
 * @param {string} kind
 * @param {string[]} size
 * @param {string | null} rule
 */
export function shortOr(pooling, kind, size, rule) {
  const short = { max: "max_", mean: "avg_" }[pooling.reduce];
  const reduce = short ? null : reductionWord(pooling);
  return `ap.${kind}_${short ?? ""}pool(${listed(["x", ...size, reduce, rule])})`;
}

/**
 * The parameters that are not at their default, and those that always must be said.
 * @param {Called} pooling
 * @param {string[]} needed
 */
function ownArguments({ reduce, params }, needed) {
  return REDUCTIONS[reduce].params.flatMap(({ name, value: usual, choices }) => {
    const value = params[name] ?? usual;
    if (value === usual && !needed.includes(name)) return [];
    return [`${name}=${choices ? `"${choices[value]}"` : python(value)}`];
  });
}

/**
 * "gem", or ap.reductions.gem(p=4).
 * @param {Called} pooling
 */
export function reductionWord(pooling) {
  const own = ownArguments(pooling, []);
  return own.length ? `ap.reductions.${pooling.reduce}(${listed(own)})` : `"${pooling.reduce}"`;
}
