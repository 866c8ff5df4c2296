// @ts-check
/*
 * Reductions that choose elements, and the yes-or-no ones: anypool's reductions/extremes.py,
 * order.py and picks.py. What a rule is, sums.js tells; here kept notes places in the window.
 */

/** @typedef {import("./sums.js").Run} PickRun */
/** @typedef {import("./sums.js").Rule} PickRule */

/** @type {PickRun} */
function maxRun(v, n, p, divisor, kept) {
  let place = 0;
  for (let i = 1; i < n; i++) if (v[i] > v[place] || v[i] !== v[i]) place = i;
  kept[0] = place;
  return v[place];
}

/** @type {PickRun} */
function minRun(v, n, p, divisor, kept) {
  let place = 0;
  for (let i = 1; i < n; i++) if (v[i] < v[place] || v[i] !== v[i]) place = i;
  kept[0] = place;
  return v[place];
}

/** @type {PickRule} */
export const MAX = { run: maxRun, slope: (x, i, n, y, a) => (i === a ? 1 : 0), wins: (a) => a };

/** @type {PickRule} */
export const MIN = { run: minRun, slope: MAX.slope, wins: MAX.wins };

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

// -- the order of a window's elements -----------------------------------------------------------

const RUN = 32; // shorter stretches are sorted by insertion, then merged in pairs
let room = new Int32Array(64);
let spare = new Int32Array(64);

/**
 * The places of the first n values in ascending order (sign -1: descending), equals as they came.
 * The array is the same one every time.
 * @param {Float64Array} v
 * @param {number} n
 * @param {number} sign
 */
function ranked(v, n, sign) {
  if (room.length < n) [room, spare] = [new Int32Array(n), new Int32Array(n)];
  for (let i = 0; i < n; i++) {
    const first = i - (i % RUN);
    let j = i;
    for (; j > first && sign * v[room[j - 1]] > sign * v[i]; j--) room[j] = room[j - 1];
    room[j] = i;
  }
  for (let width = RUN; width < n; width *= 2) {
    for (let low = 0; low < n; low += 2 * width) merge(v, n, sign, low, width);
    [room, spare] = [spare, room];
  }
  return room;
}

/**
 * Two sorted stretches of room become one in spare.
 * @param {Float64Array} v
 * @param {number} n
 * @param {number} sign
 * @param {number} low
 * @param {number} width
 */
function merge(v, n, sign, low, width) {
  const middle = Math.min(low + width, n);
  const high = Math.min(low + 2 * width, n);
  let a = low;
  let b = middle;
  for (let k = low; k < high; k++) {
    const left = a < middle && (b >= high || sign * v[room[a]] <= sign * v[room[b]]);
    spare[k] = left ? room[a++] : room[b++];
  }
}

/**
 * The place of the first NaN, or -1.
 * @param {Float64Array} v
 * @param {number} n
 */
function firstNaN(v, n) {
  for (let i = 0; i < n; i++) if (v[i] !== v[i]) return i;
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
function medianRun(v, n, p, divisor, kept) {
  const bad = firstNaN(v, n);
  if (bad >= 0) return spoilt(bad, kept);
  const order = ranked(v, n, 1);
  const upper = n >> 1;
  const low = order[n % 2 ? upper : upper - 1];
  const high = p[0] === 1 ? low : order[upper];
  kept[0] = low;
  kept[1] = high;
  return low === high ? v[low] : (v[low] + v[high]) * 0.5;
}

/** @type {PickRule} */
export const MEDIAN = {
  run: medianRun,
  slope(x, i, n, y, a, b, p) {
    if (b < 0) return i === a && p[0] !== 1 ? NaN : 0;
    return (i === a ? 0.5 : 0) + (i === b ? 0.5 : 0);
  },
  wins: onlyOne,
};

/** @type {PickRun} */
function quantileRun(v, n, p, divisor, kept) {
  const bad = firstNaN(v, n);
  if (bad >= 0) return spoilt(bad, kept);
  const order = ranked(v, n, 1);
  const h = p[0] * (n - 1);
  const low = Math.floor(h);
  const high = Math.min(low + 1, n - 1);
  const t = h - low;
  kept[0] = order[low];
  kept[1] = order[t === 0 ? low : high];
  const [a, b] = [v[order[low]], v[order[high]]];
  if (a === b || t === 0) return a;
  return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}

/** @type {PickRule} */
export const QUANTILE = {
  run: quantileRun,
  slope(x, i, n, y, a, b, p) {
    if (b < 0) return i === a ? NaN : 0;
    const t = p[0] * (n - 1) - Math.floor(p[0] * (n - 1));
    return (i === a ? 1 - t : 0) + (i === b ? t : 0);
  },
  wins: onlyOne,
};

// -- mode, and the mean of the k largest --------------------------------------------------------

/** @type {PickRun} */
function modeRun(v, n, p, divisor, kept) {
  const bad = firstNaN(v, n);
  if (bad >= 0) return spoilt(bad, kept);
  const order = ranked(v, n, 1);
  let best = order[0];
  let most = 0;
  for (let i = 0; i < n; ) {
    const first = i;
    while (i < n && v[order[i]] === v[order[first]]) i++;
    if (i - first > most) [best, most] = [order[first], i - first];
  }
  kept[0] = kept[1] = best;
  return v[best];
}

/** @type {PickRule} */
export const MODE = { run: modeRun, slope: null, wins: onlyOne };

/** @type {PickRun} */
function topkRun(v, n, p, divisor, kept) {
  const bad = firstNaN(v, n);
  kept[0] = bad;
  kept[1] = NaN;
  if (bad >= 0) return NaN;
  const order = ranked(v, n, -1);
  const k = Math.min(p[0], n);
  let total = 0;
  for (let i = 0; i < k; i++) total += v[order[i]];
  kept[0] = order[k - 1];
  kept[1] = v[order[k - 1]];
  return total / k;
}

/** @type {PickRule} */
export const TOPK = {
  run: topkRun,
  slope(x, i, n, y, a, b, p) {
    if (b !== b) return i === a ? NaN : 0;
    return x > b || (x === b && i <= a) ? 1 / Math.min(p[0], n) : 0;
  },
  wins: (a, b, p) => (p[0] === 1 ? a : -1),
};
