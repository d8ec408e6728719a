"""The same cells as torch modules, written apart from rnnlib's own and trained by torch's autograd.

They are the second opinion: torch finds the gradients by itself, on the GPU when there is one. Only this module, and
what asks for it by name, imports torch.
"""

from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import torch
from torch import sigmoid, tanh

import rnnlib


def device():
    """The device that the course computes on with torch.

    Returns
    -------
    device : torch.device
        ``cuda`` when this torch sees a GPU, else ``cpu``.
    """
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


class Unrolled(torch.nn.Module):
    r"""A step, repeated over a sequence, with its parameters in the layout of rnnlib: what all modules here share.

    A subclass sets the options' defaults and ``output``, the place of the layer's output among the states, where they
    are others than here, and defines

    - ``_shapes(D, H)``: the parameters' shapes. Names in place of the last number say which blocks of H columns stand
      side by side there, as in ``{"W_x": (D, "rzn"), "b": ("rzn",)}``.
    - ``_step(p, x, *state)``: the next state, a tuple, from x (B, D) and the state. ``p.W_x`` is a parameter,
      ``p.W_xr`` and ``p.b_r`` are the parts of a block, and ``p.a("r", x, h)`` is :math:`x W_{xr} + h W_{hr} + b_r`.

    The initial parameters are drawn uniformly from :math:`\pm 1/\sqrt{H}`.

    Parameters
    ----------
    input_size, hidden_size : int
        D and H.
    dtype : torch.dtype
        Of the parameters.
    **options : object
        Those of the rnnlib layer of the same name, by keyword.

    Raises
    ------
    TypeError
        When an option is not the module's.
    """

    defaults: ClassVar[dict[str, object]] = {}
    output = 0

    def __init__(self, input_size, hidden_size, dtype=torch.float64, **options):
        super().__init__()
        for name in options:
            if name not in self.defaults:
                raise TypeError(f"{name} is no option of {type(self).__name__}; it has {sorted(self.defaults)}")
        self.input_size, self.hidden_size, self.options = input_size, hidden_size, options
        for name, value in {**self.defaults, **options}.items():
            setattr(self, name, value)
        self._blocks, bound = {}, hidden_size**-0.5
        for name, (*rows, columns) in self._shapes(input_size, hidden_size).items():
            if not isinstance(columns, int):
                self._blocks[name] = columns
                columns = len(columns) * hidden_size
            drawn = torch.empty((*rows, columns), dtype=dtype).uniform_(-bound, bound)
            self.register_parameter(name, torch.nn.Parameter(drawn))

    @classmethod
    def from_layer(cls, layer):
        """A module with the weights and options of the rnnlib layer of the same name.

        Parameters
        ----------
        layer : rnnlib.layers.Recurrent

        Returns
        -------
        module : Unrolled
            Of the layer's dtype.

        Raises
        ------
        TypeError
            When it is a layer of another name.
        """
        if type(layer).__name__ != cls.__name__:
            raise TypeError(f"layer is of type {type(layer).__name__}; it should be an rnnlib.{cls.__name__}")
        module = cls(layer.input_size, layer.hidden_size, getattr(torch, str(layer.dtype)), **layer.options)
        module.load_state_dict({name: torch.tensor(p) for name, p in layer.params.items()})
        return module

    def to_layer(self):
        """The rnnlib layer of the same name, with the weights and options of this module.

        Returns
        -------
        layer : rnnlib.layers.Recurrent
        """
        params = {name: p.detach().cpu().numpy().copy() for name, p in self.named_parameters()}
        layer = getattr(rnnlib, type(self).__name__)(
            self.input_size, self.hidden_size, rng=np.random.default_rng(0), dtype=params["W_x"].dtype, **self.options
        )
        layer.params = params
        return layer

    def forward(self, xs, state, lengths=None):
        """Run over a sequence.

        Parameters
        ----------
        xs : tensor, shape (T, B, D)
        state : tuple of tensors, each of shape (B, H)
            The initial state, in the order of the rnnlib cell's ``states``.
        lengths : tensor of integers, shape (B,), optional
            How many steps of each sequence count; all when left out. Later ones keep the state, and their outputs are
            0.

        Returns
        -------
        hs : tensor, shape (T, B, H)
        state : tuple of tensors, each of shape (B, H)
        """
        p, hs = self._parts(), []
        for t, x in enumerate(xs):
            after = self._step(p, x, *state)
            h = after[self.output]
            if lengths is not None:
                alive = (t < lengths).unsqueeze(1)
                h = torch.where(alive, h, 0)
                after = tuple(torch.where(alive, new, old) for new, old in zip(after, state, strict=True))
            hs.append(h)
            state = after
        return torch.stack(hs), state

    def _parts(self):
        """The parameters and, where they have any, their blocks, by name."""
        p = SimpleNamespace(**dict(self.named_parameters()))
        for name, letters in self._blocks.items():
            for k, letter in enumerate(letters):
                part = getattr(self, name)[..., k * self.hidden_size : (k + 1) * self.hidden_size]
                setattr(p, f"{name}{letter}" if name.startswith("W") else f"{name}_{letter}", part)
        p.a = lambda k, x, h: x @ getattr(p, f"W_x{k}") + h @ getattr(p, f"W_h{k}") + getattr(p, f"b_{k}")
        return p


