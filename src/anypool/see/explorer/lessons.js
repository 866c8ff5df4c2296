// @ts-check
// Lessons: settings that show one thing each, with a sentence on where to look.
import { el } from "./dom.js";
import { encode, firstState } from "./state.js";

/** @typedef {import("./state.js").State} LessonState */
/** @typedef {{title: string, words: string, state: LessonState}} Lesson */

/** @typedef {[number, number]} LessonPair */

/**
 * Sliding windows, square ones.
 * @param {number} kernel
 * @param {{stride?: number, padding?: number | "same", dilation?: number, ceil?: boolean}} [more]
 * @returns {import("./windows.js").Sliding}
 */
function slide(kernel, { stride, padding = 0, dilation = 1, ceil = false } = {}) {
  const sides = /** @type {[LessonPair, LessonPair]} */ ([
    [padding, padding],
    [padding, padding],
  ]);
  return {
    kind: "sliding",
    kernel: [kernel, kernel],
    stride: stride === undefined ? null : [stride, stride],
    padding: padding === "same" ? "same" : sides,
    dilation: [dilation, dilation],
    ceil,
  };
}

/**
 * @param {"adaptive" | "split" | "copied"} kind
 * @param {number} n
 * @returns {import("./windows.js").Parted}
 */
function parts(kind, n) {
  return { kind, size: [n, n] };
}

/**
 * @param {string} reduce
 * @param {import("./windows.js").Windows} windows
 * @param {Record<string, number>} [params]
 * @returns {import("./pooling.js").Pooling}
 */
function way(reduce, windows, params = {}) {
  return { reduce, params, countPadding: null, windows };
}

/**
 * @param {string} title
 * @param {string} words
 * @param {Partial<LessonState>} settings
 * @returns {Lesson}
 */
function lesson(title, words, settings) {
  return { title, words, state: { ...firstState(), ...settings } };
}

/** @type {Lesson[]} */
export const LESSONS = [
  lesson(
    "Max or average",
    "Four windows of 2 × 2 numbers. Max keeps the largest of each and forgets the rest; average keeps a quarter of every one. Point at an output to see its window.",
    {
      image: "tutorial",
      a: way("max", slide(2)),
      b: way("mean", slide(2)),
      at: { panel: "a", cell: 0 },
    },
  ),
  lesson(
    "Stride and overlap",
    "Both windows are 3 × 3. With stride 1 most numbers are read nine times, with stride 3 once: look at how often each is read.",
    {
      image: "ramp",
      a: way("mean", slide(3, { stride: 1 })),
      b: way("mean", slide(3, { stride: 3 })),
      view: "coverage",
      at: { panel: "a", cell: 27 },
    },
  ),
  lesson(
    "Same padding",
    "Every number is 9. A counts the zeros that padding brings, so its border sinks to 6 and its corners to 4; B divides by what is really there.",
    {
      image: "flat",
      a: way("mean", slide(3, { stride: 1, padding: 1 })),
      b: way("mean", slide(3, { stride: 1, padding: "same" })),
      at: { panel: "a", cell: 0 },
    },
  ),
  lesson(
    "True adaptive windows",
    "From 10 to 7. A is the true rule: windows of 2 and 3 that overlap a little. B is the formula copied from page to page: windows of 4. Walk along the first row and compare.",
    {
      image: "ramp",
      a: way("mean", parts("adaptive", 7)),
      b: way("mean", parts("copied", 7)),
      at: { panel: "a", cell: 24 },
    },
  ),
  lesson(
    "Three equal maxima",
    "The first window holds three nines. Max is 9, and the whole gradient goes to the first of them; the top-3 mean shares it.",
    {
      image: "tutorial",
      a: way("max", slide(3, { stride: 1 })),
      b: way("topk", slide(3, { stride: 1 }), { k: 3 }),
      view: "gradient",
      at: { panel: "a", cell: 0 },
    },
  ),
  lesson(
    "What flows back",
    "Through max the gradient reaches few pixels, through average all of them a little. Switch between A and B above the input.",
    {
      image: "seven",
      a: way("max", slide(3, { stride: 2 })),
      b: way("mean", slide(3, { stride: 2 })),
      view: "gradient",
      at: { panel: "a", cell: 12 },
    },
  ),
  lesson(
    "One bright dot",
    "A single bright pixel in clutter. Max carries it on at full strength, average all but drowns it.",
    {
      image: "dot",
      a: way("max", slide(4)),
      b: way("mean", slide(4)),
      at: { panel: "a", cell: 15 },
    },
  ),
  lesson(
    "From average to max",
    "The generalised mean has one knob: p = 1 is the average, a large p the max. Turn the power of A.",
    {
      image: "seven",
      a: way("gem", slide(3, { stride: 1 }), { p: 3 }),
      b: way("mean", slide(3, { stride: 1 })),
      at: { panel: "a", cell: 56 },
    },
  ),
  lesson(
    "Dilation",
    "A window of 3 × 3 numbers, two apart, spans 5 × 5. Without stride every number is still read; with stride 2 look at what is never read.",
    {
      image: "edge",
      a: way("max", slide(3, { stride: 2, dilation: 2 })),
      b: null,
      view: "coverage",
      at: { panel: "a", cell: 14 },
    },
  ),
  lesson(
    "A pyramid",
    "One window over everything, then 2 × 2, then 4 × 4: twenty-one numbers whatever the size of the picture.",
    {
      image: "hills",
      a: way("max", { kind: "pyramid", bins: [1, 2, 4], rule: "adaptive" }),
      b: null,
      at: { panel: "a", cell: 7 },
    },
  ),
];

/**
 * The row of lessons; the one whose settings are shown is marked and explained.
 * @param {HTMLElement} host
 * @param {HTMLElement} words
 * @param {LessonState} state
 * @param {(hash: string) => void} open
 */
export function renderLessons(host, words, state, open) {
  if (!host.children.length) host.append(...LESSONS.map((one) => link(one, open)));
  const now = LESSONS.findIndex((one) => sameLesson(one.state, state));
  [...host.querySelectorAll("a")].forEach((a, i) => {
    if (i === now) a.setAttribute("aria-current", "true");
    else a.removeAttribute("aria-current");
  });
  words.textContent =
    now < 0 ? "Your own setting. Each lesson shows one thing." : LESSONS[now].words;
}

/** @param {Lesson} one @param {(hash: string) => void} open */
function link({ title, state }, open) {
  const hash = encode(state);
  const a = el("a", { href: hash }, title);
  a.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault(); // in a notebook's frame a link would lead out of the page
    open(hash);
  });
  return el("li", {}, a);
}

/** Whether two states show the same, whichever cell is chosen. @param {LessonState} one @param {LessonState} two */
function sameLesson(one, two) {
  const still = {
    at: null,
    theme: /** @type {const} */ ("auto"),
    palette: /** @type {const} */ ("grey"),
    view: /** @type {const} */ ("values"),
    of: /** @type {const} */ ("a"),
    numbers: null,
  };
  return encode({ ...one, ...still }) === encode({ ...two, ...still });
}
