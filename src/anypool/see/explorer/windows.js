// @ts-check
/*
 * WHERE each output looks, in whole numbers: the rules of anypool's windows/rules.py.
 *
 * One axis at a time: output o reads start[o], start[o] + step, ... below stop[o], clipped to what
 * exists; span[o] counts the positions it covers, declared padding included. A window over rows
 * and columns is the product of the two, so its count and span are products too.
 */

/** @typedef {[number, number]} Pair */

/**
 * @typedef {{kind: "sliding", kernel: Pair, stride: Pair | null,
 *     padding: [Pair, Pair] | "same" | "same_lower", dilation: Pair, ceil: boolean}} Sliding
 * @typedef {{kind: "adaptive" | "split" | "copied", size: [number | null, number | null]}} Parted
 * @typedef {{kind: "whole"}} Whole
 * @typedef {{kind: "fractional", kernel: Pair, size: Pair}} Fractional
 * @typedef {{kind: "pyramid", bins: number[], rule: "adaptive" | "split"}} Pyramid
 * @typedef {Sliding | Parted | Whole | Fractional | Pyramid} Windows
 */

/**
 * One axis.
 * @typedef {{start: Int32Array, stop: Int32Array, step: number, span: Int32Array}} Table
 */

/**
 * A grid of windows; offset is its first output along a pyramid's joined axis.
 * @typedef {{rows: Table, cols: Table, offset: number}} Grid
 */

/**
 * Every window: rows x cols outputs; a pyramid's are joined into 1 x total.
 * @typedef {{grids: Grid[], rows: number, cols: number, joined: boolean}} Layout
 */

const AXES = ["rows", "columns"];

/**
 * The windows over a plane of rows x cols.
 * @param {Windows} windows
 * @param {number} rows
 * @param {number} cols
 * @returns {Layout}
 * @throws {RangeError} one sentence, where the windows make no sense or do not fit
 */
export function lay(windows, rows, cols) {
  const sizes = [rows, cols].map((n, axis) => whole(n, `the number of ${AXES[axis]}`, 1));
  if (windows.kind === "pyramid") return layPyramid(windows, sizes);
  const [down, across] = sizes.map((n, axis) => tableOf(windows, n, axis));
  const grid = { rows: down, cols: across, offset: 0 };
  return { grids: [grid], rows: down.start.length, cols: across.start.length, joined: false };
}

/**
 * Whether a mean counts padding where nobody says: explicit padding yes, "same" no.
 * @param {Windows} windows
 */
export function padsByDefault(windows) {
  return windows.kind === "sliding" && typeof windows.padding !== "string";
}

/**
 * @param {Pyramid} windows
 * @param {number[]} sizes
 * @returns {Layout}
 */
function layPyramid(windows, sizes) {
  if (!windows.bins.length) {
    throw new RangeError("bins is empty; give at least one number of bins, such as 1, 2, 4");
  }
  /** @type {Grid[]} */
  const grids = [];
  let total = 0;
  for (const bins of windows.bins) {
    const [down, across] = sizes.map((n, axis) => partTable(n, bins, axis, windows.rule));
    grids.push({ rows: down, cols: across, offset: total });
    total += bins * bins;
  }
  return { grids, rows: 1, cols: total, joined: true };
}

/**
 * @param {Exclude<Windows, Pyramid>} windows
 * @param {number} n
 * @param {number} axis
 * @returns {Table}
 */
function tableOf(windows, n, axis) {
  switch (windows.kind) {
    case "sliding":
      return slideTable(n, slideOf(windows, n, axis), axis);
    case "adaptive":
    case "split":
      return partTable(n, windows.size[axis], axis, windows.kind);
    case "copied":
      return copiedTable(n, windows.size[axis], axis);
    case "whole":
      return partTable(n, 1, axis, "split");
    case "fractional":
      return drawnTable(n, windows.kernel[axis], windows.size[axis], axis);
    default:
      throw new RangeError(`windows of kind ${JSON.stringify(windows)} are not known`);
  }
}

/**
 * @param {unknown} value
 * @param {string} what
 * @param {number} least
 * @returns {number}
 */
function whole(value, what, least) {
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw new RangeError(`${what} must be a whole number, not ${value}`);
  }
  if (value < least) throw new RangeError(`${what} is ${value}; it must be at least ${least}`);
  return value;
}

// -- sliding ------------------------------------------------------------------------------------

/**
 * A window of kernel elements, dilation apart, that moves by stride over one padded axis.
 * @typedef {{kernel: number, stride: number, before: number, after: number, dilation: number,
 *     reach: number, ceil: boolean}} Slide
 */

/**
 * @param {Sliding} windows
 * @param {number} n
 * @param {number} axis
 * @returns {Slide}
 */
export function slideOf(windows, n, axis) {
  const of = ` of the ${AXES[axis]}`;
  const kernel = whole(windows.kernel[axis], `kernel${of}`, 1);
  const stride = windows.stride ? whole(windows.stride[axis], `stride${of}`, 1) : kernel;
  const dilation = whole(windows.dilation[axis], `dilation${of}`, 1);
  const reach = dilation * (kernel - 1) + 1; // positions from a window's first element to its last
  const { padding } = windows;
  if (typeof padding === "string") {
    const [before, after] = sameSides(padding, n, stride, reach);
    return { kernel, stride, before, after, dilation, reach, ceil: false };
  }
  const [before, after] = padding[axis].map((p) => whole(p, `padding${of}`, 0));
  return { kernel, stride, before, after, dilation, reach, ceil: windows.ceil };
}

