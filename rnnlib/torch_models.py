"""The same cells as torch modules, written apart from rnnlib's own and trained by torch's autograd.

They are the second opinion: torch finds the gradients by itself, on the GPU when there is one. Only this module, and
what asks for it by name, imports torch.
"""

import numpy as np
import torch

import rnnlib


def device():
    """The device that the course computes on with torch.

    Returns
    -------
    device : torch.device
        ``cuda`` when this torch sees a GPU, else ``cpu``.
    """
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class _Unrolled(torch.nn.Module):
    """A step, repeated over a sequence, with its parameters in the layout of rnnlib. A subclass defines `_step`."""

    gates: int
    states: int

    def __init__(self, input_size, hidden_size, dtype=torch.float64):
        super().__init__()
        self.hidden_size = hidden_size
        width, bound = self.gates * hidden_size, hidden_size**-0.5
        for name, shape in {"W_x": (input_size, width), "W_h": (hidden_size, width), "b": (width,)}.items():
            drawn = torch.empty(shape, dtype=dtype).uniform_(-bound, bound)
            self.register_parameter(name, torch.nn.Parameter(drawn))

    @classmethod
    def from_layer(cls, layer):
        """A module with the weights of the rnnlib layer of the same name.

        Parameters
        ----------
        layer : Recurrent

        Returns
        -------
        module : torch.nn.Module
            Of the layer's dtype.

        Raises
        ------
        TypeError
            When it is a layer of another name.
        """
        if type(layer).__name__ != cls.__name__:
            raise TypeError(f"layer is of type {type(layer).__name__}; it should be an rnnlib.{cls.__name__}")
        module = cls(layer.input_size, layer.hidden_size, _torch_dtype(layer.dtype))
        module.load_state_dict({name: torch.tensor(p) for name, p in layer.params.items()})
        return module

    def to_layer(self):
        """The rnnlib layer of the same name, with the weights of this module.

        Returns
        -------
        layer : Recurrent
        """
        params = {name: p.detach().cpu().numpy() for name, p in self.named_parameters()}
        return _layer(type(self).__name__, params)

    def forward(self, xs, state):
        """Run over a sequence.

        Parameters
        ----------
        xs : tensor, shape (T, B, D)
        state : tuple of tensors, each of shape (B, H)
            The initial state, h first.

        Returns
        -------
        hs : tensor, shape (T, B, H)
        state : tuple of tensors, each of shape (B, H)
        """
        hs = []
        for x in xs:
            state = self._step(x, *state)
            hs.append(state[0])
        return torch.stack(hs), state

    def _block(self, k, x, h):
        """Pre-activation of the k-th block of H columns: from the input, and from the state."""
        columns = slice(k * self.hidden_size, (k + 1) * self.hidden_size)
        return torch.addmm(self.b[columns], x, self.W_x[:, columns]), torch.mm(h, self.W_h[:, columns])


class RNN(_Unrolled):
    """The simple recurrent network, in the layout of `rnnlib.RNN`.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    dtype : torch.dtype
        Of the parameters.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, equations 10.8 and 10.9.
    """

    gates, states = 1, 1

    def _step(self, x, h):
        """One time step: x (B, D) and h (B, H) to the next state, a tuple of one (B, H) tensor."""
        return (torch.tanh(sum(self._block(0, x, h))),)


class LSTM(_Unrolled):
    """Long short-term memory with a forget gate, in the layout of `rnnlib.LSTM`.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    dtype : torch.dtype
        Of the parameters.

    Source
    ------
    Gers, Schmidhuber and Cummins 2000; the equations of `torch.nn.LSTM`'s documentation.
    """

    gates, states = 4, 2

    def _step(self, x, h, c):
        """One time step: x (B, D), h and c (B, H) to the next state, a tuple of two (B, H) tensors."""
        i = torch.sigmoid(sum(self._block(0, x, h)))
        f = torch.sigmoid(sum(self._block(1, x, h)))
        g = torch.tanh(sum(self._block(2, x, h)))
        o = torch.sigmoid(sum(self._block(3, x, h)))
        c = torch.addcmul(f * c, i, g)
        return o * torch.tanh(c), c


