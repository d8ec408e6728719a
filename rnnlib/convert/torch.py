"""Weights to and from `torch.nn.RNN`, `LSTM` and `GRU`, with several layers and both directions too."""

import re
from collections.abc import Mapping

import numpy as np
import torch

from rnnlib.convert.conventions import Packed, convention_from, convention_to, options_of, pack, unpack, ways_of
from rnnlib.layers import Bidirectional
from rnnlib.network import Network

WAYS = ("", "_reverse")  #: what the names of torch's tensors end in, by direction


def to_torch(model):
    """Carry weights over to torch's own module of the same name.

    The module's state dict is what torch saves and loads. Of the two biases that torch adds, the second is zero but for
    a GRU's ``b_h``.

    Parameters
    ----------
    model : rnnlib.RNN, LSTM or GRU, or Bidirectional or Network of these
        A GRU with ``reset="after"``. The layers of a network or the two of a `Bidirectional` are of one kind and one
        hidden size.

    Returns
    -------
    module : torch.nn.RNN, LSTM or GRU
        Time first, of the model's dtype.

    Raises
    ------
    TypeError, ValueError
        When torch has no such module.
    """
    stack = [ways_of(layer) for layer in (model.layers if isinstance(model, Network) else [model])]
    convention = convention_to("PyTorch", [layer for ways in stack for layer in ways])
    if len({len(ways) for ways in stack}) > 1:
        raise ValueError("layers are bidirectional in part; they should all be, or none, since PyTorch has no other")
    first = stack[0][0]
    options = {name: value for name, value in options_of(first).items() if name == "nonlinearity"}
    options |= {"num_layers": len(stack), "bidirectional": len(stack[0]) == 2}
    state_dict = {}
    for k, ways in enumerate(stack):
        for way, layer in zip(WAYS, ways, strict=False):
            W_x, W_h, biases, _ = pack(convention, layer)
            tensors = zip(_names(convention, k, way), (W_x, W_h, *biases), strict=True)
            state_dict |= {name: torch.tensor(a) for name, a in tensors}
    dtype = next(iter(state_dict.values())).dtype
    module = getattr(torch.nn, convention.operator)(first.input_size, first.hidden_size, dtype=dtype, **options)
    module.load_state_dict(state_dict)
    return module


def from_torch(module, nonlinearity=None):
    """Carry the weights of torch's own module, or of its state dict, over to rnnlib.

    Its two biases are added, but for the one inside a GRU's reset, which becomes ``b_h`` where it is not zero
    throughout. Whether the module takes the batch first is not carried over: rnnlib takes time first.

    Parameters
    ----------
    module : torch.nn.RNN, LSTM or GRU, or the state dict of one
        Without projection and dropout. The shapes in a state dict tell which of the three it is of.
    nonlinearity : str, optional
        ``"tanh"`` or ``"relu"``: what the state dict of an RNN does not tell. Only for such a one.

    Returns
    -------
    model : rnnlib.RNN, LSTM or GRU
        Of the module's dtype; a `Bidirectional` of two where it has two directions, and a `Network` where it has
        several layers.

    Raises
    ------
    TypeError
        When it is none of these.
    ValueError
        When it has a projection or dropout, or another dtype than float32 and float64, a state dict is not of one such
        module, or `nonlinearity` is missing, or given where it is known.
    """
    if isinstance(module, Mapping):
        module = _module_of(module, nonlinearity)
    elif nonlinearity is not None:
        raise ValueError(f"nonlinearity is {nonlinearity!r}; it should be left out, since the module has its own")
    if not isinstance(module, torch.nn.RNN | torch.nn.LSTM | torch.nn.GRU):
        kind = type(module).__name__
        raise TypeError(f"module is of type {kind}; it should be a torch.nn.RNN, LSTM or GRU, or a state dict")
    for name in ("proj_size", "dropout"):
        if getattr(module, name):
            raise ValueError(f"module has {name} = {getattr(module, name)}; it should be 0")
    if module.weight_ih_l0.dtype not in (torch.float32, torch.float64):
        raise ValueError(f"module has dtype {module.weight_ih_l0.dtype}; it should be torch.float32 or torch.float64")
    convention = convention_from("PyTorch", module.mode.partition("_")[0])
    weights = {name: p.detach().cpu().numpy() for name, p in module.named_parameters()}
    options = {"nonlinearity": module.nonlinearity} if convention.operator == "RNN" else {}
    layers = []
    for k in range(module.num_layers):
        ways = []
        for way in WAYS[: 1 + module.bidirectional]:
            W_x, W_h, *biases = (weights[name] for name in _names(convention, k, way) if name in weights)
            biases = np.array(biases, W_x.dtype).reshape(-1, len(W_x))
            ways.append(unpack(convention, Packed(W_x, W_h, biases), **options))
        layers.append(Bidirectional(*ways) if module.bidirectional else ways[0])
    return layers[0] if len(layers) == 1 else Network(layers)


def _module_of(state_dict, nonlinearity):
    """The module of torch's whose state dict this is."""
    for name in state_dict:
        if not re.fullmatch(r"(weight|bias)_(ih|hh)_l\d+(_reverse)?", name):
            raise ValueError(f"module is a state dict with the key {name!r}; it should be that of one RNN, LSTM or GRU")
    try:
        (_, D), (rows, H) = (tuple(state_dict[f"weight_{part}_l0"].shape) for part in ("ih", "hh"))
        kind = {H: "RNN", 3 * H: "GRU", 4 * H: "LSTM"}[rows]
    except (KeyError, ValueError) as error:
        raise ValueError("module is a state dict of no RNN, LSTM or GRU: its weights of layer 0 do not fit") from error
    options = {}
    if kind == "RNN":
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"nonlinearity is {nonlinearity!r}; for an RNN's state dict it should be 'tanh' or 'relu'")
        options["nonlinearity"] = nonlinearity
    elif nonlinearity is not None:
        raise ValueError(f"nonlinearity is {nonlinearity!r}; it should be left out: the state dict is of a {kind}")
    module = getattr(torch.nn, kind)(
        D,
        H,
        num_layers=1 + max(int(re.search(r"\d+", name)[0]) for name in state_dict),
        bias="bias_ih_l0" in state_dict,
        bidirectional="weight_ih_l0_reverse" in state_dict,
        dtype=state_dict["weight_ih_l0"].dtype,
        **options,
    )
    try:
        module.load_state_dict(state_dict)
    except RuntimeError as error:
        raise ValueError(f"module is a state dict that does not fit together: {error}") from error
    return module


def _names(convention, k, way):
    """The tensors of the k-th layer in one direction."""
    return [name.replace("_l0", f"_l{k}{way}") for name in convention.tensors]
