"""The equations of the page that compares the cells, beside what the cells hold and do."""

import re
from inspect import getdoc

import numpy as np
import pytest
from equations import displayed, evaluate

from rnnlib import GRU, LSTM, RNN

PAGE = displayed("conclusion/compared")
NOT_COMPUTED = {}
CELLS = [(RNN, 1, 0), (GRU, 3, 3), (LSTM, 4, 3)]


def test_every_labelled_equation_is_tested():
    assert set(PAGE) == {"eq-compared-weights", "eq-compared-cost"} | set(NOT_COMPUTED)


@pytest.mark.parametrize(("kind", "G", "P"), CELLS)
def test_eq_compared_weights(kind, G, P):
    D, H = 5, 7
    w = evaluate(PAGE["eq-compared-weights"], {"G": G, "D": D, "H": H})["w"]
    assert w == kind(D, H, rng=np.random.default_rng(0)).count_parameters()


@pytest.mark.parametrize(("kind", "G", "P"), CELLS)
def test_eq_compared_cost(kind, G, P):
    """The matrices' entries, and the products entry by entry that the cell's own equations have."""
    D, H = 5, 7
    layer = kind(D, H, rng=np.random.default_rng(0))
    m = evaluate(PAGE["eq-compared-cost"], {"G": G, "D": D, "H": H, "P": P})["m"]
    equations = re.search(r"\.\. math::\n\n(.*?)\n\S", getdoc(layer.cell_type), re.DOTALL)[1]
    products = equations.count(r"\odot")
    assert products == P
    assert m == layer.params["W_x"].size + layer.params["W_h"].size + products * H
