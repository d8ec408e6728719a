r"""Equations as they are displayed, in a docstring or on a page of the book: read from their LaTeX and evaluated.

Two names side by side are a product of a row and a matrix, ``\odot`` is one of elements. Names are what the code calls
them: :math:`W_{xf}` is the block f of ``W_x``, :math:`p_f` is ``p_f``, :math:`\mathrm{d}h_t` is ``dh``. After a factor,
``^\top`` transposes and ``^2`` squares each element. :math:`\sum_{t=1}^{T}` adds up a product over the time steps, and
:math:`\sum_{n=1}^{B}` over the rows of a batch, of which :math:`a_{t,n}` is one.
"""

import re
from pathlib import Path

import numpy as np

BOOK = Path(__file__).resolve().parents[1] / "book"

FUNCTIONS = {
    r"\sigma": lambda a: 1 / (1 + np.exp(-a)),
    r"\tanh": np.tanh,
    r"\log": np.log,
    r"\operatorname{relu}": lambda a: np.where(a > 0, a, 0),
    r"\operatorname{softmax}": lambda a: np.exp(a) / np.exp(a).sum(axis=-1, keepdims=True),
}
INDEX = r"(?:\{[^{}]*\}|\w)"
NAME = (
    r"(?:\\mathrm\{d\}\s*)?"
    r"(?:\\(?:tilde|hat|bar)\s?\{?[A-Za-z]\}?|\\(?:operatorname|mathbf)\{\w+\}|\\(?!odot|sum|frac)[a-z]+|[A-Za-z])"
    rf"(?:\^(?:{INDEX}|\*)(?=_))?(?:_{INDEX})?(?:\^(?:\{{(?!\\top)[^{{}}]*\}}|[a-zA-Z*]))?"
)
TOKEN = re.compile(
    rf"\s*(\^\\top|\^\{{\\top\}}|\^2|\\odot|\\frac|\\sum_{INDEX}(?:\^{INDEX})?|{NAME}|\d+|[-+/(){{}}])\s*"
)
SPACING = re.compile(r"\\(?:[bB]ig+[lr]?|left|right|begin\{\w+\}|end\{\w+\}|[,;!]|displaystyle)(?![a-z])|&")


def lines(latex):
    """The equations of a display, left and right sides in their order.

    Parameters
    ----------
    latex : str
        Lines separated by two backslashes, or on one line by ``\\qquad``.

    Returns
    -------
    lines : list of tuple of str
        One ``(left, right)`` for each ``=``; where a line goes on from the one above, its left side is that one's.
    """
    equations = []
    for line in re.split(r"\\\\(?:\[\w+\])?|,?\s*\\qquad", SPACING.sub(" ", latex)):
        text = " ".join(line.split()).strip(" .,;")
        if text:
            first, *rest = (part.strip() for part in text.split(" = "))
            first = re.sub(r"^=\s*", "", first)
            sides = rest if rest else [first]
            left = first if rest else equations[-1][0]
            equations.extend((left, right) for right in sides)
    return equations


def displayed(page):
    """The labelled equations of a page of the book.

    Parameters
    ----------
    page : str
        Its path in the book without the ending, such as ``"rnn/recurrent-network"``.

    Returns
    -------
    latex : dict of str to str
        By label, in their order.
    """
    text = (BOOK / f"{page}.md").read_text(encoding="utf-8")
    found = re.findall(r"^```+\{math\}\n:label: (\S+)\n(.*?)^```+$", text, flags=re.MULTILINE | re.DOTALL)
    found += [(label, latex) for latex, label in re.findall(r"^\$\$(.*?)\$\$ \((\S+)\)$", text, flags=re.M | re.S)]
    return dict(found)


