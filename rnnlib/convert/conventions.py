"""Where other libraries put the weights: a record for each operator, and one pair of functions that goes by them.

The letters are those of the equations: an LSTM has the blocks i, f, g, o and a GRU r, z, n, each of H columns. All else
that tells two libraries apart is in a `Convention`.
"""

import inspect
from typing import NamedTuple

import numpy as np

from rnnlib import recurrent
from rnnlib.layers import Bidirectional, Recurrent


class Convention(NamedTuple):
    """How one library lays out the weights of one operator.

    Parameters
    ----------
    library, operator, setting : str
        As the library writes them; the setting where the operator has several.
    layers : tuple of str
        The layers of rnnlib that it can hold.
    blocks : dict of str to str
        Each block's letter here and there, in the order in which they stand there.
    transposed : bool
        Whether the blocks are rows, and x stands on the right.
    tensors : tuple of str
        The names there of W_x, W_h, the biases and the peepholes.
    biases : int
        How many biases are added to a pre-activation.
    update : str, optional
        What z = 1 does in a GRU: ``"keep"`` or ``"renew"`` the state.
    reset : str, optional
        Whether the reset gate of a GRU acts ``"after"`` or ``"before"`` the product.
    peepholes : tuple of str
        The gates that can have peepholes, in their order there.
    """

    library: str
    operator: str
    setting: str
    layers: tuple[str, ...]
    blocks: dict[str, str]
    transposed: bool
    tensors: tuple[str, ...]
    biases: int
    update: str | None = None
    reset: str | None = None
    peepholes: tuple[str, ...] = ()


