"""The loss of the course: softmax cross-entropy over a whole sequence."""

import numpy as np

from rnnlib.activations import softmax
from rnnlib.validation import check_array, check_targets


def cross_entropy(logits, targets):
    r"""Mean negative log-probability of the targets, in nats.

    .. math:: L = -\frac{1}{N} \sum_{n=1}^{N} \log p_{n, y_n}, \qquad
        \log p_{n,k} = o_{n,k} - m_n - \log \sum_j e^{o_{n,j} - m_n}, \quad m_n = \max_j o_{n,j}

    N counts every prediction: T·B for a sequence of logits of shape (T, B, K). The logarithm is taken before the
    softmax could round a probability to 0.

    Parameters
    ----------
    logits : array of float32 or float64, shape (..., K)
        Unnormalised log-probabilities o.
    targets : array of integers, shape (...)
        The right class y of each prediction, from 0 to K - 1.

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
    _check(logits, targets)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return -float(np.take_along_axis(log_p, targets[..., None], axis=-1).mean())


def cross_entropy_backward(logits, targets):
    r"""Gradient of `cross_entropy` by the logits.

    .. math:: \frac{\partial L}{\partial o_{n,k}} = \frac{1}{N} \bigl( p_{n,k} - [k = y_n] \bigr)

    Parameters
    ----------
    logits : array of float32 or float64, shape (..., K)
        As in `cross_entropy`.
    targets : array of integers, shape (...)
        As in `cross_entropy`.

    Returns
    -------
    dlogits : array, the shape and dtype of logits
        Each row sums to 0.

    Raises
    ------
    TypeError, ValueError
        As in `cross_entropy`.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, section 10.2.2, averaged as the loss is.
    """
    _check(logits, targets)
    dlogits = softmax(logits)
    at_target = np.take_along_axis(dlogits, targets[..., None], axis=-1)
    np.put_along_axis(dlogits, targets[..., None], at_target - 1, axis=-1)
    return dlogits / targets.size


def _check(logits, targets):
    leading = {f"axis {i}": None for i in range(np.ndim(logits) - 1)}
    check_array("logits", logits, {**leading, "K": None})
    check_targets("targets", targets, logits.shape[:-1], classes=logits.shape[-1])
