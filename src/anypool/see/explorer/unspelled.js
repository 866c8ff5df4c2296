// @ts-check
/*
 * A pooling read from its word in the address. What cannot be read falls back to its default, and
 * a note says so; nothing that anybody writes there is an error.
 */
import { REDUCTIONS } from "./reductions.js";

/** @typedef {[least: number, most: number]} Limits */
/** @typedef {{what: string, limits: Limits, usual: number}} PairLimits */

/** @typedef {import("./pooling.js").Pooling} Unspelled */
/** @typedef {import("./windows.js").Windows} UnspelledWindows */
/** @typedef {import("./windows.js").Pair} UnspelledPair */

/** What each setting may be; larger numbers would only make the page slow. */
export const LIMITS = {
  /** @type {Limits} */ kernel: [1, 63],
  /** @type {Limits} */ stride: [1, 63],
  /** @type {Limits} */ padding: [0, 63],
  /** @type {Limits} */ dilation: [1, 16],
  /** @type {Limits} */ size: [1, 512],
  /** @type {Limits} */ bins: [1, 16],
};
export const MOST_BINS = 8;

const FLAGS = ["ceil", "same", "same_lower", "split", "count", "nocount"];
/** The letters and flags that each kind of windows knows. @type {Record<string, string>} */
const KNOWN = {
  sliding: "k s p d ceil same same_lower",
  adaptive: "n",
  split: "n",
  copied: "n",
  whole: "",
  fractional: "k n",
  pyramid: "b split",
};
/** @type {Record<string, PairLimits>} */
const PAIRS = {
  k: { what: "kernel", limits: LIMITS.kernel, usual: 2 },
  s: { what: "stride", limits: LIMITS.stride, usual: 1 },
  p: { what: "padding", limits: LIMITS.padding, usual: 0 },
  d: { what: "dilation", limits: LIMITS.dilation, usual: 1 },
  n: { what: "output size", limits: LIMITS.size, usual: 3 },
};

/**
 * @typedef {{side: string, notes: string[]}} Reading  whose word is read, and what was wrong in it
 */

/**
 * @param {string} text
 * @param {Reading} reading
 * @returns {Unspelled}
 */
export function unspell(text, reading) {
  const [named, given = "sliding", ...options] = text.split(",");
  const kind = Object.hasOwn(KNOWN, given) ? given : "sliding";
  if (kind !== given) complain(reading, `windows “${shown(given)}” are not known; sliding is used`);
  const known = new Set(["count", "nocount", ...KNOWN[kind].split(" ")]);
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const option of options) {
    const letter = FLAGS.includes(option) ? option : option.slice(0, 1);
    if (known.has(letter) && !found.has(letter)) found.set(letter, option.slice(1));
    else complain(reading, `“${shown(option)}” does not go with ${kind} windows, and is left out`);
  }
  const countPadding = found.has("count") ? true : found.has("nocount") ? false : null;
  return {
    ...unspellReduce(named, reading),
    countPadding,
    windows: windowsOf(kind, found, reading),
  };
}

/**
 * @param {Reading} reading
 * @param {string} words
 */
function complain({ side, notes }, words) {
  const whole = `in ${side}, ${words}`;
  if (!notes.includes(whole)) notes.push(whole);
}

/**
 * Somebody else's words, short enough to show.
 * @param {string} text
 */
export function shown(text) {
  return text.length > 24 ? `${text.slice(0, 24)}…` : text;
}

/**
 * @param {string} text
 * @param {Reading} reading
 * @returns {{reduce: string, params: Record<string, number>}}
 */
function unspellReduce(text, reading) {
  const [reduce, ...words] = text.split(":");
  if (!Object.hasOwn(REDUCTIONS, reduce)) {
    complain(reading, `the reduction “${shown(reduce)}” is not known; max is used`);
    return { reduce: "max", params: {} };
  }
  /** @type {Record<string, number>} */
  const params = {};
  for (const word of words) {
    const param = REDUCTIONS[reduce].params.find(({ name }) => word.startsWith(name));
    const value = param ? readNumber(word.slice(param.name.length)) : null;
    if (!param || value === null) complain(reading, `“${shown(word)}” is no setting of ${reduce}`);
    else if (param.holds(value)) params[param.name] = value;
    else complain(reading, `${param.name} of ${reduce} is ${value}; it must be ${param.rule}`);
  }
  return { reduce, params };
}

