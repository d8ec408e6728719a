// The softmax of four logits at a temperature: the sum stays 1, the order stays, the bars even out or sharpen.

import { add, interactive, number, set, slider } from "./common.js";

const LETTERS = ["e", "a", "t", "z"];
const START = { e: 2, a: 1, t: 0, z: -1, temperature: 1 };
const HINT =
  "Try: bring τ down to 0.1, then up to 5. Which bar is the highest, and does that change? " +
  "At τ = 1, raise all four logits by 1: what happens to the probabilities?";

/** softmax(logits / temperature), with its sum and its entropy in nats. */
export function probabilities({ logits, temperature }) {
  const largest = Math.max(...logits);
  const powers = logits.map((o) => Math.exp((o - largest) / temperature)); // no exponent above 0: none overflows
  const total = powers.reduce((a, b) => a + b);
  const p = powers.map((power) => power / total);
  const sum = p.reduce((a, b) => a + b);
  const entropy = p.reduce((h, each) => (each > 0 ? h - each * Math.log(each) : h), 0);
  return { p, sum, entropy };
}

function build(panel) {
  const { drawing, settings } = panel;
  const [floor, height, width, gap] = [158, 130, 52, 76];
  add(drawing, "line", { x1: 8, x2: 312, y1: floor, y2: floor, class: "line" });
  add(drawing, "line", { x1: 8, x2: 312, y1: floor - height, y2: floor - height, class: "line faint" });
  add(drawing, "text", { x: 312, y: floor - height - 5, class: "small end" }, "1");
  const bars = LETTERS.map((letter, k) => {
    const x = 46 + gap * k;
    add(drawing, "text", { x, y: floor + 19, class: "middle" }, letter);
    return {
      bar: add(drawing, "rect", { x: x - width / 2, width, class: "state" }),
      value: add(drawing, "text", { x, class: "middle" }),
      scaled: add(drawing, "text", { x, y: floor + 37, class: "small middle" }),
    };
  });
  const sums = add(drawing, "text", { x: 160, y: floor + 60, class: "middle" });

  LETTERS.forEach((letter, k) =>
    slider(panel, { key: letter, label: `o_${k + 1}, logit of “${letter}”`, min: -3, max: 3, step: 0.1, digits: 1 }),
  );
  slider(panel, { key: "temperature", label: "τ, temperature", min: 0.1, max: 5, step: 0.1, digits: 1 });

  return () => {
    const logits = LETTERS.map((letter) => settings[letter]);
    const { p, sum, entropy } = probabilities({ logits, temperature: settings.temperature });
    bars.forEach(({ bar, value, scaled }, k) => {
      set(bar, { y: floor - height * p[k], height: height * p[k] });
      set(value, { y: floor - height * p[k] - 5 });
      value.textContent = number(p[k], 3);
      scaled.textContent = number(logits[k] / settings.temperature, 1);
    });
    const most = number(Math.log(LETTERS.length));
    sums.textContent = `sum ${number(sum, 3)}   entropy ${number(entropy)} nats (at most ${most})`;
    const best = Math.max(...p);
    const likeliest = LETTERS.filter((_, k) => p[k] > best - 1e-9).map((letter) => `“${letter}”`);
    return (
      `At τ = ${number(settings.temperature, 1)} the largest probability is ${number(best, 3)}, that of ` +
      `${likeliest.join(" and ")}; the sum is ${number(sum, 3)} and the entropy ${number(entropy)} nats.`
    );
  };
}

interactive("softmax-temperature", {
  title: "Softmax of four logits at a temperature",
  hint: HINT,
  start: START,
  size: [320, 226],
  build,
});
