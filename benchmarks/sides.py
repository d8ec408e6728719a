"""The two sides of a comparison: one training step of a layer by rnnlib and by torch, and the matrix products in it."""

import numpy as np
import torch

import rnnlib
from rnnlib.convert.torch import to_torch


def rnnlib_step(kind, dtype, shape):
    """A step of rnnlib: forward, then full BPTT with the gradients by the input and by every weight.

    Parameters
    ----------
    kind : str
        ``"RNN"``, ``"LSTM"`` or ``"GRU"``.
    dtype : str
        ``"float32"`` or ``"float64"``.
    shape : tuple of four int
        T, B, D, H.

    Returns
    -------
    step : function
        Runs it and returns the outputs, the gradient by the input and the layer's gradients.
    """
    layer, xs, dhs = drawn(kind, dtype, shape)

    def step():
        hs, _ = layer.forward(xs)
        dxs, _ = layer.backward(dhs)
        return hs, dxs, layer.grads

    return step


def torch_step(kind, dtype, shape):
    """The same step of torch's own layer, with the same weights and numbers.

    Parameters
    ----------
    kind, dtype, shape : see `rnnlib_step`

    Returns
    -------
    step : function
        Runs it and returns the outputs, the gradient by the input and the module.
    """
    layer, xs, dhs = drawn(kind, dtype, shape)
    module, dhs = to_torch(layer), torch.tensor(dhs)
    xs = torch.tensor(xs, requires_grad=True)

    def step():
        xs.grad = None
        module.zero_grad(set_to_none=True)
        hs, _ = module(xs)
        hs.backward(dhs)
        return hs, xs.grad, module

    return step


def products(kind, dtype, shape):
    """The step's matrix products alone, by numpy into arrays that are there: no step can do without them.

    Parameters
    ----------
    kind, dtype, shape : see `rnnlib_step`

    Returns
    -------
    step : function
        Takes them: the input's product, T products forward, T products back, dxs, dW_x and dW_h.
    """
    layer, xs, _ = drawn(kind, dtype, shape)
    T, B, D, H = shape
    W_x, W_h = layer.params["W_x"], layer.params["W_h"]
    rows, h, dxs = xs.reshape(T * B, D), np.zeros((T * B, H), dtype), np.empty((T * B, D), dtype)
    da, a_h, dh = np.zeros((T * B, W_h.shape[1]), dtype), np.empty((B, W_h.shape[1]), dtype), np.empty((B, H), dtype)
    dW_x, dW_h = np.empty_like(W_x), np.empty_like(W_h)

    def step():
        np.matmul(rows, W_x, out=da)
        for _ in range(T):
            np.matmul(h[:B], W_h, out=a_h)
        for _ in range(T):
            np.matmul(a_h, W_h.T, out=dh)
        np.matmul(da, W_x.T, out=dxs)
        np.matmul(rows.T, da, out=dW_x)
        np.matmul(h.T, da, out=dW_h)

    return step


def drawn(kind, dtype, shape):
    """A layer, its input and the gradient by its outputs, the same at every call.

    Parameters
    ----------
    kind, dtype, shape : see `rnnlib_step`

    Returns
    -------
    layer : rnnlib.layers.Recurrent
    xs : array, shape (T, B, D)
    dhs : array, shape (T, B, H)
    """
    (T, B, D, H), rng = shape, np.random.default_rng(0)
    layer = getattr(rnnlib, kind)(D, H, rng=rng, dtype=dtype)
    return layer, rng.standard_normal((T, B, D)).astype(dtype), rng.standard_normal((T, B, H)).astype(dtype)
