// @ts-check
/*
 * A pooling as a line of PyTorch, where PyTorch has an operation that gives the same numbers.
 */
import { listed, python, pythonPair, slidingArguments } from "./python.js";
import { slideOf } from "./windows.js";

/** @typedef {import("./pooling.js").Pooling} PoolingCalled */

/**
 * What PyTorch can say: one of its own operations, on x or what is written for it.
 * @typedef {{op: "max" | "avg" | "lp", x: string, sign: string, power: string[], more: string[]}} Way
 */

/**
 * Whether windows by this rule are PyTorch's adaptive ones.
 * @param {string} rule
 * @param {number} m
 * @param {number[]} sizes
 */
export function divides(rule, m, sizes) {
  return rule === "adaptive" || m === 1 || sizes.every((n) => n % m === 0);
}

/**
 * @param {PoolingCalled} pooling
 * @returns {Way | null}
 */
export function wayOf({ reduce, params }) {
  const p = params.p ?? 2;
  /** @type {(op: "max" | "avg" | "lp", x: string, rest?: Partial<Way>) => Way} */
  const way = (op, x, rest) => ({ op, x, sign: "", power: [], more: [], ...rest });
  if (reduce === "max") return way("max", "x");
  if (reduce === "min") return way("max", "-x", { sign: "-" });
  if (reduce === "mean") return way("avg", "x");
  if (reduce === "sum") return way("avg", "x", { more: ["divisor_override=1"] });
  if (reduce !== "lp") return null;
  if (p === Infinity) return way("max", "x.abs()");
  return way("lp", p % 2 === 0 ? "x" : "x.abs()", { power: [python(p)] });
}

/**
 * @param {Way} way
 * @param {string} x
 * @param {(string | null)[]} where
 */
export function written({ op, sign, power, more }, x, where) {
  return `${sign}F.${op}_pool2d(${listed([x, ...power, ...where, ...more])})`;
}

// -- sliding ------------------------------------------------------------------------------------

/**
 * @param {PoolingCalled} pooling
 * @param {import("./windows.js").Sliding} windows
 * @param {Way} way
 * @param {number[]} sizes
 * @returns {string | null}
 */
export function slidingInTorch(pooling, windows, way, sizes) {
  const slides = slidesOf(windows, sizes);
  if (slides === null) return null;
  const reads = slides.every((slide, axis) => readsSomething(slide, sizes[axis]));
  if (way.op === "max" ? !reads : slides.some(({ dilation }) => dilation > 1)) return null;
  const ceil = slides.some((slide) => slide.ceil);
  if (way.op === "lp" && ceil) return null; // PyTorch's is wrong on a window that hangs over
  const counts = pooling.countPadding ?? typeof windows.padding !== "string";
  const uncounted = pooling.reduce === "mean" && !counts;
  const padded = slides.some(({ before, after }) => before + after > 0);
  const own = way.op !== "lp" && slides.every(fitsTorch);
  const kernel = slides.map((slide) => slide.kernel);
  const stride = slides.map((slide) => slide.stride);
  const dilation = slides.map((slide) => slide.dilation);
  const padding = padded && own ? pythonPair(slides.map(({ before }) => before)) : null;
  const where = slidingArguments(kernel, stride, padding, dilation, ceil);
  if (own || !padded) {
    const skip = padded && uncounted ? "count_include_pad=False" : null;
    return written(way, way.x, [...where, skip]);
  }
  return ceil || uncounted ? null : written(way, paddedBefore(way, slides), where);
}

/**
 * The windows of both axes; null where "same" needs a size that is not known. A kernel of 1 has
 * no dilation.
 * @param {import("./windows.js").Sliding} windows
 * @param {number[]} sizes
 */
function slidesOf(windows, sizes) {
  const anySize = windows.padding !== "same" && windows.padding !== "same_lower";
  const slides = sizes.map((n, axis) => {
    const known = Number.isFinite(n) ? n : 1; // of "same" with stride 1 any size has one padding
    const slide = slideOf(windows, known, axis);
    return { ...slide, dilation: slide.kernel === 1 ? 1 : slide.dilation };
  });
  const told = slides.every(({ stride }, axis) => stride === 1 || Number.isFinite(sizes[axis]));
  return anySize || told ? slides : null;
}

/**
 * Whether every window reads something real: PyTorch's max of nothing is -inf, ours is 0.
 * @param {import("./windows.js").Slide} slide
 * @param {number} n
 */
function readsSomething({ before, after, reach, dilation }, n) {
  return before < reach && after < reach && (dilation <= n || before + after === 0);
}

/**
 * What PyTorch takes as padding: the same on both sides, and at most half the kernel.
 * @param {import("./windows.js").Slide} slide
 */
function fitsTorch({ before, after, kernel }) {
  return before === after && before <= Math.floor(kernel / 2);
}

/**
 * x with its padding put on beforehand: what never wins, or zeros.
 * @param {Way} way
 * @param {import("./windows.js").Slide[]} slides
 */
function paddedBefore({ op, x }, [down, across]) {
  const sides = [across.before, across.after, down.before, down.after].join(", ");
  return `F.pad(${x}, (${sides})${op === "max" ? ', value=float("-inf")' : ""})`;
}

// -- the others ---------------------------------------------------------------------------------

/**
 * @param {Way} way
 * @param {import("./windows.js").Fractional} windows
 */
export function fractionalInTorch({ op, x, sign }, { kernel, size }) {
  if (op !== "max") return null;
  const places = "_random_samples=x.new_full((*x.shape[:2], 2), 0.5)";
  const where = [pythonPair(kernel), `output_size=${pythonPair(size)}`, places];
  return `${sign}F.fractional_max_pool2d(${listed([x, ...where])})`;
}

/**
 * One window over everything: PyTorch's reductions over two axes.
 * @param {PoolingCalled} pooling
 * @returns {string | null}
 */
export function wholeInTorch({ reduce, params }) {
  const over = "(-2, -1), keepdim=True";
  const correction = params.correction ?? 0;
  switch (reduce) {
    case "max":
    case "mean":
      return `F.adaptive_${reduce === "max" ? "max" : "avg"}_pool2d(x, 1)`;
    case "min":
      return `x.amin(${over})`;
    case "sum":
      return `x.sum(${over})`;
    case "lp":
      return `torch.linalg.vector_norm(x, ${python(params.p ?? 2)}, ${over})`;
    case "std":
    case "var":
      // a divisor below 0 is NaN here and 0 there
      return correction > 1
        ? null
        : `x.${reduce}((-2, -1), correction=${correction}, keepdim=True)`;
    default:
      return null;
  }
}
