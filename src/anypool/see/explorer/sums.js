// @ts-check
/*
 * Reductions that take a window's elements one by one: the numbers of anypool's
 * reductions/sums.py and norms.py, in their order.
 *
 * A rule is {run, slope, wins}. run(v, n, kept, p, divisor) gives what the first n numbers of v
 * become and notes two numbers for the derivative in kept. slope(x, y, a, b, p, i, n) is the
 * derivative of that value y by element i of n, which is x, where a and b are the two numbers
 * noted. wins(a, b, p) is the place of the one element that decides, or -1. few: only the elements
 * whose places a and b note have a derivative.
 */

/**
 * @typedef {(v: Float64Array, n: number, kept: Float64Array, p: number[], divisor: number)
 *     => number} Run
 * @typedef {(x: number, y: number, a: number, b: number, p: number[], i: number, n: number)
 *     => number} Slope
 * @typedef {(a: number, b: number, p: number[]) => number} Wins
 * @typedef {{run: Run, slope: Slope | null, wins: Wins | null, few?: boolean}} Rule
 */

const TINY = 2 ** -1022; // keeps a logarithm or a negative power finite where its factor is zero

/** @type {Run} */
function sumRun(v, n) {
  let total = v[0];
  for (let i = 1; i < n; i++) total += v[i];
  return total;
}

/** @type {Run} */
function meanRun(v, n, kept, p, divisor) {
  kept[0] = 1 / divisor;
  return sumRun(v, n, kept, p, divisor) / divisor;
}

/**
 * The sum of squared distances to the mean, by Welford's update; kept[0] becomes the mean.
 * @param {Float64Array} v
 * @param {number} n
 * @param {Float64Array} kept
 */
function spread(v, n, kept) {
  let mu = v[0];
  let squares = 0 * v[0];
  for (let i = 1; i < n; i++) {
    const d = v[i] - mu;
    mu += d * (1 / (i + 1));
    squares += d * (v[i] - mu);
  }
  kept[0] = mu;
  return squares;
}

/** @type {Run} */
function varRun(v, n, kept, p) {
  const squares = spread(v, n, kept);
  kept[1] = 1 / (n - p[0]);
  return n > p[0] ? squares / (n - p[0]) : NaN;
}

/** @type {Run} */
function stdRun(v, n, kept, p, divisor) {
  const y = Math.sqrt(varRun(v, n, kept, p, divisor));
  kept[1] = y > 0 ? 1 / ((n - p[0]) * y) : y * 0;
  return y;
}

/** @type {Run} */
function hopeRun(v, n, kept) {
  let total = 0;
  let squares = 0;
  for (let i = 0; i < n; i++) {
    const c = Math.max(v[i], 0);
    total += c;
    squares += c * c;
  }
  kept[0] = total === 0 ? 0 : 1 / total;
  return total === 0 ? 0 : squares / total;
}

/** @type {Rule} */
export const SUM = { run: sumRun, slope: () => 1, wins: null };

/** @type {Rule} */
export const MEAN = { run: meanRun, slope: (_x, _y, a) => a, wins: null };

/** @type {Rule} */
export const VAR = {
  run: varRun,
  slope: (x, _y, a, b) => 2 * (x - a) * b,
  wins: null,
};

/** @type {Rule} */
export const STD = { run: stdRun, slope: (x, _y, a, b) => (x - a) * b, wins: null };

/** @type {Rule} */
export const EXPECTATION = {
  run: hopeRun,
  slope: (x, y, a) => (x > 0 ? 1 : 0) * (2 * x - y) * a,
  wins: null,
};

// -- norms, scaled by the largest magnitude so far so that nothing overflows --------------------

/**
 * base ** p as C has it, where 1 to an infinite power is 1; the usual ones by multiplication.
 * @param {number} base
 * @param {number} p
 */
