"""The circuits show the equations: each description, computed with numbers, is compared with the cell's docstring."""

import re
import sys
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest

from rnnlib.cells import GRU, LSTM, MultiplicativeRNN, PeepholeLSTM
from rnnlib.gradcheck import relative_error

FOLDER = Path(__file__).resolve().parents[2] / "book" / "figures"
SQUASH = {"gate": r"\sigma", "candidate": r"\tanh"}
FUNCTIONS = {r"\sigma": lambda a: 1 / (1 + np.exp(-a)), r"\tanh": np.tanh}


@pytest.fixture(scope="module")
def cells():
    """The module, which stands beside the figures' scripts rather than in a package."""
    sys.path.insert(0, str(FOLDER))
    try:
        import cells
    finally:
        sys.path.remove(str(FOLDER))
    return cells


CIRCUITS = {
    "LSTM": (LSTM, lambda cells: cells.lstm(), {}),
    "PeepholeLSTM": (PeepholeLSTM, lambda cells: cells.peephole_lstm(), {}),
    "GRU": (GRU, lambda cells: cells.gru(), {}),
    "GRU, reset before": (GRU, lambda cells: cells.gru("before"), {"n_t": "reset before"}),
    "MultiplicativeRNN": (MultiplicativeRNN, lambda cells: cells.multiplicative_rnn(), {}),
}


@pytest.fixture(params=CIRCUITS)
def case(request, cells):
    cell, describe, variant = CIRCUITS[request.param]
    return describe(cells), equations(cell, **variant)


def equations(cell, **variant):
    """The lines of the docstring, left to right; `variant` names for a left side the option that changes its line."""
    blocks = re.findall(r"\.\. math::\n\n(.*?)\n\n", cell.__doc__, flags=re.DOTALL)
    lines = [
        [" ".join(re.sub(r"\\bigl|\\bigr|&", "", line).split()) for line in block.split(r"\\")] for block in blocks
    ]
    lines_of = dict(line.split(" = ") for line in lines[0])
    for left, option in variant.items():
        (line,) = [line for line in lines[1] if line.startswith(rf"\text{{{option}}}")]
        lines_of[left] = line.split(f"{left} = ")[1]
    return lines_of


def operands(right):
    """The names on a right side that are no weights and no biases."""
    return {name for name in re.findall(r"(?<!\\)\b[a-z]_(?:t|\{t-1\})", right)}


def python(right):
    """A right side as an expression of Python: two things side by side are a row and a matrix."""
    text = re.sub(r"\\(sigma|tanh)", r"\1", right)
    text = re.sub(
        r"([A-Za-z]+)_(?:\{([^}]*)\}|(\w))", lambda m: f"{m[1]}_{(m[2] or m[3]).replace('t-1', 'prev')}", text
    )
    text = re.sub(r"(\w\)?) (?=W_)", r"\1 @ ", text)
    return text.replace(r"\odot", "*")


def lettered(part):
    """Whether the part is a letter of the equations that is no weight: x_t, h_{t-1}."""
    return re.fullmatch(r"[a-z]_(t|\{t-1\})", part.name) is not None


def reached(part, parts):
    """The letters that flow into a part, through any operations; a peephole's too."""
    letters = set()
    for name in (*part.reads, *part.peeps):
        source = parts[name]
        letters |= {name} if lettered(source) else reached(source, parts)
    return letters


def test_every_letter_of_the_equations_is_drawn_with_its_operands(case):
    circuit, lines = case
    parts = {part.name: part for part in circuit.parts}
    assert {part.name for part in circuit.parts if lettered(part) and part.reads} == set(lines)
    for name, right in lines.items():
        assert reached(parts[name], parts) == operands(right), name


def test_a_gate_is_a_sigmoid_and_a_candidate_a_tanh(case):
    circuit, lines = case
    for part in circuit.parts:
        if part.kind in SQUASH:
            assert lines[part.name].startswith(SQUASH[part.kind]), part.name
    drawn = sum(part.text == "tanh" or part.kind == "candidate" for part in circuit.parts)
    assert drawn == sum(right.count(r"\tanh") for right in lines.values())


