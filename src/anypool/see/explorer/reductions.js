// @ts-check
/*
 * WHAT a window becomes: the catalogue of reductions, by anypool's names and parameters.
 * The arithmetic stands in sums.js and picks.js.
 */
import { EXPECTATION, GEM, LP, LSE, MEAN, SOFT, STD, SUM, VAR } from "./sums.js";
import { ALL, ANY, MAX, MEDIAN, MIN, MODE, QUANTILE, TOPK } from "./picks.js";

/**
 * A parameter: least, most and step are what a page offers; holds and rule are what makes sense.
 * choices are the words for 0, 1, ... where the parameter is a choice.
 * @typedef {{name: string, label: string, value: number, least: number, most: number,
 *     step: number, rule: string, holds: (v: number) => boolean, choices?: string[]}} Param
 * @typedef {{label: string, words: string, params: Param[], rule: import("./sums.js").Rule}}
 *     Reduction
 */

/**
 * @param {string} name
 * @param {string} label
 * @param {[number, number, number, number]} numbers  value, least, most, step
 * @param {string} rule
 * @param {(v: number) => boolean} holds
 * @returns {Param}
 */
function param(name, label, [value, least, most, step], rule, holds) {
  return { name, label, value, least, most, step, rule, holds };
}

const POWER = param("p", "power p", [2, 0.5, 32, 0.5], "above 0", (v) => v > 0);
const FLOOR = param(
  "eps",
  "least value",
  [1e-6, 1e-6, 1, 1e-6],
  "above 0 and finite",
  (v) => v > 0 && v < Infinity,
);
const SHARPNESS = param(
  "r",
  "sharpness r",
  [10, -50, 50, 0.5],
  "finite and not 0; use the mean for r = 0",
  (v) => v !== 0 && Number.isFinite(v),
);
const BETA = param("beta", "sharpness beta", [1, -50, 50, 0.5], "finite", Number.isFinite);
const CORRECTION = param("correction", "correction", [0, 0, 4, 1], "finite", Number.isFinite);
const SHARE = param(
  "q",
  "quantile q",
  [0.5, 0, 1, 0.05],
  "between 0 and 1",
  (v) => v >= 0 && v <= 1,
);
const AMOUNT = param(
  "k",
  "how many, k",
  [1, 1, 64, 1],
  "a whole number of at least 1",
  (v) => v >= 1 && v % 1 === 0,
);
/** @type {Param} */
const METHOD = {
  ...param("method", "of two middle numbers", [0, 0, 1, 1], "0 or 1", (v) => v === 0 || v === 1),
  choices: ["midpoint", "lower"],
};

/**
 * By name, in anypool's order.
 * @type {Record<string, Reduction>}
 */
export const REDUCTIONS = {
  max: { label: "max", words: "the largest number", params: [], rule: MAX },
  mean: { label: "mean (average)", words: "the mean", params: [], rule: MEAN },
  min: { label: "min", words: "the smallest number", params: [], rule: MIN },
  sum: { label: "sum", words: "the sum", params: [], rule: SUM },
  lp: {
    label: "Lp norm",
    words: "the p-th root of the sum of |x|^p",
    params: [POWER],
    rule: LP,
  },
  gem: {
    label: "GeM",
    words: "the p-th root of the mean of x^p, where x is at least eps",
    params: [{ ...POWER, value: 3 }, FLOOR],
    rule: GEM,
  },
  lse: {
    label: "log-sum-exp",
    words: "the logarithm of the mean of exp(r x), divided by r",
    params: [SHARPNESS],
    rule: LSE,
  },
  soft: {
    label: "soft",
    words: "the mean with weights exp(beta x)",
    params: [BETA],
    rule: SOFT,
  },
  std: {
    label: "standard deviation",
    words: "the standard deviation",
    params: [CORRECTION],
    rule: STD,
  },
  var: { label: "variance", words: "the variance", params: [CORRECTION], rule: VAR },
  median: { label: "median", words: "the middle number", params: [METHOD], rule: MEDIAN },
  quantile: {
    label: "quantile",
    words: "the number that a share q of the window lies below",
    params: [SHARE],
    rule: QUANTILE,
  },
  mode: {
    label: "mode",
    words: "the most frequent number, the smallest of several",
    params: [],
    rule: MODE,
  },
  topk: {
    label: "top-k mean",
    words: "the mean of the k largest numbers",
    params: [AMOUNT],
    rule: TOPK,
  },
  stochastic: {
    label: "stochastic (expectation)",
    words: "what a draw in proportion to the value gives on average; negative numbers count as 0",
    params: [],
    rule: EXPECTATION,
  },
  any: { label: "any", words: "1 if any number is not zero, else 0", params: [], rule: ANY },
  all: { label: "all", words: "1 if no number is zero, else 0", params: [], rule: ALL },
};

/**
 * A reduction and its parameters in order; what is not given has its default.
 * @param {string} name
 * @param {Record<string, number>} params
 * @returns {{reduction: Reduction, p: number[]}}
 * @throws {RangeError} one sentence, where the name is not known or a parameter makes no sense
 */
export function resolve(name, params) {
  if (!Object.hasOwn(REDUCTIONS, name)) {
    const names = Object.keys(REDUCTIONS).join(", ");
    throw new RangeError(`reduction "${name}" is not known; use one of ${names}`);
  }
  const reduction = REDUCTIONS[name];
  const p = reduction.params.map(({ name: key, value: usual, rule, holds }) => {
    const value = params[key] ?? usual;
    if (typeof value !== "number" || Number.isNaN(value) || !holds(value)) {
      throw new RangeError(`${key} of ${name} is ${value}; it must be ${rule}`);
    }
    return value;
  });
  return { reduction, p };
}

/**
 * @typedef {{v: Float64Array, p: number[], kept: Float64Array, y: number, reduction: Reduction}}
 *     Window
 */

/**
 * One window, reduced.
 * @param {string} name
 * @param {Record<string, number>} params
 * @param {ArrayLike<number>} values
 * @param {number} divisor
 * @returns {Window}
 */
function reduced(name, params, values, divisor) {
  const { reduction, p } = resolve(name, params);
  const v = Float64Array.from(values);
  const kept = new Float64Array(2);
  const y = v.length ? reduction.rule.run(v.slice(), v.length, kept, p, divisor) : 0;
  return { v, p, kept, y, reduction };
}

/**
 * One window's value; NaN in it gives NaN, nothing in it 0.
 * @param {string} name
 * @param {Record<string, number>} params
 * @param {ArrayLike<number>} values
 * @param {number} divisor  of a mean; the others do not look at it
 */
export function reduce(name, params, values, divisor = values.length) {
  return reduced(name, params, values, divisor).y;
}

/**
 * The derivative of the value by each element; ties go to the first. null: there is none.
 * @param {string} name
 * @param {Record<string, number>} params
 * @param {ArrayLike<number>} values
 * @param {number} divisor
 * @returns {Float64Array | null}
 */
export function slopes(name, params, values, divisor = values.length) {
  const { v, p, kept, y, reduction } = reduced(name, params, values, divisor);
  const { slope } = reduction.rule;
  return slope && v.map((x, i) => slope(x, y, kept[0], kept[1], p, i, v.length));
}

/**
 * The place of the one element that decides, or -1.
 * @param {string} name
 * @param {Record<string, number>} params
 * @param {ArrayLike<number>} values
 */
export function winner(name, params, values) {
  const { v, p, kept, reduction } = reduced(name, params, values, values.length);
  return v.length && reduction.rule.wins ? reduction.rule.wins(kept[0], kept[1], p) : -1;
}
