"""The nonlinearities of the course and their derivatives, stable for inputs of any size.

Each ``*_backward`` takes the gradient by the function's value and the value itself, which the forward pass
has at hand, and gives the gradient by the function's argument.
"""

import numpy as np


def sigmoid(a):
    r"""Logistic function, between 0 and 1: what a gate opens by.

    .. math:: \sigma(a) = \frac{1}{1 + e^{-a}}

    Written with :math:`e^{-|a|}`, so that no exponential overflows.

    Parameters
    ----------
    a : array of floats, any shape
        Pre-activations.

    Returns
    -------
    s : array, the shape and dtype of a
        Values from 0 to 1.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, section 3.10.
    """
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1, e) / (1 + e)


def sigmoid_backward(ds, s):
    r"""Gradient through the logistic function.

    .. math:: \frac{\partial L}{\partial a} = \frac{\partial L}{\partial s} \, s \, (1 - s)

    Parameters
    ----------
    ds : array, any shape
        Gradient of the loss by s.
    s : array, the shape of ds
        ``sigmoid(a)``, from the forward pass.

    Returns
    -------
    da : array, the shape of ds

    Source
    ------
    Goodfellow, Bengio and Courville 2016, section 3.10.
    """
    return ds * s * (1 - s)


def tanh(a):
    r"""Hyperbolic tangent, between -1 and 1: what a hidden state and a candidate are squashed by.

    .. math:: \tanh(a) = \frac{e^{a} - e^{-a}}{e^{a} + e^{-a}}

    Parameters
    ----------
    a : array of floats, any shape
        Pre-activations.

    Returns
    -------
    h : array, the shape and dtype of a
        Values from -1 to 1.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, section 6.3.2.
    """
    return np.tanh(a)


def tanh_backward(dh, h):
    r"""Gradient through the hyperbolic tangent.

    .. math:: \frac{\partial L}{\partial a} = \frac{\partial L}{\partial h} \, (1 - h^2)

    Parameters
    ----------
    dh : array, any shape
        Gradient of the loss by h.
    h : array, the shape of dh
        ``tanh(a)``, from the forward pass.

    Returns
    -------
    da : array, the shape of dh

    Source
    ------
    Goodfellow, Bengio and Courville 2016, section 10.2.2, where it is the factor diag(1 - h²).
    """
    return dh * (1 - h * h)


def relu(a):
    r"""Rectifier: the positive part.

    .. math:: \mathrm{relu}(a) = \max(0, a)

    Parameters
    ----------
    a : array of floats, any shape
        Pre-activations.

    Returns
    -------
    h : array, the shape and dtype of a
        Values of at least 0.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, section 6.3.1.
    """
    return np.maximum(a, 0)


def relu_backward(dh, h):
    r"""Gradient through the rectifier; 0 at the kink, as in torch.

    .. math:: \frac{\partial L}{\partial a} = \frac{\partial L}{\partial h} \, [h > 0]

    Parameters
    ----------
    dh : array, any shape
        Gradient of the loss by h.
    h : array, the shape of dh
        ``relu(a)``, from the forward pass.

    Returns
    -------
    da : array, the shape of dh

    Source
    ------
    Goodfellow, Bengio and Courville 2016, section 6.3.1.
    """
    return dh * (h > 0)


def centred1(a):
    r"""Logistic function moved and stretched to go from -1 to 1, as the first LSTM squashes with.

    .. math:: 2 \sigma(a) - 1

    Parameters
    ----------
    a : array of floats, any shape
        Pre-activations.

    Returns
    -------
    u : array, the shape and dtype of a
        Values from -1 to 1.

    Source
    ------
    Hochreiter and Schmidhuber 1997.
    """
    return 2 * sigmoid(a) - 1


def centred1_backward(du, u):
    r"""Gradient through `centred1`.

    .. math:: \frac{\partial L}{\partial a} = \frac{\partial L}{\partial u} \, \frac{1 - u^2}{2}

    Parameters
    ----------
    du : array, any shape
        Gradient of the loss by u.
    u : array, the shape of du
        ``centred1(a)``, from the forward pass.

    Returns
    -------
    da : array, the shape of du

    Source
    ------
    The chain rule applied to `centred1`.
    """
    return du * (1 - u * u) / 2


def centred2(a):
    r"""Logistic function moved and stretched to go from -2 to 2, as the first LSTM squashes with.

    .. math:: 4 \sigma(a) - 2

    Parameters
    ----------
    a : array of floats, any shape
        Pre-activations.

    Returns
    -------
    u : array, the shape and dtype of a
        Values from -2 to 2.

    Source
    ------
    Hochreiter and Schmidhuber 1997.
    """
    return 4 * sigmoid(a) - 2


def centred2_backward(du, u):
    r"""Gradient through `centred2`.

    .. math:: \frac{\partial L}{\partial a} = \frac{\partial L}{\partial u} \, \Bigl(1 - \frac{u^2}{4}\Bigr)

    Parameters
    ----------
    du : array, any shape
        Gradient of the loss by u.
    u : array, the shape of du
        ``centred2(a)``, from the forward pass.

    Returns
    -------
    da : array, the shape of du

    Source
    ------
    The chain rule applied to `centred2`.
    """
    return du * (1 - u * u / 4)


def named(argument, name, choices):
    """A nonlinearity and its derivative by name.

    Parameters
    ----------
    argument : str
        The argument's name, as the caller knows it.
    name : str
        Which nonlinearity.
    choices : list of str
        Those that the caller can use.

    Returns
    -------
    function, backward : function, function
        As `tanh` and `tanh_backward`: the value from the argument, and the gradient from the value.

    Raises
    ------
    ValueError
        When `name` is not among `choices`.
    """
    if name not in choices:
        raise ValueError(f"{argument} is {name!r}; it should be {' or '.join(repr(choice) for choice in choices)}")
    return _NAMED[name]


def softmax(logits):
    r"""Probabilities over the last axis: positive, and their sum is 1.

    .. math:: p_k = \frac{e^{o_k - m}}{\sum_j e^{o_j - m}}, \qquad m = \max_j o_j

    Subtracting the largest logit of each row leaves the result as it is and keeps the exponentials at most 1.

    Parameters
    ----------
    logits : array of floats, shape (..., K)
        Unnormalised log-probabilities.

    Returns
    -------
    p : array, the shape and dtype of logits

    Source
    ------
    Goodfellow, Bengio and Courville 2016, sections 4.1 and 6.2.2.3.
    """
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def softmax_backward(dp, p):
    r"""Gradient through the softmax over the last axis.

    .. math:: \frac{\partial L}{\partial o_k} =
        p_k \Bigl( \frac{\partial L}{\partial p_k} - \sum_j \frac{\partial L}{\partial p_j} \, p_j \Bigr)

    Parameters
    ----------
    dp : array, shape (..., K)
        Gradient of the loss by p.
    p : array, the shape of dp
        ``softmax(logits)``, from the forward pass.

    Returns
    -------
    dlogits : array, the shape of dp

    Source
    ------
    The chain rule applied to `softmax`.
    """
    return p * (dp - (dp * p).sum(axis=-1, keepdims=True))


_NAMED = {
    "sigmoid": (sigmoid, sigmoid_backward),
    "tanh": (tanh, tanh_backward),
    "relu": (relu, relu_backward),
    "identity": (lambda a: a, lambda dh, h: dh),
    "centred1": (centred1, centred1_backward),
    "centred2": (centred2, centred2_backward),
}
