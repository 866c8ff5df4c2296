// @ts-check
// Photographs: the one that Python put into the page, and one's own, which never leave the machine.
import { isCut } from "./cut.js";
import { fromBytes } from "./pictures.js";

/** @typedef {import("./pictures.js").Picture} Photo */

/** The longest side that is pooled; larger photographs are made smaller. */
export const LONGEST = 256;
const MOST_PIXELS = 100e6; // a browser needs four bytes for each while it makes them smaller

/**
 * A file as a picture of at most 256 pixels a side.
 * @param {File} file
 * @returns {Promise<Photo>}
 * @throws {RangeError} one sentence: what the file is, and what would fit
 */
export async function openFile(file) {
  const name = file.name || "the file";
  if (file.size === 0) throw new RangeError(`${name} is empty: it has no bytes.`);
  if (isCut(new Uint8Array(await file.arrayBuffer()))) {
    throw new RangeError(`${name} is damaged or cut short.`);
  }
  const url = URL.createObjectURL(file);
  try {
    const image = await loaded(url, name);
    const [width, height] = [image.naturalWidth, image.naturalHeight];
    if (!width || !height)
      throw new RangeError(`${name} has no size in pixels; save it as PNG or JPEG first.`);
    if (width * height > MOST_PIXELS) {
      throw new RangeError(
        `${name} has ${height} × ${width} pixels, more than a page can hold (100 million); “anypool explore” on the command line makes it smaller.`,
      );
    }
    return await smaller(image, name, width, height);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/**
 * The photograph in the page, pixel for pixel.
 * @param {{name: string, data: string, note: string}} given
 * @returns {Promise<Photo>}
 */
export async function openGiven(given) {
  const image = await loaded(given.data, given.name);
  const [width, height] = [image.naturalWidth, image.naturalHeight];
  return fromBytes(given.name, height, width, pixels(image, width, height), given.note);
}

/**
 * An image whose size is known; its pixels are not unpacked yet.
 * @param {string} url
 * @param {string} name
 * @returns {Promise<HTMLImageElement>}
 */
function loaded(url, name) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => reject(new RangeError(`${name} is not a photograph that can be read.`));
    image.src = url;
  });
}

/**
 * @param {HTMLImageElement} image
 * @param {string} name
 * @param {number} width
 * @param {number} height
 * @returns {Promise<Photo>}
 */
async function smaller(image, name, width, height) {
  try {
    await image.decode();
  } catch {
    throw new RangeError(`${name} is damaged or cut short.`);
  }
  const share = Math.min(1, LONGEST / Math.max(width, height));
  const [cols, rows] = [width, height].map((side) => Math.max(Math.round(side * share), 1));
  const note =
    share < 1
      ? `${name} has ${height} × ${width} pixels (rows × columns); it was made smaller, to ${rows} × ${cols}.`
      : "";
  return fromBytes(name, rows, cols, pixels(image, cols, rows), note);
}

/**
 * The bytes of an image at a size, laid on white where it is transparent.
 * @param {HTMLImageElement} image
 * @param {number} width
 * @param {number} height
 */
function pixels(image, width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  if (!pen) throw new RangeError("This browser cannot draw.");
  pen.imageSmoothingQuality = "high";
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(image, 0, 0, width, height);
  return pen.getImageData(0, 0, width, height).data;
}
