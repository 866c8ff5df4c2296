// @ts-check
// Numbers that someone typed or pasted: rows of numbers, or one sentence that says what is wrong.

/** @typedef {{rows: number, cols: number, values: number[]}} Typed */

const MOST_SIDE = 64;
const NUMBER = /^[-+\u2212]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?|inf|nan)$/i;

/**
 * Rows of numbers as a grid. A line is a row; spaces, tabs, commas and semicolons part numbers;
 * in a single line semicolons part rows, as in the address: 1,2;3,4. Brackets as Python writes them
 * may stay, and then ], [ parts rows as well.
 * @param {string} text
 * @returns {Typed}
 * @throws {RangeError} one sentence
 */
export function readNumbers(text) {
  const plain = text
    .replace(/(np\.)?array\(|tensor\(|dtype=[\w.]+|\)/g, " ")
    .replace(/\][\s,]*\[/g, "\n")
    .replace(/[[\]]/g, " ")
    .trim();
  const lines = plain
    .split(plain.includes("\n") ? /\r?\n/ : ";")
    .map((line) => line.split(/[\s,;]+/).filter(Boolean))
    .filter((line) => line.length);
  if (!lines.length) throw new RangeError("There are no numbers; write rows such as 1 2 3.");
  const [rows, cols] = [lines.length, lines[0].length];
  if (rows > MOST_SIDE || cols > MOST_SIDE) {
    throw new RangeError(
      `There are ${rows} rows and ${cols} columns; at most ${MOST_SIDE} of each can be typed. Open larger ones as a photograph.`,
    );
  }
  const uneven = lines.findIndex((line) => line.length !== cols);
  if (uneven >= 0) {
    throw new RangeError(
      `Row ${uneven + 1} has ${lines[uneven].length} numbers and row 1 has ${cols}; all rows need as many.`,
    );
  }
  return {
    rows,
    cols,
    values: lines.flatMap((line, r) => line.map((word, c) => oneNumber(word, r, c))),
  };
}

/**
 * @param {string} word
 * @param {number} r
 * @param {number} c
 */
function oneNumber(word, r, c) {
  if (!NUMBER.test(word)) {
    const shown = word.length > 20 ? `${word.slice(0, 20)}…` : word;
    throw new RangeError(`“${shown}” in row ${r + 1}, place ${c + 1} is not a number.`);
  }
  const plainWord = word.replace("\u2212", "-").toLowerCase();
  if (plainWord.endsWith("nan")) return NaN;
  if (plainWord.endsWith("inf")) return plainWord.startsWith("-") ? -Infinity : Infinity;
  const value = Number(plainWord);
  if (!Number.isFinite(value))
    throw new RangeError(`${word} in row ${r + 1}, place ${c + 1} is too large.`);
  return value;
}

/**
 * A grid as rows of numbers, to be read again.
 * @param {Typed} grid
 */
export function writeNumbers({ rows, cols, values }) {
  const words = values.map((v) =>
    Number.isFinite(v) ? String(v) : Number.isNaN(v) ? "nan" : v < 0 ? "-inf" : "inf",
  );
  const wide = words.reduce((most, word) => Math.max(most, word.length), 1);
  const lines = [];
  for (let r = 0; r < rows; r++) {
    lines.push(
      words
        .slice(r * cols, (r + 1) * cols)
        .map((word) => word.padStart(wide))
        .join(" "),
    );
  }
  return lines.join("\n");
}
