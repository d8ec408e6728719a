r"""The steps of RNN, LSTM and GRU in numpy.

Every function has a double of the same name in `rnnlib.fast.in_c`. Arrays are changed in place; h and c have the
initial state first, (T + 1, B, H). W_x and W_h are what `prepare` returned: for the forward functions from the matrices
and their biases, for the backward functions from the transposes.

Every result goes into an array that is there already (``out=``), and what the backward pass multiplies dh and dc by is
computed for all T steps at once, so that a step back is a few products.
"""

import numpy as np


def prepare(W, b=None):
    """A matrix in the form in which a step takes its product.

    Parameters
    ----------
    W : array, shape (K, N)
    b : array, shape (N,), optional
        Added to the product; zero when left out.

    Returns
    -------
    W, b : array, array or None
        W row by row in memory: BLAS is slower with a transposed view.
    """
    return np.ascontiguousarray(W), b


def rnn_forward(W_x, W_h, xs, a, h):
    r"""The steps :math:`h_t = \tanh(x_t W_x + h_{t-1} W_h + b)`.

    Parameters
    ----------
    W_x, W_h : from `prepare`
    xs : array, shape (T, B, D)
    a : array, shape (T, B, H)
        The part of h after h_0.
    h : array, shape (T + 1, B, H)
        h_0 first; the others are filled in.

    Returns
    -------
    None
    """
    (W_h, _), p = W_h, np.empty_like(h[0])
    _product(xs, W_x, a)
    for a_t, h_prev in zip(a, h[:-1], strict=True):
        np.matmul(h_prev, W_h, out=p)
        a_t += p
        np.tanh(a_t, out=a_t)


def rnn_backward(W_x, W_h, dxs, a, dhs, da, dh):
    """The steps back of `rnn_forward`.

    Parameters
    ----------
    W_x, W_h : from `prepare`
    dxs : array, shape (T, B, D)
        Becomes the gradient by the input.
    a : array, shape (T, B, H)
        The states after h_0.
    dhs : array, shape (T, B, H)
        Gradient by each output.
    da : array, shape (T, B, H)
        Becomes the gradient by the pre-activations.
    dh : array, shape (B, H)
        Gradient by the last state; becomes that by the first.

    Returns
    -------
    None
    """
    W_h, _ = W_h
    np.multiply(a, a, out=da)
    np.subtract(1, da, out=da)
    for dhs_t, da_t in zip(dhs[::-1], da[::-1], strict=True):
        dh += dhs_t
        da_t *= dh
        np.matmul(da_t, W_h, out=dh)
    _product(da, W_x, dxs)


def lstm_forward(W_x, W_h, xs, a, h, c):
    r"""The steps of the LSTM.

    Parameters
    ----------
    W_x, W_h : from `prepare`
    xs : array, shape (T, B, D)
    a : array, shape (T, B, 4H)
        Becomes i, f, g, o.
    h, c : array, shape (T + 1, B, H)
        The initial state first; the others are filled in.

    Returns
    -------
    None
    """
    (W_h, _), p, q = W_h, np.empty_like(a[0]), np.empty_like(h[0])
    _product(xs, W_x, a)
    i, f, g, o = np.split(a, 4, axis=2)
    # One exponential for all gates: σ(a) = 1 / (1 + exp(-a)), tanh(a) = 2σ(2a) - 1. Where it overflows, 1/∞ = 0 is σ.
    scale = np.repeat(np.array([-1, -1, -2, -1], a.dtype), h.shape[2])
    with np.errstate(over="ignore"):
        for t in range(len(a)):
            np.matmul(h[t], W_h, out=p)
            p += a[t]
            p *= scale
            np.exp(p, out=p)
            p += 1
            np.reciprocal(p, out=a[t])
            g_t, c_t = g[t], c[t + 1]
            g_t *= 2
            g_t -= 1
            np.multiply(f[t], c[t], out=c_t)
            np.multiply(i[t], g_t, out=q)
            c_t += q
            np.tanh(c_t, out=q)
            np.multiply(o[t], q, out=h[t + 1])


