// @ts-check
/*
 * A pooling as a short word of the address: max,sliding,k3,s2,p1 or gem:p4,adaptive,n7x5.
 */
import { REDUCTIONS } from "./reductions.js";

/** @typedef {import("./pooling.js").Pooling} Spelled */
/** @typedef {import("./windows.js").Windows} SpelledWindows */
/** @typedef {import("./windows.js").Pair} SpelledPair */

/**
 * A number as the address has it: also inf, nan and -0 come back as they were.
 * @param {number} value
 */
export function spellNumber(value) {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  return Object.is(value, -0) ? "-0" : String(value);
}

/**
 * @param {string} letter
 * @param {readonly (number | null)[] | readonly string[] | null} pair
 */
function spellPair(letter, pair) {
  if (pair === null) return [];
  const [down, across] = pair.map((v) => (v === null ? "-" : String(v)));
  return [letter + (down === across ? down : `${down}x${across}`)];
}

/**
 * @param {Spelled} pooling
 */
export function spell({ reduce, params, countPadding, windows }) {
  const own = REDUCTIONS[reduce].params.filter(({ name }) => name in params);
  const named = [reduce, ...own.map(({ name }) => name + spellNumber(params[name]))].join(":");
  const count = countPadding === null ? [] : [countPadding ? "count" : "nocount"];
  return [named, windows.kind, ...spellWindows(windows), ...count].join(",");
}

/**
 * @param {SpelledWindows} windows
 * @returns {string[]}
 */
function spellWindows(windows) {
  switch (windows.kind) {
    case "sliding": {
      const { kernel, stride, padding, dilation, ceil } = windows;
      const more = dilation.some((d) => d !== 1) ? spellPair("d", dilation) : [];
      const moved = [...spellPair("k", kernel), ...spellPair("s", stride)];
      return [...moved, ...spellPadding(padding), ...more, ...(ceil ? ["ceil"] : [])];
    }
    case "whole":
      return [];
    case "fractional":
      return [...spellPair("k", windows.kernel), ...spellPair("n", windows.size)];
    case "pyramid":
      return [`b${windows.bins.join(".")}`, ...(windows.rule === "split" ? ["split"] : [])];
    default:
      return spellPair("n", windows.size);
  }
}

/**
 * @param {[SpelledPair, SpelledPair] | "same" | "same_lower"} padding
 * @returns {string[]}
 */
function spellPadding(padding) {
  if (typeof padding === "string") return [padding];
  if (padding.every(([before, after]) => before === 0 && after === 0)) return [];
  return spellPair(
    "p",
    padding.map(([before, after]) => (before === after ? `${before}` : `${before}:${after}`)),
  );
}
