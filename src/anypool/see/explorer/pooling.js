// @ts-check
/*
 * Windows times a reduction, over one plane: the outputs, one output's window, the outputs of one
 * input, and what flows back. Planes are Float64Arrays in row-major order.
 */
import { countOf, indicesOf, mostOf, readersOf, timesRead } from "./axis.js";
import { resolve } from "./reductions.js";
import { lay, padsByDefault } from "./windows.js";

/**
 * A pooling. countPadding is for the mean alone (null: anypool's default); the others ignore it.
 * @typedef {{reduce: string, params: Record<string, number>, countPadding: boolean | null,
 *     windows: import("./windows.js").Windows}} Pooling
 */

/**
 * A pooled plane: values are rows x cols outputs; a and b hold what their derivatives need.
 * @typedef {{pooling: Pooling, plane: Float64Array, inputRows: number, inputCols: number,
 *     layout: import("./windows.js").Layout, rows: number, cols: number, values: Float64Array,
 *     a: Float64Array, b: Float64Array}} Pooled
 */

/**
 * What one output reads and what it makes of that.
 * @typedef {{rowIndices: number[], colIndices: number[], values: number[], span: number,
 *     divisor: number, value: number, winner: {row: number, col: number} | null,
 *     slopes: number[] | null}} Inspection
 */

/** @typedef {import("./windows.js").Grid} GridOf */
/** @typedef {{grid: GridOf, r: number, c: number, index: number}} Spot */

/**
 * Pool a plane of rows x cols.
 * @param {Pooling} pooling
 * @param {Float64Array} plane
 * @param {number} rows
 * @param {number} cols
 * @returns {Pooled}
 * @throws {RangeError} one sentence, where the settings make no sense or do not fit
 */
export function pool(pooling, plane, rows, cols) {
  const { reduction, p } = resolve(pooling.reduce, pooling.params);
  const layout = lay(pooling.windows, rows, cols);
  const total = layout.rows * layout.cols;
  const pooled = {
    pooling,
    plane,
    inputRows: rows,
    inputCols: cols,
    layout,
    rows: layout.rows,
    cols: layout.cols,
    values: new Float64Array(total),
    a: new Float64Array(total),
    b: new Float64Array(total),
  };
  for (const grid of layout.grids) poolGrid(pooled, grid, reduction.rule.run, p);
  return pooled;
}

/**
 * @param {Pooled} pooled
 * @param {GridOf} grid
 * @param {import("./sums.js").Run} run
 * @param {number[]} p
 */
function poolGrid(pooled, grid, run, p) {
  const v = new Float64Array(mostOf(grid.rows) * mostOf(grid.cols));
  const kept = new Float64Array(2);
  const across = grid.cols.start.length;
  for (let r = 0; r < grid.rows.start.length; r++) {
    for (let c = 0; c < across; c++) {
      const n = gather(pooled, grid, r, c, v);
      if (n === 0) continue; // nothing real gives 0
      const index = grid.offset + r * across + c;
      pooled.values[index] = run(v, n, kept, p, divisorOf(pooled.pooling, grid, r, c));
      pooled.a[index] = kept[0];
      pooled.b[index] = kept[1];
    }
  }
}

/**
 * Read a window into v, row by row; how many numbers that were.
 * @param {Pooled} pooled
 * @param {GridOf} grid
 * @param {number} r
 * @param {number} c
 * @param {Float64Array} v
 */
function gather({ plane, inputCols }, { rows, cols }, r, c, v) {
  const [first, last, step] = [cols.start[c], cols.stop[c], cols.step];
  let n = 0;
  for (let i = rows.start[r]; i < rows.stop[r]; i += rows.step) {
    const base = i * inputCols;
    for (let j = first; j < last; j += step) v[n++] = plane[base + j];
  }
  return n;
}

/**
 * What a mean divides this window by.
 * @param {Pooling} pooling
 * @param {GridOf} grid
 * @param {number} r
 * @param {number} c
 */
function divisorOf(pooling, { rows, cols }, r, c) {
  const padded = pooling.countPadding ?? padsByDefault(pooling.windows);
  return padded ? rows.span[r] * cols.span[c] : countOf(rows, r) * countOf(cols, c);
}

/**
 * Which window of which grid makes output (r, c).
 * @param {Pooled} pooled
 * @param {number} r
 * @param {number} c
 * @returns {Spot}
 */
function spotOf({ layout, cols }, r, c) {
  const index = r * cols + c;
  const grid = layout.grids.filter(({ offset }) => offset <= index).slice(-1)[0];
  const across = grid.cols.start.length;
  const place = index - grid.offset;
  return { grid, r: Math.floor(place / across), c: place % across, index };
}

/**
 * Output (r, c): its window, numbers, divisor, value, winner and slopes.
 * @param {Pooled} pooled
 * @param {number} r
 * @param {number} c
 * @returns {Inspection}
 */
export function inspect(pooled, r, c) {
  const { grid, r: row, c: col, index } = spotOf(pooled, r, c);
  const rowIndices = indicesOf(grid.rows, row);
  const colIndices = indicesOf(grid.cols, col);
  const { plane, inputCols, pooling } = pooled;
  const values = rowIndices.flatMap((i) => colIndices.map((j) => plane[i * inputCols + j]));
  const { reduction, p } = resolve(pooling.reduce, pooling.params);
  const { slope, wins } = reduction.rule;
  const [n, y, a, b] = [values.length, pooled.values[index], pooled.a[index], pooled.b[index]];
  const place = n && wins ? wins(a, b, p) : -1;
  return {
    rowIndices,
    colIndices,
    values,
    value: y,
    span: grid.rows.span[row] * grid.cols.span[col],
    divisor: divisorOf(pooling, grid, row, col),
    winner: place < 0 ? null : cellOf(grid, row, col, place),
    slopes: slope && values.map((x, i) => slope(x, y, a, b, p, i, n)),
  };
}