class RNN(Unrolled):
    """The simple recurrent network, in the layout of `rnnlib.RNN`.

    Parameters
    ----------
    input_size, hidden_size, dtype : see `Unrolled`
        D, H, and the parameters' type.
    nonlinearity : str
        ``"tanh"`` or ``"relu"``.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, equations 10.8 and 10.9.
    """

    defaults: ClassVar = {"nonlinearity": "tanh"}

    def _shapes(self, D, H):
        return {"W_x": (D, H), "W_h": (H, H), "b": (H,)}

    def _step(self, p, x, h):
        return (getattr(torch, self.nonlinearity)(x @ p.W_x + h @ p.W_h + p.b),)


class MultiplicativeRNN(Unrolled):
    """The multiplicative recurrent network: the input chooses the recurrent matrix, by way of F factors.

    Parameters
    ----------
    input_size, hidden_size, dtype : see `Unrolled`
        D, H, and the parameters' type.
    factors : int, optional
        F; H when left out.

    Source
    ------
    Sutskever, Martens and Hinton 2011.
    """

    defaults: ClassVar = {"factors": None}

    def _shapes(self, D, H):
        F = self.factors or H
        return {"W_x": (D, H), "W_h": (H, F), "b": (H,), "W_xf": (D, F), "W_f": (F, H)}

    def _step(self, p, x, h):
        recurrent = torch.einsum("hf,bf,fk->bhk", p.W_h, x @ p.W_xf, p.W_f)  # a matrix for each row
        return (tanh(torch.einsum("bh,bhk->bk", h, recurrent) + x @ p.W_x + p.b),)


class DeepTransitionRNN(Unrolled):
    """The recurrent network whose transition is `depth` layers deep, with or without a shortcut around them.

    Parameters
    ----------
    input_size, hidden_size, dtype : see `Unrolled`
        D, H, and the parameters' type.
    depth : int
        Layers of the transition, at least 2.
    shortcut : bool
        Whether the state before reaches the last of them too, through ``W_s``.

    Source
    ------
    Pascanu, Gulcehre, Cho and Bengio 2014.
    """

    defaults: ClassVar = {"depth": 2, "shortcut": True}

    def _shapes(self, D, H):
        shapes = {"W_x": (D, H), "W_h": (H, H), "b": (H,)}
        for layer in range(2, self.depth + 1):
            shapes |= {f"W_{layer}": (H, H), f"b_{layer}": (H,)}
        return shapes | ({"W_s": (H, H)} if self.shortcut else {})

    def _step(self, p, x, h):
        a = x @ p.W_x + h @ p.W_h + p.b
        for layer in range(2, self.depth + 1):
            a = tanh(a) @ getattr(p, f"W_{layer}") + getattr(p, f"b_{layer}")
        return (tanh(a + h @ p.W_s if self.shortcut else a),)


