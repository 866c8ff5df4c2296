// @ts-check
// One panel: a canvas of coloured cells, their numbers as text, and a sheet above them that alone
// is drawn anew while a pointer moves.
import { find } from "./dom.js";
import { colourOf, inkOn, rung } from "./palette.js";
import { boxOf } from "./geometry.js";

/** @typedef {import("./geometry.js").Block} PanelBlock */
/** @typedef {import("./palette.js").Scale} PanelScale */

/**
 * What a panel shows: blocks of cells with a value each; bytes (red, green, blue, alpha) where it
 * is shown in colour; words for numbers where they are not the values themselves.
 * @typedef {{blocks: PanelBlock[], values: ArrayLike<number>, scale: PanelScale,
 *     colours: PanelScale[] | null, planes: ArrayLike<number>[] | null,
 *     text: (value: number) => string, margin: import("./geometry.js").Box | null}} Shown
 */

/**
 * @typedef {{root: HTMLElement, frame: HTMLElement, base: HTMLCanvasElement,
 *     sheet: HTMLCanvasElement, numbers: SVGSVGElement, hit: HTMLElement, width: number,
 *     height: number, shown: Shown | null}} Panel
 */

const SVG = "http://www.w3.org/2000/svg";
const LEAST_FOR_LINES = 9; // a cell's side in pixels from which lines part the cells
const MOST_NUMBERS = 1200; // as many texts as a panel may hold

/**
 * A panel around the elements of a figure.
 * @param {HTMLElement} root
 * @returns {Panel}
 */
export function makePanel(root) {
  return {
    root,
    frame: find(root, ".frame"),
    base: find(root, "canvas.base"),
    sheet: find(root, "canvas.sheet"),
    numbers: find(root, "svg"),
    hit: find(root, ".hit"),
    width: 0,
    height: 0,
    shown: null,
  };
}

/**
 * Give a panel's canvases the size they are seen at.
 * @param {Panel} panel
 * @param {number} width
 * @param {number} height
 */
export function sizePanel(panel, width, height) {
  Object.assign(panel, { width, height });
  panel.frame.style.height = `${height}px`;
  for (const canvas of [panel.base, panel.sheet]) {
    canvas.width = Math.round(width * devicePixelRatio);
    canvas.height = Math.round(height * devicePixelRatio);
  }
  panel.numbers.setAttribute("viewBox", `0 0 ${width} ${height}`);
}

/**
 * A pen that measures in the page's pixels.
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 */
export function penOf(canvas) {
  const pen = canvas.getContext("2d");
  if (!pen) throw new Error("this browser cannot draw");
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  return pen;
}

/**
 * Draw a panel's cells and numbers.
 * @param {Panel} panel
 * @param {Shown | null} shown nothing where there is nothing to show
 * @param {{line: string, hatch: string, theme: string}} ink
 */
export function paint(panel, shown, ink) {
  panel.shown = shown;
  const pen = penOf(panel.base);
  pen.clearRect(0, 0, panel.width, panel.height);
  panel.numbers.replaceChildren();
  if (!shown) return;
  if (shown.margin) hatch(pen, shown.margin, shown.blocks[0], ink.hatch);
  pen.imageSmoothingEnabled = false;
  for (const block of shown.blocks) {
    pen.drawImage(raster(shown, block), block.x, block.y, block.width, block.height);
    lines(pen, block, ink.line);
  }
  const cells = shown.blocks.reduce((sum, block) => sum + block.rows * block.cols, 0);
  if (cells <= MOST_NUMBERS) write(panel, shown, ink.theme === "dark" ? 0.28 : 0.15);
}

/**
 * A block at one pixel a cell.
 * @param {Shown} shown
 * @param {PanelBlock} block
 */
