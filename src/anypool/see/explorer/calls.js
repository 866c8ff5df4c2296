// @ts-check
/*
 * A pooling as a line of Python and in sentences; and one of its outputs in a sentence.
 */
import { namedCall, reductionWord, shortOr, slidingCall } from "./named.js";
import { BECOMES, plural, told } from "./phrases.js";
import { inspect } from "./pooling.js";
import { copiedArguments, listed, pythonPair, pythonTuple } from "./python.js";
import { resolve } from "./reductions.js";
import { divides, fractionalInTorch, slidingInTorch } from "./torch.js";
import { wayOf, wholeInTorch, written } from "./torch.js";
import { becomesWords, divisorWords, readWords, outputWords } from "./words.js";
import { EXTREMES, indexWords, zeroWords } from "./words.js";

/** @typedef {import("./pooling.js").Pooling} Called */

/**
 * The shortest call of anypool that does this, for x whose last two axes are the plane.
 * @param {Called} pooling
 * @returns {string}
 */
export function anypoolCall(pooling) {
  const { windows } = pooling;
  switch (windows.kind) {
    case "sliding":
      return slidingCall(pooling, windows);
    case "copied":
      return namedCall(pooling, copiedArguments(windows.size));
    case "adaptive":
    case "split": {
      const rule = windows.kind === "split" ? 'rule="split"' : null;
      return shortOr(pooling, "adaptive", [pythonPair(windows.size)], rule);
    }
    case "whole":
      return shortOr(pooling, "global", [], null);
    case "fractional": {
      const kernel = pythonPair(windows.kernel);
      const size = `output_size=${pythonPair(windows.size)}`;
      if (pooling.reduce === "max") return `ap.fractional_max_pool(x, ${kernel}, ${size})`;
      return `ap.pool(x, ap.windows.fractional(${kernel}, ${size}), ${reductionWord(pooling)})`;
    }
    case "pyramid": {
      const usual = windows.bins.join() === "1,2,4";
      const reduce = pooling.reduce === "max" ? null : reductionWord(pooling);
      const bins = usual ? null : pythonTuple(windows.bins);
      const named = usual && reduce !== null ? `reduce=${reduce}` : reduce;
      const rule = windows.rule === "split" ? 'rule="split"' : null;
      return `ap.pyramid_pool(${listed(["x", bins, named, rule])})`;
    }
  }
}

/**
 * PyTorch's call for x of (N, C, rows, cols), with F = torch.nn.functional; null where it has none
 * that always gives the same numbers. Some are true for one size only, and need to know it; one
 * that is not told counts as large.
 * @param {Called} pooling
 * @param {number} rows
 * @param {number} cols
 * @returns {string | null}
 */
export function torchCall(pooling, rows = Infinity, cols = Infinity) {
  const { windows } = pooling;
  const sizes = [rows, cols];
  if (windows.kind === "whole") return wholeInTorch(pooling);
  const way = wayOf(pooling);
  if (way === null) return null;
  if (windows.kind === "sliding") return slidingInTorch(pooling, windows, way, sizes);
  if (windows.kind === "copied") return written(way, way.x, copiedArguments(windows.size));
  if (way.more.length || way.op === "lp") return null; // the others know no sum and no power
  if (windows.kind === "fractional") return fractionalInTorch(way, windows);
  if (windows.kind === "pyramid") {
    const cut = windows.bins.every((m) => divides(windows.rule, m, sizes));
    const own = `${way.sign}F.adaptive_${way.op}_pool2d(${way.x}, n).flatten(-2)`;
    return cut ? `torch.cat([${own} for n in ${pythonTuple(windows.bins)}], -1)` : null;
  }
  const cut = windows.size.every(
    (m, axis) => m === null || divides(windows.kind, m, [sizes[axis]]),
  );
  const size = pythonPair(windows.size);
  return cut ? `${way.sign}F.adaptive_${way.op}_pool2d(${way.x}, ${size})` : null;
}

/**
 * A few sentences on a pooling of rows x cols: sizes, overlap, what is never read, what a mean
 * divides by, and what each window becomes.
 * @param {Called} pooling
 * @param {number} rows
 * @param {number} cols
 * @param {import("./windows.js").Layout} layout
 * @returns {string}
 */
export function explainWords(pooling, rows, cols, layout) {
  return [
    ...outputWords(pooling.windows, [rows, cols], layout),
    ...readWords(rows, cols, layout),
    ...divisorWords(pooling, layout),
    ...becomesWords(pooling),
  ].join(" ");
}

/**
 * One output in a sentence or two.
 * @param {import("./pooling.js").Pooled} pooled
 * @param {number} r
 * @param {number} c
 * @returns {string}
 */
export function explainCell(pooled, r, c) {
  const { rowIndices, colIndices, values, divisor, value, winner: won } = inspect(pooled, r, c);
  const place = pooled.layout.joined ? `Output ${c}` : `Output (${r}, ${c})`;
  if (!values.length) return `${place} reads nothing but padding, so it is 0.`;
  const where = `${indexWords("row", rowIndices)} and ${indexWords("column", colIndices)}`;
  const what = `${place} reads ${where}: ${plural(values.length, "number", "numbers")}`;
  const { reduce, params } = pooled.pooling;
  if (Number.isNaN(value) && values.some(Number.isNaN)) {
    return `${what}; a NaN among them makes it NaN.`;
  }
  if (reduce === "any" || reduce === "all") return `${what}; ${zeroWords(reduce, value)}.`;
  const words = BECOMES[reduce](resolve(reduce, params).p);
  if (won && EXTREMES.includes(words)) {
    return `${what}; ${words}, ${told(value)} at (${won.row}, ${won.col}), wins.`;
  }
  if (won) return `${what}; ${words} is ${told(value)}, at (${won.row}, ${won.col}).`;
  if (reduce !== "mean") return `${what}; ${words} is ${told(value)}.`;
  const total = told(values.reduce((sum, x) => sum + x, 0));
  const padded = divisor > values.length ? " (padding counts)" : "";
  return `${what}; their sum, ${total}, divided by ${divisor}${padded} is ${told(value)}.`;
}