/**
 * The padding that gives ceil(n / stride) outputs; the odd element at the end, or the start.
 * @param {string} padding
 * @param {number} n
 * @param {number} stride
 * @param {number} reach
 * @returns {Pair}
 */
function sameSides(padding, n, stride, reach) {
  if (padding !== "same" && padding !== "same_lower") {
    throw new RangeError(`padding "${padding}" is not known; use numbers, "same" or "same_lower"`);
  }
  const total = Math.max((Math.ceil(n / stride) - 1) * stride + reach - n, 0);
  const small = Math.floor(total / 2);
  return padding === "same" ? [small, total - small] : [total - small, small];
}

/**
 * How many outputs there are: none starts at or beyond the end of the input.
 * @param {number} n
 * @param {Slide} slide
 */
function outputsOf(n, { stride, before, after, reach, ceil }) {
  const steps = (n + before + after - reach) / stride;
  if (!ceil) return Math.floor(steps) + 1;
  const m = Math.ceil(steps) + 1;
  return Math.min(m, Math.ceil((n + before) / stride));
}

/**
 * @param {number} n
 * @param {Slide} slide
 * @param {number} axis
 * @returns {Table}
 */
function slideTable(n, slide, axis) {
  const { kernel, stride, before, after, dilation: d, reach } = slide;
  const m = outputsOf(n, slide);
  if (m < 1) {
    throw new RangeError(
      `a window that reaches over ${reach} does not fit the ${AXES[axis]}: ${n} with padding ` +
        `${before} and ${after} make ${n + before + after}; use a smaller kernel or dilation, ` +
        "more padding, or adaptive windows",
    );
  }
  const table = emptyTable(m, d);
  for (let o = 0; o < m; o++) {
    const raw = o * stride - before;
    table.start[o] = raw + Math.max(Math.ceil(-raw / d), 0) * d;
    table.stop[o] = Math.max(Math.min(n, raw + reach), table.start[o]);
    table.span[o] = Math.min(kernel, Math.ceil((n + after - raw) / d));
  }
  return table;
}

/**
 * The formula that is copied from page to page: right only where the size divides the input.
 * @param {number} n
 * @param {number | null} size
 * @param {number} axis
 * @returns {Table}
 */
function copiedTable(n, size, axis) {
  const m = sizeOf(size, n, axis);
  const stride = Math.floor(n / m);
  if (stride === 0) {
    throw new RangeError(
      `the copied formula fails on the ${AXES[axis]}: ${m} outputs of ${n} make its stride ` +
        `${n} // ${m} = 0; use at most ${n}, or adaptive windows`,
    );
  }
  const kernel = n - (m - 1) * stride;
  return slideTable(
    n,
    { kernel, stride, before: 0, after: 0, dilation: 1, reach: kernel, ceil: false },
    axis,
  );
}

// -- windows that fit themselves to the input ---------------------------------------------------

/**
 * @param {number | null} size
 * @param {number} n
 * @param {number} axis
 */
function sizeOf(size, n, axis) {
  return size === null ? n : whole(size, `output size of the ${AXES[axis]}`, 1);
}

/**
 * m windows that divide n elements: overlapping (adaptive) or disjoint (split).
 * @param {number} n
 * @param {number | null} size
 * @param {number} axis
 * @param {"adaptive" | "split"} rule
 * @returns {Table}
 */
function partTable(n, size, axis, rule) {
  if (rule !== "adaptive" && rule !== "split") {
    throw new RangeError(`rule "${rule}" is not known; use "adaptive" or "split"`);
  }
  const m = sizeOf(size, n, axis);
  const table = emptyTable(m, 1);
  /** @type {(o: number) => number} */
  const edge = (o) => o * Math.floor(n / m) + Math.min(o, n % m);
  for (let o = 0; o < m; o++) {
    table.start[o] = rule === "split" ? edge(o) : Math.floor((o * n) / m);
    table.stop[o] = rule === "split" ? edge(o + 1) : Math.ceil(((o + 1) * n) / m);
    table.span[o] = table.stop[o] - table.start[o];
  }
  return table;
}

/**
 * Windows of one size at pseudo-random places, in PyTorch's sequence, for u = 0.5.
 * @param {number} n
 * @param {number} kernel
 * @param {number} size
 * @param {number} axis
 * @returns {Table}
 */
function drawnTable(n, kernel, size, axis) {
  const k = whole(kernel, `kernel of the ${AXES[axis]}`, 1);
  const m = whole(size, `output size of the ${AXES[axis]}`, 1);
  if (n < k + m - 1) {
    throw new RangeError(
      `${m} fractional windows of ${k} do not fit the ${AXES[axis]}, which have ${n}; use an ` +
        `output size between 1 and ${Math.max(n - k + 1, 1)} and a kernel of at most ${n}`,
    );
  }
  const alpha = m > 1 ? (n - k) / (m - 1) : 0;
  const table = emptyTable(m, 1);
  for (let o = 0; o < m; o++) {
    const inner = Math.trunc((o + 0.5) * alpha) - Math.trunc(0.5 * alpha);
    table.start[o] = o === m - 1 ? n - k : inner;
    table.stop[o] = table.start[o] + k;
    table.span[o] = k;
  }
  return table;
}

/**
 * @param {number} m
 * @param {number} step
 * @returns {Table}
 */
function emptyTable(m, step) {
  return { start: new Int32Array(m), stop: new Int32Array(m), step, span: new Int32Array(m) };
}
