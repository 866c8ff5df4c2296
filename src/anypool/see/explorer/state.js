// @ts-check
/*
 * The page's state, and its spelling in the address:
 * #image=ramp&a=max,sliding,k3,s2,p1&b=gem:p4,adaptive,n7x5&view=coverage
 *
 * Reading never fails: parts that are not known or out of range fall back to their defaults and
 * are named in notes.
 */
import { spell, spellNumber } from "./spelled.js";
import { readNumber, shown, unspell } from "./unspelled.js";

/** @typedef {import("./pooling.js").Pooling} StatePooling */
/** @typedef {{rows: number, cols: number, values: number[]}} Numbers */

/**
 * numbers: a typed or drawn grid. at: the chosen cell of a panel, counted row by row.
 * @typedef {{image: string, numbers: Numbers | null, channel: "grey" | "red" | "green" | "blue",
 *     colour: boolean, palette: "grey" | "dusk", scale: "common" | "own",
 *     view: "values" | "coverage" | "gradient", of: "a" | "b",
 *     at: {panel: "input" | "a" | "b" | "d", cell: number} | null,
 *     theme: "auto" | "light" | "dark", a: StatePooling, b: StatePooling | null}} State
 */

const MOST_SIDE_TYPED = 64;
const MOST_CELL = 10 ** 6;
const MOST_NOTES = 6;
/** The parts that are one of a few words; the first is the default. */
const CHOICES = {
  channel: ["grey", "red", "green", "blue"],
  colour: ["yes", "no"],
  palette: ["grey", "dusk"],
  scale: ["common", "own"],
  view: ["values", "coverage", "gradient"],
  of: ["a", "b"],
  theme: ["auto", "light", "dark"],
};
const PARTS = ["image", "a", "b", "numbers", "at", ...Object.keys(CHOICES)];

/**
 * What the page shows where nobody says anything else.
 * @returns {State}
 */
export function firstState() {
  const notes = /** @type {string[]} */ ([]);
  return {
    image: "tutorial",
    numbers: null,
    channel: "grey",
    colour: true,
    palette: "grey",
    scale: "common",
    view: "values",
    of: "a",
    at: { panel: "a", cell: 0 },
    theme: "auto",
    a: unspell("max,sliding,k2", { side: "a", notes }),
    b: unspell("mean,sliding,k2", { side: "b", notes }),
  };
}

/**
 * The state as the address's hash.
 * @param {State} state
 * @returns {string}
 */
export function encode(state) {
  const { image, numbers, at, colour, a, b } = state;
  const chosen = { ...state, colour: colour ? "yes" : "no" };
  const keys = /** @type {(keyof typeof CHOICES)[]} */ (Object.keys(CHOICES));
  const choices = keys.filter((key) => chosen[key] !== CHOICES[key][0]);
  const cell = at === null ? "none" : `${at.panel}.${at.cell}`;
  const parts = [
    `image=${encodeURIComponent(image)}`,
    `a=${spell(a)}`,
    `b=${b === null ? "none" : spell(b)}`,
    ...(numbers ? [`numbers=${spellGrid(numbers)}`] : []),
    ...(cell === "a.0" ? [] : [`at=${cell}`]),
    ...choices.map((key) => `${key}=${chosen[key]}`),
  ];
  return `#${parts.join("&")}`;
}

/**
 * The state that an address's hash tells, and what in it was not understood.
 * @param {string} text
 * @returns {{state: State, notes: string[]}}
 */
export function decode(text) {
  /** @type {string[]} */
  const notes = [];
  const told = partsOf(text, notes);
  const state = firstState();
  const a = told.get("a");
  const b = told.get("b");
  if (a !== undefined) state.a = unspell(a, { side: "a", notes });
  if (b !== undefined) state.b = b === "none" ? null : unspell(b, { side: "b", notes });
  state.image = imageOf(told.get("image"), state.image, notes);
  state.numbers = gridOf(told.get("numbers"), notes);
  state.at = chosenCell(told.get("at"), state.at, notes);
  if (state.image === "numbers" && !state.numbers) {
    notes.push("the address has no numbers to show; the first picture is used");
    state.image = firstState().image;
  }
  const choices = choicesOf(told, notes);
  return { state: { ...state, ...choices }, notes: fewer(notes) };
}

