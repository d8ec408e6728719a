"""Networks that predict Bach's chorales, trained until the pieces held out for it say stop."""

import time

import numpy as np

from experiments.training import Trainer, mean_over_batches
from rnnlib import Dense, Network
from rnnlib.tasks.chorales import chorales, next_step_batch

KEYS = 88


def batches(split, size):
    """The chorales of a split, a quarter note a step, in padded batches of pieces of similar length.

    Parameters
    ----------
    split : str
        ``"train"``, ``"valid"`` or ``"test"``.
    size : int
        Pieces a batch.

    Returns
    -------
    batches : list of (xs, targets, lengths)
        In float32; the shortest pieces first.
    """
    pieces = sorted(chorales(split), key=len)
    return [next_step_batch(pieces[k : k + size], np.float32) for k in range(0, len(pieces), size)]


def reading(layer, rng):
    """A network of one recurrent layer, with the log-odds of each key as its output.

    Parameters
    ----------
    layer : rnnlib.layers.Recurrent
    rng : numpy.random.Generator

    Returns
    -------
    network : rnnlib.Network
    """
    return Network([layer, Dense(layer.hidden_size, KEYS, rng=rng, dtype=layer.dtype)])


def train(network, lr, rng, device, epochs, patience, also=("test",), size=16, noise=0.0):
    """Train by Adam until the loss on the validation pieces has not fallen for a while.

    Parameters
    ----------
    network : rnnlib.Network
    lr : float
    rng : numpy.random.Generator
        Draws the order of the batches, and the noise.
    device : str
        See `experiments.training.Trainer`.
    epochs : int
        At most so many.
    patience : int
        Stop after so many epochs without a new lowest loss on the validation pieces.
    also : tuple of str
        Splits whose loss is told for the epoch of the lowest loss on the validation pieces.
    size : int
        Pieces a batch.
    noise : float
        On the weights while a gradient is taken; see `experiments.training.Trainer`.

    Returns
    -------
    found : dict
        Losses in nats a time step. ``valid``, the lowest; the splits of `also`, in the same epoch; ``epoch``, which one
        (0: before any training); ``diverged``, whether a loss or gradient stopped being a number; ``curves`` by epoch:
        ``train``, the mean of the batches' losses before each step, ``valid``, and ``seconds`` spent on the training
        steps since the start, of the processor on the CPU.
    """
    data, valid = batches("train", size), batches("valid", 100)
    others = {split: batches(split, 100) for split in also}
    trainer = Trainer(network, "sets", lr, device=device, noise=noise, rng=rng)
    clock = time.process_time if device == "cpu" else time.perf_counter
    curves, seconds = {"train": [], "valid": [], "seconds": []}, 0.0

    def measured(epoch, loss):
        also = {split: mean_over_batches(trainer, part) for split, part in others.items()}
        return {"valid": loss, **also, "epoch": epoch, "diverged": False}

    best = measured(0, mean_over_batches(trainer, valid))
    for epoch in range(1, epochs + 1):
        start = clock()
        try:
            losses = [trainer.step(*data[k]) for k in rng.permutation(len(data))]
            seconds += clock() - start
            loss = mean_over_batches(trainer, valid)
        except ValueError as error:  # rnnlib's word for it; torch goes on with NaN
            if not any(word in str(error) for word in ("finite", "NaN")):
                raise
            loss = np.nan
        if not np.isfinite(loss):
            best["diverged"] = True
            break
        for name, value in (("train", np.mean(losses)), ("valid", loss), ("seconds", seconds)):
            curves[name].append(round(float(value), 4))
        if loss < best["valid"]:
            best = measured(epoch, loss)
        elif epoch - best["epoch"] >= patience:
            break
    return {**{name: round(v, 5) if isinstance(v, float) else v for name, v in best.items()}, "curves": curves}
