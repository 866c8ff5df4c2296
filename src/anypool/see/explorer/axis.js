// @ts-check
/*
 * What the table of one axis says: which inputs an output reads, and which outputs an input feeds.
 */

/** @typedef {import("./windows.js").Table} AxisTable */

/**
 * How many elements output o of an axis really reads.
 * @param {AxisTable} table
 * @param {number} o
 */
export function countOf(table, o) {
  return Math.max(Math.ceil((table.stop[o] - table.start[o]) / table.step), 0);
}

/**
 * The most elements that any window of an axis reads.
 * @param {AxisTable} table
 */
export function mostOf(table) {
  let most = 1;
  for (let o = 0; o < table.start.length; o++) most = Math.max(most, countOf(table, o));
  return most;
}

/**
 * The inputs that output o of an axis reads.
 * @param {AxisTable} table
 * @param {number} o
 */
export function indicesOf(table, o) {
  return Array.from({ length: countOf(table, o) }, (_, i) => table.start[o] + i * table.step);
}

/**
 * The outputs of an axis that read input i, and its place in each.
 * @param {AxisTable} table
 * @param {number} i
 * @returns {{o: number, place: number}[]}
 */
export function readersOf({ start, stop, step }, i) {
  const found = [];
  for (let o = 0; o < start.length; o++) {
    if (start[o] <= i && i < stop[o] && (i - start[o]) % step === 0) {
      found.push({ o, place: (i - start[o]) / step });
    }
  }
  return found;
}

/**
 * How many outputs of an axis read each of its n inputs.
 * @param {AxisTable} table
 * @param {number} n
 * @returns {Int32Array}
 */
export function timesRead({ start, stop, step }, n) {
  const times = new Int32Array(n);
  for (let o = 0; o < start.length; o++) {
    for (let i = start[o]; i < stop[o]; i += step) times[i] += 1;
  }
  return times;
}
