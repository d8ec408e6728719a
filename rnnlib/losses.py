"""The losses: cross-entropy of one class or of many notes over whole sequences, and the mean squared error."""

import numpy as np

from rnnlib.activations import sigmoid, softmax
from rnnlib.validation import check_array, check_lengths, check_targets


def cross_entropy(logits, targets, lengths=None):
    r"""Mean negative log-probability of the targets, in nats.

    .. math::

        L &= -\frac{1}{N} \sum_{n=1}^{N} \log p_{n, y_n} \\
        \log p_{n,k} &= o_{n,k} - m_n - \log \sum_j e^{o_{n,j} - m_n}, \qquad m_n = \max_j o_{n,j}

    N counts every prediction: T·B for a sequence of logits of shape (T, B, K), or with `lengths` their sum. The
    logarithm is taken before the softmax could round a probability to 0.

    Parameters
    ----------
    logits : array of float32 or float64, shape (..., K)
        Unnormalised log-probabilities o.
    targets : array of integers, shape (...)
        The right class y of each prediction, from 0 to K - 1; any of them where there is padding.
    lengths : array of integers, shape (B,), optional
        For logits of shape (T, B, K): how many steps of each sequence count, all when left out.

    Returns
    -------
    loss : float
        At least 0, in nats; log K for equal logits.

    Raises
    ------
    TypeError
        When an argument is not a numpy array.
    ValueError
        When a shape, a dtype or an entry is not as above, or a logit is NaN or infinite.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, sections 6.2.2.3 and 10.2, there summed over time, here averaged.
    """
    alive = _check(logits, targets, lengths)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    log_p = np.take_along_axis(log_p, targets[..., None], axis=-1)
    return -float((log_p if alive is None else log_p[alive]).mean())


def cross_entropy_backward(logits, targets, lengths=None):
    r"""Gradient of `cross_entropy` by the logits.

    .. math:: \frac{\partial L}{\partial o_{n,k}} = \frac{1}{N} \bigl( p_{n,k} - [k = y_n] \bigr)

    Parameters
    ----------
    logits : array of float32 or float64, shape (..., K)
        As in `cross_entropy`.
    targets : array of integers, shape (...)
        As in `cross_entropy`.
    lengths : array of integers, shape (B,), optional
        As in `cross_entropy`.

    Returns
    -------
    dlogits : array, the shape and dtype of logits
        Each row sums to 0; where there is padding it is 0.

    Raises
    ------
    TypeError, ValueError
        As in `cross_entropy`.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, section 10.2.2, averaged as the loss is.
    """
    alive = _check(logits, targets, lengths)
    dlogits = softmax(logits)
    at_target = np.take_along_axis(dlogits, targets[..., None], axis=-1)
    np.put_along_axis(dlogits, targets[..., None], at_target - 1, axis=-1)
    if alive is None:
        return dlogits / targets.size
    return dlogits * alive[:, :, None] / int(lengths.sum())


def bernoulli_cross_entropy(logits, targets, lengths=None):
    r"""Mean negative log-probability of sets, such as the notes that sound together, in nats a time step.

    .. math::

        L = \frac{1}{N} \sum_{n=1}^{N} \sum_{k=1}^{K} \max(o_{n,k}, 0) - o_{n,k} y_{n,k} + \log(1 + e^{-|o_{n,k}|})

    which is :math:`-\log \sigma(o)` where :math:`y = 1` and :math:`-\log(1 - \sigma(o))` where :math:`y = 0`, written
    so that no exponential overflows. N counts time steps, as in `cross_entropy`; the K members of a set are summed.

    Parameters
    ----------
    logits : array of float32 or float64, shape (..., K)
        Log-odds o of each member.
    targets : array, the shape and dtype of logits
        y, 1 for what is in the set and 0 for what is not; anything between, too.
    lengths : array of integers, shape (B,), optional
        For logits of shape (T, B, K): how many steps of each sequence count, all when left out.

    Returns
    -------
    loss : float
        K log 2 for logits that are 0.

    Raises
    ------
    TypeError
        When an argument is not a numpy array.
    ValueError
        When a shape or dtype is not as above, an entry is NaN or infinite, or a target is not from 0 to 1.

    Source
    ------
    Boulanger-Lewandowski, Bengio and Vincent 2012, for the measure; Goodfellow, Bengio and Courville 2016, section
    6.2.2.2, for the unit.
    """
    alive = _check_sets(logits, targets, lengths)
    each = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))
    steps = each.sum(axis=-1)
    return float((steps if alive is None else steps[alive]).mean())


