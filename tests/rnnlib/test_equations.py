r"""The equations that docstrings display are those that the code computes: read from the LaTeX, evaluated, compared."""

import inspect
import re

import numpy as np
import pytest
from equations import FUNCTIONS, Reader, blocks_of
from test_family import FAMILY, Case

from rnnlib.gradcheck import relative_error


def math_of(thing):
    """The displayed equations of a docstring: blocks of lines, without alignment, spaces and sizes of parentheses."""
    blocks = re.findall(r"\.\. math::(.*?)(?=\n\S|\Z)", inspect.getdoc(thing), flags=re.DOTALL)
    cleaned = [re.sub(r"\\bigl|\\bigr|\\Bigl|\\Bigr|\\,|&", "", block).strip(" .\n") for block in blocks]
    return [[" ".join(line.split()) for line in block.split(r"\\")] for block in cleaned]


def equations(case):
    """The lines of the cell's docstring for these options: left and right sides, in their order."""
    kind, options, blocks = type(case.layer).__name__, case.layer.options, math_of(case.layer.cell)
    lines = [line.partition(" = ")[::2] for line in blocks[0]]
    if kind == "DeepTransitionRNN":
        L, first, between, last = options.get("depth", 2), *blocks[0]
        between = between.removesuffix(r" \qquad 1 < l < L")
        texts = [first, *(re.sub(r"\bl\b|(?<=[_^])l", str(l), between) for l in range(2, L)), last.replace("L", str(L))]
        texts = [re.sub(r"\{(\d+)-1\}", lambda found: str(int(found[1]) - 1), text) for text in texts]
        lines = [text.partition(" = ")[::2] for text in texts]
    variants = {}
    for line in blocks[1] if len(blocks) > 1 and kind != "LSTM1997" else []:
        label, _, rest = line.partition("} ")
        labels, changes = label.removeprefix(r"\text{").split(", "), rest.removeprefix(r"\qquad ").split(r", \quad ")
        if len(labels) == len(changes):
            variants |= {one: change.split(" = ") for one, change in zip(labels, changes, strict=True)}
    for label in {
        "GRU": ["reset before"] * (options.get("reset") == "before")
        + ["recurrent bias"] * options.get("recurrent_bias", False)
        + ["renew"] * (options.get("update") == "renew"),
        "PeepholeLSTM": ["NIG"] * (not options.get("input_gate", True))
        + ["NFG"] * (not options.get("forget_gate", True))
        + ["NOG"] * (not options.get("output_gate", True))
        + ["NIAF"] * (options.get("input_activation") == "identity")
        + ["NOAF"] * (options.get("output_activation") == "identity")
        + ["CIFG"] * options.get("coupled", False)
        + ["NP"] * (not options.get("peepholes", True)),
    }.get(kind, []):
        *lefts, right = variants[label]
        if label == "NP":  # about weights, so it comes first
            lines = [*((left, right) for left in lefts), *lines]
        else:
            lines = [(left, right if left == lefts[0] else old) for left, old in lines]
    return lines


def step(case, names, lines):
    """Everything that the lines define, with what they are made of."""
    names = dict(names)
    for left, right in lines:
        names[left] = Reader(right, names).value()
    return names


def first_names(case):
    """What is known before the first step: weights, functions, the state."""
    D, H = case.xs.shape[2], case.layer.hidden_size
    names = {**FUNCTIONS, **blocks_of(case.layer)}
    names[r"\phi"] = FUNCTIONS.get(rf"\operatorname{{{case.layer.options.get('nonlinearity')}}}", np.tanh)
    names.setdefault("W_s", np.zeros((H, H)))  # without the shortcut
    for letter, s in zip(case.states, case.state0, strict=True):
        names[f"{letter}_{{t-1}}"] = s
    return names, D == H


def with_x(names, x, bare):
    names = {**names, "x_t": x}
    return {**names, r"\tilde x_t": x if bare or "W_{xp}" not in names else x @ names["W_{xp}"]}


#: What is beyond the reader: more than one index, a row of states, and words.
PINNED = {
    "GatedFeedback": [
        [
            r"h^*_{t-1} = [h^1_{t-1}, \ldots, h^L_{t-1}]",
            r"g^{i \to j}_t = \sigma(v^j_t w^{i \to j} + h^*_{t-1} u^{i \to j})",
            r"s^j_t = \sum_{i=1}^{L} g^{i \to j}_t (h^i_{t-1} U^{i \to j})",
        ],
        [
            r"\text{tanh} \qquad h^j_t = \tanh(v^j_t W^j + b^j + s^j_t)",
            r"\text{LSTM} \qquad g^j_t = \tanh(v^j_t W^j_g + b^j_g + s^j_t)",
            r"\text{GRU} \qquad n^j_t = \tanh(v^j_t W^j_n + b^j_n + r^j_t \odot s^j_t)",
        ],
    ],
    "GatedFeedback layer": [
        [
            r"s^j_t = \sum_{i=1}^{L} g^{i \to j}_t (h^i_{t-1} U^{i \to j}), \qquad g^{i \to j}_t = \sigma(h^{j-1}_t "
            r"w^{i \to j} + h^*_{t-1} u^{i \to j}), \qquad h^0_t = x_t"
        ]
    ],
    "FGR": r"\text{FGR} \qquad [i_{t-1}, f_{t-1}, o_{t-1}] W_g \text{ is added to the pre-activations of } "
    r"i_t, f_t, o_t",
}

READABLE = [
    entry
    for entry in FAMILY
    if entry.kind != "GatedFeedback"
    and not entry.options.get("full_gate_recurrence")
    and "centred" not in str(entry.options)
]


@pytest.mark.parametrize("entry", READABLE, ids=str)
@pytest.mark.parametrize("size", [(4, 2, 3, 5), (4, 2, 5, 5)])
def test_a_layer_computes_the_equations_of_its_docstrings(entry, size):
    case = Case(entry, *size)
    (hs, state), (names, bare), lines = case.forward(), first_names(case), equations(case)
    default = {k: v for k, v in entry.options.items() if k not in ("truncated", "factors")} == {}
    told = [part for block in math_of(type(case.layer)) for line in block for part in line.split(r", \qquad ")]
    told += [t for t in re.findall(r":math:`([^`]*)`", inspect.getdoc(type(case.layer))) if t.startswith("h_t = ")]
    assert told
    for x, h in zip(case.xs, hs, strict=True):
        after = step(case, with_x(names, x, bare), lines)
        assert relative_error(h, after["h_t"]) < 1e-13
        if default:  # what the layer's own docstring shows is what the cell's says
            after["u_t"] = after.get("u^1_t")
            for left, _, right in (line.partition(" = ") for line in told):
                assert relative_error(Reader(right, after).value(), after[left]) < 1e-13, left
        names |= {f"{letter}_{{t-1}}": after[f"{letter}_t"] for letter in case.states}
    for letter, s in zip(case.states, state, strict=True):
        assert relative_error(s, names[f"{letter}_{{t-1}}"]) < 1e-13


def test_what_the_reader_cannot_read_is_as_it_was_checked_by_eye():
    """Beside the functions of test_family.py; who changes an equation here changes it there, and compares."""
    (feedback,) = {type(Case(e).layer) for e in FAMILY if e.kind == "GatedFeedback"}
    assert math_of(feedback.cell_type) == PINNED["GatedFeedback"]
    assert math_of(feedback) == PINNED["GatedFeedback layer"]
    (peephole,) = {type(Case(e).layer) for e in FAMILY if e.kind == "PeepholeLSTM"}
    assert math_of(peephole.cell_type)[1][-1] == PINNED["FGR"]
