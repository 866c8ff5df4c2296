// @ts-check
// Pointer and keyboard on the panels: which cell is meant.
import { cellAfter, cellAt } from "./geometry.js";
import { PANELS } from "./stage.js";

/** @typedef {import("./look.js").PanelName} PointedName */
/** @typedef {import("./look.js").Spotted} Spot */

/**
 * What the page does when a cell is meant. here is the cell that the keyboard is on; paint is
 * asked first, and says whether it took the stroke.
 * @typedef {{hover: (at: Spot | null) => void, keep: (at: Spot, spoken: boolean) => void,
 *     here: (panel: PointedName) => number, paint: (at: Spot, digit: number | null) => boolean}} Pointing
 */

/**
 * @param {import("./stage.js").Stage} stage
 * @param {Pointing} pointing
 */
export function wirePanels(stage, pointing) {
  for (const name of PANELS) {
    wirePointer(name, stage.panels[name], pointing);
    wireKeys(name, stage.panels[name], pointing);
  }
}

/**
 * @param {PointedName} name
 * @param {import("./panel.js").Panel} panel
 * @param {Pointing} pointing
 */
function wirePointer(name, panel, { hover, keep, paint }) {
  const { hit } = panel;
  /** @param {PointerEvent} event @returns {Spot | null} */
  const under = (event) => {
    const box = hit.getBoundingClientRect();
    const cell = panel.shown
      ? cellAt(panel.shown.blocks, event.clientX - box.left, event.clientY - box.top)
      : -1;
    return cell < 0 ? null : { panel: name, cell };
  };
  let pressed = false;
  hit.addEventListener("pointermove", (event) => {
    const at = under(event);
    if (pressed && at && paint(at, null)) return;
    hover(at);
  });
  hit.addEventListener("pointerleave", () => hover(null));
  hit.addEventListener("pointerdown", (event) => {
    const at = under(event);
    if (!at || event.button !== 0) return;
    pressed = paint(at, null);
    if (pressed) hit.setPointerCapture(event.pointerId);
    keep(at, false);
  });
  for (const end of ["pointerup", "pointercancel"])
    hit.addEventListener(end, () => (pressed = false));
}

/**
 * @param {PointedName} name
 * @param {import("./panel.js").Panel} panel
 * @param {Pointing} pointing
 */
function wireKeys(name, panel, { hover, keep, here, paint }) {
  panel.hit.addEventListener("focus", () => {
    if (panel.hit.matches(":focus-visible")) keep({ panel: name, cell: here(name) }, true);
  });
  panel.hit.addEventListener("keydown", (event) => {
    const cell = here(name);
    if (!panel.shown || event.altKey || event.metaKey) return;
    if (event.key === " " || (/^[0-9]$/.test(event.key) && !event.ctrlKey)) {
      if (paint({ panel: name, cell }, event.key === " " ? null : Number(event.key)))
        event.preventDefault();
      return;
    }
    const next = cellAfter(panel.shown.blocks, cell, event.key, event.ctrlKey);
    if (next < 0) return;
    event.preventDefault();
    hover(null);
    keep({ panel: name, cell: next }, true);
  });
}
