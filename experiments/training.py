"""Training for the experiments on batches: a network of rnnlib on the CPU, or the same network of torch modules."""

import numpy as np

from rnnlib import Dense
from rnnlib.layers import Recurrent
from rnnlib.losses import (
    bernoulli_cross_entropy,
    bernoulli_cross_entropy_backward,
    cross_entropy,
    cross_entropy_backward,
)
from rnnlib.optim import Adam, clip_by_global_norm

#: Loss and gradient by name: of one class a step, or of a set of notes a step.
LOSSES = {
    "classes": (cross_entropy, cross_entropy_backward),
    "sets": (bernoulli_cross_entropy, bernoulli_cross_entropy_backward),
}


class Trainer:
    """Trains a network by Adam with clipped gradients.

    Parameters
    ----------
    network : rnnlib.Network
        Of recurrent layers that go one way, with a `Dense` at the end. Trained in place on the CPU; on another device
        it gives the initial weights alone.
    loss : str
        A key of `LOSSES`.
    lr : float
    max_norm : float
        To which the gradients' norm is clipped.
    device : str
        ``"cpu"``: rnnlib. ``"cuda"``: torch's modules on the GPU. ``"torch"``: they on the CPU, to compare with.
    noise : float
        Standard deviation of what is added to each weight while a gradient is taken, drawn anew for each step.
    rng : numpy.random.Generator, optional
        Draws the noise; not needed without.

    Raises
    ------
    ValueError
        When the network has a layer that torch has no module for.
    """

    def __init__(self, network, loss, lr, max_norm=1.0, device="cpu", noise=0.0, rng=None):
        self.network, self.loss, self.device, self.max_norm = network, loss, device, max_norm
        self.noise, self.rng = noise, rng
        if device == "cpu":
            self.optimizer = Adam(network.params, lr=lr)
        else:
            self._side = InTorch(network, loss, lr, max_norm, "cpu" if device == "torch" else device)

    def step(self, xs, targets, lengths=None):
        """Take one step on a batch of separate sequences.

        Parameters
        ----------
        xs : array, shape (T, B, D)
        targets : array
            (T, B) integers for classes, (T, B, K) for sets.
        lengths : array of integers, shape (B,), optional

        Returns
        -------
        loss : float
            Before the step, in nats a time step.
        """
        if self.noise:
            noise = {name: self.rng.normal(0, self.noise, p.shape) for name, p in self.network.params.items()}
            self._add(noise, 1)
        if self.device != "cpu":
            loss = self._side.step(xs, targets, lengths)
        else:
            value, backward = LOSSES[self.loss]
            logits, _ = self.network.forward(xs, None, lengths)
            self.network.backward(backward(logits, targets, lengths))
            grads, _ = clip_by_global_norm(self.network.grads, self.max_norm)
            self.optimizer.step(grads)
            loss = value(logits, targets, lengths)
        if self.noise:
            self._add(noise, -1)  # what Adam adds does not depend on the weights, so the noise may leave after it
        return loss

    def _add(self, noise, sign):
        """Add noise to the weights, or take it away again."""
        if self.device != "cpu":
            self._side.add(noise, sign)
            return
        for name, p in self.network.params.items():
            p += (sign * noise[name]).astype(p.dtype)

    def evaluate(self, xs, targets, lengths=None):
        """The loss on a batch; parameters as in `step`."""
        return LOSSES[self.loss][0](self.logits(xs, lengths), targets, lengths)

    def logits(self, xs, lengths=None):
        """What the network gives for a batch, (T, B, K)."""
        if self.device != "cpu":
            return self._side.logits(xs, lengths)
        return self.network.forward(xs, None, lengths)[0]


class InTorch:
    """The same in torch, from the same initial weights; parameters as of `Trainer`."""

    def __init__(self, network, loss, lr, max_norm, device):
        import torch

        from rnnlib import torch_models

        self.torch, self.loss, self.max_norm, self.device = torch, loss, max_norm, device
        self.layers = torch.nn.ModuleList()
        for layer in network.layers:
            if isinstance(layer, Recurrent):
                module = getattr(torch_models, type(layer).__name__).from_layer(layer)
                module.states = len(layer.cell.states)
            elif isinstance(layer, Dense) and layer.activation is None:
                module = torch.nn.Linear(layer.input_size, layer.output_size, dtype=getattr(torch, str(layer.dtype)))
                with torch.no_grad():
                    module.weight.copy_(torch.tensor(layer.params["W_y"].T))
                    module.bias.copy_(torch.tensor(layer.params["b_y"]))
            else:
                raise ValueError(f"the network has a {type(layer).__name__}; torch has no module for it here")
            self.layers.append(module)
        names = {"weight": "W_y", "bias": "b_y"}  # of a Linear; the other modules name them as rnnlib does
        self.weights = {
            f"{k}.{names.get(name, name)}": p for k, module in enumerate(self.layers)
            for name, p in module.named_parameters()
        }  # fmt: skip
        self.layers.to(device)
        self.optimizer = torch.optim.Adam(self.layers.parameters(), lr=lr)

    def add(self, noise, sign):
        """Add arrays, by the names of the network's parameters, to its weights, or take them away."""
        with self.torch.no_grad():
            for name, added in noise.items():
                p = self.weights[name]
                p += self.torch.as_tensor(sign * (added.T if name.endswith("W_y") else added)).to(p)

    def forward(self, xs, lengths):
        """Logits as a tensor."""
        xs = self.torch.as_tensor(xs, device=self.device)
        for module in self.layers:
            if isinstance(module, self.torch.nn.Linear):
                xs = module(xs)
            else:
                zero = xs.new_zeros(xs.shape[1], module.hidden_size)
                xs, _ = module(xs, (zero,) * module.states, lengths)
        return xs

    def step(self, xs, targets, lengths):
        """See `Trainer.step`."""
        torch, functional = self.torch, self.torch.nn.functional
        lengths = None if lengths is None else torch.as_tensor(lengths, device=self.device)
        logits, targets = self.forward(xs, lengths), torch.as_tensor(targets, device=self.device)
        if self.loss == "classes":
            each = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
            each = each.reshape(targets.shape)
        else:
            each = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(-1)
        if lengths is not None:
            each = each[torch.arange(len(each), device=self.device)[:, None] < lengths]
        loss = each.mean()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.layers.parameters(), self.max_norm)
        self.optimizer.step()
        return float(loss.detach())

    def logits(self, xs, lengths):
        """See `Trainer.logits`."""
        with self.torch.no_grad():
            lengths = None if lengths is None else self.torch.as_tensor(lengths, device=self.device)
            return self.forward(xs, lengths).cpu().numpy()


def mean_over_batches(trainer, batches):
    """The loss of all batches together, each time step counted alike.

    Parameters
    ----------
    trainer : Trainer
    batches : iterable of (xs, targets, lengths)

    Returns
    -------
    loss : float
        In nats a time step.
    """
    losses, steps = zip(*((trainer.evaluate(*batch), batch[2].sum()) for batch in batches), strict=True)
    return float(np.average(losses, weights=steps))
