// @ts-check
// Choosing a picture: one of the page's own, the photograph in it, a file, typed or drawn numbers.
import { el, find } from "./dom.js";
import { openFile } from "./photo.js";
import { CHANNELS, MADE } from "./pictures.js";
import { readNumbers, writeNumbers } from "./typed.js";

/** @typedef {import("./pictures.js").Picture} PickedPicture */
/** @typedef {import("./typed.js").Typed} PickedNumbers */

/**
 * What the page does when something is picked. now is the picture in use.
 * @typedef {{choose: (name: string) => void, numbers: (grid: PickedNumbers) => void,
 *     own: (picture: PickedPicture) => void, note: (words: string) => void,
 *     now: () => PickedPicture, plane: () => Float64Array, drawing: (on: boolean) => void}} Picks
 */

/**
 * @param {ParentNode} page
 * @param {Picks} picks
 */
export function wirePicker(page, picks) {
  wireTyping(page, picks);
  wireDrawing(page, picks);
  wireFiles(page, picks);
  const channel = find(page, "#channel");
  channel.append(...CHANNELS.map((name) => el("option", { value: name }, name)));
}

/**
 * The little pictures to choose from.
 * @param {HTMLElement} host
 * @param {Map<string, PickedPicture>} pictures
 * @param {string} chosen
 * @param {(name: string) => void} choose
 */
export function renderThumbs(host, pictures, chosen, choose) {
  const names = [...pictures.keys()];
  if (host.dataset.names !== names.join() + pictures.get("own")?.title) {
    host.dataset.names = names.join() + pictures.get("own")?.title;
    host.replaceChildren(
      ...names.map((name) =>
        thumb(name, /** @type {PickedPicture} */ (pictures.get(name)), choose),
      ),
    );
  }
  for (const box of host.querySelectorAll("input")) box.checked = box.value === chosen;
}

/** @param {string} name @param {PickedPicture} picture @param {(name: string) => void} choose */
function thumb(name, picture, choose) {
  const canvas = el("canvas", { width: picture.cols, height: picture.rows, "aria-hidden": "true" });
  const image = new ImageData(picture.cols, picture.rows);
  const share = 255 / (picture.high - picture.low);
  for (let k = 0; k < 4; k++) {
    const plane = picture.planes[Math.min(k, picture.planes.length - 1)];
    for (let i = 0; i < plane.length; i++)
      image.data[4 * i + k] = k === 3 ? 255 : (plane[i] - picture.low) * share;
  }
  canvas.getContext("2d")?.putImageData(image, 0, 0);
  const box = el("input", { type: "radio", name: "picture", value: name });
  box.addEventListener("change", () => choose(name));
  return el(
    "label",
    { class: "thumb", title: picture.title },
    box,
    canvas,
    el("span", { class: "unseen" }, picture.title),
  );
}

/** The page's own pictures by name. @returns {[string, PickedPicture][]} */
export function madePictures() {
  return Object.entries(MADE).map(([name, make]) => [name, make()]);
}

/** @param {ParentNode} page @param {Picks} picks */
function wireTyping(page, picks) {
  /** @type {HTMLButtonElement} */
  const opener = find(page, "#type");
  /** @type {HTMLTextAreaElement} */
  const area = find(page, "#typed");
  const fault = find(page, "#typed-fault");
  const box = find(page, "#typing");
  opener.addEventListener("click", () => {
    const open = box.toggleAttribute("hidden") === false;
    opener.setAttribute("aria-expanded", String(open));
    fault.textContent = "";
    if (!open) return;
    const { rows, cols } = picks.now();
    if (rows <= 32 && cols <= 32)
      area.value = writeNumbers({ rows, cols, values: [...picks.plane()] });
    area.focus();
  });
  find(page, "#use").addEventListener("click", () => {
    try {
      picks.numbers(readNumbers(area.value));
      fault.textContent = "";
    } catch (error) {
      fault.textContent = error instanceof RangeError ? error.message : String(error);
    }
  });
}

/** @param {ParentNode} page @param {Picks} picks */
function wireDrawing(page, picks) {
  /** @type {HTMLButtonElement} */
  const button = find(page, "#draw");
  button.addEventListener("click", () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    if (on && (picks.now().rows > 32 || picks.now().cols > 32)) picks.numbers(blankGrid(page));
    button.setAttribute("aria-pressed", String(on));
    find(page, "#drawing").toggleAttribute("hidden", !on);
    picks.drawing(on);
  });
  find(page, "#blank").addEventListener("click", () => picks.numbers(blankGrid(page)));
}

/** @param {ParentNode} page @returns {PickedNumbers} */
function blankGrid(page) {
  const [rows, cols] = ["#blank-rows", "#blank-cols"].map((name) => {
    const side = Math.round(Number(/** @type {HTMLInputElement} */ (find(page, name)).value));
    return Math.min(Math.max(side || 8, 1), 32);
  });
  return { rows, cols, values: new Array(rows * cols).fill(0) };
}

/** @param {ParentNode} page @param {Picks} picks */
function wireFiles(page, picks) {
  /** @type {HTMLInputElement} */
  const file = find(page, "#file");
  const sign = find(page, "#dropping");
  find(page, "#open").addEventListener("click", () => file.click());
  file.addEventListener("change", () => {
    if (file.files?.[0]) void take(file.files[0], picks);
    file.value = "";
  });
  addEventListener("dragover", (event) => {
    event.preventDefault();
    sign.toggleAttribute("hidden", false);
  });
  addEventListener("dragleave", (event) =>
    sign.toggleAttribute("hidden", event.relatedTarget === null),
  );
  addEventListener("drop", (event) => {
    event.preventDefault();
    sign.toggleAttribute("hidden", true);
    const dropped = event.dataTransfer?.files[0];
    if (dropped) void take(dropped, picks);
    else picks.note("Nothing was dropped that is a file.");
  });
}

/** @param {File} file @param {Picks} picks */
async function take(file, picks) {
  try {
    picks.own(await openFile(file));
  } catch (error) {
    picks.note(error instanceof RangeError ? error.message : String(error));
  }
}

/**
 * The numbers of a plane with one of them changed.
 * @param {PickedPicture} picture
 * @param {Float64Array} plane
 * @param {number} cell
 * @param {number} value
 * @returns {PickedNumbers}
 */
export function painted({ rows, cols }, plane, cell, value) {
  const values = [...plane];
  values[cell] = value;
  return { rows, cols, values };
}

/** Whether a picture is small enough to be drawn on. @param {PickedPicture} picture */
export function drawable({ rows, cols }) {
  return rows <= 32 && cols <= 32;
}
