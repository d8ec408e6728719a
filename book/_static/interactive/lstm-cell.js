// One step of an LSTM cell with one unit: its gates as valves, computed or set by hand.

import { add, bracketed, button, group, interactive, number, set, sigmoid, slider, write } from "./common.js";

/** The weights of the one unit, by gate: of x_t, of h_{t−1}, and the bias. */
export const WEIGHTS = {
  i: { W_x: 1, W_h: 0.5, b: 0 },
  f: { W_x: -1, W_h: 1, b: 1 },
  g: { W_x: 2, W_h: 1, b: 0 },
  o: { W_x: 0.5, W_h: -0.5, b: 0 },
};
const GATES = { i: "input gate", f: "forget gate", o: "output gate" };

const BY_HAND = { i_by_hand: false, f_by_hand: false, o_by_hand: false };
const START = { x: 0.5, h_prev: 0.2, c_prev: 1.5, i: 0, f: 0, o: 0, ...BY_HAND };
const HINT =
  "Try: set *f* to 1 and *i* to 0 by hand, then move x_t. What happens to c_t, and what to the candidate *g*? " +
  "Then set *f* to 0 and *i* to 1.";

/** One step: i, f, g, o, c and h, where a gate that is set by hand has the value that `settings` gives it. */
export function step({ x, h_prev, c_prev, ...settings }) {
  const a = ({ W_x, W_h, b }) => x * W_x + h_prev * W_h + b;
  const gate = (name) => (settings[`${name}_by_hand`] ? settings[name] : sigmoid(a(WEIGHTS[name])));
  const [i, f, o] = ["i", "f", "o"].map(gate);
  const g = Math.tanh(a(WEIGHTS.g));
  const c = f * c_prev + i * g;
  const h = o * Math.tanh(c);
  return { i, f, g, o, c, h };
}

/** The text of a gate's pre-activation, such as −x_t + h_{t−1} + 1. */
function preactivation({ W_x, W_h, b }) {
  const terms = [[W_x, " x_t"], [W_h, " h_{t−1}"], [b, ""]].filter(([weight]) => weight !== 0);
  return terms
    .map(([weight, letter], nth) => {
      const sign = nth === 0 ? (weight < 0 ? "−" : "") : weight < 0 ? " − " : " + ";
      const size = Math.abs(weight);
      return sign + (size === 1 && letter ? letter.trim() : `${size}${letter}`);
    })
    .join("");
}

/** A stretch of pipe; what flows in it is as thick as its value is large, and dashed where it is negative. */
function pipe(drawing, d) {
  const flow = add(drawing, "path", { d, class: "flow" });
  return (value) =>
    set(flow, {
      "stroke-width": 1 + 6 * Math.min(Math.abs(value), 3),
      "stroke-dasharray": value < 0 ? "7 3" : "none",
    });
}

/** Two jaws that leave a gap as wide as the gate is open, across a pipe that runs level or upright. */
function valve(drawing, x, y, level) {
  const jaws = [add(drawing, "rect", { class: "gate" }), add(drawing, "rect", { class: "gate" })];
  return (open) => {
    const length = 24 - 14 * open;
    for (const [jaw, start] of [[jaws[0], -24], [jaws[1], 24 - length]]) {
      const across = level
        ? { x: x - 6, width: 12, y: y + start, height: length }
        : { y: y - 6, height: 12, x: x + start, width: length };
      set(jaw, across);
    }
  };
}

