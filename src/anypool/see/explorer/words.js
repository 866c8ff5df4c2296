// @ts-check
/*
 * A pooling, and one of its outputs, told in plain sentences.
 */
import { countOf, timesRead } from "./axis.js";
import { BECOMES, between, plural, FLOWS_BACK, told } from "./phrases.js";
import { resolve } from "./reductions.js";
import { padsByDefault, slideOf } from "./windows.js";

/** @typedef {import("./pooling.js").Pooling} PoolingTold */
/** @typedef {import("./windows.js").Layout} LayoutTold */

// -- how many outputs, and why ------------------------------------------------------------------

/**
 * @param {import("./windows.js").Windows} windows
 * @param {number[]} sizes
 * @param {LayoutTold} layout
 * @returns {string[]}
 */
export function outputWords(windows, sizes, layout) {
  const total = `${sizes.join(" × ")} → ${layout.rows} × ${layout.cols} outputs.`;
  if (windows.kind === "whole") {
    return [total, `One window over all ${plural(sizes[0] * sizes[1], "number", "numbers")}.`];
  }
  if (windows.kind === "pyramid") {
    const parts = windows.bins.map((m) => `${m} × ${m}`).join(" + ");
    const rule = windows.rule === "split" ? "disjoint" : "adaptive";
    return [total, `The grids ${parts} of ${rule} windows, one after the other.`];
  }
  const [down, across] = sizes.map((n, axis) => axisWords(windows, n, axis, layout));
  const said =
    down === across ? [`Rows and columns: ${down}`] : [`Rows: ${down}`, `Columns: ${across}`];
  return [total, ...said];
}

/**
 * One axis.
 * @param {Exclude<import("./windows.js").Windows, {kind: "whole" | "pyramid"}>} windows
 * @param {number} n
 * @param {number} axis
 * @param {LayoutTold} layout
 * @returns {string}
 */
function axisWords(windows, n, axis, layout) {
  const table = axis === 0 ? layout.grids[0].rows : layout.grids[0].cols;
  const m = table.start.length;
  if (windows.kind === "sliding") return slidingWords(windows, n, axis, m);
  if (windows.kind === "fractional") {
    const k = windows.kernel[axis];
    return m === 1
      ? `one window of ${k}, at the end.`
      : `${m} windows of ${k}, on average (${n} − ${k}) / (${m} − 1) = ` +
          `${told((n - k) / (m - 1))} apart, placed by PyTorch's sequence for u = 0.5.`;
  }
  const size = windows.size[axis];
  if (size === null) return `${n} windows of 1, the axis as it is.`;
  const reads = between(...rangeOf(m, (o) => countOf(table, o)));
  if (windows.kind === "copied") return copiedWords(n, m);
  if (windows.kind === "split") return `${n} cut into ${m} disjoint parts of ${reads}.`;
  return (
    `output i of ${m} reads from floor(i · ${n} / ${m}) up to, not including, ` +
    `ceil((i + 1) · ${n} / ${m}): ${reads} of ${n}.`
  );
}

/**
 * @param {number} n
 * @param {number} m
 */
function copiedWords(n, m) {
  const stride = Math.floor(n / m);
  const kernel = n - (m - 1) * stride;
  const right = Array.from({ length: m }, (_, o) => o).every(
    (o) =>
      o * stride === Math.floor((o * n) / m) &&
      kernel === Math.ceil(((o + 1) * n) / m) - o * stride,
  );
  const verdict = right
    ? "here the same as the adaptive windows"
    : "not PyTorch's adaptive windows";
  return `stride ${n} // ${m} = ${stride}, kernel ${n} − ${m - 1} · ${stride} = ${kernel}: ${verdict}.`;
}

/**
 * @param {import("./windows.js").Sliding} windows
 * @param {number} n
 * @param {number} axis
 * @param {number} m
 */
function slidingWords(windows, n, axis, m) {
  const { stride, before, after, reach, kernel, dilation, ceil } = slideOf(windows, n, axis);
  const wide =
    reach === kernel
      ? ""
      : `a kernel of ${kernel} with dilation ${dilation} reaches over ${reach}; `;
  const outputs = plural(m, "output", "outputs");
  if (typeof windows.padding === "string") {
    return `${wide}${n} / ${stride} rounded up = ${outputs}; that takes ${before} of padding before and ${after} after.`;
  }
  const steps = ceil ? Math.ceil((n + before + after - reach) / stride) : m - 1;
  const dropped = steps + 1 > m ? ", less 1 that would begin beyond the input" : "";
  return (
    `${wide}(${n} + ${before} + ${after} − ${reach}) / ${stride} rounded ${ceil ? "up" : "down"}, ` +
    `plus 1${dropped} = ${outputs}.`
  );
}

