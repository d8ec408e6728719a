r"""Learning as the papers of 1997 to 2002 did it: online, after every step, by a gradient taken forward in time.

Backpropagation through time keeps a sequence and walks it back. The first LSTM papers do neither. They cut the error
wherever it would leave a memory cell by way of the gates and inputs of the step before; what is left of the past is the
cell's own sum, so that its derivative by each weight can be carried along as one more number, the trace:

.. math::

    \frac{\partial c_t}{\partial w} = f_t \, \frac{\partial c_{t-1}}{\partial w} + \text{what this step adds} .

The weights change at once. This is real-time recurrent learning, truncated: with the weights held still over a
sequence, it finds what backpropagation finds through a truncated cell, such as ``LSTM1997(truncated=True)``.
"""

from typing import NamedTuple

import numpy as np

from rnnlib.activations import named, sigmoid
from rnnlib.fast import online_in_c
from rnnlib.validation import check_array, check_generator, check_number, check_sizes

SQUASHES = ["identity", "tanh", "sigmoid", "centred1", "centred2"]
OUTPUTS = ["sigmoid", "identity"]
WEIGHTS = ["h", "b_gates", "b_cells", "b_outputs"]


class Run(NamedTuple):
    """What a network gave for a sequence.

    Parameters
    ----------
    ys : array, shape (steps, K)
        The outputs.
    steps : int
        How many steps it took: all T, or fewer where it was told to stop.
    """

    ys: np.ndarray
    steps: int


