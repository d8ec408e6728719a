"""The table of conventions says what the libraries say of themselves, and converters go by it alone."""

import re

import numpy as np
import pytest
import torch
from onnx import defs

from rnnlib.convert.conventions import CONVENTIONS, Packed, convention_from, pack, unpack

D, H = 3, 4


def there(library, operator, reset=None):
    """The letters of an operator's blocks, in its order."""
    return "".join(convention_from(library, operator, reset).blocks.values())


def test_the_orders_are_those_that_onnx_documents():
    for operator, letters in (("LSTM", "iofc"), ("GRU", "zrh")):
        assert f"W[{letters}]" in defs.get_schema(operator).doc
        assert there("ONNX", operator) == letters
    assert "P[iof]" in defs.get_schema("LSTM").doc
    assert convention_from("ONNX", "LSTM").peepholes == tuple("iof")


def test_the_orders_and_names_are_those_that_torch_documents():
    for operator in ("LSTM", "GRU"):
        order = re.search(r"\((W_\w+\|W_\w+\|[^)]*)\)", getattr(torch.nn, operator).__doc__).group(1)
        assert "|".join(f"W_i{k}" for k in there("PyTorch", operator)) == order
        module = getattr(torch.nn, operator)(D, H)
        assert convention_from("PyTorch", operator).tensors == tuple(dict(module.named_parameters()))


def test_what_each_library_has():
    assert [(c.library, c.operator, c.setting) for c in CONVENTIONS] == [
        ("PyTorch", "RNN", ""),
        ("PyTorch", "LSTM", ""),
        ("PyTorch", "GRU", ""),
        ("Keras", "SimpleRNN", ""),
        ("Keras", "LSTM", ""),
        ("Keras", "GRU", "reset_after=True"),
        ("Keras", "GRU", "reset_after=False"),
        ("ONNX", "RNN", ""),
        ("ONNX", "LSTM", ""),
        ("ONNX", "GRU", "linear_before_reset=1"),
        ("ONNX", "GRU", "linear_before_reset=0"),
    ]
    assert {c.library for c in CONVENTIONS if c.transposed} == {"PyTorch", "ONNX"}
    assert [c.biases for c in CONVENTIONS] == [2, 2, 2, 1, 1, 2, 1, 2, 2, 2, 2]
    assert {c.update for c in CONVENTIONS if c.operator == "GRU"} == {"keep"}
    assert [c.reset for c in CONVENTIONS if c.operator == "GRU"] == ["after", "after", "before", "after", "before"]


@pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda c: f"{c.library} {c.operator} {c.setting}")
def test_a_block_goes_to_its_place(convention):
    """Each block is filled with a number of its own, which is looked for where the library has the block."""
    blocks = list(convention.blocks)
    G = len(blocks)
    numbers = np.repeat(np.arange(1.0, G + 1), H)
    W_x, W_h = np.tile(numbers, (D, 1)), np.tile(numbers, (H, 1))
    biases = np.stack([10 * numbers, 100 * numbers][: convention.biases])
    packed = Packed(W_x.T, W_h.T, biases) if convention.transposed else Packed(W_x, W_h, biases)
    layer = unpack(convention, packed)
    own = layer.cell.blocks
    inside = convention.reset == "after" and convention.biases == 2
    for k, block in enumerate(own):
        number = blocks.index(block) + 1
        columns = slice(k * H, (k + 1) * H)
        assert (layer.params["W_x"][:, columns] == number).all() and (layer.params["W_h"][:, columns] == number).all()
        split = inside and block == "n"
        assert (layer.params["b"][columns] == (10 if split or convention.biases == 1 else 110) * number).all()
        if split:
            assert (layer.params["b_h"] == 100 * number).all()
    again = pack(convention, layer)
    np.testing.assert_array_equal(again.W_x, packed.W_x)
    np.testing.assert_array_equal(again.W_h, packed.W_h)
    np.testing.assert_array_equal(again.biases.sum(axis=0), biases.sum(axis=0))
    assert again.biases.shape == biases.shape and again.peepholes is None