class Numbers:
    """Computes a description: every weight is drawn when it is first met, and remembered under its name."""

    def __init__(self, circuit, rng):
        self.parts, self.rng, self.names = {part.name: part for part in circuit.parts}, rng, {}

    def weight(self, name, *shape):
        return self.names.setdefault(name, self.rng.standard_normal(shape))

    def value(self, name):
        part = self.parts[name]
        if not part.reads:
            name = re.sub(r"[{}]", "", name.replace("t-1", "prev"))
            return self.weight(name, *((3,) if part.kind == "weight" else (2, 3)))
        gate, read = name[0], [(self.parts[source], self.value(source)) for source in part.reads]
        if part.kind in SQUASH:
            a = self.weight(f"b_{gate}", 3)
            for source, v in read:
                a = a + (v @ self.weight(f"W_{source.name[0]}{gate}", 3, 3) if lettered(source) else v)
            for source in part.peeps:
                a = a + self.weight(f"p_{gate}", 3) * self.value(source)
            return FUNCTIONS[SQUASH[part.kind]](a)
        values = [v for _, v in read]
        if part.kind == "product":
            return np.prod(values, axis=0)
        if part.kind == "operation":
            return sum(values)
        (v,) = values
        if part.kind == "weight":
            return v @ self.weight(re.sub(r"[{}]", "", name), 3, 3)
        return {"tanh": np.tanh, "1 −": lambda a: 1 - a, "": lambda a: a}[part.text](v)


def test_the_circuit_computes_the_equations(case):
    circuit, lines = case
    numbers = Numbers(circuit, np.random.default_rng(5))
    drawn = {left: numbers.value(left) for left in lines}
    names = {**numbers.names, "sigma": FUNCTIONS[r"\sigma"], "tanh": np.tanh}
    for left, right in lines.items():
        names[left] = eval(python(right), {}, names)
        assert relative_error(drawn[left], names[left]) < 1e-13, left


def test_every_drawn_weight_of_the_peepholes_is_named_where_it_is(cells):
    named = {name[0] for name in cells.peephole_lstm().names}
    assert {f"$p_{part.name[0]}$" for part in cells.peephole_lstm().parts if part.peeps} <= named


@pytest.mark.parametrize("wrong", ["operand", "wire"])
def test_a_wrong_circuit_is_found(cells, wrong):
    circuit, lines = cells.peephole_lstm(), equations(PeepholeLSTM)
    change = {
        "operand": lambda part: replace(part, peeps={"c_{t-1}": ()}) if part.name == "o_t" else part,
        "wire": lambda part: replace(part, reads={"i_t": (), "c_{t-1}": ()}) if part.name == "keep" else part,
    }[wrong]
    with pytest.raises(AssertionError):
        test_every_letter_of_the_equations_is_drawn_with_its_operands(
            (replace(circuit, parts=tuple(map(change, circuit.parts))), lines)
        )


def geometry(cells, circuit):
    """What is drawn: the nodes, the wires."""
    _, ax = cells.canvas(circuit.height + 60)
    nodes = cells.draw(ax, circuit, circuit.height)
    return ax, nodes, cells.wires([cells.raised(part, circuit.height) for part in circuit.parts], nodes)


def points_of(wire):
    for (x0, y0), (x1, y1) in pairwise(wire.points):
        n = int(abs(x1 - x0) + abs(y1 - y0)) // 3 + 1
        yield from ((x0 + (x1 - x0) * k / n, y0 + (y1 - y0) * k / n) for k in range(n + 1))


def test_every_wire_is_level_or_upright_and_touches_only_what_it_joins(cells, case):
    circuit, _ = case
    ax, nodes, wires = geometry(cells, circuit)
    boxes = [text.get_window_extent().transformed(ax.transData.inverted()) for text in ax.texts]
    for wire in wires:
        assert all(x0 == x1 or y0 == y1 for (x0, y0), (x1, y1) in pairwise(wire.points)), wire
        for point in points_of(wire):
            for name, node in nodes.items():
                assert name in (wire.source, wire.target) or not node.holds(point), f"{wire} goes through {name}"
            assert not [text for text, box in zip(ax.texts, boxes, strict=True) if box.contains(*point)], wire


def test_wires_of_different_things_never_run_along_each_other(cells, case):
    circuit, _ = case
    _, _, wires = geometry(cells, circuit)
    for one, other in combinations(wires, 2):
        if one.root != other.root:
            shared = [point for point in points_of(one) if cells.on(point, other.points)]
            assert len(shared) <= 1, (one, other)
