// @ts-check
/*
 * Numbers and reductions in words.
 */

/**
 * A number for people: at most six digits.
 * @param {number} value
 */
export function told(value) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  return String(Number(value.toPrecision(6))).replaceAll("-", "−");
}

/**
 * "1 input", "3 inputs".
 * @param {number} n
 * @param {string} one
 * @param {string} several
 */
export function plural(n, one, several) {
  return n === 1 ? `1 ${one}` : `${n} ${several}`;
}

/**
 * "4", "2 or 3", "4 to 9".
 * @param {number} least
 * @param {number} most
 */
export function between(least, most) {
  if (least === most) return told(least);
  return `${told(least)} ${most === least + 1 ? "or" : "to"} ${told(most)}`;
}

/**
 * A spread's divisor, where it is not the count.
 * @param {number} correction
 */
function corrected(correction) {
  if (correction === 0) return "";
  return ` (divided by the count ${correction < 0 ? "plus" : "less"} ${told(Math.abs(correction))})`;
}

/**
 * "x", "10 x".
 * @param {number} factor
 */
function times(factor) {
  return factor === 1 ? "x" : `${told(factor)} x`;
}

/**
 * @param {number[]} p
 */
function lpWords([p]) {
  if (p === Infinity) return "the largest |x|";
  if (p === 1) return "the sum of |x|";
  if (p === 2) return "the square root of the sum of squares";
  return `the sum of |x|^${told(p)}, to the power 1 / ${told(p)}`;
}

/**
 * @param {number[]} p
 */
function gemWords([p, eps]) {
  const least = `with every x raised to at least ${told(eps)}`;
  if (p === Infinity) return `the largest number, ${least}`;
  if (p === 1) return `the mean, ${least}`;
  return `the mean of x^${told(p)}, to the power 1 / ${told(p)}, ${least}`;
}

/**
 * What a window becomes, for given parameters.
 * @type {Record<string, (p: number[]) => string>}
 */
export const BECOMES = {
  max: () => "the largest number",
  mean: () => "the mean",
  min: () => "the smallest number",
  sum: () => "the sum",
  lp: lpWords,
  gem: gemWords,
  lse: ([r]) => `log(mean(exp(${times(r)}))) / ${told(r)}`,
  soft: ([beta]) => `the mean with weights exp(${times(beta)})`,
  std: ([correction]) => `the standard deviation${corrected(correction)}`,
  var: ([correction]) => `the variance${corrected(correction)}`,
  median: ([lower]) => (lower === 1 ? "the lower middle number" : "the middle number"),
  quantile: ([q]) => `the ${told(q)}-quantile`,
  mode: () => "the most frequent number",
  topk: ([k]) => (k === 1 ? "the largest number" : `the mean of the ${k} largest numbers`),
  stochastic: () => "the expectation of a draw in proportion to the value",
  any: () => "1 if any number is not zero, else 0",
  all: () => "1 if no number is zero, else 0",
};

/**
 * What becomes of the gradient.
 * @type {Record<string, string>}
 */
export const FLOWS_BACK = {
  max: "The winner gets all of the gradient, the first of equals.",
  mean: "Every input gets the same share of the gradient.",
  min: "The winner gets all of the gradient, the first of equals.",
  sum: "Every input gets the whole gradient.",
  lp: "The gradient of an input follows |x|^(p − 1).",
  gem: "The gradient of an input follows x^(p − 1).",
  lse: "The gradient is shared as exp(r x).",
  soft: "The gradient leans to the numbers of large weight.",
  std: "The gradient of an input follows its distance to the mean.",
  var: "The gradient of an input follows its distance to the mean.",
  median: "The gradient goes to the middle number, or half to each of two.",
  quantile: "The gradient goes to the one or two numbers it lies between.",
  mode: "It has no gradient.",
  topk: "The largest numbers share the gradient evenly.",
  stochastic: "Only positive inputs get a gradient.",
  any: "It has no gradient.",
  all: "It has no gradient.",
};