_TORCH = {"transposed": True, "tensors": ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"), "biases": 2}
_KERAS = {"transposed": False, "tensors": ("kernel", "recurrent_kernel", "bias"), "biases": 1}
_ONNX = {"transposed": True, "tensors": ("W", "R", "B"), "biases": 2}
_PEEPHOLES = {"tensors": ("W", "R", "B", "P"), "peepholes": ("i", "o", "f")}
_AFTER, _BEFORE = {"update": "keep", "reset": "after"}, {"update": "keep", "reset": "before"}
_IFGO, _RZN = {"i": "i", "f": "f", "g": "g", "o": "o"}, {"r": "r", "z": "z", "n": "n"}
_IFCO, _IOFC, _ZRH = {**_IFGO, "g": "c"}, {"i": "i", "o": "o", "f": "f", "g": "c"}, {"z": "z", "r": "r", "n": "h"}

#: Every operator that weights are carried to and from.
CONVENTIONS = (
    Convention("PyTorch", "RNN", "", ("RNN",), {"h": "h"}, **_TORCH),
    Convention("PyTorch", "LSTM", "", ("LSTM",), _IFGO, **_TORCH),
    Convention("PyTorch", "GRU", "", ("GRU",), _RZN, **_TORCH, **_AFTER),
    Convention("Keras", "SimpleRNN", "", ("RNN",), {"h": "h"}, **_KERAS),
    Convention("Keras", "LSTM", "", ("LSTM",), _IFCO, **_KERAS),
    Convention("Keras", "GRU", "reset_after=True", ("GRU",), _ZRH, **{**_KERAS, "biases": 2}, **_AFTER),
    Convention("Keras", "GRU", "reset_after=False", ("GRU",), _ZRH, **_KERAS, **_BEFORE),
    Convention("ONNX", "RNN", "", ("RNN",), {"h": "i"}, **_ONNX),
    Convention("ONNX", "LSTM", "", ("LSTM", "PeepholeLSTM"), _IOFC, **{**_ONNX, **_PEEPHOLES}),
    Convention("ONNX", "GRU", "linear_before_reset=1", ("GRU",), _ZRH, **_ONNX, **_AFTER),
    Convention("ONNX", "GRU", "linear_before_reset=0", ("GRU",), _ZRH, **_ONNX, **_BEFORE),
)

#: The options of layers that some library has a place for, beside the GRU's ``reset``.
CARRIED = ("nonlinearity", "update", "recurrent_bias", "peepholes", "coupled")


class Packed(NamedTuple):
    """The weights of an operator, as the library lays them out.

    Parameters
    ----------
    W_x, W_h : array, shape (D, G·H) and (H, G·H), or the transposes of these
        Input and recurrent weights.
    biases : array, shape (N, G·H)
        The N biases that are added; none, with N = 0, where there is no bias.
    peepholes : array, shape (P·H,), or None
        The vectors of the P gates that can have them, side by side.
    """

    W_x: np.ndarray
    W_h: np.ndarray
    biases: np.ndarray
    peepholes: np.ndarray | None = None


def options_of(layer):
    """The options of a layer, those left out too.

    Parameters
    ----------
    layer : rnnlib.layers.Recurrent

    Returns
    -------
    options : dict of str to object
    """
    return _defaults(layer) | layer.options


def ways_of(layer):
    """The layers that read a sequence: one, or the two of a bidirectional layer.

    Parameters
    ----------
    layer : rnnlib.layers.Recurrent or Bidirectional

    Returns
    -------
    ways : tuple of rnnlib.layers.Recurrent
        Forward, or forward and backward.
    """
    return tuple(layer.parts.values()) if isinstance(layer, Bidirectional) else (layer,)


def convention_to(library, layers):
    """The operator of a library that does what a layer does, or several layers alike.

    Parameters
    ----------
    library : str
        Its name in `CONVENTIONS`.
    layers : sequence of rnnlib.layers.Recurrent

    Returns
    -------
    convention : Convention

    Raises
    ------
    TypeError
        When the library has no operator for layers of this type.
    ValueError
        When its operator cannot do what an option of a layer asks for, or two layers differ in what it has once.
    """
    fitting = [c for c in CONVENTIONS if c.library == library]
    names = dict.fromkeys(name for c in fitting for name in c.layers)
    for layer in layers:
        if not isinstance(layer, Recurrent) or type(layer).__name__ not in names:
            raise TypeError(f"layer is of type {type(layer).__name__}; {library} has {', '.join(names)} alone")
    common = [{"type": type(layer).__name__, "hidden_size": layer.hidden_size, **options_of(layer)} for layer in layers]
    for what, one in common[0].items():
        for other in common[1:]:
            if what not in ("update", "recurrent_bias") and other[what] != one:
                raise ValueError(f"layers differ in {what}: {one!r} and {other[what]!r}; {library} has one for all")
    fitting = {c.reset: c for c in fitting if common[0]["type"] in c.layers}
    for name, value in options_of(layers[0]).items():
        default = _defaults(layers[0])[name]
        if name == "reset" and value not in fitting:
            wanted = " or ".join(map(repr, fitting))
        elif name != "reset" and name not in CARRIED and value != default:
            wanted = repr(default)
        else:
            continue
        raise ValueError(f"layer has {name} = {value!r}; it should be {wanted}, since {library} has no other")
    return fitting[options_of(layers[0]).get("reset")]


def convention_from(library, operator, reset=None):
    """The record of an operator.

    Parameters
    ----------
    library, operator : str
        Their names in `CONVENTIONS`.
    reset : str, optional
        Where the reset gate of a GRU acts, when the library has both.

    Returns
    -------
    convention : Convention
    """
    return next(c for c in CONVENTIONS if (c.library, c.operator) == (library, operator) and reset in (None, c.reset))


def pack(convention, layer):
    r"""Lay out the weights of a layer as a library does.

    Two things are said there in another way, by :math:`1 - \sigma(a) = \sigma(-a)`: where z keeps there and renews
    here, z's weights change their sign; and where i and f are coupled here, f gets the weights of i with the sign
    changed.

    Parameters
    ----------
    convention : Convention
        From `convention_to`.
    layer : rnnlib.layers.Recurrent

    Returns
    -------
    packed : Packed
        Copies, with zeros for a second bias that the layer does not have.
    """
    params, options = layer.params, options_of(layer)
    W_x, W_h, b = (_split(params[name], layer.cell.blocks) for name in ("W_x", "W_h", "b"))
    p = {gate: params[f"p_{gate}"] for gate in convention.peepholes if f"p_{gate}" in params}
    for parts in (W_x, W_h, b):
        if options.get("update") != convention.update:
            parts["z"] = -parts["z"]
    if options.get("coupled"):
        for parts in (W_x, W_h, b, p):
            if "i" in parts:
                parts["f"] = -parts["i"]
    second = {block: np.zeros_like(part) for block, part in b.items()}
    if "b_h" in params:
        second["n"] = params["b_h"]
    W_x, W_h, b, second = (_join(parts, convention.blocks) for parts in (W_x, W_h, b, second))
    if convention.transposed:
        W_x, W_h = W_x.T.copy(), W_h.T.copy()
    return Packed(W_x, W_h, np.stack([b, second])[: convention.biases], _join(p, convention.peepholes) if p else None)


def unpack(convention, packed, **options):
    r"""A layer with the weights that a library lays out in its way: the reverse of `pack`.

    Biases that are split there are added. The exception is the second bias of a GRU's candidate where the reset acts
    after the product: it stands inside, so it becomes the layer's ``b_h``, if it is not zero throughout.

    Parameters
    ----------
    convention : Convention
        From `convention_from`.
    packed : Packed
        The weights.
    **options : object
        Of the layer, beyond what the record says.

    Returns
    -------
    layer : rnnlib.layers.Recurrent
        Of the weights' dtype, with copies of them.

    Raises
    ------
    ValueError
        When the dtype is neither float32 nor float64.
    """
    W_x, W_h = (W.T if convention.transposed else W for W in packed[:2])
    parts = {"W_x": W_x, "W_h": W_h, "b": packed.biases.sum(axis=0)}
    parts = {name: _split(a, convention.blocks) for name, a in parts.items()}
    params, kind = {}, convention.layers[0]
    if convention.update:
        options |= {"reset": convention.reset, "update": convention.update}
    if convention.reset == "after" and len(packed.biases) == 2:
        parts["b"]["n"], params["b_h"] = (_split(bias, convention.blocks)["n"] for bias in packed.biases)
        options["recurrent_bias"] = bool(params["b_h"].any())
    if packed.peepholes is not None or options.get("coupled"):
        kind, options["peepholes"] = "PeepholeLSTM", packed.peepholes is not None
    if packed.peepholes is not None:
        params |= {f"p_{gate}": p for gate, p in _split(packed.peepholes, convention.peepholes).items()}
    layer = getattr(recurrent, kind)(*map(len, (W_x, W_h)), rng=np.random.default_rng(0), dtype=W_x.dtype, **options)
    params |= {name: _join(of_blocks, layer.cell.blocks) for name, of_blocks in parts.items()}
    layer.params = {name: params[name].copy() for name in layer.params}
    return layer


def _defaults(layer):
    return {name: p.default for name, p in inspect.signature(type(layer.cell)).parameters.items()}


def _split(a, blocks):
    return dict(zip(blocks, np.split(a, len(blocks), axis=-1), strict=True))


def _join(parts, blocks):
    return np.concatenate([parts[block] for block in blocks], axis=-1)