class Reader:
    """Evaluates the right side of an equation in an environment of names.

    Parameters
    ----------
    text : str
    names : dict of str to array or function
    steps : list of dict, optional
        The names at each time step, for a sum over t.
    """

    def __init__(self, text, names, steps=()):
        self.tokens, at = [], 0
        while at < len(text):
            found = TOKEN.match(text, at)
            assert found, f"cannot read {text[at:]!r} of {text!r}"
            self.tokens.append(found[1])
            at = found.end()
        self.names, self.steps = names, steps

    def value(self):
        """The value of the whole text."""
        value = self.sum()
        assert not self.tokens, f"{self.tokens} is left"
        return value

    def sum(self):
        value = self.product() if self.tokens[0] not in "+-" else 0
        while self.tokens and self.tokens[0] in "+-":
            sign = 1 if self.tokens.pop(0) == "+" else -1
            value = value + sign * self.product()
        return value

    def product(self):
        value = self.factor()
        while self.tokens and self.tokens[0] not in ("+", "-", ")", "}"):
            between = self.tokens.pop(0) if self.tokens[0] in (r"\odot", "/") else ""
            other = self.factor()
            if between == "/":
                value = value / other
            elif between or np.ndim(value) == 0 or np.ndim(other) == 0:  # as in 2 σ(c)
                value = value * other
            else:
                value = value @ other
        return value

    def factor(self):
        token = self.tokens.pop(0)
        if token in ("(", "{"):
            value = self.sum()
            assert self.tokens.pop(0) == {"(": ")", "{": "}"}[token]
        elif token == r"\frac":
            value = self.factor() / self.factor()
        elif token.startswith(r"\sum_"):
            return self.over(token)
        elif token.isdigit():
            value = int(token)
        else:
            value = self.look_up(token)
            if callable(value):
                return value(self.factor())
        while self.tokens and self.tokens[0].startswith("^"):
            value = value**2 if self.tokens.pop(0) == "^2" else value.T
        return value

    def look_up(self, token):
        """What a name stands for; :math:`a_{t,n}` is a row of :math:`a_t`, and all rows where that is unknown."""
        name = re.sub(r"\s+", " ", re.sub(r"(\\mathrm\{d\})\s+", r"\1", token))
        return self.names[name if name in self.names else re.sub(r"_\{(\w+),n\}", r"_\1", name)]

    def over(self, token):
        """The sum over time steps or rows of the product that follows."""
        index = re.match(r"\\sum_\{?(\w)", token)[1]
        if index == "n":
            return self.product().sum(axis=0)
        assert index == "t" and len(self.steps) > 0, f"{token} needs the names of each step"
        rest, outer, total = list(self.tokens), self.names, 0
        for step in self.steps:
            self.tokens, self.names = list(rest), {**outer, **step}
            total = total + self.product()
        self.names = outer
        return total


def evaluate(equations, names, steps=()):
    """Everything that the lines define, with what they are made of.

    Parameters
    ----------
    equations : str or list of tuple of str
        LaTeX, or from `lines`.
    names : dict of str to array or function
        What is known before; the functions of `FUNCTIONS` always are.
    steps : list of dict, optional
        The names at each time step, for a sum over t.

    Returns
    -------
    names : dict of str to array or function
    """
    names = {**FUNCTIONS, **names}
    for left, right in lines(equations) if isinstance(equations, str) else equations:
        names[left] = Reader(right, names, steps).value()
    return names


def blocks_of(layer):
    """A layer's parameters under the names of the equations: its own, and :math:`W_{xf}`, :math:`b_f` for their blocks.

    Parameters
    ----------
    layer : rnnlib.layers.Recurrent

    Returns
    -------
    names : dict of str to array
    """
    cell, params, H = layer.cell, layer.params, layer.hidden_size
    names = {}
    for name, letters in (
        ("W_x", getattr(cell, "x_blocks", cell.blocks)),
        ("W_h", getattr(cell, "h_blocks", cell.blocks)),
        ("b", cell.blocks),
    ):
        parts = [params[name][..., k : k + H] for k in range(0, params[name].shape[-1], H)]
        for letter, part in zip((*letters, "p"), parts, strict=False):
            names[f"{name[:-1]}{{{name[-1]}{letter}}}" if name != "b" else f"b_{letter}"] = part
    for name, p in params.items():
        names[name if len(name) <= 3 else f"W_{{{name[2:]}}}"] = p
    return names
