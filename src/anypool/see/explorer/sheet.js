// @ts-check
// The sheet above a panel: what a window reads, who wins, where a number goes. It is drawn anew
// at every move, and nothing else is.
import { boxOf } from "./geometry.js";
import { penOf } from "./panel.js";

/** @typedef {import("./geometry.js").Box} SheetBox */
/** @typedef {import("./panel.js").Panel} SheetPanel */

/**
 * One mark: cells that are lit, with a line around them all and a winner among them. frame is the
 * window's whole extent, padding included. words is written small into each lit cell.
 * @typedef {{cells: number[], frame: SheetBox | null, winner: number, colour: string,
 *     dashed: boolean, words: string[] | null}} Mark
 */

const LEAST_FOR_VEIL = 9; // a cell's width in pixels
const MOST_HOLES = 6000; // a window of more cells is lit as one rectangle

/**
 * Take everything off the sheet.
 * @param {SheetPanel} panel
 */
export function clearSheet(panel) {
  penOf(panel.sheet).clearRect(0, 0, panel.width, panel.height);
}

/**
 * Dim a panel but for the cells of its marks, and draw the marks.
 * @param {SheetPanel} panel
 * @param {Mark[]} marks
 * @param {{veil: string, haze: string, halo: string}} ink
 */
export function markSheet(panel, marks, ink) {
  const pen = penOf(panel.sheet);
  pen.clearRect(0, 0, panel.width, panel.height);
  const blocks = panel.shown?.blocks;
  if (!blocks || !marks.length) return;
  const cell = blocks[0].width / blocks[0].cols;
  pen.fillStyle = cell < LEAST_FOR_VEIL ? ink.haze : ink.veil; // a photograph stays a photograph
  pen.fillRect(0, 0, panel.width, panel.height);
  for (const mark of marks) {
    for (const box of holes(blocks, mark)) pen.clearRect(box.x, box.y, box.width, box.height);
  }
  marks.forEach((mark, i) => draw(pen, blocks, mark, ink.halo, i));
}

/**
 * @param {import("./geometry.js").Block[]} blocks
 * @param {Mark} mark
 * @returns {SheetBox[]}
 */
function holes(blocks, mark) {
  if (mark.cells.length <= MOST_HOLES) return mark.cells.map((cell) => boxOf(blocks, cell));
  return mark.frame ? [mark.frame] : [];
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {import("./geometry.js").Block[]} blocks
 * @param {Mark} mark
 * @param {string} halo
 * @param {number} inset so that two equal frames can both be seen
 */
function draw(pen, blocks, mark, halo, inset) {
  if (mark.words) whisper(pen, blocks, mark, halo);
  if (mark.frame) outline(pen, grown(mark.frame, 1 - 3 * inset), mark.colour, halo, mark.dashed);
  else
    for (const cell of mark.cells)
      outline(pen, grown(boxOf(blocks, cell), -1), mark.colour, halo, mark.dashed);
  if (mark.winner >= 0) crown(pen, boxOf(blocks, mark.winner), mark.colour, halo, inset);
}

/** @param {SheetBox} box @param {number} by @returns {SheetBox} */
function grown(box, by) {
  return { x: box.x - by, y: box.y - by, width: box.width + 2 * by, height: box.height + 2 * by };
}

/**
 * @param {CanvasRenderingContext2D} pen
 * @param {SheetBox} box
 * @param {string} colour
 * @param {string} halo
 * @param {boolean} dashed
 */
function outline(pen, box, colour, halo, dashed) {
  pen.lineJoin = "round";
  pen.setLineDash([]);
  pen.strokeStyle = halo;
  pen.lineWidth = 4.5;
  pen.strokeRect(box.x, box.y, box.width, box.height);
  pen.setLineDash(dashed ? [5, 3] : []);
  pen.strokeStyle = colour;
  pen.lineWidth = 2.25;
  pen.strokeRect(box.x, box.y, box.width, box.height);
  pen.setLineDash([]);
}

/**
 * The mark of a winner: a ring where there is room for one, else a dot.
 * @param {CanvasRenderingContext2D} pen
 * @param {SheetBox} box
 * @param {string} colour
 * @param {string} halo
 * @param {number} inset
 */
function crown(pen, box, colour, halo, inset) {
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  const side = Math.min(box.width, box.height);
  const radius = side > 16 ? side * 0.4 - 3 * inset : 3;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.strokeStyle = halo;
  pen.lineWidth = 4.5;
  pen.stroke();
  pen.strokeStyle = colour;
  pen.lineWidth = 2.25;
  pen.stroke();
  if (side > 16) return;
  pen.fillStyle = colour;
  pen.fill();
}

/**
 * Small words in the lower right corner of each cell.
 * @param {CanvasRenderingContext2D} pen
 * @param {import("./geometry.js").Block[]} blocks
 * @param {Mark} mark
 * @param {string} halo
 */
function whisper(pen, blocks, mark, halo) {
  const words = mark.words ?? [];
  const first = boxOf(blocks, mark.cells[0] ?? 0);
  const size = Math.min(first.height * 0.2, 12);
  if (size < 8 || first.width < 36) return;
  pen.font = `600 ${size}px system-ui, sans-serif`;
  pen.textAlign = "right";
  pen.lineJoin = "round";
  mark.cells.forEach((cell, i) => {
    const box = boxOf(blocks, cell);
    const [x, y] = [box.x + box.width - 5, box.y + box.height - 6];
    pen.strokeStyle = halo;
    pen.lineWidth = 3;
    pen.strokeText(words[i], x, y);
    pen.fillStyle = mark.colour;
    pen.fillText(words[i], x, y);
  });
}
