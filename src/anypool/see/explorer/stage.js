// @ts-check
// The figure: input, outputs and difference as panels of one size.
import { find } from "./dom.js";
import { shortNumber, weightText } from "./format.js";
import { fitted, manyBlocks, oneBlock } from "./geometry.js";
import { marginsOf } from "./look.js";
import { coverOf, differenceWords, flowOf, meanWords, sizeWords } from "./model.js";
import { centred, extent, rising, sequential } from "./palette.js";
import { emptyPanel, showPanel } from "./dress.js";
import { makePanel, sizePanel } from "./panel.js";

/** @typedef {import("./look.js").PanelName} StageName */
/** @typedef {import("./panel.js").Panel} StagePanel */
/** @typedef {import("./panel.js").Shown} StageShown */
/** @typedef {import("./palette.js").Scale} StageScale */
/** @typedef {import("./model.js").Model} StageModel */
/** @typedef {import("./model.js").Side} StageSide */
/** @typedef {{view: "values" | "coverage" | "gradient", of: "a" | "b", palette: "grey" | "dusk", scale: "common" | "own", channel: string}} Manner */
/** @typedef {{theme: "light" | "dark", a: string, b: string, ink: string, line: string, hatch: string, veil: string, haze: string, halo: string}} Inks */

/**
 * The figure. pads are the rows and columns around the input that windows reach into.
 * @typedef {{panels: Record<StageName, StagePanel>, pads: import("./look.js").Margins}} Stage
 */

/** The panels in the order they stand. @type {StageName[]} */
export const PANELS = ["input", "a", "b", "d"];
const EDGE = 3;
const BADGES = { input: "Input", a: "A", b: "B", d: "A − B" };

/**
 * @param {HTMLElement} host
 * @param {HTMLTemplateElement} template
 * @returns {Stage}
 */
export function makeStage(host, template) {
  const made = PANELS.map((name) => {
    const root = /** @type {HTMLElement} */ (find(template.content, "figure").cloneNode(true));
    root.dataset.panel = name;
    find(root, ".badge").textContent = BADGES[name];
    host.append(root);
    return [name, makePanel(root)];
  });
  return { panels: Object.fromEntries(made), pads: { top: 0, bottom: 0, left: 0, right: 0 } };
}

/**
 * Draw everything anew.
 * @param {Stage} stage
 * @param {StageModel} model
 * @param {Manner} manner
 * @param {Inks} inks
 */
export function renderStage(stage, model, manner, inks) {
  const { panels } = stage;
  const sides = [model.a, model.b].filter((side) => side !== null);
  stage.pads = marginsOf(sides, model.picture.rows, model.picture.cols);
  panels.b.root.hidden = panels.d.root.hidden = !model.b;
  measure(stage, model);
  renderInput(stage, model, manner, inks);
  const [range, ranges] = scalesOf(model, manner);
  for (const side of sides)
    renderOutput(panels[side.name], side, ranges[side.name] ?? range, manner, inks);
  if (model.b) renderDifference(panels.d, model, inks);
}

/** @param {Stage} stage @param {StageModel} model */
function measure({ panels, pads }, { picture }) {
  const shape = (picture.rows + pads.top + pads.bottom) / (picture.cols + pads.left + pads.right);
  for (const name of PANELS) {
    const width = panels[name].frame.clientWidth || panels.input.frame.clientWidth;
    sizePanel(panels[name], width, Math.round(width * Math.min(Math.max(shape, 0.4), 1.1)));
  }
}

/**
 * The scale that all share, and those that each has for itself.
 * @param {StageModel} model
 * @param {Manner} manner
 * @returns {[[number, number], Partial<Record<StageName, [number, number]>>]}
 */
function scalesOf({ picture, a, b }, { scale }) {
  const outputs = [a, b].map((side) => side?.pooled?.values ?? []);
  if (scale === "common") return [extent([[picture.low, picture.high], ...outputs]), {}];
  return [[picture.low, picture.high], { a: extent([outputs[0]]), b: extent([outputs[1]]) }];
}

/**
 * The colours of the input's values.
 * @param {StageModel} model
 * @param {Manner} manner
 * @returns {StageScale}
 */
export function inputScale(model, manner) {
  const [[low, high]] = scalesOf(model, manner);
  return { table: sequential(manner.palette), low, high };
}

/**
 * The input: its values, how often each is read, or the gradient that flows back.
 * @param {Stage} stage
 * @param {StageModel} model
 * @param {Manner} manner
 * @param {Inks} inks
 */
