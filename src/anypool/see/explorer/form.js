// @ts-check
// The form of one pooling. Its structure is built anew when another operation or kind of windows is
// chosen; otherwise only values change, so that a field keeps the keyboard.
import { el } from "./dom.js";
import { chooser, commit, numberInput, numberRow } from "./inputs.js";
import { REDUCTIONS } from "./reductions.js";
import { differs, firstWindows, KINDS, readBins, rowsOf } from "./fields.js";

/** @typedef {import("./fields.js").NumberField} FormField */
/** @typedef {import("./pooling.js").Pooling} FormedPooling */
/** @typedef {import("./windows.js").Windows} FormedWindows */

/**
 * A form for pooling a or b. kept remembers the windows of each kind that were chosen before.
 * @typedef {{host: HTMLElement, name: "a" | "b", pooling: FormedPooling, apart: boolean, key: string,
 *     kept: Map<string, FormedWindows>, fault: HTMLElement, changed: (pooling: FormedPooling) => void,
 *     refresh: (() => void)[]}} PoolingForm
 */

/**
 * @param {HTMLElement} host
 * @param {"a" | "b"} name
 * @param {FormedPooling} pooling
 * @param {(pooling: FormedPooling) => void} changed
 * @returns {PoolingForm}
 */
export function makeForm(host, name, pooling, changed) {
  const fault = el("p", { class: "fault", role: "alert" });
  const form = {
    host,
    name,
    pooling,
    apart: false,
    key: "",
    kept: new Map(),
    fault,
    changed,
    refresh: [],
  };
  fillForm(form, pooling);
  return form;
}

/**
 * Show a pooling in its form.
 * @param {PoolingForm} form
 * @param {FormedPooling} pooling
 */
export function fillForm(form, pooling) {
  form.pooling = structuredClone(pooling);
  const { windows, reduce } = form.pooling;
  if (differs(windows)) form.apart = true;
  const padding =
    windows.kind === "sliding" && typeof windows.padding === "string" ? windows.padding : "";
  const key = [reduce, windows.kind, form.apart, padding].join();
  if (key !== form.key) build(form);
  form.key = key;
  for (const refresh of form.refresh) refresh();
  form.fault.textContent = "";
}

/** @param {PoolingForm} form */
function build(form) {
  const { name, host } = form;
  form.refresh = [];
  const focused = host.contains(document.activeElement)
    ? document.activeElement?.getAttribute("data-field")
    : null;
  const { windows, reduce } = form.pooling;
  const rows = [
    chooser(form, "Operation", "reduce", reductionNames(), () => form.pooling.reduce, setReduce),
    ...REDUCTIONS[reduce].params.map((param) => paramRow(form, param)),
    chooser(
      form,
      "Windows",
      "kind",
      Object.entries(KINDS),
      () => form.pooling.windows.kind,
      (p, kind) => setKind(form, p, kind),
    ),
    ...(windows.kind === "sliding" ? [paddingChooser(form)] : []),
    ...rowsOf(windows, form.apart).map((row, at) => numberRow(form, row.label, row.fields, at)),
    ...(windows.kind === "sliding" ? [tick(form, "ceil mode", "ceil")] : []),
    ...(windows.kind === "sliding" && reduce === "mean" ? [countRow(form)] : []),
    ...(windows.kind === "pyramid" ? pyramidRows(form) : []),
    ...(["sliding", "adaptive", "split", "copied", "fractional"].includes(windows.kind)
      ? [apartTick(form)]
      : []),
  ];
  const title = el(
    "h2",
    {},
    el("b", { class: "badge" }, name.toUpperCase()),
    ` Pooling ${name.toUpperCase()}`,
  );
  host.replaceChildren(
    el(
      "form",
      { "aria-label": `Pooling ${name.toUpperCase()}`, "data-side": name },
      title,
      el("div", { class: "fields" }, ...rows),
      form.fault,
    ),
  );
  if (focused)
    /** @type {HTMLElement | null} */ (host.querySelector(`[data-field="${focused}"]`))?.focus();
}

/** @returns {[string, string][]} */
function reductionNames() {
  return Object.entries(REDUCTIONS).map(([name, { label }]) => [name, label]);
}

/** @param {FormedPooling} pooling @param {string} name */
function setReduce(pooling, name) {
  Object.assign(pooling, { reduce: name, params: {} });
}

