// The state of a GRU with one unit moves on the line between its candidate and its old value.

import { add, bracketed, choice, interactive, number, set, slider, write } from "./common.js";

/** The weights of the candidate: n = tanh(W_xn x_t + r W_hn h_{t−1}), with no bias. */
export const WEIGHTS = { W_xn: 1.5, W_hn: 2 };

const START = { z: 0.75, r: 1, h_prev: -0.8, x: 1.5, update: "keep" };
const HINT =
  "Try: move *z* from 0 to 1. Which end is *z* = 1, and what does the switch change? " +
  "Where does *r* act, on the old end of the line or on the new one? At *r* = 0, what does *n* depend on?";

/** One step: the candidate n, the shares of n and of the old state, and their sum h. */
export function step({ x, h_prev, r, z, update }) {
  const n = Math.tanh(WEIGHTS.W_xn * x + r * (WEIGHTS.W_hn * h_prev));
  const kept = update === "keep" ? z : 1 - z;
  const renewed = 1 - kept;
  const h = renewed * n + kept * h_prev;
  return { n, kept, renewed, h };
}

const at = (value) => 160 + 140 * value;
const [LINE, WIDE] = [60, 240];

function build(panel) {
  const { drawing, settings } = panel;
  add(drawing, "path", { d: `M${at(-1)} ${LINE}H${at(1)}`, class: "line faint" });
  for (const tick of [-1, 0, 1]) {
    add(drawing, "path", { d: `M${at(tick)} ${LINE - 4}V${LINE + 4}`, class: "line" });
    add(drawing, "text", { x: at(tick), y: LINE + 50, class: "small middle" }, number(tick, 0));
  }
  const between = add(drawing, "path", { class: "line" });
  const old = add(drawing, "circle", { cy: LINE, r: 11, class: "state" });
  const fresh = add(drawing, "path", { class: "candidate" });
  const now = add(drawing, "path", { class: "other" });
  const label = (y) => add(drawing, "text", { y, class: "middle" });
  const [old_label, fresh_label, now_label] = [label(LINE - 18), label(LINE - 18), label(LINE + 32)];
  const bar = { y: 132, height: 24 };
  const kept_bar = add(drawing, "rect", { x: 160 - WIDE / 2, ...bar, class: "state" });
  const renewed_bar = add(drawing, "rect", { ...bar, class: "candidate" });
  const kept_label = add(drawing, "text", { x: 160 - WIDE / 2, y: 174 });
  const renewed_label = add(drawing, "text", { x: 160 + WIDE / 2, y: 174, class: "end" });

  slider(panel, { key: "z", label: "*z*, update gate", min: 0, max: 1, step: 0.01 });
  slider(panel, { key: "r", label: "*r*, reset gate", min: 0, max: 1, step: 0.01 });
  slider(panel, { key: "h_prev", label: "h_{t−1}, state before", min: -1, max: 1, step: 0.05 });
  slider(panel, { key: "x", label: "x_t, input", min: -2, max: 2, step: 0.1 });
  choice(panel, {
    key: "update",
    legend: "What *z* = 1 does",
    choices: [
      ["keep", "it keeps: h_t = (1 − *z*) *n* + *z* h_{t−1}"],
      ["renew", "it renews: h_t = *z* *n* + (1 − *z*) h_{t−1}"],
    ],
  });
  const note = "*z* and *r* are set by hand here, where a cell computes them from x_t and h_{t−1}. ";
  const candidate = `The candidate is *n* = tanh(${WEIGHTS.W_xn} x_t + *r* · ${WEIGHTS.W_hn} h_{t−1}).`;
  panel.note(note + candidate);

  return () => {
    const { h_prev, z, update } = settings;
    const { n, kept, renewed, h } = step(settings);
    set(between, { d: `M${at(h_prev)} ${LINE}H${at(n)}`, "stroke-width": 4 });
    set(old, { cx: at(h_prev) });
    set(fresh, { d: `M${at(n) - 11} ${LINE + 11}v-16l11 -9l11 9v16z` });
    set(now, { d: `M${at(h)} ${LINE - 8}l8 8l-8 8l-8 -8z` });
    const place = (element, value, text) => {
      set(element, { x: Math.min(Math.max(at(value), 46), 274) });
      write(element, `${text} = ${number(value)}`);
    };
    place(old_label, h_prev, "h_{t−1}");
    place(fresh_label, n, "*n*");
    place(now_label, h, "h_t");
    set(fresh_label, { y: Math.abs(n - h_prev) < 0.75 ? LINE - 40 : LINE - 18 });
    set(kept_bar, { width: WIDE * kept });
    set(renewed_bar, { x: 160 - WIDE / 2 + WIDE * kept, width: WIDE * renewed });
    write(kept_label, `${number(kept)} of h_{t−1}`);
    write(renewed_label, `${number(renewed)} of *n*`);
    const where = kept === 1 ? "the old state" : kept === 0 ? "the candidate" : "between the two";
    return (
      `With *z* = ${number(z)}, which here ${update === "keep" ? "keeps" : "renews"}, h_t = ${number(renewed)} · ` +
      `${bracketed(n)} + ${number(kept)} · ${bracketed(h_prev)} = ${number(h)}, ${where}.`
    );
  };
}

interactive("gru-interpolation", {
  title: "One step of a GRU",
  hint: HINT,
  start: START,
  size: [320, 180],
  build,
});
