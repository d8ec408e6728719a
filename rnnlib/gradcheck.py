"""Gradients by differences: slow, independent of any derivation, and therefore the judge of one."""

import numpy as np


def numerical_gradient(f, x, eps=1e-5):
    r"""Gradient of a scalar function by central differences.

    .. math:: \frac{\partial f}{\partial x_i} \approx \frac{f(x + \epsilon e_i) - f(x - \epsilon e_i)}{2 \epsilon}

    The error of the formula falls with ε², that of rounding grows with 1/ε; in float64 both are small near 1e-5.

    Parameters
    ----------
    f : function
        Takes x, gives a number. It may also read x where it stands: entries are changed in place and put back.
    x : array of float64, any shape
        Where to take the gradient.
    eps : float
        ε, above 0.

    Returns
    -------
    dx : array, the shape of x

    Raises
    ------
    ValueError
        When x is not float64 (float32 is too coarse for differences), `eps` is not above 0, or f gives NaN or infinity.

    Source
    ------
    Goodfellow, Bengio and Courville 2016, section 11.5.
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.float64:
        got = x.dtype if isinstance(x, np.ndarray) else type(x).__name__
        raise ValueError(f"x is {got}; it should be an array of float64")
    if not eps > 0:
        raise ValueError(f"eps is {eps}; it should be above 0")
    dx = np.empty_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        try:
            x[index] = value + eps
            above = float(f(x))
            x[index] = value - eps
            below = float(f(x))
        finally:
            x[index] = value
        dx[index] = (above - below) / (2 * eps)
        if not np.isfinite(dx[index]):
            raise ValueError(f"f is {above} and {below} around index {index}; both should be finite")
    return dx


def relative_error(a, b):
    r"""How far two tensors are apart, relative to their size.

    .. math:: \frac{\|a - b\|}{\|a\| + \|b\|}

    Parameters
    ----------
    a, b : array, of one shape
        Two versions of a gradient.

    Returns
    -------
    error : float
        0 when they are equal (also when both are zero), at most 1.

    Raises
    ------
    ValueError
        When the shapes differ.
    """
    if np.shape(a) != np.shape(b):
        raise ValueError(f"a has shape {np.shape(a)} and b has {np.shape(b)}; they should have the same shape")
    size = np.linalg.norm(a) + np.linalg.norm(b)
    return float(np.linalg.norm(np.subtract(a, b)) / size) if size else 0.0


def gradient_errors(f, params, grads, eps=1e-5):
    """Compare gradients with central differences, tensor by tensor.

    Parameters
    ----------
    f : function
        Takes nothing, gives the loss for the present entries of `params`.
    params : dict of arrays of float64
        What the loss depends on; entries are changed in place and put back.
    grads : dict of arrays
        The gradients to judge, under the same keys.
    eps : float
        As in `numerical_gradient`.

    Returns
    -------
    errors : dict of str to float
        The relative error of each tensor; below 1e-6 where the derivation is right.

    Raises
    ------
    ValueError
        When the keys or shapes differ, or as `numerical_gradient` raises.
    """
    if params.keys() != grads.keys():
        raise ValueError(f"grads has the keys {sorted(grads)}; they should be those of params, {sorted(params)}")
    return {name: relative_error(numerical_gradient(lambda _: f(), p, eps), grads[name]) for name, p in params.items()}