class OnlineLSTM:
    r"""A network of memory blocks that learns online by the truncated gradient.

    A block has S cells, which share its gates. With every unit's input :math:`z_t = [x_t, h_{t-1}, g_{t-1}, 1]`, where
    g are the gates of the step before if there is gate recurrence,

    .. math::

        i_t &= \sigma(z_t W_i + p_i \cdot c_{t-1}), \qquad f_t = \sigma(z_t W_f + p_f \cdot c_{t-1}) \\
        c_t &= f_t \, c_{t-1} + i_t \, \phi(z_t W_g) \\
        o_t &= \sigma(z_t W_o + p_o \cdot c_t), \qquad h_t = o_t \, \psi(c_t) \\
        y_t &= \chi([h_t, x_t, 1] \, W_y)

    and the error of a step is :math:`\tfrac12 \sum_k (y_{tk} - \mathrm{target}_{tk})^2`. Its gradient does not go back
    through :math:`h_{t-1}`, :math:`g_{t-1}` or a peephole.

    ``params`` has ``W`` (M, U), all units side by side in the order i, f, g, o, a gate a column for each block and g a
    column for each cell, with the rows of x, h, the gates and the bias below each other; ``W_y``, its rows those of h,
    of x if they are connected, and the bias; and the peepholes ``p_i``, ``p_f``, ``p_o``, each (blocks, cells).
    ``present`` has, under the same names, 1 where there is a weight and 0 where there is none.

    Parameters
    ----------
    input_size, output_size : int
        D and K.
    blocks, cells : int
        How many memory blocks, and cells in each.
    rng : numpy.random.Generator
        Draws the weights.
    bound : float
        They are drawn from -bound to bound.
    gates : str
        Which gates there are, of ``"ifo"``.
    forget : float
        What a cell keeps of itself at each step where there is no forget gate: 1, or less for state decay. With 0, and
        no gates, a cell is a unit of Elman's network, which Elman's procedure trains: no error leaves a step.
    peepholes, gate_recurrence, direct : bool
        Whether gates see the memory, whether all units see the gates before, whether outputs see the input.
    without : collection of str
        Weights that are left out, of `WEIGHTS`: those from h to all units, and the biases of gates, cells and outputs.
    squash_in, squash_out : str
        The functions φ and ψ: ``"identity"``, ``"tanh"``, ``"sigmoid"``, or the papers' ``"centred2"`` from -2 to 2 and
        ``"centred1"`` from -1 to 1.
    output : str
        The function χ: ``"sigmoid"`` or ``"identity"``.
    biases : dict of str to sequence of floats
        Where the biases of the gates ``"i"``, ``"f"``, ``"o"`` begin, a number for each block; those left out are drawn
        as all weights.

    Raises
    ------
    TypeError, ValueError
        When an argument is none of these.

    Source
    ------
    Hochreiter and Schmidhuber 1997, appendix A.1; Gers, Schmidhuber and Cummins 2000; Gers, Schraudolph and Schmidhuber
    2002. The gradient as real-time recurrent learning: Williams and Zipser 1989. The network without memory:
    Elman 1990.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib.online import OnlineLSTM
    >>> net = OnlineLSTM(7, 7, blocks=4, cells=1, gates="io", gate_recurrence=True,
    ...                  without=["b_cells", "b_outputs"], bound=0.2, rng=np.random.default_rng(0))
    >>> net.count_parameters()  # as in the paper
    264
    """

    def __init__(
        self,
        input_size,
        output_size,
        *,
        blocks,
        cells,
        rng,
        bound=0.1,
        gates="ifo",
        forget=1.0,
        peepholes=False,
        gate_recurrence=False,
        direct=False,
        without=(),
        squash_in="centred2",
        squash_out="centred1",
        output="sigmoid",
        biases=None,
    ):
        check_sizes(input_size=input_size, output_size=output_size, blocks=blocks, cells=cells)
        check_generator(rng)
        check_number("bound", bound)
        if not set(gates) <= set("ifo") or len(set(gates)) != len(gates):
            raise ValueError(f"gates is {gates!r}; it should have each of i, f and o at most once")
        if not 0 <= forget <= 1:
            raise ValueError(f"forget is {forget}; it should be from 0 to 1")
        if not set(without) <= set(WEIGHTS):
            raise ValueError(f"without is {without!r}; it should have names among {', '.join(WEIGHTS)}")
        self.phi, self.phi_backward = named("squash_in", squash_in, SQUASHES)
        self.psi, self.psi_backward = named("squash_out", squash_out, SQUASHES)
        self.chi, self.chi_backward = named("output", output, OUTPUTS)
        self.squash_in, self.squash_out, self.output = squash_in, squash_out, output
        self.D, self.K, self.blocks, self.cells = input_size, output_size, blocks, cells
        self.gates = "".join(gate for gate in "ifo" if gate in gates)
        self.forget, self.gate_recurrence, self.direct = float(forget), gate_recurrence, direct
        self.H = blocks * cells
        self.seen = len(self.gates) * blocks if gate_recurrence else 0  # of the gates before
        widths = {"i": blocks, "f": blocks, "g": self.H, "o": blocks}
        self.columns, start = {}, 0
        for name in "ifgo":
            if name == "g" or name in self.gates:
                self.columns[name] = slice(start, start := start + widths[name])
        shapes = {
            "W": (self.D + self.H + self.seen + 1, start),
            "W_y": (self.H + (self.D if direct else 0) + 1, self.K),
        }
        if peepholes:
            shapes |= {f"p_{gate}": (blocks, cells) for gate in self.gates}
        self.peepholes = peepholes
        self.params = {name: rng.uniform(-bound, bound, shape) for name, shape in shapes.items()}
        self.present = {name: np.ones(shape) for name, shape in shapes.items()}
        if "h" in without:
            self.present["W"][self.D : self.D + self.H] = 0
        for name, columns in self.columns.items():
            self.present["W"][-1, columns] = ("b_cells" if name == "g" else "b_gates") not in without
        self.present["W_y"][-1] = "b_outputs" not in without
        for name, array in self.params.items():
            array *= self.present[name]
        for gate, values in (biases or {}).items():
            if gate not in self.gates or len(values) != blocks:
                raise ValueError(
                    f"biases has {gate!r} with {len(values)} numbers; it should be among {', '.join(self.gates)}, with "
                    f"blocks = {blocks} numbers"
                )
            self.params["W"][-1, self.columns[gate]] = values
        self.velocity = {name: np.zeros(shape) for name, shape in shapes.items()}
        self.grads = {name: np.zeros(shape) for name, shape in shapes.items()}
        self.reset()

    def count_parameters(self):
        """How many weights there are.

        Returns
        -------
        count : int
        """
        return int(sum(there.sum() for there in self.present.values()))

    def reset(self):
        """Begin a new sequence: memory, outputs and traces are 0."""
        self.h, self.c = np.zeros(self.H), np.zeros(self.H)
        self.before = np.zeros(len(self.gates) * self.blocks)
        rows = len(self.params["W"])
        self.traces = {name: np.zeros((rows, self.H)) for name in "ifg"}
        if self.peepholes:
            self.traces |= {f"p_{gate}": np.zeros((self.cells, self.H)) for gate in "if"}

    def run(
        self,
        xs,
        targets=None,
        counts=None,
        starts=None,
        *,
        lr=0.0,
        momentum=0.0,
        decay=1.0,
        update=True,
        stop_at=np.inf,
    ):
        """Take a sequence, or the next part of one, step by step, and learn from it where there are targets.

        Parameters
        ----------
        xs : array, shape (T, D)
        targets : array, shape (T, K), optional
            Without them nothing is learned.
        counts : array of bool, shape (T,), optional
            Which steps have a target; all when left out.
        starts : array of bool, shape (T,), optional
            Before which steps to `reset`: where several sequences lie one after the other, their first steps.
        lr, momentum : float
            Learning rate, and how much of the last change is made again.
        decay : float
            What the learning rate is multiplied with after each step; each call begins with `lr`.
        update : bool
            Whether the weights change after each step with a target. If not, the gradients add up in ``grads``, and
            `apply` changes the weights.
        stop_at : float
            The run ends after the first step with a target at which some output is this far off, or more.

        Returns
        -------
        run : Run

        Raises
        ------
        TypeError, ValueError
            When an argument is not an array, or its shape, dtype or an entry is wrong.
        """
        check_array("xs", xs, {"T": None, "D": self.D}, np.float64)
        T = len(xs)
        if targets is not None:
            check_array("targets", targets, {"T": T, "K": self.K}, np.float64)
        counts = np.full(T, targets is not None) if counts is None else np.asarray(counts, bool)
        starts = None if starts is None else np.asarray(starts, bool)
        for name, mask in (("counts", counts), ("starts", starts)):
            if mask is not None and mask.shape != (T,):
                raise ValueError(f"{name} has shape {mask.shape}; it should be {(T,)}")
        if counts.any() and targets is None:
            raise ValueError("targets is missing; counts says that some steps have one")
        ys = np.empty((T, self.K))
        learn = (float(lr), float(momentum), float(decay), bool(update), float(stop_at))
        run = online_in_c.run if online_in_c.is_there() else _run
        steps = run(self, xs, targets, counts, starts, ys, *learn)
        return Run(ys[:steps], steps)

    def apply(self, lr, momentum=0.0):
        """Change the weights by the gradients that `run` has added up, and begin to add up again.

        Parameters
        ----------
        lr, momentum : float
            As in `run`.
        """
        for name, gradient in self.grads.items():
            self.velocity[name] *= momentum
            self.velocity[name] -= lr * gradient
            self.params[name] += self.velocity[name]
            gradient[...] = 0


