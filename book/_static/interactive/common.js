// What the interactive figures share: a drawing, controls below it, and a sentence that says what is seen.
//
// A figure's module exports pure functions that compute its numbers, which node can import and a test compares with
// rnnlib, and ends with a call of `interactive`. Nothing here touches the document when it is imported.

const SVG = "http://www.w3.org/2000/svg";

/** A number with a fixed count of decimals and a real minus sign, never "−0.00". */
export function number(value, digits = 2) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

/** The number as a factor or summand: in brackets where it is negative. */
export function bracketed(value, digits) {
  const text = number(value, digits);
  return text.startsWith("−") ? `(${text})` : text;
}

export const sigmoid = (a) => 1 / (1 + Math.exp(-a));

/** A new element inside `parent`, in the parent's language (SVG or HTML), with attributes and text. */
export function add(parent, name, attributes = {}, text = "") {
  const inSvg = name === "svg" || parent.namespaceURI === SVG;
  const element = inSvg ? document.createElementNS(SVG, name) : document.createElement(name);
  set(element, attributes);
  if (text) write(element, text);
  parent.append(element);
  return element;
}

/** Set attributes; in an SVG numbers are rounded, so that the document stays readable. */
export function set(element, attributes) {
  for (const [key, value] of Object.entries(attributes)) {
    element.setAttribute(key, typeof value === "number" ? Math.round(value * 100) / 100 : value);
  }
}

/** Write text in which a letter with a subscript, h_{t−1} or W_x, or between stars, *z*, is set as mathematics. */
export function write(element, text) {
  const inSvg = element.namespaceURI === SVG;
  element.replaceChildren();
  let drop = 0; // how far the next piece of SVG text has to move back up to the line
  const piece = (name, look, content) => {
    if (!content) return;
    if (!inSvg) return name ? void (add(element, name).textContent = content) : element.append(content);
    const span = add(element, "tspan", { class: look, dy: `${(look === "sub" ? 0.3 / 0.7 : 0) - drop}em` });
    span.textContent = content;
    drop = look === "sub" ? 0.3 : 0;
  };
  const pieces = text.matchAll(/(.*?)(?:\*(\p{L})\*|(\p{L})_(?:\{(.*?)\}|(\w))|$)/gsu);
  for (const [, plain, alone, letter, wide, narrow] of pieces) {
    piece("", "", plain);
    piece("i", "letter", alone ?? letter);
    piece("sub", "sub", wide ?? narrow);
  }
}

/**
 * Make the figure `slug` wherever the page has a place for it.
 *
 * `start` holds the settings at first; `size` is the drawing's in CSS pixels of a narrow phone; `build(panel)` adds
 * what does not change and the controls, and returns `draw()`, which shows `panel.settings` and returns the sentence.
 */
export function interactive(slug, { title, hint, start, size, build }) {
  if (typeof document === "undefined") return;
  document.querySelectorAll(`[data-interactive="${slug}"]`).forEach((place, nth) => {
    const drawing = add(place, "svg", { viewBox: `0 0 ${size.join(" ")}`, role: "img" });
    const says = add(place, "p", { class: "interactive-says", "aria-live": "polite" });
    add(place, "p", { class: "interactive-hint" }, hint);
    const controls = add(place, "div", { class: "interactive-controls", role: "group", "aria-label": title });
    const buttons = add(place, "div", { class: "interactive-buttons" });
    const note = (text) => add(place, "p", { class: "interactive-note" }, text);
    const settings = structuredClone(start);
    const panel = { id: `${slug}-${nth}`, drawing, controls, buttons, note, settings, shows: [] };
    panel.update = () => {
      panel.shows.forEach((show) => show());
      const sentence = draw();
      write(says, sentence);
      drawing.setAttribute("aria-label", `${title}. ${says.textContent}`);
    };
    const draw = build(panel);
    button(panel, "Start again", () => Object.assign(settings, structuredClone(start)));
    panel.update();
    place.hidden = false;
    place.closest("figure").classList.add("is-live");
  });
}

/** A slider for `settings[key]`, enabled where the setting `when` is true; `beside` is a checkbox in its line. */
export function slider(panel, { key, label, min, max, step, digits = 2, when, beside, parent = panel.controls }) {
  const row = add(parent, "div", { class: "interactive-slider" });
  const id = `${panel.id}-${key}`;
  add(row, "label", { for: id }, label);
  if (beside) checkbox(panel, { ...beside, parent: row });
  const value = add(row, "span", { class: "interactive-value", "aria-hidden": "true" }); // the input says it itself
  const input = add(row, "input", { type: "range", id, min, max, step });
  input.addEventListener("input", () => {
    panel.settings[key] = Number(input.value);
    panel.update();
  });
  panel.shows.push(() => {
    input.disabled = when !== undefined && !panel.settings[when];
    input.value = panel.settings[key];
    value.textContent = number(panel.settings[key], digits);
    input.setAttribute("aria-valuetext", value.textContent);
  });
}

/** A checkbox for `settings[key]`, or for the entry `index` of the list there; `name` says more than the label. */
export function checkbox(panel, { key, index, label, name, parent = panel.controls }) {
  const holder = () => (index === undefined ? [panel.settings, key] : [panel.settings[key], index]);
  const box = add(parent, "label", { class: "interactive-choice" });
  const input = add(box, "input", { type: "checkbox", ...(name && { "aria-label": name }) });
  add(box, "span", {}, label);
  input.addEventListener("change", () => {
    const [object, entry] = holder();
    object[entry] = input.checked;
    panel.update();
  });
  panel.shows.push(() => {
    const [object, entry] = holder();
    input.checked = object[entry];
  });
}

/** Radio buttons for `settings[key]`: `choices` is a list of [value, label]. */
export function choice(panel, { key, legend, choices, parent = panel.controls }) {
  const set = group(panel, legend, parent);
  for (const [value, label] of choices) {
    const box = add(set, "label", { class: "interactive-choice" });
    const input = add(box, "input", { type: "radio", name: `${panel.id}-${key}`, value });
    add(box, "span", {}, label);
    input.addEventListener("change", () => {
      panel.settings[key] = value;
      panel.update();
    });
    panel.shows.push(() => (input.checked = panel.settings[key] === value));
  }
}

/** A frame with a name around controls that belong together. */
export function group(panel, legend, parent = panel.controls) {
  const set = add(parent, "fieldset");
  add(set, "legend", {}, legend);
  return set;
}

/** A button that changes the settings. */
export function button(panel, label, change) {
  const element = add(panel.buttons, "button", { type: "button" }, label);
  element.addEventListener("click", () => {
    change(panel.settings);
    panel.update();
  });
}
