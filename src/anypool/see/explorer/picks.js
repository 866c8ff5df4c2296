// @ts-check
/*
 * Reductions that choose elements, and the yes-or-no ones: anypool's reductions/extremes.py,
 * order.py and picks.py. What a rule is, sums.js tells; here kept notes places in the window.
 */
import { leastFrom, places, selectPlace, sortStretch } from "./order.js";

/** @typedef {import("./sums.js").Run} PickRun */
/** @typedef {import("./sums.js").Rule} PickRule */

/** @type {PickRun} */
function maxRun(v, n, kept) {
  let place = 0;
  for (let i = 1; i < n; i++) if (v[i] > v[place] || Number.isNaN(v[i])) place = i;
  kept[0] = place;
  return v[place];
}

/** @type {PickRun} */
function minRun(v, n, kept) {
  let place = 0;
  for (let i = 1; i < n; i++) if (v[i] < v[place] || Number.isNaN(v[i])) place = i;
  kept[0] = place;
  return v[place];
}

/** @type {PickRule} */
export const MAX = {
  run: maxRun,
  slope: (_x, _y, a, _b, _p, i) => (i === a ? 1 : 0),
  wins: (a) => a,
  few: true,
};

/** @type {PickRule} */
export const MIN = { run: minRun, slope: MAX.slope, wins: MAX.wins, few: true };

/** @type {PickRule} */
export const ANY = {
  run(v, n) {
    for (let i = 0; i < n; i++) if (v[i] !== 0) return 1;
    return 0;
  },
  slope: null,
  wins: null,
};

/** @type {PickRule} */
export const ALL = {
  run(v, n) {
    for (let i = 0; i < n; i++) if (v[i] === 0) return 0;
    return 1;
  },
  slope: null,
  wins: null,
};

/**
 * The place of the first NaN, or -1.
 * @param {Float64Array} v
 * @param {number} n
 */
function firstNaN(v, n) {
  for (let i = 0; i < n; i++) if (Number.isNaN(v[i])) return i;
  return -1;
}

/**
 * A NaN decides the window: kept notes where, and -1.
 * @param {number} bad
 * @param {Float64Array} kept
 */
function spoilt(bad, kept) {
  kept[0] = bad;
  kept[1] = -1;
  return NaN;
}

/**
 * The element that decides alone, or -1 where two share.
 * @param {number} a
 * @param {number} b
 */
function onlyOne(a, b) {
  return b < 0 || a === b ? a : -1;
}

// -- median and quantile: kept notes the two elements that share the derivative -----------------

/** @type {PickRun} */
function medianRun(v, n, kept, p) {
  const bad = firstNaN(v, n);
  if (bad >= 0) return spoilt(bad, kept);
  const half = (n - 1) >> 1;
  const low = selectPlace(v, n, half);
  const high = n % 2 || p[0] === 1 ? low : leastFrom(v, half + 1, n);
  kept[0] = low;
  kept[1] = high;
  return low === high ? v[low] : (v[low] + v[high]) * 0.5;
}

/** @type {PickRule} */
export const MEDIAN = {
  run: medianRun,
  slope(_x, _y, a, b, _p, i) {
    if (b < 0) return i === a ? NaN : 0;
    return (i === a ? 0.5 : 0) + (i === b ? 0.5 : 0);
  },
  wins: onlyOne,
  few: true,
};

/** @type {PickRun} */
function quantileRun(v, n, kept, p) {
  const bad = firstNaN(v, n);
  if (bad >= 0) return spoilt(bad, kept);
  const h = p[0] * (n - 1);
  const t = h - Math.floor(h);
  kept[0] = selectPlace(v, n, Math.floor(h));
  kept[1] = t === 0 ? kept[0] : leastFrom(v, Math.floor(h) + 1, n);
  const [a, b] = [v[kept[0]], v[kept[1]]];
  if (a === b || t === 0) return a;
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

/** @type {PickRule} */
export const QUANTILE = {
  run: quantileRun,
  slope(_x, _y, a, b, p, i, n) {
    if (b < 0) return i === a ? NaN : 0;
    const t = p[0] * (n - 1) - Math.floor(p[0] * (n - 1));
    return (i === a ? 1 - t : 0) + (i === b ? t : 0);
  },
  wins: onlyOne,
  few: true,
};

// -- mode, and the mean of the k largest --------------------------------------------------------

/** @type {PickRun} */
function modeRun(v, n, kept) {
  const bad = firstNaN(v, n);
  if (bad >= 0) return spoilt(bad, kept);
  const best = mostFrequent(v, n);
  kept[0] = kept[1] = v.indexOf(best);
  return best;
}

let seen = new Float64Array(64);
let seenTimes = new Int32Array(64);
const bits = new Int32Array(2);
const asNumber = new Float64Array(bits.buffer);

/**
 * The most frequent of the first n numbers, the smallest of several: counted in a table of twice
 * their number. 63 x 63 numbers take 0.02 ms; sorted, 0.35 ms.
 * @param {Float64Array} v
 * @param {number} n
 */
function mostFrequent(v, n) {
  if (seen.length < 2 * n) {
    [seen, seenTimes] = [new Float64Array(4 * n), new Int32Array(4 * n)];
  }
  const size = 2 * n;
  seenTimes.fill(0, 0, size);
  let [best, most] = [v[0], 0];
  for (let i = 0; i < n; i++) {
    const slot = slotOf(v[i], size);
    seen[slot] = v[i];
    const count = ++seenTimes[slot];
    if (count > most || (count === most && v[i] < best)) [best, most] = [v[i], count];
  }
  return best;
}

/**
 * Where a number is counted, or would be.
 * @param {number} x
 * @param {number} size
 */
function slotOf(x, size) {
  asNumber[0] = x + 0; // -0 and 0 are one number
  const mixed = Math.imul(bits[0] ^ Math.imul(bits[1], 0x9e3779b1), 0x85ebca6b);
  let slot = (((mixed >>> 0) / 2 ** 32) * size) | 0;
  while (seenTimes[slot] !== 0 && seen[slot] !== x) slot = slot + 1 === size ? 0 : slot + 1;
  return slot;
}

/** @type {PickRule} */
export const MODE = { run: modeRun, slope: null, wins: onlyOne };

/** @type {PickRun} */
function topkRun(v, n, kept, p) {
  const bad = firstNaN(v, n);
  kept[0] = bad;
  kept[1] = NaN;
  if (bad >= 0) return NaN;
  for (let i = 0; i < n; i++) v[i] = -v[i]; // the largest first, of equals the first
  const k = Math.min(p[0], n);
  kept[0] = selectPlace(v, n, k - 1);
  sortStretch(v, 0, k - 1);
  let total = 0;
  for (let i = 0; i < k; i++) total -= v[places[i]];
  kept[1] = -v[kept[0]];
  return total / k;
}

/** @type {PickRule} */
export const TOPK = {
  run: topkRun,
  slope(x, _y, a, b, p, i, n) {
    if (Number.isNaN(b)) return i === a ? NaN : 0;
    return x > b || (x === b && i <= a) ? 1 / Math.min(p[0], n) : 0;
  },
  wins: (a, _b, p) => (p[0] === 1 ? a : -1),
};