/**
 * @param {string} text
 * @returns {number | null}
 */
export function readNumber(text) {
  if (/^-?inf$/.test(text)) return text === "inf" ? Infinity : -Infinity;
  if (text === "nan") return NaN;
  return /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d{1,3})?$/.test(text) ? Number(text) : null;
}

/**
 * @param {string} kind
 * @param {Map<string, string>} found
 * @param {Reading} reading
 * @returns {UnspelledWindows}
 */
function windowsOf(kind, found, reading) {
  /** @type {(letter: string) => UnspelledPair} */
  const pair = (letter) => readPair(letter, found, reading);
  const rule = found.has("split") ? "split" : "adaptive";
  switch (kind) {
    case "whole":
      return { kind };
    case "fractional":
      return { kind, kernel: pair("k"), size: pair("n") };
    case "pyramid":
      return { kind, bins: binsOf(found.get("b"), reading), rule };
    case "adaptive":
    case "split":
    case "copied":
      return { kind, size: readSizes(found, reading) };
    default: {
      const stride = found.has("s") ? pair("s") : null;
      const padding = readPadding(found, reading);
      const [kernel, dilation, ceil] = [pair("k"), pair("d"), found.has("ceil")];
      return { kind: "sliding", kernel, stride, padding, dilation, ceil };
    }
  }
}

/**
 * @param {Map<string, string>} found
 * @param {Reading} reading
 * @returns {[UnspelledPair, UnspelledPair] | "same" | "same_lower"}
 */
function readPadding(found, reading) {
  if (found.has("same")) return "same";
  if (found.has("same_lower")) return "same_lower";
  const [down, across] = halves(found.get("p") ?? "0");
  /** @type {(text: string) => UnspelledPair} */
  const sides = (text) => {
    const [before, after = before, ...more] = text.split(":");
    const words = more.length ? ["?", "?"] : [before, after];
    return /** @type {UnspelledPair} */ (words.map((word) => readWhole(word, PAIRS.p, reading)));
  };
  return [sides(down), sides(across)];
}

/**
 * "3" or "3x5": what it says for rows and for columns.
 * @param {string} text
 */
function halves(text) {
  const [down, across = down, ...more] = text.split("x");
  return more.length ? [text, text] : [down, across];
}

/**
 * @param {string} letter
 * @param {Map<string, string>} found
 * @param {Reading} reading
 * @returns {UnspelledPair}
 */
function readPair(letter, found, reading) {
  const text = found.get(letter);
  const { usual } = PAIRS[letter];
  if (text === undefined) return [usual, usual];
  const [down, across] = halves(text);
  return [readWhole(down, PAIRS[letter], reading), readWhole(across, PAIRS[letter], reading)];
}

/**
 * Output sizes, where "-" keeps an axis as it is.
 * @param {Map<string, string>} found
 * @param {Reading} reading
 * @returns {[number | null, number | null]}
 */
function readSizes(found, reading) {
  const [down, across] = halves(found.get("n") ?? "3");
  /** @type {(text: string) => number | null} */
  const size = (text) => (text === "-" ? null : readWhole(text, PAIRS.n, reading));
  return [size(down), size(across)];
}

/**
 * @param {string} text
 * @param {PairLimits} limits
 * @param {Reading} reading
 */
function readWhole(text, { what, limits: [least, most], usual }, reading) {
  const value = Number(text);
  if (/^\d{1,6}$/.test(text) && value >= least && value <= most) return value;
  complain(
    reading,
    `${what} “${shown(text)}” is no whole number from ${least} to ${most}; ${usual} is used`,
  );
  return usual;
}

/**
 * @param {string | undefined} text
 * @param {Reading} reading
 * @returns {number[]}
 */
function binsOf(text, reading) {
  const [least, most] = LIMITS.bins;
  const words = text?.split(".") ?? ["1", "2", "4"];
  const fit = words.every((w) => /^\d{1,2}$/.test(w) && Number(w) >= least && Number(w) <= most);
  if (fit && words.length <= MOST_BINS) return words.map(Number);
  complain(
    reading,
    `bins “${shown(text ?? "")}” are not 1 to ${MOST_BINS} whole numbers from ${least} to ${most}; 1, 2, 4 are used`,
  );
  return [1, 2, 4];
}
