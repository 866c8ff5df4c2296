// @ts-check
// The page: one state, what follows from it, and the parts that show it.
import { explainCell } from "./calls.js";
import { find } from "./dom.js";
import { longNumber } from "./format.js";
import { fillForm, makeForm } from "./form.js";
import { renderInspector, reserveInspector } from "./inspector.js";
import { renderLessons } from "./lessons.js";
import { lookAt } from "./look.js";
import { markStage } from "./marks.js";
import { derive } from "./model.js";
import { openGiven } from "./photo.js";
import { drawable, madePictures, painted, renderThumbs, wirePicker } from "./picker.js";
import { typedPicture } from "./pictures.js";
import { wirePanels } from "./pointing.js";
import { reading } from "./reading.js";
import { copies, hasAddress, isPast, missingOf, writeAddress } from "./share.js";
import { inputScale, makeStage, PANELS, renderStage } from "./stage.js";
import { decode, encode, firstState } from "./state.js";
import { inksOf, nextTheme, wearTheme, wireTheme } from "./theme.js";
import { renderCalls } from "./written.js";

/** @typedef {import("./state.js").State} AppState */
/** @typedef {import("./look.js").Spotted} AppSpot */
/** @typedef {{photo: {name: string, data: string, note: string} | null, state: string}} Given */

/** What Python put into the page. @type {Given} */
const GIVEN = JSON.parse(find(document, "#given").textContent ?? "{}");
/** @type {Map<string, import("./pictures.js").Picture>} */
const PICTURES = new Map(madePictures());
const STAGE = makeStage(find(document, "#panels"), find(document, "#panel-template"));

const APP = {
  state: firstState(),
  model: derive(
    PICTURES.get("tutorial") ?? typedPicture(1, 1, [0]),
    "grey",
    false,
    firstState().a,
    null,
    false,
  ),
  inks: inksOf(),
  /** @type {AppSpot | null} */
  hover: null,
  patient: false,
  drawing: false,
  waiting: false,
  shown: "",
};

const FORMS = {
  a: makeForm(find(document, "#form-a"), "a", APP.state.a, (a) => change({ a })),
  b: makeForm(find(document, "#form-b"), "b", APP.state.a, (b) => change({ b })),
};

/** @param {Partial<AppState>} patch */
function change(patch) {
  APP.state = { ...APP.state, ...patch };
  APP.patient = false;
  APP.hover = null;
  refresh();
}

/** Work everything out and draw it anew. */
function refresh() {
  const { state } = APP;
  const picture = pictureNow(state);
  APP.model = derive(picture, state.channel, state.colour, state.a, state.b, APP.patient);
  wearTheme(state.theme);
  APP.inks = inksOf();
  find(document, "main").classList.toggle("single", !state.b);
  renderStage(STAGE, APP.model, state, APP.inks);
  fillControls(state);
  renderCalls(find(document, "#calls"), APP.model);
  reserveInspector(find(document, "#inspector"), APP.model, inputScale(APP.model, state));
  APP.shown = "";
  point();
  later();
}

/** @param {AppState} state */
function pictureNow({ image, numbers }) {
  if (image === "numbers" && numbers)
    return typedPicture(numbers.rows, numbers.cols, numbers.values);
  return PICTURES.get(image) ?? typedPicture(1, 1, [0]);
}

/** Show what is pointed at, else what was kept. */
function point() {
  const at = APP.hover ?? APP.state.at;
  const key = at ? `${at.panel} ${at.cell}` : "none";
  if (key === APP.shown) return;
  APP.shown = key;
  const look = at && lookAt(APP.model, at);
  markStage(STAGE, look, APP.inks);
  renderInspector(find(document, "#inspector"), APP.model, look, inputScale(APP.model, APP.state));
}

/** Point once in the next frame, however many moves there are before. */
function pointSoon() {
  if (APP.waiting) return;
  APP.waiting = true;
  requestAnimationFrame(() => {
    APP.waiting = false;
    point();
  });
}

let timer = 0;
/** Write the address once things are quiet: browsers refuse too many changes of it. */
function later() {
  clearTimeout(timer);
  timer = setTimeout(() => writeAddress(encode(APP.state)), 200);
}

/** @param {AppSpot} at @param {boolean} spoken */
function keep(at, spoken) {
  APP.state = { ...APP.state, at };
  pointSoon();
  later();
  if (spoken) find(document, "#spoken").textContent = spokenOf(at);
}

/** A sentence on a cell. @param {AppSpot} at */
function spokenOf(at) {
  const look = lookAt(APP.model, at);
  if (!look) return "";
  if (at.panel === "input") {
    const fed = look.feeding.map(
      ({ side, to }) => `${to.length} outputs of ${side.name.toUpperCase()}`,
    );
    return `Input (${look.r}, ${look.c}) is ${longNumber(look.value)}; it feeds ${fed.join(" and ")}.`;
  }
  if (at.panel === "d") return `Difference (${look.r}, ${look.c}) is ${longNumber(look.value)}.`;
  const own = look.windows.find(({ side }) => side.name === at.panel);
  return own?.side.pooled ? explainCell(own.side.pooled, look.r, look.c) : "";
}

