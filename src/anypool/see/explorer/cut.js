// @ts-check
// Whether a file was cut short. Browsers show what there is of a damaged picture, grey below; here
// its numbers would be taken for true ones.

const PNG_END = [0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82]; // the chunk IEND and its checksum

/**
 * @param {Uint8Array} bytes a whole file
 * @returns {boolean} true where the format's own end is missing; formats without one are whole
 */
export function isCut(bytes) {
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  if (head.startsWith("\x89PNG")) return !holds(bytes, PNG_END, 8);
  if (head.startsWith("\xff\xd8")) return cutJpeg(bytes);
  if (head.startsWith("RIFF") && head.endsWith("WEBP"))
    return littleEndian(bytes, 4) > bytes.length - 8;
  if (head.startsWith("GIF8")) return lastByte(bytes) !== 0x3b;
  return false;
}

/**
 * Whether some bytes stand in a file, at or behind a place.
 * @param {Uint8Array} bytes
 * @param {number[]} wanted
 * @param {number} from
 */
function holds(bytes, wanted, from) {
  for (let at = bytes.indexOf(wanted[0], from); at >= 0; at = bytes.indexOf(wanted[0], at + 1)) {
    if (wanted.every((byte, i) => bytes[at + i] === byte)) return true;
  }
  return false;
}

/**
 * A JPEG is whole when an end follows the picture's data; what stands in segments before it, a
 * thumbnail say, has ends of its own and is stepped over.
 * @param {Uint8Array} bytes
 */
function cutJpeg(bytes) {
  let at = 2;
  while (at + 4 <= bytes.length && bytes[at] === 0xff && bytes[at + 1] !== 0xda) {
    at += 2 + 256 * bytes[at + 2] + bytes[at + 3];
  }
  return !holds(bytes, [0xff, 0xd9], at);
}

/** @param {Uint8Array} bytes @param {number} at */
function littleEndian(bytes, at) {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true);
}

/** The last byte that is not zero. @param {Uint8Array} bytes */
function lastByte(bytes) {
  let at = bytes.length - 1;
  while (at > 0 && bytes[at] === 0) at--;
  return bytes[at];
}