class LSTM1997(Unrolled):
    """The first long short-term memory: no forget gate, and logistic functions of the ranges -2 to 2 and -1 to 1.

    Parameters
    ----------
    input_size, hidden_size, dtype : see `Unrolled`
        D, H, and the parameters' type.
    truncated : bool
        Whether the gradient is the paper's, in which only c carries an error back in time: h before is taken for a
        constant.

    Source
    ------
    Hochreiter and Schmidhuber 1997.
    """

    defaults: ClassVar = {"truncated": False}

    def _shapes(self, D, H):
        return {"W_x": (D, "igo"), "W_h": (H, "igo"), "b": ("igo",)}

    def _step(self, p, x, h, c):
        if self.truncated:
            h = h.detach()
        i, o = sigmoid(p.a("i", x, h)), sigmoid(p.a("o", x, h))
        c = c + i * (4 * sigmoid(p.a("g", x, h)) - 2)
        return o * (2 * sigmoid(c) - 1), c


class LSTM(Unrolled):
    """Long short-term memory with a forget gate, in the layout of `rnnlib.LSTM`.

    Parameters
    ----------
    input_size, hidden_size, dtype : see `Unrolled`
        D, H, and the parameters' type.

    Source
    ------
    Gers, Schmidhuber and Cummins 2000; the equations of `torch.nn.LSTM`'s documentation.
    """

    def _shapes(self, D, H):
        return {"W_x": (D, "ifgo"), "W_h": (H, "ifgo"), "b": ("ifgo",)}

    def _step(self, p, x, h, c):
        i, f, o = (sigmoid(p.a(k, x, h)) for k in "ifo")
        c = f * c + i * tanh(p.a("g", x, h))
        return o * tanh(c), c


class PeepholeLSTM(Unrolled):
    """Long short-term memory with peepholes, from which the eight variants of Greff et al. take or add one thing.

    Parameters
    ----------
    input_size, hidden_size, dtype : see `Unrolled`
        D, H, and the parameters' type.
    input_gate, forget_gate, output_gate : bool
        Which gates there are; one that is not stands open.
    input_activation, output_activation : str
        Of the candidate and of the memory: ``"tanh"``, ``"identity"``, ``"centred2"`` (4σ - 2) or ``"centred1"``
        (2σ - 1).
    coupled : bool
        Whether 1 - i stands for the forget gate.
    peepholes : bool
        Whether the gates see the memory: the output gate the new one, the others the old.
    full_gate_recurrence : bool
        Whether the gates see the gates of the step before; these are then states too.

    Source
    ------
    Gers, Schraudolph and Schmidhuber 2002; Greff et al. 2016.
    """

    defaults: ClassVar = {
        "input_gate": True,
        "forget_gate": True,
        "output_gate": True,
        "input_activation": "tanh",
        "output_activation": "tanh",
        "coupled": False,
        "peepholes": True,
        "full_gate_recurrence": False,
    }

    def _shapes(self, D, H):
        there = {"i": self.input_gate, "f": self.forget_gate and not self.coupled, "g": True, "o": self.output_gate}
        blocks = [k for k in "ifgo" if there[k]]
        shapes = {"W_x": (D, blocks), "W_h": (H, blocks), "b": (blocks,)}
        if self.peepholes:
            shapes |= {f"p_{k}": (H,) for k in blocks if k != "g"}
        return shapes | ({"W_g": (3 * H, "ifo")} if self.full_gate_recurrence else {})

    def _step(self, p, x, h, c, *gates):
        def gate(k, c):
            """The gate k (B, H), which may see the memory c and the gates before."""
            if not hasattr(p, f"b_{k}"):
                return torch.ones_like(c)
            a = p.a(k, x, h)
            if self.peepholes:
                a = a + c * getattr(p, f"p_{k}")
            if self.full_gate_recurrence:
                a = a + torch.cat(gates, dim=1) @ getattr(p, f"W_g{k}")
            return sigmoid(a)

        squash = {
            "tanh": tanh,
            "identity": lambda a: a,
            "centred2": lambda a: 4 * sigmoid(a) - 2,
            "centred1": lambda a: 2 * sigmoid(a) - 1,
        }
        i = gate("i", c)
        f = 1 - i if self.coupled else gate("f", c)
        c = f * c + i * squash[self.input_activation](p.a("g", x, h))
        o = gate("o", c)
        h = o * squash[self.output_activation](c)
        return (h, c, i, f, o) if self.full_gate_recurrence else (h, c)


