// @ts-check
// The address and the clipboard. Both may be closed to a page (in a notebook's frame, say); then
// it goes on without.
import { shown } from "./unspelled.js";

/**
 * Put a state into the address without a new entry in the history.
 * @param {string} hash
 */
export function writeAddress(hash) {
  try {
    history.replaceState(null, "", hash);
  } catch {
    // an address that may not be changed: a frame without an origin of its own
  }
}

/** Whether this page has an address that a link can lead to. */
export function hasAddress() {
  return location.protocol !== "about:" && location.protocol !== "data:";
}

/**
 * Copy a text; whether that worked.
 * @param {string} text
 * @returns {Promise<boolean>}
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyOldWay(text);
  }
}

/** Where the clipboard is closed to scripts, a selection can still be copied. @param {string} text */
function copyOldWay(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  const before = document.activeElement;
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}

/**
 * A button that copies and says so.
 * @param {HTMLButtonElement} button
 * @param {() => string} text
 */
export function copies(button, text) {
  const words = button.textContent ?? "";
  button.addEventListener("click", async () => {
    const done = await copyText(text());
    button.textContent = done ? "Copied" : "Press Ctrl+C";
    if (!done) offer(button, text());
    setTimeout(() => (button.textContent = words), 1600);
  });
}

/** Where nothing may be copied by a script, the text lies selected for the reader. @param {HTMLElement} button @param {string} text */
function offer(button, text) {
  const box = document.createElement("input");
  Object.assign(box, { value: text, readOnly: true, className: "offer" });
  box.setAttribute("aria-label", "Copy this");
  box.addEventListener("blur", () => box.remove());
  button.after(box);
  box.focus();
  box.select();
}

/**
 * Why a picture in the address cannot be shown.
 * @param {string} image
 */
export function missingOf(image) {
  return image === "own" || image === "photo"
    ? "this link was made with a photograph that is not in this page"
    : `the picture “${shown(image)}” is not known; the first is shown`;
}

/**
 * Whether a cell lies behind all the values that its panel shows.
 * @param {{cell: number} | null} at
 * @param {ArrayLike<number> | null | undefined} values
 */
export function isPast(at, values) {
  return Boolean(at && values && at.cell >= values.length);
}
