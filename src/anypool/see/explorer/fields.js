// @ts-check
// What a pooling's form asks for, as data: rows of fields that read and change a pooling.

/** @typedef {import("./pooling.js").Pooling} FormPooling */
/** @typedef {import("./windows.js").Windows} FormWindows */

/**
 * One number. empty is the word for "nothing given", where that means something.
 * @typedef {{label: string, value: number | null, least: number, most: number, step: number | "any",
 *     empty: string, put: (pooling: FormPooling, value: number | null) => void}} NumberField
 */

/** @typedef {{label: string, fields: NumberField[]}} FieldRow */

export const KINDS = {
  sliding: "sliding",
  adaptive: "adaptive",
  split: "split: no overlap",
  copied: "the copied formula",
  whole: "whole: global",
  fractional: "fractional",
  pyramid: "pyramid",
};

/**
 * Windows of a kind to begin with.
 * @param {FormWindows["kind"]} kind
 * @returns {FormWindows}
 */
export function firstWindows(kind) {
  switch (kind) {
    case "sliding":
      return {
        kind,
        kernel: [2, 2],
        stride: null,
        padding: [
          [0, 0],
          [0, 0],
        ],
        dilation: [1, 1],
        ceil: false,
      };
    case "whole":
      return { kind };
    case "fractional":
      return { kind, kernel: [2, 2], size: [3, 3] };
    case "pyramid":
      return { kind, bins: [1, 2, 4], rule: "adaptive" };
    default:
      return { kind, size: [3, 3] };
  }
}

const AXIS = ["rows", "columns"];

/**
 * The rows of numbers that windows need.
 * @param {FormWindows} windows
 * @param {boolean} apart whether rows and columns are asked for apart
 * @returns {FieldRow[]}
 */
export function rowsOf(windows, apart) {
  switch (windows.kind) {
    case "sliding":
      return [
        pairRow("Kernel", "kernel", windows.kernel, apart, 1, 63, ""),
        pairRow("Stride", "stride", windows.stride, apart, 1, 63, "kernel"),
        pairRow("Dilation", "dilation", windows.dilation, apart, 1, 16, ""),
        ...(typeof windows.padding === "string" ? [] : paddingRows(windows.padding, apart)),
      ];
    case "adaptive":
    case "split":
    case "copied":
      return [pairRow("Size", "size", windows.size, apart, 1, 512, "as it is")];
    case "fractional":
      return [
        pairRow("Kernel", "kernel", windows.kernel, apart, 1, 63, ""),
        pairRow("Size", "size", windows.size, apart, 1, 512, ""),
      ];
    default:
      return [];
  }
}

/**
 * A pair of numbers, or one for both.
 * @param {string} label
 * @param {"kernel" | "stride" | "dilation" | "size"} key
 * @param {[number | null, number | null] | null} pair
 * @param {boolean} apart
 * @param {number} least
 * @param {number} most
 * @param {string} empty
 * @returns {FieldRow}
 */
function pairRow(label, key, pair, apart, least, most, empty) {
  const base = { least, most, step: /** @type {const} */ (1), empty };
  const fields = (apart ? [0, 1] : [0]).map((axis) => ({
    ...base,
    label: apart ? `${label}, ${AXIS[axis]}` : label,
    value: pair ? pair[axis] : null,
    put: (/** @type {FormPooling} */ pooling, /** @type {number | null} */ value) => {
      const windows = /** @type {Record<string, any>} */ (pooling.windows);
      if (key === "stride") {
        windows.stride =
          value === null
            ? null
            : apart
              ? withAt(windows.stride ?? windows.kernel, axis, value)
              : [value, value];
      } else {
        windows[key] = apart ? withAt(windows[key], axis, value) : [value, value];
      }
    },
  }));
  return { label, fields };
}

/**
 * @param {readonly any[]} pair
 * @param {number} at
 * @param {any} value
 */
function withAt(pair, at, value) {
  return pair.map((old, i) => (i === at ? value : old));
}

/**
 * @param {[[number, number], [number, number]]} padding
 * @param {boolean} apart
 * @returns {FieldRow[]}
 */
function paddingRows(padding, apart) {
  const base = { least: 0, most: 63, step: /** @type {const} */ (1), empty: "" };
  if (!apart) {
    const put = (/** @type {FormPooling} */ pooling, /** @type {number | null} */ value) => {
      Object.assign(pooling.windows, {
        padding: [
          [value, value],
          [value, value],
        ],
      });
    };
    return [
      { label: "Padding", fields: [{ ...base, label: "Padding", value: padding[0][0], put }] },
    ];
  }
  return AXIS.map((name, axis) => ({
    label: `Padding, ${name}`,
    fields: [0, 1].map((side) => ({
      ...base,
      label: `Padding, ${name}, ${side ? "after" : "before"}`,
      value: padding[axis][side],
      put: (/** @type {FormPooling} */ pooling, /** @type {number | null} */ value) => {
        const windows = /** @type {Record<string, any>} */ (pooling.windows);
        windows.padding = withAt(windows.padding, axis, withAt(windows.padding[axis], side, value));
      },
    })),
  }));
}

/**
 * Whether windows differ between rows and columns, or before and after.
 * @param {FormWindows} windows
 */
export function differs(windows) {
  const w = /** @type {Record<string, any>} */ (windows);
  const pairs = [w.kernel, w.stride, w.dilation, w.size].filter(Boolean);
  const sides = Array.isArray(w.padding) ? w.padding.flat() : [];
  return pairs.some(([a, b]) => a !== b) || new Set(sides).size > 1;
}

/**
 * The numbers of bins in a text, or one sentence.
 * @param {string} text
 * @returns {number[]}
 * @throws {RangeError}
 */
export function readBins(text) {
  const words = text.split(/[\s,;]+/).filter(Boolean);
  const bins = words.map(Number);
  const good =
    bins.length >= 1 &&
    bins.length <= 8 &&
    bins.every((n) => Number.isInteger(n) && n >= 1 && n <= 16);
  if (!good)
    throw new RangeError("Bins: write one to eight whole numbers from 1 to 16, such as 1 2 4.");
  return bins;
}