/**
 * The first of many notes, and how many more there are.
 * @param {string[]} notes
 */
function fewer(notes) {
  if (notes.length <= MOST_NOTES) return notes;
  return [...notes.slice(0, MOST_NOTES), `${notes.length - MOST_NOTES} other parts are not known`];
}

/**
 * The parts of a hash by name, as they were before a browser or a mail wrote % codes.
 * @param {string} text
 * @param {string[]} notes
 */
function partsOf(text, notes) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const part of text.replace(/^#/, "").split("&").filter(Boolean)) {
    const at = part.indexOf("=");
    const key = at < 0 ? part : part.slice(0, at);
    if (PARTS.includes(key) && at > 0 && !found.has(key)) {
      found.set(key, plainText(part.slice(at + 1)));
    } else notes.push(`“${shown(part)}” in the address is not known, and is left out`);
  }
  return found;
}

/**
 * @param {string} text
 */
function plainText(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * @param {string | undefined} text
 * @param {string} usual
 * @param {string[]} notes
 */
function imageOf(text, usual, notes) {
  if (text === undefined || /^[\w-]{1,64}$/.test(text)) return text ?? usual;
  notes.push(`the picture “${shown(text)}” is not known; ${usual} is used`);
  return usual;
}

/**
 * @param {Map<string, string>} told
 * @param {string[]} notes
 */
function choicesOf(told, notes) {
  /** @type {Record<string, string | boolean>} */
  const found = {};
  for (const [key, words] of Object.entries(CHOICES)) {
    const word = told.get(key) ?? words[0];
    const known = words.includes(word) ? word : words[0];
    if (known !== word) notes.push(`${key} “${shown(word)}” is not known; ${known} is used`);
    found[key] = key === "colour" ? known === "yes" : known;
  }
  return /** @type {Pick<State, keyof typeof CHOICES>} */ (found);
}

/**
 * @param {string | undefined} text
 * @param {State["at"]} usual
 * @param {string[]} notes
 * @returns {State["at"]}
 */
function chosenCell(text, usual, notes) {
  if (text === undefined) return usual;
  if (text === "none") return null;
  const found = /^(input|a|b|d)\.(\d{1,7})$/.exec(text);
  if (found && Number(found[2]) <= MOST_CELL) {
    const panel = /** @type {"input" | "a" | "b" | "d"} */ (found[1]);
    return { panel, cell: Number(found[2]) };
  }
  notes.push(`the cell “${shown(text)}” is not known; the first output is chosen`);
  return usual;
}

/**
 * Rows of numbers: 1,2;3,4.
 * @param {Numbers} grid
 */
function spellGrid({ rows, cols, values }) {
  const words = values.map(spellNumber);
  const lines = Array.from({ length: rows }, (_, r) => words.slice(r * cols, (r + 1) * cols));
  return lines.map((line) => line.join(",")).join(";");
}

/**
 * @param {string | undefined} text
 * @param {string[]} notes
 * @returns {Numbers | null}
 */
function gridOf(text, notes) {
  if (text === undefined) return null;
  const lines = text.split(";").map((line) => line.split(",").map(readNumber));
  const [rows, cols] = [lines.length, lines[0].length];
  const values = lines.flat().filter((value) => value !== null);
  const even = lines.every((line) => line.length === cols) && values.length === rows * cols;
  if (even && Math.max(rows, cols) <= MOST_SIDE_TYPED) return { rows, cols, values };
  notes.push(
    `the numbers are not rows of as many numbers each, at most ${MOST_SIDE_TYPED} × ${MOST_SIDE_TYPED}, and are left out`,
  );
  return null;
}
