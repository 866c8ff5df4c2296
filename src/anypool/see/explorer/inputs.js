// @ts-check
// The single fields of a pooling's form.
import { el } from "./dom.js";
import { rowsOf } from "./fields.js";
import { shortNumber } from "./format.js";

/** @typedef {import("./fields.js").NumberField} FormField */
/** @typedef {import("./pooling.js").Pooling} FieldPooling */

/**
 * What a field must know of its form: the pooling it changes, where a fault is said, whom to tell,
 * and the list of those who show the pooling's values anew.
 * @typedef {{pooling: FieldPooling, apart: boolean, fault: HTMLElement, refresh: (() => void)[],
 *     changed: (pooling: FieldPooling) => void}} FieldForm
 */

/**
 * Tell what the form holds now.
 * @param {FieldForm} form
 */
export function commit(form) {
  form.fault.textContent = "";
  form.changed(structuredClone(form.pooling));
}

/**
 * A list to choose from.
 * @param {FieldForm} form
 * @param {string} label
 * @param {string} field
 * @param {[string, string][]} options
 * @param {() => string} get
 * @param {(pooling: FieldPooling, value: string) => void} put
 */
export function chooser(form, label, field, options, get, put) {
  const select = el(
    "select",
    { "data-field": field },
    ...options.map(([value, words]) => el("option", { value }, words)),
  );
  select.addEventListener("change", () => {
    put(form.pooling, select.value);
    commit(form);
  });
  form.refresh.push(() => (select.value = get()));
  return el("label", { class: "field" }, el("span", {}, label), select);
}

/** @param {FieldForm} form @param {string} label @param {FormField[]} fields @param {number} at */
export function numberRow(form, label, fields, at) {
  const inputs = fields.map((field, i) =>
    numberInput(
      form,
      field,
      `${at}-${i}`,
      () => rowsOf(form.pooling.windows, form.apart)[at].fields[i].value,
      1,
    ),
  );
  const [one, two] = inputs;
  if (!two) return el("label", { class: "field half" }, el("span", {}, label), one);
  inputs.forEach((box, i) => box.setAttribute("aria-label", fields[i].label));
  const mark = label.startsWith("Padding") ? "+" : "×";
  return el(
    "div",
    { class: "field", role: "group", "aria-label": label },
    el("span", {}, label),
    el("span", { class: "pair" }, one, el("i", {}, mark), two),
  );
}

/**
 * A number that is taken as soon as it makes sense.
 * @param {FieldForm} form
 * @param {FormField} field
 * @param {string} name
 * @param {() => number | null} get
 * @param {number} step of the arrows
 */
export function numberInput(form, field, name, get, step) {
  const { least, most, empty } = field;
  const box = el("input", {
    type: "number",
    min: least,
    max: most,
    step,
    placeholder: empty,
    "data-field": name,
    inputmode: step === 1 ? "numeric" : "decimal",
  });
  box.addEventListener("input", () => {
    const fault = faultOf(box, field);
    box.setAttribute("aria-invalid", String(Boolean(fault)));
    form.fault.textContent = fault;
    if (fault) return;
    field.put(form.pooling, box.value === "" ? null : Number(box.value));
    commit(form);
  });
  form.refresh.push(() => {
    const value = get();
    const finite = value !== null && Number.isFinite(value);
    box.placeholder = value === null || finite ? empty : shortNumber(value); // no field takes ∞
    if (finite && (box.value === "" || Number(box.value) !== value)) box.value = String(value);
    if (!finite && document.activeElement !== box) box.value = "";
    box.removeAttribute("aria-invalid");
  });
  return box;
}

/** What is wrong with a field, in a sentence. @param {HTMLInputElement} box @param {FormField} field */
function faultOf(box, { label, least, most, step, empty }) {
  const value = Number(box.value);
  if (box.value === "" && empty && !box.validity.badInput) return "";
  const fits =
    box.value !== "" &&
    value >= least &&
    value <= most &&
    (step === "any" || Number.isInteger(value));
  const kind = step === "any" ? "a number" : "a whole number";
  return fits
    ? ""
    : `${label}: ${kind} from ${least} to ${most}${empty ? ` (empty: ${empty})` : ""}.`;
}
