// @ts-check
// From what is looked at to marks on the panels.
import { weightText } from "./format.js";
import { boxOf } from "./geometry.js";
import { extentOf } from "./look.js";
import { PANELS } from "./stage.js";
import { clearSheet, markSheet } from "./sheet.js";

/** @typedef {import("./sheet.js").Mark} PanelMark */
/** @typedef {import("./look.js").Look} MarkedLook */
/** @typedef {import("./stage.js").Stage} MarkedStage */
/** @typedef {import("./stage.js").Inks} MarkInks */

const MOST_OUTLINES = 100; // of more outputs only the weights are written

/**
 * Mark every panel for what is looked at; nothing takes the marks off.
 * @param {MarkedStage} stage
 * @param {MarkedLook | null} look
 * @param {MarkInks} inks
 */
export function markStage(stage, look, inks) {
  for (const name of PANELS) {
    const panel = stage.panels[name];
    if (panel.root.hidden) continue;
    const marks = look ? marksOn(stage, name, look, inks) : [];
    if (marks.length) markSheet(panel, marks, inks);
    else clearSheet(panel);
  }
}

/**
 * @param {MarkedStage} stage
 * @param {import("./look.js").PanelName} name
 * @param {MarkedLook} look
 * @param {MarkInks} inks
 * @returns {PanelMark[]}
 */
function marksOn(stage, name, look, inks) {
  const { shown } = stage.panels[name];
  if (!shown) return [];
  const base = { frame: null, winner: -1, dashed: false, words: null, colour: inks.ink };
  if (name === "input" && look.panel === "input") {
    const cell = look.r * shown.blocks[0].cols + look.c;
    return [{ ...base, cells: [cell], frame: boxOf(shown.blocks, cell) }];
  }
  if (name === "input") return look.windows.map((window) => windowMark(stage, window, inks));
  if (look.panel === "input") {
    return look.feeding
      .filter(({ side }) => side.name === name)
      .map(({ side, to }) => feedMark(side, to, inks));
  }
  const colour = name === "d" ? inks.ink : inks[name];
  return look.windows
    .filter(({ side }) => side.name === name || (name === "d" && side.name === "a"))
    .map(({ side, r, c }) => {
      const cell = r * (side.pooled?.cols ?? 1) + c;
      return { ...base, cells: [cell], frame: boxOf(shown.blocks, cell), colour };
    });
}

/**
 * The window of an output, on the input.
 * @param {MarkedStage} stage
 * @param {import("./look.js").Window} window
 * @param {MarkInks} inks
 * @returns {PanelMark}
 */
function windowMark({ panels }, window, inks) {
  const { side, seen } = window;
  const blocks = panels.input.shown?.blocks ?? [];
  const [{ x, y, width, height, rows, cols }] = blocks;
  const extent = extentOf(window);
  const unit = { x: width / cols, y: height / rows };
  return {
    cells: seen.rowIndices.flatMap((i) => seen.colIndices.map((j) => i * cols + j)),
    frame: {
      x: x + extent.cols[0] * unit.x,
      y: y + extent.rows[0] * unit.y,
      width: (extent.cols[1] - extent.cols[0]) * unit.x,
      height: (extent.rows[1] - extent.rows[0]) * unit.y,
    },
    winner: seen.winner ? seen.winner.row * cols + seen.winner.col : -1,
    colour: inks[side.name],
    dashed: side.name === "b",
    words: null,
  };
}

/**
 * The outputs that an input feeds, each with its weight.
 * @param {import("./look.js").LookSide} side
 * @param {{r: number, c: number, weight: number | null}[]} to
 * @param {MarkInks} inks
 * @returns {PanelMark}
 */
function feedMark({ name, pooled }, to, inks) {
  const cells = to.map(({ r, c }) => r * (pooled?.cols ?? 1) + c);
  return {
    cells,
    frame: null,
    winner: -1,
    colour: to.length > MOST_OUTLINES ? "transparent" : inks[name],
    dashed: name === "b",
    words: to.map(({ weight }) => (weight === null ? "" : `×${weightText(weight)}`)),
  };
}