/**
 * The least and the most of a function over 0 ... m - 1.
 * @param {number} m
 * @param {(o: number) => number} of
 * @returns {[number, number]}
 */
function rangeOf(m, of) {
  let [least, most] = [Infinity, -Infinity];
  for (let o = 0; o < m; o++) {
    least = Math.min(least, of(o));
    most = Math.max(most, of(o));
  }
  return [least, most];
}

// -- what is read -------------------------------------------------------------------------------

/**
 * @param {number} rows
 * @param {number} cols
 * @param {LayoutTold} layout
 * @returns {string[]}
 */
export function readWords(rows, cols, layout) {
  const times = new Int32Array(rows * cols);
  let empty = 0;
  for (const grid of layout.grids) {
    const [down, across] = [timesRead(grid.rows, rows), timesRead(grid.cols, cols)];
    for (let at = 0; at < times.length; at++) {
      times[at] += down[Math.floor(at / cols)] * across[at % cols];
    }
    const [full, wide] = [readers(grid.rows), readers(grid.cols)];
    empty += grid.rows.start.length * grid.cols.start.length - full * wide;
  }
  const [least, most] = rangeOf(times.length, (at) => times[at]);
  const shared = times.filter((t) => t > 1).length;
  const unread = times.filter((t) => t === 0).length;
  const said = [overlapWords(least, most, shared, times.length)];
  if (unread) said.push(`${plural(unread, "input is", "inputs are")} never read.`);
  if (empty)
    said.push(`${plural(empty, "window has", "windows have")} nothing but padding and become 0.`);
  return said;
}

/**
 * @param {number} least
 * @param {number} most
 * @param {number} shared
 * @param {number} total
 */
function overlapWords(least, most, shared, total) {
  if (least === most) {
    return `Every input is read ${most === 1 ? "exactly once" : `${most} times`}.`;
  }
  if (least > 1) return `Every input is read more than once, ${between(least, most)} times.`;
  if (!shared) return "No input is read more than once.";
  const inputs = shared === 1 ? "input is" : "inputs are";
  return `${shared} of ${total} ${inputs} read more than once, at most ${most} times.`;
}

/**
 * How many outputs of an axis read anything.
 * @param {import("./windows.js").Table} table
 */
function readers(table) {
  return table.start.filter((_, o) => countOf(table, o) > 0).length;
}

// -- what a window becomes ----------------------------------------------------------------------

/**
 * @param {PoolingTold} pooling
 * @param {LayoutTold} layout
 * @returns {string[]}
 */
export function divisorWords(pooling, layout) {
  if (pooling.reduce !== "mean") return [];
  const padded = pooling.countPadding ?? padsByDefault(pooling.windows);
  const counts = between(...divisors(layout, padded));
  if (counts === between(...divisors(layout, !padded))) return [`The mean divides by ${counts}.`];
  const rule = padded ? "padding counts" : "only what is real counts";
  return [`The mean divides by ${counts}: ${rule}.`];
}

/**
 * The least and the most that a mean divides by.
 * @param {LayoutTold} layout
 * @param {boolean} padded
 * @returns {[number, number]}
 */
function divisors({ grids }, padded) {
  const ends = grids.map(({ rows, cols }) =>
    [rows, cols].map((t) => rangeOf(t.start.length, (o) => (padded ? t.span[o] : countOf(t, o)))),
  );
  const least = Math.min(...ends.map(([down, across]) => down[0] * across[0]));
  return [least, Math.max(...ends.map(([down, across]) => down[1] * across[1]))];
}

/**
 * @param {PoolingTold} pooling
 */
export function becomesWords({ reduce, params }) {
  const words = BECOMES[reduce](resolve(reduce, params).p);
  return [`Each window becomes ${words}.`, FLOWS_BACK[reduce]];
}

// -- one output --------------------------------------------------------------------------------

/** What only one element can be. */
export const EXTREMES = ["the largest number", "the smallest number"];

/**
 * Any and all: why the output is 0 or 1.
 * @param {string} reduce
 * @param {number} value
 */
export function zeroWords(reduce, value) {
  if (reduce === "any") return value ? "not all are zero, so it is 1" : "all are zero, so it is 0";
  return value ? "none is zero, so it is 1" : "not all differ from zero, so it is 0";
}

/**
 * "rows 2–4", "row 2", "rows 1, 3, 5".
 * @param {string} axis
 * @param {number[]} indices
 */
export function indexWords(axis, indices) {
  const [first, last] = [indices[0], indices[indices.length - 1]];
  if (first === last) return `${axis} ${first}`;
  const close = last - first === indices.length - 1;
  return `${axis}s ${close ? `${first}–${last}` : indices.join(", ")}`;
}
