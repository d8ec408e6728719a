// How long the gradient is that arrives k steps back, by the spectral radius of the recurrent weights.

import { add, checkbox, interactive, number, set, slider, write } from "./common.js";

export const UNITS = 8;
export const LAGS = 40;

/** An orthogonal matrix (of the discrete cosine transform): times ρ, all its eigenvalues have the size ρ. */
export const Q = Array.from({ length: UNITS }, (_, j) =>
  Array.from({ length: UNITS }, (_, k) =>
    Math.sqrt((j === 0 ? 1 : 2) / UNITS) * Math.cos((Math.PI * (k + 0.5) * j) / UNITS),
  ),
);

/** The input's part of the pre-activations, x_t W_x + b: for each step a row of numbers between −0.5 and 0.5. */
export const INPUTS = Array.from({ length: LAGS }, (_, t) =>
  Array.from({ length: UNITS }, (_, k) => 0.5 * Math.sin(1.7 * (t + 1) * (k + 1))),
);

/** The gradient by h_T that is sent back: of length 1, all entries alike. */
export const LAST = Array(UNITS).fill(1 / Math.sqrt(UNITS));

const START = { radius: 0.9, lag: 10, tanh: false };
const HINT =
  "Try: find the spectral radius at which the line is level. How long is the gradient 40 steps back at 0.8, and at " +
  "1.2? Then switch tanh on: which of the two does it change more?";

const sum = (list) => list.reduce((a, b) => a + b, 0);
const norm = (v) => Math.sqrt(sum(v.map((each) => each * each)));

/** Lengths of the gradient by h_{T−k} for k = 0 … LAGS, with W_h = ρ Q, from h_0 = 0; linear, or through tanh. */
export function lengths({ radius, tanh }) {
  const factors = []; // of each step and unit: the derivative of its nonlinearity
  let h = Array(UNITS).fill(0);
  for (const row of INPUTS) {
    const a = row.map((each, k) => each + radius * sum(h.map((value, j) => value * Q[j][k])));
    h = tanh ? a.map(Math.tanh) : a;
    factors.push(h.map((value) => (tanh ? 1 - value * value : 1)));
  }
  let dh = LAST;
  const all = [norm(dh)];
  for (const factor of factors.reverse()) {
    const da = dh.map((each, k) => each * factor[k]);
    dh = Q.map((row) => radius * sum(row.map((weight, k) => weight * da[k])));
    all.push(norm(dh));
  }
  return all;
}

const superscript = (power) => `${power}`.replace(/./g, (c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);

/** A length as text: a plain number where it is of middling size, else with a power of ten. */
export function inWords(length) {
  if (length >= 0.001 && length < 1000) return number(length, length < 0.1 ? 4 : length < 10 ? 3 : 0);
  const [digits, power] = length.toExponential(1).split("e");
  return `${digits} · 10${superscript(Number(power))}`;
}

const [LOW, HIGH] = [-12, 8]; // powers of ten
const across = (lag) => 46 + (262 * lag) / LAGS;
const up = (length) => 26 + (176 * (HIGH - Math.log10(length))) / (HIGH - LOW);

function build(panel) {
  const { drawing, settings } = panel;
  for (let power = LOW; power <= HIGH; power += 4) {
    const y = up(10 ** power);
    add(drawing, "path", { d: `M46 ${y}H308`, class: power === 0 ? "line thin" : "line faint" });
    add(drawing, "text", { x: 40, y: y + 4, class: "small end" }, power === 0 ? "1" : `10${superscript(power)}`);
  }
  for (let lag = 0; lag <= LAGS; lag += 10) {
    add(drawing, "text", { x: across(lag), y: 220, class: "small middle" }, `${lag}`);
  }
  add(drawing, "text", { x: across(LAGS / 2), y: 238, class: "small middle" }, "lag *k*, steps back");
  add(drawing, "text", { x: 46, y: 12, class: "small" }, "length of the gradient");
  const other = add(drawing, "path", { class: "curve dashed" });
  const other_label = add(drawing, "text", { x: 308, class: "small end" });
  const curve = add(drawing, "path", { class: "curve" });
  const point = add(drawing, "circle", { r: 6, class: "loss" });
  const label = add(drawing, "text");

  slider(panel, { key: "radius", label: "ρ, spectral radius of W_h", min: 0.6, max: 1.4, step: 0.01 });
  slider(panel, { key: "lag", label: "*k*, lag", min: 0, max: LAGS, step: 1, digits: 0 });
  checkbox(panel, { key: "tanh", label: "tanh (without it the network is linear)" });
  panel.note(`A network of ${UNITS} units that reads one fixed sequence, with W_h = ρ *Q* and *Q* orthogonal.`);

  return () => {
    const { radius, lag, tanh } = settings;
    const path = (all) => `M${all.map((length, k) => `${across(k).toFixed(1)} ${up(length).toFixed(1)}`).join("L")}`;
    const all = lengths(settings);
    set(curve, { d: path(all) });
    const others = lengths({ radius, tanh: !tanh });
    set(other, { d: path(others) });
    set(other_label, { y: up(others[LAGS]) + (others[LAGS] > all[LAGS] ? -10 : 20) });
    other_label.textContent = tanh ? "linear" : "with tanh";
    set(point, { cx: across(lag), cy: up(all[lag]) });
    const left = lag > LAGS / 2;
    const below = left === (all[lag] < 1); // where the line is not
    const y = up(all[lag]) + (below ? 20 : -10);
    set(label, { x: across(lag) + (left ? -10 : 10), y, class: left ? "halo end" : "halo" });
    write(label, inWords(all[lag]));
    const factor = all[LAGS] ** (1 / LAGS);
    const fate = factor < 0.995 ? "vanishes" : factor > 1.005 ? "explodes" : "neither vanishes nor explodes";
    return (
      `With ρ = ${number(radius)} ${tanh ? "and tanh" : "in a linear network"}, the gradient is ${inWords(all[lag])} ` +
      `times as long ${lag} steps back. Over ${LAGS} steps, each multiplies it by ${number(factor)} on average: ` +
      `it ${fate}.`
    );
  };
}

interactive("gradient-lag", {
  title: "Length of the gradient against the lag, on a logarithmic scale",
  hint: HINT,
  start: START,
  size: [320, 244],
  build,
});