function raised(base, p) {
  if (p === 1) return base;
  if (p === 2) return base * base;
  if (p === 3) return base * base * base;
  return base === 1 ? 1 : base ** p;
}

/**
 * The p-th root; NaN stays NaN though its 0th power is 1.
 * @param {number} s
 * @param {number} p
 */
function rooted(s, p) {
  return Number.isNaN(s) ? s : raised(s, 1 / p);
}

/**
 * The largest of sizes(v[i]), in kept[0]; gives the sum of (size / largest) ** p.
 * @param {Float64Array} v
 * @param {number} n
 * @param {number} p
 * @param {(x: number) => number} size
 * @param {Float64Array} kept
 */
function norm(v, n, p, size, kept) {
  let m = size(v[0]);
  let s = 1;
  for (let i = 1; i < n; i++) {
    const a = size(v[i]);
    if (a > m) {
      s = s * raised(m / a, p) + 1;
      m = a;
    } else if (a === m) s += 1;
    else s += raised(a / m, p);
  }
  kept[0] = m;
  return s;
}

/** @type {Run} */
function lpRun(v, n, kept, p) {
  const s = norm(v, n, p[0], Math.abs, kept);
  const y = kept[0] * rooted(s, p[0]);
  kept[0] = y > 0 ? 1 / y : 0;
  kept[1] = 1 / (p[0] === Infinity ? s : 1);
  return y;
}

/** @type {Run} */
function gemRun(v, n, kept, p) {
  const s = norm(v, n, p[0], (x) => Math.max(x, p[1]), kept);
  const y = kept[0] * rooted(s / n, p[0]);
  kept[0] = 1 / y;
  kept[1] = 1 / (p[0] === Infinity ? s : n);
  return y;
}

/** @type {Rule} */
export const LP = {
  run: lpRun,
  slope(x, y, a, b, p) {
    const ratio = Math.abs(x) / (y + (a === 0 ? 1 : 0));
    return b * Math.sign(x) * raised(Math.max(ratio, TINY), p[0] - 1);
  },
  wins: null,
};

/** @type {Rule} */
export const GEM = {
  run: gemRun,
  slope: (x, y, _a, b, p) => (x > p[1] ? 1 : 0) * b * raised(Math.max(x, p[1]) / y, p[0] - 1),
  wins: null,
};

// -- exponential weights, relative to the element of the largest weight so far ------------------

/** @type {Run} */
function lseRun(v, n, kept, p) {
  let m = v[0];
  let total = 1;
  for (let i = 1; i < n; i++) {
    const d = p[0] * (v[i] - m);
    if (v[i] === m) total += 1;
    else if (d > 0) {
      total = total * Math.exp(-d) + 1;
      m = v[i];
    } else total += Math.exp(d);
  }
  kept[0] = 1 / n;
  return m + Math.log(total / n) / p[0];
}

/** @type {Run} */
function softRun(v, n, kept, p) {
  let m = v[0];
  let total = 1;
  let moment = v[0];
  for (let i = 1; i < n; i++) {
    const x = v[i];
    const d = p[0] * (x - m);
    if (x === m) {
      total += 1;
      moment += x;
    } else if (d > 0) {
      const fade = Math.exp(-d);
      moment = (fade > 0 ? moment * fade : 0) + x;
      total = total * fade + 1;
      m = x;
    } else {
      const share = Math.exp(d);
      total += share;
      moment = share === 0 ? moment : moment + share * x;
    }
  }
  kept[0] = m;
  kept[1] = 1 / total;
  return moment / total;
}

/** @type {Rule} */
export const LSE = {
  run: lseRun,
  slope: (x, y, a, _b, p) => a * Math.exp(p[0] * (x - y)),
  wins: null,
};

/** @type {Rule} */
export const SOFT = {
  run: softRun,
  slope: (x, y, a, b, p) => b * Math.exp(p[0] * (x - a)) * (1 + p[0] * (x - y)),
  wins: null,
};