def bernoulli_cross_entropy_backward(logits, targets, lengths=None):
    r"""Gradient of `bernoulli_cross_entropy` by the logits.

    .. math:: \frac{\partial L}{\partial o_{n,k}} = \frac{1}{N} \bigl( \sigma(o_{n,k}) - y_{n,k} \bigr)

    Parameters
    ----------
    logits, targets : arrays
        As in `bernoulli_cross_entropy`.
    lengths : array of integers, shape (B,), optional
        As in `bernoulli_cross_entropy`.

    Returns
    -------
    dlogits : array, the shape and dtype of logits
        0 where there is padding.

    Raises
    ------
    TypeError, ValueError
        As in `bernoulli_cross_entropy`.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, section 6.2.2.2.
    """
    alive = _check_sets(logits, targets, lengths)
    dlogits = sigmoid(logits) - targets
    if alive is None:
        return dlogits / (targets.size // targets.shape[-1])
    return dlogits * alive[:, :, None] / int(lengths.sum())


def mean_squared_error(ys, targets):
    r"""Mean squared difference, over all entries.

    .. math:: L = \frac{1}{N} \sum_{n=1}^{N} (y_n - \hat y_n)^2

    Parameters
    ----------
    ys : array of float32 or float64, any shape
        What a model gives, y.
    targets : array, the shape and dtype of ys
        What it should give, :math:`\hat y`.

    Returns
    -------
    loss : float

    Raises
    ------
    TypeError
        When an argument is not a numpy array.
    ValueError
        When a shape or dtype is not as above, or an entry is NaN or infinite.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, section 5.1.4.
    """
    _check_pair(ys, targets)
    return float(((ys - targets) ** 2).mean())


def mean_squared_error_backward(ys, targets):
    r"""Gradient of `mean_squared_error` by ys.

    .. math:: \frac{\partial L}{\partial y_n} = \frac{2}{N} (y_n - \hat y_n)

    Parameters
    ----------
    ys : array of float32 or float64, any shape
        As in `mean_squared_error`.
    targets : array, the shape and dtype of ys
        As in `mean_squared_error`.

    Returns
    -------
    dys : array, the shape and dtype of ys

    Raises
    ------
    TypeError, ValueError
        As in `mean_squared_error`.

    Source
    ------
    The chain rule applied to `mean_squared_error`.
    """
    _check_pair(ys, targets)
    return (ys - targets) * (2 / ys.size)


def _check(logits, targets, lengths):
    """Raise unless the arguments fit; which predictions count, (T, B), or None for all."""
    leading = {f"axis {i}": None for i in range(np.ndim(logits) - 1)}
    if lengths is not None:
        leading = {"T": None, "B": None}
    check_array("logits", logits, {**leading, "K": None})
    check_targets("targets", targets, logits.shape[:-1], classes=logits.shape[-1])
    if lengths is None:
        return None
    T, B = targets.shape
    check_lengths(lengths, B, T)
    return np.arange(T)[:, None] < lengths


def _check_sets(logits, targets, lengths):
    """Raise unless the arguments fit; which steps count, (T, B), or None for all."""
    leading = {f"axis {i}": None for i in range(np.ndim(logits) - 1)}
    check_array("logits", logits, {**(leading if lengths is None else {"T": None, "B": None}), "K": None})
    check_array("targets", targets, logits.shape, logits.dtype)
    if targets.min() < 0 or targets.max() > 1:
        raise ValueError(f"targets go from {targets.min():g} to {targets.max():g}; they should be from 0 to 1")
    if lengths is None:
        return None
    T, B, _ = targets.shape
    check_lengths(lengths, B, T)
    return np.arange(T)[:, None] < lengths


def _check_pair(ys, targets):
    check_array("ys", ys, {f"axis {i}": None for i in range(np.ndim(ys))})
    check_array("targets", targets, ys.shape, ys.dtype)