function drawCell(drawing) {
  const flows = {
    c_prev: pipe(drawing, "M8 62H95"),
    kept: pipe(drawing, "M95 62H160"),
    c: pipe(drawing, "M182 62H306"),
    g: pipe(drawing, "M171 182V135"),
    written: pipe(drawing, "M171 135V73"),
    copied: pipe(drawing, "M246 62V95"),
    squashed: pipe(drawing, "M246 112V158"),
    h: pipe(drawing, "M246 158V206"),
  };
  add(drawing, "path", { d: "M306 53L318 62L306 71Z", class: "head" });
  add(drawing, "path", { d: "M237 204L246 216L255 204Z", class: "head" });
  add(drawing, "circle", { cx: 171, cy: 62, r: 12, class: "node" });
  add(drawing, "path", { d: "M164 62H178M171 55V69", class: "line" });
  add(drawing, "rect", { x: 224, y: 92, width: 44, height: 24, rx: 4, class: "node" });
  add(drawing, "text", { x: 246, y: 109, class: "middle" }, "tanh");
  add(drawing, "path", { d: "M128 216V192L171 180L214 192V216Z", class: "candidate" });
  add(drawing, "path", { d: "M96 203H123m-7 -5l8 5l-8 5", class: "line" });
  const valves = {
    f: valve(drawing, 95, 62, true),
    i: valve(drawing, 171, 135, false),
    o: valve(drawing, 246, 158, false),
  };
  const text = (x, y, look = "") => add(drawing, "text", { x, y, class: look });
  const labels = {
    c_prev: [text(2, 104), "c_{t−1}"],
    f: [text(95, 26, "middle"), "*f*"],
    i: [text(142, 140, "end"), "*i*"],
    g: [text(171, 208, "middle"), "*g*"],
    c: [text(318, 36, "end"), "c_t"],
    o: [text(318, 181, "end"), "*o*"],
    h: [text(246, 234, "middle"), "h_t"],
    x: [text(2, 196), "x_t"],
    h_prev: [text(2, 214), "h_{t−1}"],
  };
  return { flows, valves, labels };
}

function build(panel) {
  const { drawing, settings } = panel;
  const { flows, valves, labels } = drawCell(drawing);

  const before = group(panel, "What comes in");
  slider(panel, { key: "x", label: "x_t, input", min: -2, max: 2, step: 0.1, parent: before });
  slider(panel, { key: "h_prev", label: "h_{t−1}, state before", min: -1, max: 1, step: 0.05, parent: before });
  slider(panel, { key: "c_prev", label: "c_{t−1}, memory before", min: -3, max: 3, step: 0.1, parent: before });
  panel.shows.push(() => {
    const values = step(settings); // a gate's slider follows what is computed
    for (const gate of Object.keys(GATES)) settings[gate] = values[gate];
  });
  const gates = group(panel, "Gates");
  for (const [gate, name] of Object.entries(GATES)) {
    const when = `${gate}_by_hand`;
    const label = `*${gate}*, ${name}`;
    const beside = { key: when, label: "by hand", name: `set the ${name} by hand` };
    slider(panel, { key: gate, label, min: 0, max: 1, step: 0.01, when, beside, parent: gates });
  }
  button(panel, "One step on", () => {
    const { h, c } = step(settings);
    Object.assign(settings, { h_prev: h, c_prev: c });
  });
  const line = ([gate, weights]) => `*${gate}* = ${gate === "g" ? "tanh" : "σ"}(${preactivation(weights)})`;
  const weights = `Computed by fixed weights: ${Object.entries(WEIGHTS).map(line).join(", ")}.`;
  panel.note(`${weights} “One step on” makes h_t and c_t the new h_{t−1} and c_{t−1}.`);

  return () => {
    const values = { ...settings, ...step(settings) };
    const { i, f, g, o, c_prev, c, h } = values;
    const flowing = { ...values, kept: f * c_prev, written: i * g, copied: c, squashed: Math.tanh(c) };
    for (const [name, show] of Object.entries(flows)) show(flowing[name]);
    for (const [name, open] of Object.entries(valves)) open(values[name]);
    for (const [name, [label, letter]] of Object.entries(labels)) write(label, `${letter} = ${number(values[name])}`);
    const change = Math.abs(c - c_prev) < 0.005 ? "the memory is kept" : `it was ${number(c_prev)}`;
    return (
      `c_t = *f* c_{t−1} + *i* *g* = ${number(f)} · ${bracketed(c_prev)} + ${number(i)} · ${bracketed(g)} ` +
      `= ${number(c)}: ${change}. h_t = *o* tanh(c_t) = ${number(o)} · ${bracketed(Math.tanh(c))} = ${number(h)}.`
    );
  };
}

interactive("lstm-cell", {
  title: "One step of an LSTM cell",
  hint: HINT,
  start: START,
  size: [320, 244],
  build,
});
