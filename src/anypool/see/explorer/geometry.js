// @ts-check
// Where cells lie in a panel. A panel is one block of equal cells, or, for a pyramid, one block for
// each of its grids; a cell is known by its number in row-major order.

/** @typedef {{x: number, y: number, width: number, height: number}} Box */
/** @typedef {Box & {rows: number, cols: number, first: number}} Block */

/**
 * One block that fills a box.
 * @param {number} rows
 * @param {number} cols
 * @param {Box} box
 * @returns {Block[]}
 */
export function oneBlock(rows, cols, box) {
  return [{ ...box, rows, cols, first: 0 }];
}

/**
 * The grids of a pyramid, laid out in a square of squares with a gap between them.
 * @param {{rows: number, cols: number, first: number}[]} grids
 * @param {Box} box
 * @returns {Block[]}
 */
export function manyBlocks(grids, box) {
  const across = Math.ceil(Math.sqrt(grids.length));
  const down = Math.ceil(grids.length / across);
  const gap = Math.min(box.width, box.height) * 0.05;
  const width = (box.width - gap * (across - 1)) / across;
  const height = (box.height - gap * (down - 1)) / down;
  return grids.map((grid, i) => ({
    ...grid,
    x: box.x + (i % across) * (width + gap),
    y: box.y + Math.floor(i / across) * (height + gap),
    width,
    height,
  }));
}

/**
 * The number of the cell under a point, or -1.
 * @param {Block[]} blocks
 * @param {number} x
 * @param {number} y
 */
export function cellAt(blocks, x, y) {
  for (const block of blocks) {
    const r = Math.floor(((y - block.y) / block.height) * block.rows);
    const c = Math.floor(((x - block.x) / block.width) * block.cols);
    if (r >= 0 && c >= 0 && r < block.rows && c < block.cols)
      return block.first + r * block.cols + c;
  }
  return -1;
}

/**
 * The block that holds a cell.
 * @param {Block[]} blocks
 * @param {number} cell
 */
export function blockOf(blocks, cell) {
  return (
    blocks.find((block) => cell >= block.first && cell < block.first + block.rows * block.cols) ??
    blocks[0]
  );
}

/**
 * The box of a cell.
 * @param {Block[]} blocks
 * @param {number} cell
 * @returns {Box}
 */
export function boxOf(blocks, cell) {
  const block = blockOf(blocks, cell);
  const place = cell - block.first;
  const width = block.width / block.cols;
  const height = block.height / block.rows;
  return {
    x: block.x + (place % block.cols) * width,
    y: block.y + Math.floor(place / block.cols) * height,
    width,
    height,
  };
}

/**
 * The cell that a key leads to; the same one at an edge. Beyond a block's sides lies the next block.
 * @param {Block[]} blocks
 * @param {number} cell
 * @param {string} key as the keyboard event names it
 * @param {boolean} far whether Control is held: the first or the last cell of all
 */
export function cellAfter(blocks, cell, key, far) {
  const block = blockOf(blocks, cell);
  const count = blocks.reduce((sum, one) => sum + one.rows * one.cols, 0);
  const [r, c] = [Math.floor((cell - block.first) / block.cols), (cell - block.first) % block.cols];
  const at = (/** @type {number} */ row, /** @type {number} */ col) =>
    block.first +
    Math.min(Math.max(row, 0), block.rows - 1) * block.cols +
    Math.min(Math.max(col, 0), block.cols - 1);
  const page = Math.max(Math.round(block.rows / 8), 1);
  switch (key) {
    case "ArrowLeft":
      return c === 0 && block.first > 0 ? block.first - 1 : at(r, c - 1);
    case "ArrowRight": {
      const next = block.first + block.rows * block.cols;
      return c === block.cols - 1 && next < count ? next : at(r, c + 1);
    }
    case "ArrowUp":
      return at(r - 1, c);
    case "ArrowDown":
      return at(r + 1, c);
    case "PageUp":
      return at(r - page, c);
    case "PageDown":
      return at(r + page, c);
    case "Home":
      return far ? 0 : at(r, 0);
    case "End":
      return far ? count - 1 : at(r, block.cols - 1);
    default:
      return -1;
  }
}

/**
 * The largest box of a shape that fits a frame, in its middle.
 * @param {number} rows
 * @param {number} cols
 * @param {number} width
 * @param {number} height
 * @returns {Box}
 */
export function fitted(rows, cols, width, height) {
  const side = Math.min(width / cols, height / rows);
  const box = { width: side * cols, height: side * rows };
  return { x: (width - box.width) / 2, y: (height - box.height) / 2, ...box };
}