def _run(net, xs, targets, counts, starts, ys, lr, momentum, decay, update, stop_at):
    """The steps of `OnlineLSTM.run`; fills `ys` and returns how many steps it took."""
    for t, x in enumerate(xs):
        if starts is not None and starts[t]:
            net.reset()
        for_learning = _step(net, x, ys[t])
        if counts[t]:
            error = ys[t] - targets[t]
            _learn(net, error, ys[t], *for_learning)
            if update:
                net.apply(lr, momentum)
                lr *= decay
            if np.abs(error).max() >= stop_at:
                return t + 1
    return len(xs)


def _step(net, x, y):
    """One step forward: the new state and traces; fills y."""
    W, traces, S, columns = net.params["W"], net.traces, net.cells, net.columns
    seen = net.before if net.gate_recurrence else net.before[:0]
    z = np.concatenate([x, net.h, seen, [1.0]])
    a = z @ W
    c_prev = net.c
    i = _gate(net, "i", a, c_prev, 1.0)
    f = _gate(net, "f", a, c_prev, net.forget)
    g = net.phi(a[columns["g"]])
    i_cell, f_cell = np.repeat(i, S), np.repeat(f, S)
    net.c = f_cell * c_prev + i_cell * g
    o = _gate(net, "o", a, net.c, 1.0)
    u = net.psi(net.c)
    net.h = np.repeat(o, S) * u
    net.before = np.concatenate([{"i": i, "f": f, "o": o}[gate] for gate in net.gates] or [np.zeros(0)])
    # What the pre-activations of i, f and g add to the memory now, by which they add to the traces of their weights.
    slopes = {"i": g * i_cell * (1 - i_cell), "f": c_prev * f_cell * (1 - f_cell)}
    for name, trace in traces.items():
        gate = name[-1]
        if gate != "g" and gate not in net.gates:
            continue
        slope = net.phi_backward(i_cell, g) if gate == "g" else slopes[gate]
        trace *= f_cell
        if name == gate:
            trace += z[:, None] * slope
        else:
            trace += np.repeat(c_prev.reshape(-1, S), S, axis=0).T * slope
    v = np.concatenate([net.h, x if net.direct else x[:0], [1.0]])
    y[:] = net.chi(v @ net.params["W_y"])
    return z, v, o, u


def _gate(net, gate, a, c, otherwise):
    """What a gate is, a number for each block."""
    if gate not in net.gates:
        return np.full(net.blocks, otherwise)
    a = a[net.columns[gate]]
    if net.peepholes:
        a = a + (net.params[f"p_{gate}"] * c.reshape(-1, net.cells)).sum(axis=1)
    return sigmoid(a)


def _learn(net, error, y, z, v, o, u):
    """Add the gradients of one step's error to those that are there."""
    grads, present, columns = net.grads, net.present, net.columns
    blocks, S, H = net.blocks, net.cells, net.H
    da_y = net.chi_backward(error, y)
    dh = net.params["W_y"][:H] @ da_y
    grads["W_y"] += np.outer(v, da_y) * present["W_y"]
    dW = np.zeros_like(grads["W"])
    dc = net.psi_backward(dh * np.repeat(o, S), u)
    dW[:, columns["g"]] = net.traces["g"] * dc
    for gate in "if":
        if gate in net.gates:
            dW[:, columns[gate]] = (net.traces[gate] * dc).reshape(-1, blocks, S).sum(axis=2)
            if net.peepholes:
                grads[f"p_{gate}"] += (net.traces[f"p_{gate}"] * dc).reshape(S, blocks, S).sum(axis=2).T
    if "o" in net.gates:
        da_o = (dh * u).reshape(blocks, S).sum(axis=1) * o * (1 - o)
        dW[:, columns["o"]] = np.outer(z, da_o)
        if net.peepholes:
            grads["p_o"] += da_o[:, None] * net.c.reshape(blocks, S)
    grads["W"] += dW * present["W"]
