// @ts-check
// Both poolings as code to copy, and in words.
import { anypoolCall, explainWords, torchCall } from "./calls.js";
import { el } from "./dom.js";
import { copies } from "./share.js";

/**
 * @param {HTMLElement} host
 * @param {import("./model.js").Model} model
 */
export function renderCalls(host, model) {
  const sides = [model.a, model.b].filter((side) => side !== null);
  host.replaceChildren(...sides.map((side) => callCard(side, model.picture)));
}

/**
 * @param {import("./model.js").Side} side
 * @param {import("./pictures.js").Picture} picture
 */
function callCard({ name, pooling, pooled }, picture) {
  const torch = torchCall(pooling, picture.rows, picture.cols);
  const words = pooled ? explainWords(pooling, picture.rows, picture.cols, pooled.layout) : "";
  return el(
    "article",
    { class: "call", "data-side": name },
    el("h2", {}, el("b", { class: "badge" }, name.toUpperCase()), " In code and in words"),
    codeLine("anypool", anypoolCall(pooling)),
    torch === null
      ? el("p", { class: "code none" }, el("span", {}, "PyTorch"), "has no such operation")
      : codeLine("PyTorch", torch),
    el("p", { class: "words" }, words),
  );
}

/** @param {string} whose @param {string} call */
function codeLine(whose, call) {
  const button = el("button", { type: "button", "aria-label": `Copy the ${whose} call` }, "Copy");
  copies(button, () => call);
  return el("p", { class: "code" }, el("span", {}, whose), el("code", {}, call), button);
}
