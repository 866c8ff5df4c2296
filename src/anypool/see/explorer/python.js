// @ts-check
/*
 * How Python writes what the two libraries' calls share.
 */

/** @typedef {number | string | null} PythonValue */

/**
 * @param {PythonValue} value
 * @returns {string}
 */
export function python(value) {
  if (value === null) return "None";
  if (value === Infinity || value === -Infinity) return `float("${value < 0 ? "-" : ""}inf")`;
  return String(value);
}

/**
 * One value for both axes, or a tuple.
 * @param {PythonValue[]} pair
 */
export function pythonPair([down, across]) {
  const same = down === across && down !== null;
  return same ? python(down) : `(${python(down)}, ${python(across)})`;
}

/**
 * Arguments of a call; what is null has its default.
 * @param {(string | null)[]} parts
 */
export function listed(parts) {
  return parts.filter((part) => part !== null).join(", ");
}

/**
 * Kernel size, stride, padding, dilation and ceil_mode as both libraries write them.
 * @param {PythonValue[]} kernel
 * @param {PythonValue[] | null} stride
 * @param {string | null} padding
 * @param {number[]} dilation
 * @param {boolean} ceil
 */
export function slidingArguments(kernel, stride, padding, dilation, ceil) {
  const moves = stride ?? kernel;
  return [
    pythonPair(kernel),
    moves.some((s, axis) => s !== kernel[axis]) ? `stride=${pythonPair(moves)}` : null,
    padding === null ? null : `padding=${padding}`,
    dilation.some((d) => d !== 1) ? `dilation=${pythonPair(dilation)}` : null,
    ceil ? "ceil_mode=True" : null,
  ];
}

/**
 * Kernel and stride of the copied formula, for an input whose size only Python knows.
 * @param {(number | null)[]} sizes
 * @returns {(string | null)[]}
 */
export function copiedArguments(sizes) {
  const [down, across] = sizes;
  if (down !== null && down === across) {
    const over = "for n in x.shape[-2:]]";
    if (down === 1) return ["x.shape[-2:]"];
    return [`[${copiedKernel("n", down)} ${over}`, `stride=[${copiedStride("n", down)} ${over}`];
  }
  const axes = ["x.shape[-2]", "x.shape[-1]"];
  const kernel = sizes.map((m, axis) => copiedKernel(axes[axis], m));
  const stride = sizes.map((m, axis) => copiedStride(axes[axis], m));
  return slidingArguments(kernel, stride, null, [1, 1], false);
}

/**
 * @param {string} n
 * @param {number | null} m
 */
function copiedStride(n, m) {
  if (m === null) return 1;
  return m === 1 ? n : `${n} // ${m}`;
}

/**
 * @param {string} n
 * @param {number | null} m
 */
function copiedKernel(n, m) {
  if (m === null || m === 1) return copiedStride(n, m);
  return m === 2 ? `${n} - ${n} // 2` : `${n} - ${m - 1} * (${n} // ${m})`;
}

/**
 * A tuple of numbers, also of one.
 * @param {number[]} numbers
 */
export function pythonTuple(numbers) {
  return `(${numbers.join(", ")}${numbers.length === 1 ? "," : ""})`;
}
