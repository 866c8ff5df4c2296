// @ts-check
// Pictures: what the page can pool. Each has one plane of numbers, or three where it has colours.

/**
 * A picture. low and high are the ends of its natural range (0 to 255 for photographs); note says
 * what was done to it, if anything.
 * @typedef {{title: string, rows: number, cols: number, planes: Float64Array[], low: number,
 *     high: number, note: string}} Picture
 */

/** @typedef {"grey" | "red" | "green" | "blue"} Channel */

/** The channels of a picture in colour. @type {Channel[]} */
export const CHANNELS = ["grey", "red", "green", "blue"];

/**
 * A picture of one plane.
 * @param {string} title
 * @param {number} rows
 * @param {number} cols
 * @param {(r: number, c: number) => number} at
 * @param {number} [high] 255 of a picture; 9 of a grid of digits
 * @returns {Picture}
 */
function plain(title, rows, cols, at, high = 255) {
  const plane = new Float64Array(rows * cols);
  for (let i = 0; i < plane.length; i++) plane[i] = at(Math.floor(i / cols), i % cols);
  return { title, rows, cols, planes: [plane], low: 0, high, note: "" };
}

/**
 * A picture in colour from bytes of red, green, blue and alpha, as a canvas gives them. One whose
 * colours are all greys has one plane.
 * @param {string} title
 * @param {number} rows
 * @param {number} cols
 * @param {ArrayLike<number>} bytes
 * @param {string} [note]
 * @returns {Picture}
 */
export function fromBytes(title, rows, cols, bytes, note = "") {
  const planes = [0, 1, 2].map((k) =>
    Float64Array.from({ length: rows * cols }, (_, i) => bytes[4 * i + k]),
  );
  const [red, green, blue] = planes;
  const grey = red.every((v, i) => v === green[i] && v === blue[i]);
  return { title, rows, cols, planes: grey ? [red] : planes, low: 0, high: 255, note };
}

/**
 * The plane whose numbers are shown. Grey is the whole number that Pillow's "L" gives:
 * 0.299 red + 0.587 green + 0.114 blue.
 * @param {Picture} picture
 * @param {Channel} channel
 * @returns {Float64Array}
 */
export function planeOf(picture, channel) {
  const [red, green, blue] = picture.planes;
  if (picture.planes.length === 1) return red;
  if (channel !== "grey") return picture.planes[CHANNELS.indexOf(channel) - 1];
  return red.map((r, i) => (19595 * r + 38470 * green[i] + 7471 * blue[i] + 32768) >>> 16);
}

/** A number that looks drawn by chance, the same in every browser. @param {number} n */
function noise(n) {
  let x = Math.imul(n + 1, 0x9e3779b1);
  x = Math.imul(x ^ (x >>> 15), 0x85ebca6b);
  return ((x ^ (x >>> 13)) >>> 0) / 2 ** 32;
}

const TUTORIAL = [6, 9, 9, 2, 6, 9, 6, 0, 8, 3, 4, 5, 9, 2, 3, 5];

// a seven, as a camera would see it: its edges are half grey
const SEVEN = [
  "............",
  "..7999999a..",
  "..4aaaaaff..",
  "........8f..",
  ".......2fa..",
  ".......9f3..",
  "......3fb...",
  "......af4...",
  ".....3fc....",
  ".....af5....",
  ".....8b1....",
  "............",
];

/** Hills under a low sun, in colour. @param {number} r @param {number} c @returns {[number, number, number]} */
function hillsAt(r, c) {
  const ridge = (/** @type {number} */ base, /** @type {number} */ k) =>
    base + 6 * Math.sin(c / (7 + 3 * k) + 2 * k) + 3 * Math.sin(c / 3.1 + k);
  const grain = 10 * (noise(96 * r + c) - 0.5);
  if (r > ridge(72, 2)) return [34 + grain, 62 + grain, 58 + grain];
  if (r > ridge(58, 1)) return [70 + grain, 98 + grain, 96 + grain];
  if (r > ridge(46, 0)) return [128 + grain, 134 + grain, 150 + grain];
  const sun = Math.hypot(r - 26, c - 64);
  if (sun < 8) return [255, 236, 190];
  const glow = Math.exp(-sun / 22);
  const up = 1 - r / 50;
  return [214 - 90 * up + 60 * glow, 152 - 20 * up + 60 * glow, 132 + 60 * up - 20 * glow];
}

/** @returns {Picture} */
function hills() {
  const bytes = new Uint8ClampedArray(4 * 96 * 96);
  for (let i = 0; i < 96 * 96; i++) bytes.set(hillsAt(Math.floor(i / 96), i % 96), 4 * i);
  return fromBytes("Hills", 96, 96, bytes);
}

/** @param {number} r @param {number} c */
function ringsAt(r, c) {
  const far = (r - 31.5) ** 2 + (c - 31.5) ** 2;
  return Math.round(127.5 + 127.5 * Math.cos(far / 21));
}

/** @param {number} r @param {number} c */
function weaveAt(r, c) {
  const threads = Math.sin(r * 0.9) * Math.sin(c * 0.9 + Math.floor(r / 7) * 1.6);
  return Math.round(128 + 90 * threads + 36 * (noise(64 * r + c) - 0.5));
}

/** @param {number} r @param {number} c */
function edgeAt(r, c) {
  const side = c - 7.5 - (r - 7.5) * 0.4;
  return Math.round(40 + 180 * Math.min(Math.max(0.5 + side / 2, 0), 1));
}

/** @param {number} r @param {number} c */
function dotAt(r, c) {
  return r === 9 && c === 14 ? 255 : Math.round(70 * noise(24 * r + c) ** 1.5);
}

/** The pictures that the page makes itself. @type {Record<string, () => Picture>} */
export const MADE = {
  tutorial: () => plain("Example", 4, 4, (r, c) => TUTORIAL[4 * r + c], 9),
  ramp: () => plain("Ramp", 10, 10, (r, c) => 10 * r + c, 99),
  flat: () => plain("All nines", 6, 6, () => 9, 9),
  checkerboard: () => plain("Checkerboard", 8, 8, (r, c) => 9 * ((r + c) % 2), 9),
  edge: () => plain("Edge", 16, 16, edgeAt),
  seven: () => plain("Seven", 12, 12, (r, c) => 17 * (parseInt(SEVEN[r][c], 16) || 0)),
  dot: () => plain("One bright dot", 24, 24, dotAt),
  weave: () => plain("Texture", 48, 48, weaveAt),
  rings: () => plain("Rings", 64, 64, ringsAt),
  hills,
};

/**
 * A picture of numbers that someone typed or drew.
 * @param {number} rows
 * @param {number} cols
 * @param {ArrayLike<number>} values
 * @returns {Picture}
 */
export function typedPicture(rows, cols, values) {
  const plane = Float64Array.from(values);
  const finite = plane.filter(Number.isFinite);
  const least = finite.reduce((a, b) => Math.min(a, b), Infinity);
  const most = finite.reduce((a, b) => Math.max(a, b), -Infinity);
  const low = Math.min(least, 0);
  const high = Math.max(most, low + 1);
  const range = finite.length ? { low, high } : { low: 0, high: 1 };
  return { title: "Your numbers", rows, cols, planes: [plane], note: "", ...range };
}