/**
 * The outputs that read input (i, j), and d output / d input (null: no derivative).
 * @param {Pooled} pooled
 * @param {number} i
 * @param {number} j
 * @returns {{r: number, c: number, weight: number | null}[]}
 */
export function feeds(pooled, i, j) {
  const { reduction, p } = resolve(pooled.pooling.reduce, pooled.pooling.params);
  const { slope } = reduction.rule;
  const x = pooled.plane[i * pooled.inputCols + j];
  return pooled.layout.grids.flatMap((grid) => {
    const across = readersOf(grid.cols, j);
    return readersOf(grid.rows, i).flatMap((down) =>
      across.map((over) => {
        const { r, c, y, a, b, place, n } = fedBy(pooled, grid, down, over);
        return { r, c, weight: slope ? slope(x, y, a, b, p, place, n) : null };
      }),
    );
  });
}

/**
 * An output, what it noted for its derivative, and the place of the input in its window.
 * @param {Pooled} pooled
 * @param {GridOf} grid
 * @param {{o: number, place: number}} down
 * @param {{o: number, place: number}} over
 */
function fedBy({ values, a, b, cols }, grid, down, over) {
  const index = grid.offset + down.o * grid.cols.start.length + over.o;
  const width = countOf(grid.cols, over.o);
  const [place, n] = [down.place * width + over.place, countOf(grid.rows, down.o) * width];
  const [r, c] = [Math.floor(index / cols), index % cols];
  return { r, c, y: values[index], a: a[index], b: b[index], place, n };
}

/**
 * What flows back to each input when every output gets 1. null: there is no derivative.
 * @param {Pooled} pooled
 * @returns {Float64Array | null}
 */
export function flow(pooled) {
  const { reduction, p } = resolve(pooled.pooling.reduce, pooled.pooling.params);
  const { slope } = reduction.rule;
  if (!slope) return null;
  const total = new Float64Array(pooled.plane.length);
  const back = reduction.rule.few ? flowFew : flowGrid;
  for (const grid of pooled.layout.grids) back(pooled, grid, slope, p, total);
  return total;
}

/**
 * @param {Pooled} pooled
 * @param {GridOf} grid
 * @param {import("./sums.js").Slope} slope
 * @param {number[]} p
 * @param {Float64Array} total
 */
function flowGrid({ plane, inputCols, values, a, b }, { rows, cols, offset }, slope, p, total) {
  const across = cols.start.length;
  for (let r = 0; r < rows.start.length; r++) {
    for (let c = 0; c < across; c++) {
      const [index, n] = [offset + r * across + c, countOf(rows, r) * countOf(cols, c)];
      const [y, one, two] = [values[index], a[index], b[index]];
      let place = 0;
      for (let i = rows.start[r]; i < rows.stop[r]; i += rows.step) {
        for (let j = cols.start[c]; j < cols.stop[c]; j += cols.step) {
          const at = i * inputCols + j;
          total[at] += slope(plane[at], y, one, two, p, place++, n);
        }
      }
    }
  }
}

/**
 * The same where one or two elements of a window have a derivative; for 15 x 15 windows on
 * 256 x 256 inputs it takes 4 ms instead of 110.
 * @param {Pooled} pooled
 * @param {GridOf} grid
 * @param {import("./sums.js").Slope} slope
 * @param {number[]} p
 * @param {Float64Array} total
 */
function flowFew({ plane, inputCols, values, a, b }, grid, slope, p, total) {
  const { rows, cols, offset } = grid;
  const across = cols.start.length;
  for (let r = 0; r < rows.start.length; r++) {
    for (let c = 0; c < across; c++) {
      const [index, n] = [offset + r * across + c, countOf(rows, r) * countOf(cols, c)];
      const [one, two] = [a[index], b[index]];
      for (let place = one; n > 0 && place >= 0; place = place === one && two !== one ? two : -1) {
        const { row, col } = cellOf(grid, r, c, place);
        const at = row * inputCols + col;
        total[at] += slope(plane[at], values[index], one, two, p, place, n);
      }
    }
  }
}

/**
 * The input cell of an element of a window.
 * @param {GridOf} grid
 * @param {number} r
 * @param {number} c
 * @param {number} place
 */
function cellOf({ rows, cols }, r, c, place) {
  const width = countOf(cols, c);
  const row = rows.start[r] + Math.floor(place / width) * rows.step;
  return { row, col: cols.start[c] + (place % width) * cols.step };
}

/**
 * How many outputs read each input.
 * @param {Pooled} pooled
 * @returns {Int32Array}
 */
export function coverage({ layout, inputRows, inputCols }) {
  const total = new Int32Array(inputRows * inputCols);
  for (const { rows, cols } of layout.grids) {
    const [down, across] = [timesRead(rows, inputRows), timesRead(cols, inputCols)];
    for (let at = 0; at < total.length; at++) {
      total[at] += down[Math.floor(at / inputCols)] * across[at % inputCols];
    }
  }
  return total;
}