/** @param {PoolingForm} form @param {FormedPooling} pooling @param {string} name */
function setKind(form, pooling, name) {
  const kind = /** @type {FormedWindows["kind"]} */ (name);
  form.kept.set(pooling.windows.kind, pooling.windows);
  const sized = ["adaptive", "split", "copied"];
  const same = sized.includes(kind) && sized.includes(pooling.windows.kind);
  const windows = same ? { ...pooling.windows, kind } : (form.kept.get(kind) ?? firstWindows(kind));
  pooling.windows = /** @type {FormedWindows} */ (windows);
}

/** @param {PoolingForm} form */
function paddingChooser(form) {
  const ways = /** @type {[string, string][]} */ ([
    ["numbers", "numbers"],
    ["same", "same"],
    ["same_lower", "same, more before"],
  ]);
  const windows = () => /** @type {import("./windows.js").Sliding} */ (form.pooling.windows);
  const get = () =>
    typeof windows().padding === "string" ? /** @type {string} */ (windows().padding) : "numbers";
  return chooser(form, "Padding by", "padding-by", ways, get, (_, way) => {
    Object.assign(windows(), {
      padding:
        way === "numbers"
          ? [
              [0, 0],
              [0, 0],
            ]
          : way,
    });
    if (way !== "numbers") windows().ceil = false;
  });
}

/** @param {PoolingForm} form @param {import("./reductions.js").Param} param */
function paramRow(form, param) {
  const get = () => form.pooling.params[param.name] ?? param.value;
  if (param.choices) {
    const options = param.choices.map(
      (words, i) => /** @type {[string, string]} */ ([String(i), words]),
    );
    return chooser(
      form,
      param.label,
      param.name,
      options,
      () => String(get()),
      (p, v) => (p.params[param.name] = Number(v)),
    );
  }
  const field = {
    ...param,
    step: /** @type {const} */ ("any"),
    empty: "",
    put: (/** @type {FormedPooling} */ p, /** @type {number | null} */ v) =>
      (p.params[param.name] = v ?? param.value),
  };
  return el(
    "label",
    { class: "field" },
    el("span", {}, param.label),
    numberInput(form, field, param.name, get, param.step),
  );
}

/** @param {PoolingForm} form @param {string} words @param {"ceil"} key */
function tick(form, words, key) {
  const box = el("input", { type: "checkbox", "data-field": key });
  const windows = () => /** @type {import("./windows.js").Sliding} */ (form.pooling.windows);
  box.addEventListener("change", () => {
    windows()[key] = box.checked;
    commit(form);
  });
  form.refresh.push(() => {
    box.checked = windows()[key];
    box.disabled = typeof windows().padding === "string";
  });
  return el("label", { class: "field tick half" }, box, el("span", {}, words));
}

/** @param {PoolingForm} form */
function apartTick(form) {
  const box = el("input", { type: "checkbox", "data-field": "apart" });
  box.addEventListener("change", () => {
    form.apart = box.checked;
    fillForm(form, form.pooling);
  });
  form.refresh.push(() => {
    box.checked = form.apart;
    box.disabled = differs(form.pooling.windows);
  });
  return el(
    "label",
    { class: "field tick half", title: "Ask for rows and columns apart" },
    box,
    el("span", {}, "rows ≠ columns"),
  );
}

/** @param {PoolingForm} form */
function countRow(form) {
  const ways = /** @type {[string, string][]} */ ([
    ["", "as usual"],
    ["true", "yes"],
    ["false", "no"],
  ]);
  const get = () => String(form.pooling.countPadding ?? "");
  return chooser(
    form,
    "Pads count",
    "count",
    ways,
    get,
    (p, v) => (p.countPadding = v === "" ? null : v === "true"),
  );
}

/** @param {PoolingForm} form */
function pyramidRows(form) {
  const windows = () => /** @type {import("./windows.js").Pyramid} */ (form.pooling.windows);
  const box = el("input", {
    type: "text",
    "data-field": "bins",
    autocomplete: "off",
    inputmode: "numeric",
  });
  box.addEventListener("input", () => {
    try {
      windows().bins = readBins(box.value);
      commit(form);
    } catch (error) {
      form.fault.textContent = error instanceof RangeError ? error.message : String(error);
    }
  });
  form.refresh.push(() => {
    if (document.activeElement !== box) box.value = windows().bins.join(" ");
  });
  const rules = /** @type {[string, string][]} */ ([
    ["adaptive", "adaptive"],
    ["split", "split"],
  ]);
  return [
    el("label", { class: "field" }, el("span", {}, "Bins"), box),
    chooser(
      form,
      "Rule",
      "rule",
      rules,
      () => windows().rule,
      (_, rule) => Object.assign(windows(), { rule }),
    ),
  ];
}