def lstm_backward(W_x, W_h, dxs, a, c, dhs, da, dh, dc):
    """The steps back of `lstm_forward`.

    Parameters
    ----------
    W_x, W_h : from `prepare`
    dxs : array, shape (T, B, D)
        Becomes the gradient by the input.
    a : array, shape (T, B, 4H)
        i, f, g, o.
    c : array, shape (T + 1, B, H)
    dhs : array, shape (T, B, H)
        Gradient by each output.
    da : array, shape (T, B, 4H)
        Becomes the gradient by the pre-activations.
    dh, dc : array, shape (B, H)
        Gradient by the last state; becomes that by the first.

    Returns
    -------
    None
    """
    (W_h, _), (T, B, H) = W_h, dhs.shape
    i, f, g, o = np.split(a, 4, axis=2)
    da_i, da_f, da_g, da_o = np.split(da, 4, axis=2)
    tanh_c = np.tanh(c[1:])
    dc_by_dh = o * (1 - tanh_c * tanh_c)
    np.subtract(1, a, out=da)
    da *= a
    da_i *= g
    da_f *= c[:-1]
    np.multiply(g, g, out=da_g)
    np.subtract(1, da_g, out=da_g)
    da_g *= i
    da_o *= tanh_c
    q = np.empty_like(dh)
    by_dc = da.reshape(T, B, 4, H)[:, :, :3]
    for t in reversed(range(T)):
        dh += dhs[t]
        da_o_t, by_dc_t = da_o[t], by_dc[t]
        da_o_t *= dh
        np.multiply(dh, dc_by_dh[t], out=q)
        dc += q
        by_dc_t *= dc[:, None]
        dc *= f[t]
        np.matmul(da[t], W_h, out=dh)
    _product(da, W_x, dxs)


def gru_forward(W_x, W_h, xs, a, h, m):
    r"""The steps of the GRU.

    Parameters
    ----------
    W_x, W_h : from `prepare`
    xs : array, shape (T, B, D)
    a : array, shape (T, B, 3H)
        Becomes r, z, n.
    h : array, shape (T + 1, B, H)
        The initial state first; the others are filled in.
    m : array, shape (T, B, H)
        Becomes what r is multiplied with, :math:`h_{t-1} W_{hn} + b_h`.

    Returns
    -------
    None
    """
    (W_h, b_h), (T, _, H) = W_h, m.shape
    p, q = np.empty_like(a[0]), np.empty_like(h[0])
    _product(xs, W_x, a)
    r, _, n = np.split(a, 3, axis=2)
    with np.errstate(over="ignore"):
        for t in range(T):
            np.matmul(h[t], W_h, out=p)
            np.add(p[:, 2 * H :], b_h[2 * H :], out=m[t])
            gates, n_t, h_t = a[t, :, : 2 * H], n[t], h[t + 1]
            gates += p[:, : 2 * H]
            np.negative(gates, out=gates)
            np.exp(gates, out=gates)
            gates += 1
            np.reciprocal(gates, out=gates)
            np.multiply(r[t], m[t], out=q)
            n_t += q
            np.tanh(n_t, out=n_t)
            np.subtract(h[t], n_t, out=h_t)  # h = n + z (h_prev - n)
            h_t *= gates[:, H:]
            h_t += n_t


def gru_backward(W_x, W_h, dxs, a, h, m, dhs, da, dh):
    """The steps back of `gru_forward`.

    Parameters
    ----------
    W_x, W_h : from `prepare`
    dxs : array, shape (T, B, D)
        Becomes the gradient by the input.
    a : array, shape (T, B, 3H)
        r, z, n.
    h : array, shape (T + 1, B, H)
    m : array, shape (T, B, H)
        From `gru_forward`.
    dhs : array, shape (T, B, H)
        Gradient by each output.
    da : array, shape (T, B, 4H)
        Becomes the gradients by the pre-activations of n, r, z and by m, in this order: the first three blocks are the
        input's part, the last three the state's.
    dh : array, shape (B, H)
        Gradient by the last state; becomes that by the first.

    Returns
    -------
    None
    """
    (W_h, _), H = W_h, dh.shape[1]
    r, z, n = np.split(a, 3, axis=2)
    da_n, da_r, da_z, dm = np.split(da, 4, axis=2)
    np.multiply(1 - z, 1 - n * n, out=da_n)
    np.multiply(r, da_n, out=dm)
    np.multiply(dm, 1 - r, out=da_r)
    da_r *= m
    np.multiply(z, 1 - z, out=da_z)
    da_z *= h[:-1] - n
    q = np.empty_like(dh)
    by_dh = da.reshape(*a.shape[:2], 4, H)
    for t in reversed(range(len(dhs))):
        dh += dhs[t]
        by_dh_t = by_dh[t]
        by_dh_t *= dh[:, None]
        np.matmul(da[t, :, H:], W_h, out=q)
        dh *= z[t]
        dh += q
    _product(da[:, :, : 3 * H], W_x, dxs)


def _product(v, W, out):
    """The product of all steps, into an array that is there."""
    (W, b), rows = W, out.reshape(-1, out.shape[2])
    np.matmul(v.reshape(-1, v.shape[2]), W, out=rows)
    if b is not None:
        rows += b
