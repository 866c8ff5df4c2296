// @ts-check
// A panel's dress: its caption and the legend of its colours, or words where it shows nothing.
import { find } from "./dom.js";
import { shortNumber } from "./format.js";
import { paint } from "./panel.js";

/** @typedef {import("./panel.js").Panel} DressedPanel */
/** @typedef {import("./panel.js").Shown} DressedShown */

/**
 * @param {DressedPanel} panel
 * @param {DressedShown} shown
 * @param {{line: string, hatch: string, theme: string}} inks
 * @param {string} name
 * @param {string} remark
 */
export function showPanel(panel, shown, inks, name, remark) {
  paint(panel, shown, inks);
  find(panel.root, ".name").textContent = name;
  find(panel.root, ".blank").toggleAttribute("hidden", true);
  find(panel.root, ".legend").toggleAttribute("hidden", false);
  find(panel.root, ".low").textContent = shortNumber(shown.scale.low);
  find(panel.root, ".high").textContent = shortNumber(shown.scale.high);
  find(panel.root, ".remark").textContent = remark;
  find(panel.root, ".legend").classList.toggle("colourful", shown.colours !== null);
  panel.hit.tabIndex = 0;
  panel.hit.hidden = false;
  const image = new ImageData(256, 1);
  for (let i = 0; i < 256; i++) {
    image.data.set(shown.scale.table.subarray(3 * i, 3 * i + 3), 4 * i);
    image.data[4 * i + 3] = 255;
  }
  /** @type {HTMLCanvasElement} */
  const ramp = find(panel.root, ".ramp");
  ramp.getContext("2d")?.putImageData(image, 0, 0);
}

/**
 * Words where there is nothing to show.
 * @param {DressedPanel} panel
 * @param {string} words
 * @param {boolean} heavy
 * @param {string} name
 */
export function emptyPanel(panel, words, heavy, name) {
  paint(panel, null, { line: "", hatch: "", theme: "" });
  find(panel.root, ".name").textContent = name;
  find(panel.root, ".size").textContent = "";
  find(panel.root, ".blank").toggleAttribute("hidden", false);
  find(panel.root, ".blank p").textContent = words;
  find(panel.root, ".blank button").toggleAttribute("hidden", !heavy);
  find(panel.root, ".legend").toggleAttribute("hidden", true);
  panel.hit.hidden = true;
}
