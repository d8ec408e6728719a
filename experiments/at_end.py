"""Online training on sequences that are asked for one answer, at their end, as in experiments 3 to 6 of 1997."""

import numpy as np

from rnnlib.tasks.criteria import largest_error

RECENT = 2000  # sequences that the stopping rules look at
TESTED = 2560  # sequences of the paper's tests


def joined(xs, targets, lengths):
    """Padded sequences one after the other, without the padding.

    Parameters
    ----------
    xs : array, shape (T, B, D)
    targets : array, shape (B, K)
        What is asked for at the end.
    lengths : array of integers, shape (B,)

    Returns
    -------
    arguments : tuple of arrays
        What `rnnlib.online.OnlineLSTM.run` takes: inputs, targets, where there are targets, where a sequence starts.
    """
    there = np.arange(len(xs)) < lengths[:, None]
    ends = lengths.cumsum() - 1
    counts, starts = np.zeros(there.sum(), dtype=bool), np.zeros(there.sum(), dtype=bool)
    counts[ends] = starts[ends - lengths + 1] = True
    spread = np.zeros((len(counts), targets.shape[1]))
    spread[ends] = targets
    return xs.swapaxes(0, 1)[there], spread, counts, starts


def errors_at_end(net, sequences, lr=0.0):
    """The largest error of any output at the end of each sequence, while the net learns unless the rate is 0.

    Parameters
    ----------
    net : rnnlib.online.OnlineLSTM
    sequences : tuple (xs, targets, lengths)
    lr : float

    Returns
    -------
    errors : array, shape (B,)
    """
    xs, targets, counts, starts = joined(*sequences)
    ys = net.run(xs, targets, counts, starts, lr=lr).ys if lr else net.run(xs, starts=starts).ys
    return largest_error(ys[counts], targets[counts])


def train(net, draw, rules, lr, most, every=100):
    """Train on sequences that are drawn as they are needed, until all rules say that it is over.

    Parameters
    ----------
    net : rnnlib.online.OnlineLSTM
    draw : callable
        ``draw(B)`` gives B sequences: xs, targets, lengths.
    rules : dict of str to callable
        By name, a stopping rule: ``rule(errors)`` of the last `RECENT` sequences in training. A net is tested when a
        rule is first fulfilled.
    lr : float
    most : int
        Sequences after which training ends anyway.
    every : int
        Sequences between two looks at the rules.

    Returns
    -------
    found : dict
        For each rule's name: ``sequences`` until it was fulfilled, or None; of `TESTED` new sequences then, ``errors``.
        For ``"end"``, the ``mean_error`` of the last sequences in training.
    """
    recent, left = np.empty(0), dict(rules)
    found = {name: {"sequences": None, "errors": None} for name in rules}
    for done in range(0, most, every):
        recent = np.concatenate([recent, errors_at_end(net, draw(every), lr)])[-RECENT:]
        for name in [name for name, rule in left.items() if rule(recent)]:
            del left[name]
            found[name] = {"sequences": done + every, "errors": errors_at_end(net, draw(TESTED))}
        if not left:
            break
    return found | {"end": {"mean_error": float(recent.mean())}}


def mean_and_error(values):
    """Mean and standard error of some numbers, as words.

    Parameters
    ----------
    values : sequence of numbers

    Returns
    -------
    words : str
    """
    if len(values) < 2:
        return f"{np.mean(values):,.0f}"
    return f"{np.mean(values):,.0f} ± {np.std(values, ddof=1) / len(values) ** 0.5:,.0f}"