class GRU(Unrolled):
    """Gated recurrent unit, in the layout of `rnnlib.GRU`.

    Parameters
    ----------
    input_size, hidden_size, dtype : see `Unrolled`
        D, H, and the parameters' type.
    reset : str
        Whether r acts ``"after"`` the product with the candidate's recurrent matrix or ``"before"`` it.
    update : str
        Whether z = 1 is to ``"keep"`` the old state or to ``"renew"`` it.
    recurrent_bias : bool
        Whether a bias ``b_h`` stands inside the reset.

    Source
    ------
    Cho et al. 2014; Chung et al. 2014 (before, renew); the equations of `torch.nn.GRU`'s documentation (after, keep,
    with the bias).
    """

    defaults: ClassVar = {"reset": "after", "update": "keep", "recurrent_bias": False}

    def _shapes(self, D, H):
        return {"W_x": (D, "rzn"), "W_h": (H, "rzn"), "b": ("rzn",)} | ({"b_h": (H,)} if self.recurrent_bias else {})

    def _step(self, p, x, h):
        r, z = sigmoid(p.a("r", x, h)), sigmoid(p.a("z", x, h))
        if self.reset == "before":
            n = tanh(p.a("n", x, r * h))
        else:
            n = tanh(x @ p.W_xn + p.b_n + r * (h @ p.W_hn + (p.b_h if self.recurrent_bias else 0)))
        return (torch.lerp(n, h, z) if self.update == "keep" else torch.lerp(h, n, z),)


class MUT1(Unrolled):
    """The first of the three cells found by search: z sees no state, and the candidate sees tanh(x).

    Parameters
    ----------
    input_size, hidden_size, dtype : see `Unrolled`
        D, H, and the parameters' type. Where D is not H, a last block of ``W_x`` projects x.

    Source
    ------
    Jozefowicz, Zaremba and Sutskever 2015.
    """

    def _shapes(self, D, H):
        return {"W_x": (D, "rz" if D == H else "rzp"), "W_h": (H, "rn"), "b": ("rzn",)}

    def _step(self, p, x, h):
        r, z = sigmoid(p.a("r", x, h)), sigmoid(x @ p.W_xz + p.b_z)
        n = tanh((r * h) @ p.W_hn + tanh(_bare(p, x)) + p.b_n)
        return (torch.lerp(h, n, z),)


class MUT2(Unrolled):
    """The second of the three cells found by search: r sees the bare x.

    Parameters
    ----------
    input_size, hidden_size, dtype : see `Unrolled`
        D, H, and the parameters' type. Where D is not H, a last block of ``W_x`` projects x.

    Source
    ------
    Jozefowicz, Zaremba and Sutskever 2015.
    """

    def _shapes(self, D, H):
        return {"W_x": (D, "zn" if D == H else "znp"), "W_h": (H, "rzn"), "b": ("rzn",)}

    def _step(self, p, x, h):
        r, z = sigmoid(_bare(p, x) + h @ p.W_hr + p.b_r), sigmoid(p.a("z", x, h))
        return (torch.lerp(h, tanh(p.a("n", x, r * h)), z),)