/** @param {AppState} state */
function fillControls(state) {
  const { picture } = APP.model;
  const page = document;
  /** @param {string} name @param {string} value */
  const set = (name, value) => {
    /** @type {HTMLSelectElement} */ (find(page, name)).value = value;
  };
  /** @param {string} name @param {boolean} on */
  const tick = (name, on) => {
    /** @type {HTMLInputElement} */ (find(page, name)).checked = on;
  };
  for (const [name, value] of [
    ["#channel", state.channel],
    ["#palette", state.palette],
    ["#scale", state.scale],
  ])
    set(name, value);
  tick("#colour", state.colour);
  tick("#compare", state.b !== null);
  tick(`[name=view][value=${state.view}]`, true);
  tick(`[name=of][value=${state.of}]`, true);
  const colourful = picture.planes.length === 3;
  for (const name of ["#channel-field", "#colour-field"])
    find(page, name).toggleAttribute("hidden", !colourful);
  for (const name of ["#form-b", "#pairing"]) find(page, name).toggleAttribute("hidden", !state.b);
  find(page, "#of").toggleAttribute("hidden", !state.b || state.view === "values");
  fillForm(FORMS.a, state.a);
  if (state.b) fillForm(FORMS.b, state.b);
  const offered = new Map(PICTURES);
  if (state.numbers) offered.set("numbers", pictureNow({ ...state, image: "numbers" }));
  renderThumbs(find(page, "#thumbs"), offered, state.image, (image) => change({ image }));
  renderLessons(find(page, "#lessons"), find(page, "#lesson-words"), state, open);
  note(picture.note);
}

/** @param {string} words */
function note(words) {
  find(document, "#notes").textContent = words;
}

/** Show the state of an address; whatever it says that is not known is named. @param {string} hash */
function open(hash) {
  const { state, notes } = decode(hash);
  FORMS.a.apart = FORMS.b.apart = false;
  const missing = state.image !== "numbers" && !PICTURES.has(state.image);
  if (missing) notes.push(missingOf(state.image));
  change(missing ? { ...state, image: "tutorial" } : state);
  if (isPast(state.at, state.at && STAGE.panels[state.at.panel].shown?.values))
    notes.push("the cell in the address is beyond the last of its panel");
  if (notes.length) note(`${notes.join("; ")}.`.replace(/^./, (first) => first.toUpperCase()));
}

/** @param {AppSpot} at @param {number | null} digit */
function paintCell(at, digit) {
  const { picture, plane } = APP.model;
  if (!APP.drawing || at.panel !== "input" || !drawable(picture)) return false;
  const value = digit ?? Number(/** @type {HTMLInputElement} */ (find(document, "#brush")).value);
  if (plane[at.cell] !== value) {
    change({ image: "numbers", numbers: painted(picture, plane, at.cell, value), at });
  }
  return true;
}

function wire() {
  wirePanels(STAGE, {
    hover: (at) => {
      APP.hover = at;
      pointSoon();
    },
    keep,
    here: (panel) => {
      const { at } = APP.state;
      const linked = at && panel !== "input" && at.panel !== "input";
      const count = STAGE.panels[panel].shown?.values.length ?? 1;
      return at && (at.panel === panel || linked) ? Math.min(at.cell, count - 1) : 0;
    },
    paint: paintCell,
  });
  wirePicker(document, {
    choose: (image) => change({ image }),
    numbers: (numbers) => change({ image: "numbers", numbers, at: { panel: "input", cell: 0 } }),
    own: (picture) => {
      PICTURES.set("own", picture);
      change({ image: "own" });
    },
    note,
    now: () => APP.model.picture,
    plane: () => APP.model.plane,
    drawing: (on) => {
      APP.drawing = on;
      document.documentElement.toggleAttribute("data-drawing", on);
    },
  });
  wireChoices();
  wireTheme(() => refresh());
  // the event's own address: ours may be written between the change and its event
  addEventListener("hashchange", (event) => open(new URL(event.newURL).hash));
  let width = innerWidth;
  new ResizeObserver(() => {
    if (innerWidth !== width) refresh();
    width = innerWidth;
  }).observe(find(document, "#panels"));
}

function wireChoices() {
  /** @param {string} name @param {(box: HTMLInputElement) => void} act */
  const on = (name, act) => {
    for (const box of document.querySelectorAll(name))
      box.addEventListener("change", () => act(/** @type {HTMLInputElement} */ (box)));
  };
  for (const key of /** @type {const} */ (["channel", "palette", "scale"]))
    on(`#${key}`, (box) => change({ [key]: box.value }));
  on("#colour", (box) => change({ colour: box.checked }));
  on("[name=view]", (box) => change({ view: /** @type {AppState["view"]} */ (box.value) }));
  on("[name=of]", (box) => change({ of: /** @type {"a" | "b"} */ (box.value) }));
  on("#compare", (box) =>
    change({ b: box.checked ? { ...FORMS.b.pooling, windows: APP.state.a.windows } : null }),
  );
  /** @param {string} name @param {() => void} act */
  const click = (name, act) => find(document, name).addEventListener("click", act);
  click("#swap", () => APP.state.b && change({ a: APP.state.b, b: APP.state.a }));
  click(
    "#same-windows",
    () => APP.state.b && change({ b: { ...APP.state.b, windows: APP.state.a.windows } }),
  );
  click("#theme", () => change({ theme: nextTheme(APP.state.theme) }));
  click("#reset", () => open(GIVEN.state));
  copies(
    find(document, "#link"),
    () => (hasAddress() ? location.href.split("#")[0] : "") + encode(APP.state),
  );
  for (const name of PANELS) {
    find(STAGE.panels[name].root, ".blank button").addEventListener("click", () => {
      APP.patient = true;
      refresh();
    });
  }
}

async function begin() {
  if (GIVEN.photo) PICTURES.set("photo", await openGiven(GIVEN.photo));
  wire();
  Object.assign(window, {
    explorer: reading(
      () => APP.model,
      () => encode(APP.state),
    ),
  });
  open(location.hash || GIVEN.state);
  document.documentElement.dataset.ready = "";
}

void begin();
