"""The same cells as torch modules, written apart from rnnlib's own and trained by torch's autograd.

They are the second opinion: torch finds the gradients by itself, on the GPU when there is one. Only this module, and
what asks for it by name, imports torch.
"""

import numpy as np
import torch

from rnnlib.layers import RNN


def device():
    """The device that the course computes on with torch.

    Returns
    -------
    device : torch.device
        ``cuda`` when this torch sees a GPU, else ``cpu``.
    """
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class ElmanRNN(torch.nn.Module):
    """The simple recurrent network, step by step, in the layout of `rnnlib.RNN`.

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

    def __init__(self, input_size, hidden_size, dtype=torch.float64):
        super().__init__()
        bound = hidden_size**-0.5
        self.W_x = torch.nn.Parameter(torch.empty(input_size, hidden_size, dtype=dtype).uniform_(-bound, bound))
        self.W_h = torch.nn.Parameter(torch.empty(hidden_size, hidden_size, dtype=dtype).uniform_(-bound, bound))
        self.b = torch.nn.Parameter(torch.empty(hidden_size, dtype=dtype).uniform_(-bound, bound))

    @classmethod
    def from_layer(cls, layer):
        """A module with the weights of an `rnnlib.RNN`.

        Parameters
        ----------
        layer : RNN

        Returns
        -------
        module : ElmanRNN
            Of the layer's dtype.
        """
        module = cls(layer.input_size, layer.hidden_size, _torch_dtype(layer.dtype))
        module.load_state_dict({name: torch.tensor(p) for name, p in layer.params.items()})
        return module

    def to_layer(self):
        """An `rnnlib.RNN` with the weights of this module.

        Returns
        -------
        layer : RNN
        """
        return _layer(**{name: p.detach().cpu().numpy() for name, p in self.named_parameters()})

    def forward(self, xs, h0):
        """Run over a sequence.

        Parameters
        ----------
        xs : tensor, shape (T, B, D)
        h0 : tensor, shape (B, H)

        Returns
        -------
        hs : tensor, shape (T, B, H)
        h : tensor, shape (B, H)
        """
        h, hs = h0, []
        for x in xs:
            h = torch.tanh(torch.addmm(self.b, x, self.W_x) + torch.mm(h, self.W_h))
            hs.append(h)
        return torch.stack(hs), h


def to_torch(layer):
    """Carry the weights of an `rnnlib.RNN` over to torch's own layer.

    torch keeps each weight transposed, and two biases that it adds; the second becomes zero.

    Parameters
    ----------
    layer : RNN

    Returns
    -------
    module : torch.nn.RNN
        One layer, time first, of the layer's dtype.
    """
    module = torch.nn.RNN(layer.input_size, layer.hidden_size, dtype=_torch_dtype(layer.dtype))
    module.load_state_dict(
        {
            "weight_ih_l0": torch.tensor(layer.params["W_x"].T),
            "weight_hh_l0": torch.tensor(layer.params["W_h"].T),
            "bias_ih_l0": torch.tensor(layer.params["b"]),
            "bias_hh_l0": torch.zeros(layer.hidden_size, dtype=_torch_dtype(layer.dtype)),
        }
    )
    return module


def from_torch(module):
    """Carry the weights of torch's own layer over to an `rnnlib.RNN`.

    Parameters
    ----------
    module : torch.nn.RNN
        One layer, one direction, tanh. Its two biases are added; a module without them gives a zero bias.

    Returns
    -------
    layer : RNN

    Raises
    ------
    TypeError
        When it is not a `torch.nn.RNN`.
    ValueError
        When it has more layers, two directions or another nonlinearity.
    """
    if not isinstance(module, torch.nn.RNN):
        raise TypeError(f"module is of type {type(module).__name__}; it should be a torch.nn.RNN")
    for name, wanted in {"num_layers": 1, "bidirectional": False, "nonlinearity": "tanh"}.items():
        if getattr(module, name) != wanted:
            raise ValueError(f"module has {name} = {getattr(module, name)!r}; it should be {wanted!r}")
    weights = {name: p.detach().cpu().numpy() for name, p in module.named_parameters()}
    W_h = weights["weight_hh_l0"].T
    b = weights["bias_ih_l0"] + weights["bias_hh_l0"] if module.bias else np.zeros(len(W_h), W_h.dtype)
    return _layer(W_x=weights["weight_ih_l0"].T, W_h=W_h, b=b)


def _layer(W_x, W_h, b):
    layer = RNN(*W_x.shape, rng=np.random.default_rng(0), dtype=W_x.dtype)
    layer.params = {"W_x": W_x.copy(), "W_h": W_h.copy(), "b": b.copy()}
    return layer


def _torch_dtype(dtype):
    return {"float32": torch.float32, "float64": torch.float64}[str(dtype)]