function renderInput({ panels, pads }, model, manner, inks) {
  const { picture } = model;
  const side = manner.of === "b" && model.b ? model.b : model.a;
  const which = side.name.toUpperCase();
  const rows = picture.rows + pads.top + pads.bottom;
  const cols = picture.cols + pads.left + pads.right;
  const margin = inset(rows, cols, panels.input);
  const unit = margin.width / cols;
  const box = {
    x: margin.x + pads.left * unit,
    y: margin.y + pads.top * unit,
    width: picture.cols * unit,
    height: picture.rows * unit,
  };
  const plain = {
    blocks: oneBlock(picture.rows, picture.cols, box),
    margin,
    colours: null,
    planes: null,
  };
  if (manner.view === "values" || !side.pooled) {
    const scale = inputScale(model, manner);
    const bright = colourful(model.a.colours && picture.planes, [scale.low, scale.high]);
    showPanel(
      panels.input,
      { ...plain, ...bright, values: model.plane, scale, text: shortNumber },
      inks,
      picture.title,
      bright.colours ? `in colour; the numbers are of ${manner.channel}` : "",
    );
  } else if (manner.view === "coverage") {
    const values = coverOf(side.pooled);
    const [, most] = extent([values]);
    const scale = rising("difference", inks.theme, most);
    showPanel(
      panels.input,
      { ...plain, values, scale, text: shortNumber },
      inks,
      `times read by ${which}`,
      "",
    );
  } else {
    renderFlow(panels.input, plain, flowOf(side.pooled), inks, side);
  }
  panels.input.hit.setAttribute("aria-label", `Input, ${sizeWords(picture)}: ${picture.title}`);
  find(panels.input.root, ".size").textContent = sizeWords(picture);
}

/**
 * @param {StagePanel} panel
 * @param {Pick<StageShown, "blocks" | "margin" | "colours" | "planes">} plain
 * @param {Float64Array | null} values
 * @param {Inks} inks
 * @param {StageSide} side
 */
function renderFlow(panel, plain, values, inks, side) {
  const title = `gradient through ${side.name.toUpperCase()}`;
  if (!values)
    return emptyPanel(
      panel,
      `${side.pooling.reduce} has no derivative: nothing flows back.`,
      false,
      title,
    );
  const [low, high] = extent([values]);
  const scale =
    low < 0 ? centred("flow", inks.theme, Math.max(-low, high)) : rising("flow", inks.theme, high);
  showPanel(
    panel,
    { ...plain, values, scale, text: weightText },
    inks,
    title,
    "if every output gets 1",
  );
}

/**
 * @param {StagePanel} panel
 * @param {StageSide} side
 * @param {[number, number]} range
 * @param {Manner} manner
 * @param {Inks} inks
 */
function renderOutput(panel, side, range, manner, inks) {
  const { pooled, pooling } = side;
  const name = side.name.toUpperCase();
  if (!pooled) return emptyPanel(panel, side.fault, side.heavy, pooling.reduce);
  const scale = { table: sequential(manner.palette), low: range[0], high: range[1] };
  const bright = colourful(side.colours, range);
  const blocks = blocksOf(panel, pooled);
  showPanel(
    panel,
    { blocks, ...bright, values: pooled.values, scale, text: shortNumber, margin: null },
    inks,
    pooling.reduce,
    "",
  );
  panel.hit.setAttribute("aria-label", `Output ${name}, ${sizeWords(pooled)}: ${pooling.reduce}`);
  find(panel.root, ".size").textContent = sizeWords(pooled);
}

/** @param {StagePanel} panel @param {StageModel} model @param {Inks} inks */
function renderDifference(panel, model, inks) {
  const { difference, a, apart } = model;
  if (!difference || !a.pooled)
    return emptyPanel(panel, apart || "There is nothing to compare yet.", false, "");
  const [low, high] = extent([difference]);
  const scale = centred("difference", inks.theme, Math.max(-low, high));
  const blocks = blocksOf(panel, a.pooled);
  const shown = {
    blocks,
    values: difference,
    scale,
    colours: null,
    planes: null,
    text: shortNumber,
    margin: null,
  };
  showPanel(panel, shown, inks, "difference", meanWords(difference));
  panel.hit.setAttribute(
    "aria-label",
    `Difference A minus B, ${sizeWords(a.pooled)}. ${differenceWords(difference)}`,
  );
  find(panel.root, ".size").textContent = sizeWords(a.pooled);
}

/**
 * Where an output's cells lie: over the place of the whole input, so that a cell lies where it
 * looks.
 * @param {StagePanel} panel
 * @param {import("./pooling.js").Pooled} pooled
 */
function blocksOf(panel, { layout, inputRows, inputCols }) {
  const { grids, rows, cols, joined } = layout;
  const box = inset(inputRows, inputCols, panel);
  if (!joined) return oneBlock(rows, cols, box);
  const parts = grids.map((grid) => ({
    rows: grid.rows.start.length,
    cols: grid.cols.start.length,
    first: grid.offset,
  }));
  return manyBlocks(parts, box);
}

/**
 * The largest box of a shape inside a panel; outlines need a little room around it.
 * @param {number} rows
 * @param {number} cols
 * @param {StagePanel} panel
 */
function inset(rows, cols, { width, height }) {
  const box = fitted(rows, cols, width - 2 * EDGE, height - 2 * EDGE);
  return { ...box, x: box.x + EDGE, y: box.y + EDGE };
}

/**
 * @param {ArrayLike<number>[] | null} planes
 * @param {[number, number]} range
 * @returns {Pick<StageShown, "colours" | "planes">}
 */
function colourful(planes, [low, high]) {
  if (!planes) return { colours: null, planes: null };
  const scale = { table: sequential("grey"), low, high };
  return { colours: [scale, scale, scale], planes };
}