function raster(shown, block) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [block.cols, block.rows];
  const image = new ImageData(block.cols, block.rows);
  const scales = shown.colours ?? [shown.scale, shown.scale, shown.scale];
  const planes = shown.planes ?? [shown.values, shown.values, shown.values];
  for (let k = 0; k < 3; k++) {
    for (let i = 0; i < block.rows * block.cols; i++) {
      const at = rung(scales[k], planes[k][block.first + i]);
      image.data[4 * i + k] = at < 0 ? 128 : scales[k].table[3 * at + k];
      image.data[4 * i + 3] = 255;
    }
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  return canvas;
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {PanelBlock} block
 * @param {string} colour
 */
function lines(pen, block, colour) {
  const [wide, high] = [block.width / block.cols, block.height / block.rows];
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  if (Math.min(wide, high) >= LEAST_FOR_LINES) {
    for (let c = 1; c < block.cols; c++) {
      pen.moveTo(block.x + c * wide, block.y);
      pen.lineTo(block.x + c * wide, block.y + block.height);
    }
    for (let r = 1; r < block.rows; r++) {
      pen.moveTo(block.x, block.y + r * high);
      pen.lineTo(block.x + block.width, block.y + r * high);
    }
  }
  pen.rect(block.x, block.y, block.width, block.height);
  pen.stroke();
}

/**
 * The padding around the input, hatched: positions that a window may cover and that hold nothing.
 * @param {CanvasRenderingContext2D} pen
 * @param {import("./geometry.js").Box} box
 * @param {PanelBlock} block
 * @param {string} colour
 */
function hatch(pen, box, block, colour) {
  pen.save();
  pen.beginPath();
  pen.rect(box.x, box.y, box.width, box.height);
  pen.rect(block.x, block.y, block.width, block.height);
  pen.clip("evenodd");
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  for (let at = -box.height; at < box.width; at += 6) {
    pen.moveTo(box.x + at, box.y + box.height);
    pen.lineTo(box.x + at + box.height, box.y);
  }
  pen.rect(box.x + 0.5, box.y + 0.5, box.width - 1, box.height - 1);
  pen.stroke();
  pen.restore();
}

/**
 * Every cell's number, where there is room.
 * @param {Panel} panel
 * @param {Shown} shown
 * @param {number} bright
 */
function write(panel, shown, bright) {
  for (const block of shown.blocks) {
    const words = [];
    for (let i = 0; i < block.rows * block.cols; i++)
      words.push(shown.text(shown.values[block.first + i]));
    const longest = words.reduce((most, word) => Math.max(most, word.length), 1);
    const [wide, high] = [block.width / block.cols, block.height / block.rows];
    const size = Math.min(high * 0.42, (wide * 0.84) / (longest * 0.6), 22);
    if (size < 8) continue;
    words.forEach((word, i) =>
      panel.numbers.append(label(shown, block.first + i, word, size, bright)),
    );
  }
}

/**
 * @param {Shown} shown
 * @param {number} cell
 * @param {string} word
 * @param {number} size
 * @param {number} bright
 */
function label(shown, cell, word, size, bright) {
  const box = boxOf(shown.blocks, cell);
  const text = document.createElementNS(SVG, "text");
  text.setAttribute("x", String(box.x + box.width / 2));
  text.setAttribute("y", String(box.y + box.height / 2 + size * 0.36));
  text.setAttribute("font-size", size.toFixed(1));
  text.setAttribute("fill", inkOn(cellColour(shown, cell), bright));
  text.dataset.cell = String(cell);
  text.dataset.value = String(shown.values[cell]);
  text.textContent = word;
  return text;
}

/**
 * The colour a cell has.
 * @param {Shown} shown
 * @param {number} cell
 * @returns {[number, number, number]}
 */
export function cellColour(shown, cell) {
  const { colours, planes } = shown;
  if (!colours || !planes) return colourOf(shown.scale, shown.values[cell]);
  const [r, g, b] = [0, 1, 2].map((k) => colourOf(colours[k], planes[k][cell])[k]);
  return [r, g, b];
}
