"""The equations of the page on the GRU's relatives, read from its LaTeX, beside the library."""

import re

import numpy as np
import pytest
from equations import blocks_of, displayed, evaluate

from rnnlib import GRU, MUT1, MUT2, MUT3, GatedFeedback, Imaginet
from rnnlib.gradcheck import relative_error
from rnnlib.losses import cross_entropy, mean_squared_error

EQUATIONS = displayed("gru/relatives")
NOT_COMPUTED = {}

T, B, D, H = 4, 2, 3, 5


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_every_label_is_accounted_for():
    assert set(EQUATIONS) == NOT_COMPUTED.keys() | {
        "eq-relatives-gru",
        "eq-mut1",
        "eq-mut2",
        "eq-mut3",
        "eq-mut-projection",
        "eq-feedback-gate",
        "eq-feedback-sum",
        "eq-feedback-state",
        "eq-imaginet-readouts",
        "eq-imaginet-loss",
    }


@pytest.mark.parametrize("size", [H, D], ids=["bare", "projected"])
@pytest.mark.parametrize(
    ("label", "cell", "options"),
    [
        ("eq-relatives-gru", GRU, {"reset": "before", "update": "renew"}),
        ("eq-mut1", MUT1, {}),
        ("eq-mut2", MUT2, {}),
        ("eq-mut3", MUT3, {}),
    ],
)
def test_cells(rng, label, cell, options, size):
    layer, latex = cell(size, H, rng=rng, **options), EQUATIONS[label]
    names = blocks_of(layer)
    if "W_{xp}" in names:  # where the input stands bare it is projected: not before a matrix
        latex = re.sub(r"(?<=\()x_t(?= \+|\))", r"\\tilde x_t", latex)
        assert r"\tilde x_t" in latex
    xs, h = rng.standard_normal((T, B, size)), rng.standard_normal((B, H))
    hs, _ = layer.forward(xs, h)
    for x, expected in zip(xs, hs, strict=True):
        step = {**names, "x_t": x, "h_{t-1}": h}
        if "W_{xp}" in names:
            step = evaluate(EQUATIONS["eq-mut-projection"], step)
        h = evaluate(latex, step)["h_t"]
        assert relative_error(h, expected) < 1e-13


def test_the_projection_is_that_of_two_cells_and_only_where_sizes_differ(rng):
    projected = {(cell, size) for cell in (MUT1, MUT2, MUT3) for size in (D, H) if projects(cell(size, H, rng=rng))}
    assert projected == {(MUT1, D), (MUT2, D)}


def projects(layer):
    return "W_{xp}" in blocks_of(layer)


@pytest.mark.parametrize("L", [2, 3])
def test_gated_feedback(rng, L):
    r"""The page's lines for each pair of layers: i and j take their numbers, the sum over i is written out."""
    layer = GatedFeedback(D, H, rng=rng, layers=L)
    params, names = layer.params, {}
    for j in range(1, L + 1):
        suffix = "" if j == 1 else str(j)
        names |= {f"W^{{{j}}}": params[f"W_x{suffix}"], f"b^{{{j}}}": params[f"b{suffix}"]}
        for i in range(1, L + 1):
            column = (j - 1) * L + i - 1
            names[rf"w^{{{i} \to {j}}}"] = params[f"W_gx{suffix}"][:, i - 1 : i]
            names[rf"u^{{{i} \to {j}}}"] = params["W_gh"][:, column : column + 1]
            from_i = params["W_h" if i == 1 else f"W_h{i}"]
            names[rf"U^{{{i} \to {j}}}"] = from_i[:, (j - 1) * H : j * H]
    xs, states = rng.standard_normal((T, B, D)), list(rng.standard_normal((L, B, H)))
    hs, after = layer.forward(xs, tuple(states))
    for x, expected in zip(xs, hs, strict=True):
        step = {**names, "h^*_{t-1}": np.concatenate(states, axis=1), "v^1_t": x}
        step |= {f"h^{i}_{{t-1}}": h for i, h in enumerate(states, start=1)}
        for j in range(1, L + 1):
            for i in range(1, L + 1):
                step = evaluate(numbered(EQUATIONS["eq-feedback-gate"], i, j), step)
                assert step[rf"g^{{{i} \to {j}}}_t"].shape == (B, 1)
            left, right = EQUATIONS["eq-feedback-sum"].split("=", maxsplit=1)
            term = right.removeprefix(r" \sum_{i=1}^{L}")
            terms = " + ".join(numbered(term, i, j).strip() for i in range(1, L + 1))
            step = evaluate(f"{numbered(left, 0, j)} = {terms}", step)
            step = evaluate(numbered(EQUATIONS["eq-feedback-state"], 0, j), step)
            step[f"v^{j + 1}_t"] = step[f"h^{j}_t"]
        states = [step[f"h^{j}_t"] for j in range(1, L + 1)]
        assert relative_error(states[-1], expected) < 1e-13
    for state, expected in zip(states, after, strict=True):
        assert relative_error(state, expected) < 1e-13


def numbered(latex, i, j):
    """The indices i and j of layers in superscripts, in numbers."""
    latex = latex.replace(r"{i \to j}", rf"{{{i} \to {j}}}").replace("{j}", f"{{{j}}}")
    return latex.replace("^i_", f"^{i}_").replace("^j_", f"^{j}_")


def test_imaginet(rng):
    V, E, pixels, alpha = 9, 4, 6, 0.3
    model = Imaginet(V, E, H, pixels, alpha=alpha, rng=rng)
    tokens, images = rng.integers(V, size=(T + 1, B)), rng.standard_normal((B, pixels))
    logits, pictures = model.forward(tokens[:-1])
    latex = {label: re.sub(r"\\text\{(\w+)\}", r"\1", EQUATIONS[label]) for label in EQUATIONS}

    hs = {}
    for name, part in (("text", "textual"), ("vis", "visual")):  # the page: the GRU of eq-relatives-gru
        h, weights = np.zeros((B, H)), blocks_of(model.parts[part])
        for words in tokens[:-1]:
            names = {**weights, "x_t": model.params["embedding.W_e"][words], "h_{t-1}": h}
            h = evaluate(EQUATIONS["eq-relatives-gru"], names)["h_t"]
        hs[name] = h
    names = {"h^{text}_t": hs["text"], "h^{vis}_T": hs["vis"]}
    for part in ("word", "picture"):
        names |= {f"W_{{{part}}}": model.params[f"{part}.W_y"], f"b_{{{part}}}": model.params[f"{part}.b_y"]}
    names = evaluate(latex["eq-imaginet-readouts"], names)
    assert relative_error(names["o_t"], logits[-1]) < 1e-13
    assert relative_error(names["v"], pictures) < 1e-13

    losses = {r"\alpha": alpha, "L^{text}": cross_entropy(logits, tokens[1:])}
    losses["L^{vis}"] = mean_squared_error(pictures, images)
    loss = evaluate(latex["eq-imaginet-loss"], losses)["L"]
    assert abs(loss - model.loss(logits, pictures, tokens[1:], images)) < 1e-13
