// @ts-check
// Light and dark: as the system has it, or as the reader wants it.
import { find } from "./dom.js";

/** @typedef {"auto" | "light" | "dark"} ThemeChoice */

const THEMES = /** @type {const} */ (["auto", "light", "dark"]);
const THEME_WORDS = { auto: "auto", light: "light", dark: "dark" };

/**
 * Dress the page, and say so on the button.
 * @param {ThemeChoice} choice
 */
export function wearTheme(choice) {
  if (choice === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  find(document, "#theme").textContent = `Theme: ${THEME_WORDS[choice]}`;
}

/** The choice after this one. @param {ThemeChoice} choice @returns {ThemeChoice} */
export function nextTheme(choice) {
  return THEMES[(THEMES.indexOf(choice) + 1) % THEMES.length];
}

/**
 * Hear when the system changes its mind.
 * @param {() => void} changed
 */
export function wireTheme(changed) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);
}

/**
 * The colours that canvases are drawn with, as the style sheet has them now.
 * @returns {import("./stage.js").Inks}
 */
export function inksOf() {
  const style = getComputedStyle(document.documentElement);
  const read = (/** @type {string} */ name) => style.getPropertyValue(`--${name}`).trim();
  return {
    theme: read("theme") === "dark" ? "dark" : "light",
    a: read("a"),
    b: read("b"),
    ink: read("ink"),
    line: read("cell-line"),
    hatch: read("hatch"),
    veil: read("veil"),
    haze: read("haze"),
    halo: read("halo"),
  };
}
