// @ts-check
// Colours of numbers. Every scale climbs steadily in lightness or leaves a neutral middle for blue
// and orange (or green and purple), so that it reads the same to colour-blind eyes and in print.

/** @typedef {"light" | "dark"} Theme */
/** @typedef {{table: Uint8ClampedArray, low: number, high: number}} Scale  256 colours for low..high */

/**
 * A colour given by lightness, chroma and hue (OKLCH) as three bytes.
 * @param {number} light
 * @param {number} chroma
 * @param {number} hue in degrees
 * @returns {[number, number, number]}
 */
export function colour(light, chroma, hue) {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (light - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    byte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    byte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    byte(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

/** Linear light as an sRGB byte. @param {number} light */
function byte(light) {
  const held = Math.min(Math.max(light, 0), 1);
  return Math.round(255 * (held <= 0.0031308 ? 12.92 * held : 1.055 * held ** (1 / 2.4) - 0.055));
}

/**
 * @param {(t: number) => [number, number, number]} at the colour a share t of the way up
 * @returns {Uint8ClampedArray}
 */
function table(at) {
  const colours = new Uint8ClampedArray(768);
  for (let i = 0; i < 256; i++) colours.set(at(i / 255), 3 * i);
  return colours;
}

const GREY = table((t) => [255 * t, 255 * t, 255 * t]);
// blue to yellow through grey: nothing in it is told apart by red and green
const DUSK = table((t) =>
  colour(0.24 + 0.72 * t, 0.11 * Math.abs(1 - 2 * t) + 0.01, t < 0.5 ? 258 : 92),
);

/**
 * A neutral middle and two hues; the ends are as far from the paper as the theme allows.
 * @param {Theme} theme
 * @param {number} below hue of the low end
 * @param {number} above hue of the high end
 */
function parting(theme, below, above) {
  const [middle, end] = theme === "dark" ? [0.27, 0.78] : [0.975, 0.56];
  return table((t) => {
    const far = Math.abs(2 * t - 1);
    return colour(middle + (end - middle) * far, 0.15 * far, t < 0.5 ? below : above);
  });
}

const PARTINGS = {
  light: { difference: parting("light", 250, 48), flow: parting("light", 320, 165) },
  dark: { difference: parting("dark", 250, 55), flow: parting("dark", 320, 165) },
};

/**
 * The palette of values.
 * @param {"grey" | "dusk"} name
 */
export function sequential(name) {
  return name === "grey" ? GREY : DUSK;
}

/**
 * A scale with zero in its neutral middle: blue to orange for differences, purple to green for
 * what flows back.
 * @param {"difference" | "flow"} name
 * @param {Theme} theme
 * @param {number} reach the largest size of a number
 * @returns {Scale}
 */
export function centred(name, theme, reach) {
  const end = reach > 0 && Number.isFinite(reach) ? reach : 1;
  return { table: PARTINGS[theme][name], low: -end, high: end };
}

/**
 * The upper half of a centred scale, for counts that start at nothing.
 * @param {"difference" | "flow"} name
 * @param {Theme} theme
 * @param {number} most
 * @returns {Scale}
 */
export function rising(name, theme, most) {
  const whole = PARTINGS[theme][name];
  const half = new Uint8ClampedArray(768);
  for (let i = 0; i < 256; i++)
    half.set(whole.subarray(3 * (128 + (i >> 1)), 3 * (128 + (i >> 1)) + 3), 3 * i);
  return { table: half, low: 0, high: most > 0 ? most : 1 };
}

/**
 * Where a value stands among the 256 colours; -1 for what is not a number.
 * @param {Scale} scale
 * @param {number} value
 */
export function rung(scale, value) {
  if (Number.isNaN(value)) return -1;
  const share = scale.high > scale.low ? (value - scale.low) / (scale.high - scale.low) : 0.5;
  return Math.round(255 * Math.min(Math.max(share, 0), 1));
}

/**
 * @param {Scale} scale
 * @param {number} value
 * @returns {[number, number, number]}
 */
export function colourOf(scale, value) {
  const at = rung(scale, value);
  if (at < 0) return [128, 128, 128];
  return [scale.table[3 * at], scale.table[3 * at + 1], scale.table[3 * at + 2]];
}

/**
 * Black or white, whichever is easier to read on a colour. bright is the luminance from which it
 * is black: 0.18 treats both alike; where a veil may lie above, the side it leaves readable.
 * @param {readonly [number, number, number]} rgb
 * @param {number} [bright]
 */
export function inkOn(rgb, bright = 0.18) {
  const [r, g, b] = rgb.map((v) => (v <= 10 ? v / 3294 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > bright ? "#14171b" : "#ffffff";
}

/**
 * The least and the greatest of several planes, leaving out what is not finite.
 * @param {Iterable<ArrayLike<number>>} planes
 * @returns {[number, number]}
 */
export function extent(planes) {
  let [low, high] = [Infinity, -Infinity];
  for (const plane of planes) {
    for (let i = 0; i < plane.length; i++) {
      if (!Number.isFinite(plane[i])) continue;
      if (plane[i] < low) low = plane[i];
      if (plane[i] > high) high = plane[i];
    }
  }
  return low <= high ? [low, high] : [0, 1];
}
