// @ts-check
// Numbers as people read them: short in cells, fractions where a weight is one.

const MINUS = "\u2212";

/**
 * A number short enough for a cell: whole numbers whole, others with about three figures.
 * @param {number} value
 * @returns {string}
 */
export function shortNumber(value) {
  if (Number.isNaN(value)) return "NaN";
  const size = Math.abs(value);
  const sign = value < 0 ? MINUS : "";
  if (size === Infinity) return `${sign}∞`;
  if (Number.isInteger(size) && size < 1e5) return `${sign}${size}`;
  if (size >= 1e5 || size < 1e-3)
    return sign + size.toExponential(1).replace("e+", "e").replace("e-", `e${MINUS}`);
  return sign + trimmed(size.toFixed(decimals(size)));
}

/** @param {number} size */
function decimals(size) {
  if (size < 0.1) return 4;
  if (size < 1) return 3;
  if (size < 100) return 2;
  return size < 10000 ? 1 : 0;
}

/** "7.50" as "7.5", "3.00" as "3". @param {string} text */
function trimmed(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/**
 * A number with seven figures at most, for sentences and facts.
 * @param {number} value
 * @returns {string}
 */
export function longNumber(value) {
  if (!Number.isFinite(value)) return shortNumber(value);
  return String(Number(value.toPrecision(7)))
    .replace("-", MINUS)
    .replace("e+", "e");
}

/**
 * A weight as the fraction it is ("1/9"), or as a short number.
 * @param {number} weight
 * @returns {string}
 */
export function weightText(weight) {
  const size = Math.abs(weight);
  if (!Number.isFinite(weight) || Number.isInteger(weight) || size > 20) return shortNumber(weight);
  if (Math.abs(size - Math.round(size)) < 1e-12) return shortNumber(Math.round(weight));
  for (let below = 2; below <= 400; below = below < 100 ? below + 1 : nextSquare(below)) {
    const above = Math.round(size * below);
    if (above > 0 && Math.abs(size - above / below) < 1e-12)
      return `${weight < 0 ? MINUS : ""}${above}/${below}`;
  }
  const sign = weight < 0 ? MINUS : "";
  if (size < 0.001) return sign + size.toExponential(0).replace("e-", `e${MINUS}`);
  return sign + trimmed(size.toFixed(3));
}

/** Beyond 100 only windows of k × k are worth a fraction. @param {number} below */
function nextSquare(below) {
  return (Math.floor(Math.sqrt(below)) + 1) ** 2;
}

/**
 * "1 number", "3 numbers".
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