class MUT3(Unrolled):
    """The third of the three cells found by search: z sees tanh(h).

    Parameters
    ----------
    input_size, hidden_size, dtype : see `Unrolled`
        D, H, and the parameters' type.

    Source
    ------
    Jozefowicz, Zaremba and Sutskever 2015.
    """

    def _shapes(self, D, H):
        return {"W_x": (D, "rzn"), "W_h": (H, "rzn"), "b": ("rzn",)}

    def _step(self, p, x, h):
        r, z = sigmoid(p.a("r", x, h)), sigmoid(p.a("z", x, tanh(h)))
        return (torch.lerp(h, tanh(p.a("n", x, r * h)), z),)


def _bare(p, x):
    """The x (B, D) of MUT1 and MUT2 that meets no gate's weights, or its projection (B, H) where D and H differ."""
    return x @ p.W_xp if hasattr(p, "W_xp") else x


class GatedFeedback(Unrolled):
    """Layers of H units each, every one of which reaches the next step's candidate of every other through a gate.

    Parameters
    ----------
    input_size, hidden_size, dtype : see `Unrolled`
        D, H of each layer, and the parameters' type.
    layers : int
        L.
    over : str
        What a layer is: ``"tanh"``, ``"lstm"`` or ``"gru"``.

    Source
    ------
    Chung, Gulcehre, Cho and Bengio 2015.
    """

    defaults: ClassVar = {"layers": 2, "over": "tanh"}

    @property
    def output(self):
        """Place of the last layer's h among the states (int)."""
        return self.layers - 1

    def _shapes(self, D, H):
        blocks, candidate = {"tanh": ("h", "h"), "lstm": ("ifgo", "g"), "gru": ("rzn", "n")}[self.over]
        own = [k for k in blocks if k != candidate]
        shapes = {"W_gh": (self.layers * H, self.layers**2)}
        for j in range(1, self.layers + 1):
            below, name = (D, "") if j == 1 else (H, str(j))
            shapes |= {f"W_x{name}": (below, blocks), f"b{name}": (blocks,), f"W_gx{name}": (below, self.layers)}
            shapes[f"W_h{name}"] = (H, own + [f"U{to}" for to in range(1, self.layers + 1)])
        return shapes

    def _step(self, p, x, *state):
        L = self.layers
        everything, hs, cs = torch.cat(state[:L], dim=1), [], []
        for j in range(L):
            layer = self._layer(p, j)
            gates = sigmoid(x @ layer.W_gx + everything @ p.W_gh[:, j * L : (j + 1) * L])
            s = sum(gates[:, i : i + 1] * (state[i] @ self._layer(p, i).U[j]) for i in range(L))
            h, c = self._over(layer, x, s, state[j], state[L + j] if self.over == "lstm" else None)
            hs.append(h)
            cs.append(c)
            x = h
        return (*hs, *cs) if self.over == "lstm" else tuple(hs)

    def _layer(self, p, j):
        """The parts of layer j, counted from 0, under the names that they have in a cell of one layer."""
        n = "" if j == 0 else str(j + 1)
        layer = SimpleNamespace(W_gx=getattr(p, f"W_gx{n}"))
        layer.U = [getattr(p, f"W_h{n}U{to}") for to in range(1, self.layers + 1)]
        layer.a_x = lambda k, x: x @ getattr(p, f"W_x{n}{k}") + getattr(p, f"b{n}_{k}")
        layer.a = lambda k, x, h: layer.a_x(k, x) + h @ getattr(p, f"W_h{n}{k}")
        return layer

    def _over(self, layer, x, s, h, c):
        """One layer's new h and c, from its input x, what all layers give its candidate (s), and its own state."""
        if self.over == "tanh":
            return tanh(layer.a_x("h", x) + s), None
        if self.over == "gru":
            r, z = sigmoid(layer.a("r", x, h)), sigmoid(layer.a("z", x, h))
            return torch.lerp(tanh(layer.a_x("n", x) + r * s), h, z), None
        i, f, o = (sigmoid(layer.a(k, x, h)) for k in "ifo")
        c = f * c + i * tanh(layer.a_x("g", x) + s)
        return o * tanh(c), c
