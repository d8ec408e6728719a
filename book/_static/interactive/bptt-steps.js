// Backpropagation through time on a network of one unit, step by step, with paths that can be switched off.

import { add, bracketed, button, checkbox, group, interactive, number, set, slider, write } from "./common.js";

export const T = 5;
export const WEIGHTS = { W_x: 1, W_h: 0.9 };
export const INPUTS = [0.8, -0.3, 0.4, -0.9, 0.6];
/** What h_t should be: the loss of a step is half the square of what is missing. */
export const TARGETS = [0.9, -0.4, 0.7, -0.2, -0.5];

const FULL = { losses: Array(T).fill(true), edges: Array(T - 1).fill(true) };
const PIECES_OF_2 = Array.from({ length: T - 1 }, (_, e) => e % 2 === 0);
const START = { t: T, ...FULL };
const HINT =
  "Try: walk back from *t* = 5 to *t* = 1 and add up the two numbers that meet at each state. Then let only L_5 " +
  "count: how much of it arrives at each step? Cut the edge from 3 to 2: which terms of dW_h change?";

/**
 * Forward, then back: the states h_0 … h_T, and for each step what comes to h_t from its loss and from the step after,
 * their sum dh_t, da_t, and the step's term of dW_h. `losses[t − 1]` says whether the loss at t counts, `edges[t − 1]`
 * whether the gradient passes from step t + 1 to step t.
 */
export function backward({ losses, edges }) {
  const { W_x, W_h } = WEIGHTS;
  const h = [0];
  for (const x of INPUTS) h.push(Math.tanh(x * W_x + h.at(-1) * W_h));
  const [from_loss, from_later, dh, da, terms] = [[], [], [], [], []];
  for (let t = T; t >= 1; t--) {
    const s = t - 1; // the lists begin with step 1
    from_loss[s] = losses[s] ? h[t] - TARGETS[s] : 0;
    from_later[s] = t < T && edges[s] ? da[s + 1] * W_h : 0;
    dh[s] = from_loss[s] + from_later[s];
    da[s] = dh[s] * (1 - h[t] ** 2);
    terms[s] = h[t - 1] * da[s];
  }
  return { h, from_loss, from_later, dh, da, terms, dW_h: terms.reduce((a, b) => a + b) };
}

const column = (t) => 76 + 57 * (t - 1);
const [LOSS, STATE, SUM, TERM] = [24, 102, 150, 176];

/** The parts of the drawing that belong to step t. */
function drawStep(drawing, t) {
  const x = column(t);
  const text = (y, look = "small middle", dx = 0) => add(drawing, "text", { x: x + dx, y, class: look });
  const path = (d, look = "line") => add(drawing, "path", { d, class: look });
  const parts = {
    frame: add(drawing, "rect", { x: x - 28, y: 4, width: 56, height: 182, rx: 6, class: "frame" }),
    down: path(`M${x} ${LOSS + 16}V${STATE - 24}m-5 -5l5 7l5 -7`),
    loss_box: path(`M${x - 7} ${LOSS - 16}h14l9 9v14l-9 9h-14l-9 -9v-14z`, "loss"),
    state: add(drawing, "circle", { cx: x, cy: STATE, r: 20, class: "state" }),
    value: text(STATE + 4),
    loss: text(LOSS + 30, "small end", -5),
    dh: text(SUM),
    term: text(TERM),
  };
  write(text(LOSS + 5, "middle"), `L_${t}`);
  if (t === T) return parts;
  const [left, right] = [x + 21, column(t + 1) - 21];
  parts.back = path(`M${right} ${STATE}H${left + 1}m6 -5l-6 5l6 5`);
  parts.cut = path(`M${(left + right) / 2 - 6} ${STATE - 8}l12 16m-12 0l12 -16`, "line cut");
  parts.later = text(STATE - 22, "small middle", 28);
  return parts;
}

function build(panel) {
  const { drawing, settings } = panel;
  for (const [y, name] of [[LOSS + 5, "loss"], [STATE + 4, "h_t"], [SUM, "dh_t"], [TERM, "dW_h"]]) {
    add(drawing, "text", { x: 2, y }, name);
  }
  const steps = Array.from({ length: T }, (_, s) => drawStep(drawing, s + 1));
  const total = add(drawing, "text", { x: 318, y: TERM + 30, class: "end" });

  slider(panel, { key: "t", label: "*t*, step reached", min: 1, max: T, step: 1, digits: 0 });
  const losses = group(panel, "Losses that count");
  const edges = group(panel, "Edges back in time");
  for (let t = 1; t <= T; t++) checkbox(panel, { key: "losses", index: t - 1, label: `L_${t}`, parent: losses });
  for (let t = 1; t < T; t++) {
    checkbox(panel, { key: "edges", index: t - 1, label: `${t + 1} to ${t}`, parent: edges });
  }
  button(panel, "One step back", () => (settings.t = Math.max(1, settings.t - 1)));
  button(panel, "Truncate: pieces of 2", () => (settings.edges = [...PIECES_OF_2]));
  button(panel, "Full BPTT", () => Object.assign(settings, structuredClone(FULL)));
  const list = (values) => values.map((value) => number(value, 1)).join(", ");
  const note =
    `h_t = tanh(x_t W_x + h_{t−1} W_h) with W_x = ${WEIGHTS.W_x}, W_h = ${WEIGHTS.W_h}, h_0 = 0 and x_t = ` +
    `${list(INPUTS)}. L_t is half the square of h_t minus its target, ${list(TARGETS)}, so its own part of dh_t is ` +
    "that difference. The part from step *t* + 1 is da_{t+1} W_h, with da_t = dh_t (1 − h_t²). A step’s term of dW_h " +
    "is h_{t−1} da_t.";
  panel.note(note);

  return () => {
    const { t: now, losses, edges } = settings;
    const { h, from_loss, from_later, dh, terms, dW_h } = backward(settings);
    steps.forEach((parts, s) => {
      const t = s + 1;
      const reached = t >= now;
      const show = (part, on) => part && set(part, { visibility: on ? "visible" : "hidden" });
      set(parts.frame, { visibility: t === now ? "visible" : "hidden" });
      set(parts.loss_box, { class: losses[s] ? "loss" : "off" });
      set(parts.state, { class: reached ? "state" : "off" });
      parts.value.textContent = number(h[t]);
      for (const part of [parts.down, parts.loss]) show(part, reached && losses[s]);
      for (const part of [parts.back, parts.later]) show(part, reached && t < T);
      show(parts.cut, t < T && !edges[s]);
      for (const part of [parts.dh, parts.term]) show(part, reached);
      parts.loss.textContent = number(from_loss[s]);
      if (parts.later) parts.later.textContent = number(from_later[s]);
      parts.dh.textContent = number(dh[s]);
      parts.term.textContent = number(terms[s]);
    });
    const sofar = terms.slice(now - 1).reduce((a, b) => a + b);
    write(total, `sum of the terms${now > 1 ? " so far" : ", dW_h"}: ${number(sofar, 3)}`);
    const s = now - 1;
    const later = now === T ? "0, as no step follows," : `${bracketed(from_later[s])} from step ${now + 1}`;
    const all = backward(FULL).dW_h;
    return (
      `dh_${now} = ${number(from_loss[s])} from the loss at ${now} + ${later} = ${number(dh[s])}. ` +
      `With these paths dW_h is ${number(dW_h, 3)} in the end; with all of them ${number(all, 3)}.`
    );
  };
}

interactive("bptt-steps", {
  title: "Backpropagation through time, step by step",
  hint: HINT,
  start: START,
  size: [320, 212],
  build,
});
