"""The training loop."""

import sys

import numpy as np
from tqdm import tqdm

from rnnlib.losses import cross_entropy, cross_entropy_backward
from rnnlib.optim import clip_by_global_norm


def fit(network, batches, optimizer, *, steps, max_norm=None, progress=True):
    """Train a network on batches that continue each other, or on batches of separate sequences.

    Without lengths, each step runs forward from the state in which the batch before ended, and backward through this
    batch alone: truncated BPTT as it is used in practice, the state carried and the gradient cut. A batch with lengths
    holds separate sequences, padded to one length: it begins with the state 0, and its padding does not count.

    Parameters
    ----------
    network : Network
        Trained in place.
    batches : iterator of (xs, targets), or of (xs, targets, lengths)
        xs (T, B, D), or words (T, B); targets (T, B), integers; lengths (B,), integers.
    optimizer : SGD or Adam
        Made with ``network.params``.
    steps : int
        How many batches to take.
    max_norm : float, optional
        Clip the gradients to this global norm.
    progress : bool
        Show a bar with the loss, on standard output; it works in a terminal and in a notebook.

    Returns
    -------
    losses : array, shape (steps,)
        The cross-entropy of each batch before its step, in nats a prediction.

    Raises
    ------
    ValueError
        When the batches end too early, training diverged (a loss or gradient is not finite), or a network with a
        bidirectional layer, whose state cannot be carried on, gets a batch without lengths.

    Source
    ------
    Williams and Peng 1990 (truncation); Pascanu, Mikolov and Bengio 2013 (clipping).
    """
    batches = iter(batches)
    states = None
    losses = np.empty(steps)
    with tqdm(range(steps), file=sys.stdout, unit=" batch", disable=not progress) as bar:
        for step in bar:
            try:
                xs, targets, *rest = next(batches)
            except StopIteration:
                raise ValueError(f"batches ended after {step}; there should be at least steps = {steps}") from None
            lengths = rest[0] if rest else None
            if lengths is not None:
                states = None
            elif not network.one_way:
                raise ValueError("lengths is missing in a batch; a network with a bidirectional layer needs them")
            logits, states = network.forward(xs, states, lengths)
            losses[step] = cross_entropy(logits, targets, lengths)
            network.backward(cross_entropy_backward(logits, targets, lengths))
            grads = network.grads
            if max_norm is not None:
                grads, _ = clip_by_global_norm(grads, max_norm)
            optimizer.step(grads)
            if progress:
                bar.set_postfix(loss=f"{losses[step]:.3f}", refresh=False)
    return losses