class GRU(_Unrolled):
    """Gated recurrent unit, in the layout of `rnnlib.GRU`.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    dtype : torch.dtype
        Of the parameters.

    Source
    ------
    Cho et al. 2014; the equations of `torch.nn.GRU`'s documentation, without its bias inside the reset product.
    """

    gates, states = 3, 1

    def _step(self, x, h):
        """One time step: x (B, D) and h (B, H) to the next state, a tuple of one (B, H) tensor."""
        r = torch.sigmoid(sum(self._block(0, x, h)))
        z = torch.sigmoid(sum(self._block(1, x, h)))
        of_x, of_h = self._block(2, x, h)
        return (torch.lerp(torch.tanh(of_x + r * of_h), h, z),)


def to_torch(layer):
    """Carry the weights of an rnnlib layer over to torch's own layer of the same name.

    torch keeps each weight transposed, its blocks in the same order, and two biases that it adds; the second becomes
    zero.

    Parameters
    ----------
    layer : RNN, LSTM or GRU

    Returns
    -------
    module : torch.nn.RNN, LSTM or GRU
        One layer, time first, of the layer's dtype.
    """
    dtype = _torch_dtype(layer.dtype)
    module = getattr(torch.nn, type(layer).__name__)(layer.input_size, layer.hidden_size, dtype=dtype)
    bias = torch.tensor(layer.params["b"])
    module.load_state_dict(
        {
            "weight_ih_l0": torch.tensor(layer.params["W_x"].T),
            "weight_hh_l0": torch.tensor(layer.params["W_h"].T),
            "bias_ih_l0": bias,
            "bias_hh_l0": torch.zeros_like(bias),
        }
    )
    return module


def from_torch(module):
    """Carry the weights of torch's own layer over to the rnnlib layer of the same name.

    Parameters
    ----------
    module : torch.nn.RNN, LSTM or GRU
        One layer, one direction, tanh, no projection. Its two biases are added; a module without them gives a zero
        bias.

    Returns
    -------
    layer : RNN, LSTM or GRU

    Raises
    ------
    TypeError
        When it is none of these.
    ValueError
        When it has more layers, two directions, a projection or another nonlinearity; or, for a GRU, when the bias
        inside the reset product is not zero, since `rnnlib.GRU` has none there.
    """
    kind = type(module).__name__
    if not isinstance(module, torch.nn.RNN | torch.nn.LSTM | torch.nn.GRU):
        raise TypeError(f"module is of type {kind}; it should be a torch.nn.RNN, LSTM or GRU")
    for name, wanted in {"num_layers": 1, "bidirectional": False, "nonlinearity": "tanh", "proj_size": 0}.items():
        if getattr(module, name, wanted) != wanted:
            raise ValueError(f"module has {name} = {getattr(module, name)!r}; it should be {wanted!r}")
    weights = {name: p.detach().cpu().numpy() for name, p in module.named_parameters()}
    W_h = weights["weight_hh_l0"].T
    b = np.zeros(W_h.shape[1], W_h.dtype)
    if module.bias:
        if kind == "GRU" and weights["bias_hh_l0"][-len(W_h) :].any():
            raise ValueError(
                "module has a bias inside the reset product (the last third of bias_hh_l0); it should be 0"
            )
        b = weights["bias_ih_l0"] + weights["bias_hh_l0"]
    return _layer(kind, {"W_x": weights["weight_ih_l0"].T, "W_h": W_h, "b": b})


def _layer(kind, params):
    sizes = len(params["W_x"]), len(params["W_h"])
    layer = getattr(rnnlib, kind)(*sizes, rng=np.random.default_rng(0), dtype=params["W_x"].dtype)
    layer.params = {name: p.copy() for name, p in params.items()}
    return layer


def _torch_dtype(dtype):
    return {"float32": torch.float32, "float64": torch.float64}[str(dtype)]
