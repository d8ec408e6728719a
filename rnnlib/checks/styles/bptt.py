"""Right solutions of assignment 02-bptt in many styles. ``STYLES`` has them by the exercise's name.

As in a notebook, they find each other under the names of the exercises, which stand at the end of this module.
"""

import functools
import math
from collections import defaultdict

import numpy as np

# --- cross_entropy_backward ---


def cross_entropy_backward_one_hot(logits, targets):
    return (softmax(logits) - np.eye(logits.shape[-1], dtype=logits.dtype)[targets]) / targets.size


def cross_entropy_backward_index_arrays(logits, targets):
    T, B, _ = logits.shape
    dlogits = softmax(logits).copy()
    dlogits[np.arange(T)[:, None], np.arange(B), targets] -= 1
    return dlogits / (T * B)


def cross_entropy_backward_put_along_axis(logits, targets):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p = e / e.sum(axis=-1, keepdims=True)
    where = targets[..., np.newaxis]
    np.put_along_axis(p, where, np.take_along_axis(p, where, -1) - 1, -1)
    return p / targets.size


def cross_entropy_backward_loops(logits, targets):
    dlogits = np.zeros_like(logits)
    T, B, K = logits.shape
    for t in range(T):
        for n in range(B):
            m = max(logits[t, n])
            e = [math.exp(o - m) for o in logits[t, n]]
            for k in range(K):
                dlogits[t, n, k] = (e[k] / sum(e) - (k == targets[t, n])) / T / B
    return dlogits


def cross_entropy_backward_boolean_mask(logits, targets):
    right = np.arange(logits.shape[-1]) == targets[..., None]
    p = np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))
    return np.where(right, p - 1, p) / targets.size


def cross_entropy_backward_flattened(logits, targets):
    rows, wanted = logits.reshape(-1, logits.shape[-1]).copy(), targets.flatten()
    rows -= rows.max(axis=1)[:, None]
    np.exp(rows, out=rows)
    rows /= rows.sum(axis=1)[:, None]
    rows[range(len(rows)), wanted] -= 1.0
    rows /= len(rows)
    return rows.reshape(logits.shape)


def cross_entropy_backward_through_probabilities(logits, targets):
    # The two factors of the chain rule one by one: -1/p at the target, then the softmax's matrix. The target's
    # probability may round to 0, so its row of the matrix is divided by it beforehand.
    dlogits = []
    for o, y in zip(logits.reshape(-1, logits.shape[-1]), targets.ravel(), strict=True):
        e = np.exp(o - o.max())
        p = e / e.sum()
        row_over_p = np.eye(len(o), dtype=o.dtype)[y] - p  # (dp_y / do) / p_y
        dlogits.append(-row_over_p / targets.size)
    return np.array(dlogits).reshape(logits.shape)


def cross_entropy_backward_float64_and_back(logits, targets):
    wide = logits.astype(np.float64)
    e = np.exp(wide - wide.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    for index, y in np.ndenumerate(targets):
        p[index][y] -= 1
    return (p / np.prod(targets.shape)).astype(logits.dtype)


# --- readout_backward ---


def readout_backward_tensordot(dlogits, hs, W_y):
    return dlogits @ W_y.T, np.tensordot(hs, dlogits, ([0, 1], [0, 1])), dlogits.sum((0, 1))


def readout_backward_einsum(dlogits, hs, W_y):
    dhs = np.einsum("tbk,hk->tbh", dlogits, W_y)
    dW_y = np.einsum("tbh,tbk->hk", hs, dlogits)
    return dhs, dW_y, np.einsum("tbk->k", dlogits)


def readout_backward_flattened(dlogits, hs, W_y):
    T, B, H = hs.shape
    do, h = dlogits.reshape(T * B, -1), hs.reshape(T * B, H)
    return do.dot(W_y.T).reshape(T, B, H), h.T.dot(do), do.sum(axis=0)


def readout_backward_step_by_step(dlogits, hs, W_y):
    dhs, dW_y, db_y = np.zeros_like(hs), np.zeros_like(W_y), np.zeros_like(W_y[0])
    for t in reversed(range(len(hs))):
        dhs[t] = dlogits[t] @ W_y.T
        dW_y += hs[t].T @ dlogits[t]
        db_y += dlogits[t].sum(axis=0)
    return dhs, dW_y, db_y


def readout_backward_batch_row_by_row(dlogits, hs, W_y):
    dhs, dW_y, db_y = [], 0, 0
    for n in range(hs.shape[1]):
        dhs.append(dlogits[:, n] @ W_y.T)
        dW_y = dW_y + hs[:, n].T @ dlogits[:, n]
        db_y = db_y + dlogits[:, n].sum(axis=0)
    return [np.stack(dhs, axis=1), dW_y, db_y]


def readout_backward_loops(dlogits, hs, W_y):
    dhs, dW_y, db_y = np.zeros_like(hs), np.zeros_like(W_y), np.zeros(W_y.shape[1], W_y.dtype)
    for t, n in np.ndindex(hs.shape[:2]):
        dW_y += np.outer(hs[t, n], dlogits[t, n])
        db_y += dlogits[t, n]
        for j in range(hs.shape[2]):
            dhs[t, n, j] = sum(dlogits[t, n] * W_y[j])
    return dhs, dW_y, db_y


def readout_backward_with_ones(dlogits, hs, W_y):
    ones = np.ones((*hs.shape[:2], 1), hs.dtype)
    both = np.einsum("tbi,tbk->ik", np.concatenate([hs, ones], axis=2), dlogits)
    return (W_y @ dlogits.swapaxes(1, 2)).swapaxes(1, 2), both[:-1], both[-1]


def readout_backward_stacked_products(dlogits, hs, W_y):
    return np.matmul(dlogits, W_y.T), (hs.transpose(0, 2, 1) @ dlogits).sum(0), dlogits.sum(axis=1).sum(axis=0)


# --- rnn_step_backward ---


def rnn_step_backward_plain(dh, x, h_prev, h, W_x, W_h):
    da = dh * (1 - h**2)
    return da @ W_x.T, da @ W_h.T, x.T @ da, h_prev.T @ da, da.sum(axis=0)


def rnn_step_backward_einsum(dh, x, h_prev, h, W_x, W_h):
    da = np.einsum("bh,bh->bh", dh, 1 - h * h)
    dx = np.einsum("bh,dh->bd", da, W_x)
    dh_prev = np.einsum("bh,jh->bj", da, W_h)
    return dx, dh_prev, np.einsum("bd,bh->dh", x, da), np.einsum("bj,bh->jh", h_prev, da), np.einsum("bh->h", da)


def rnn_step_backward_loops(dh, x, h_prev, h, W_x, W_h):
    dx, dh_prev = np.zeros_like(x), np.zeros_like(h_prev)
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(h[0])
    for n in range(len(dh)):
        for j in range(dh.shape[1]):
            da = dh[n, j] * (1 - h[n, j] ** 2)
            db[j] += da
            for d in range(x.shape[1]):
                dx[n, d] += da * W_x[d, j]
                dW_x[d, j] += da * x[n, d]
            for i in range(dh.shape[1]):
                dh_prev[n, i] += da * W_h[i, j]
                dW_h[i, j] += da * h_prev[n, i]
    return dx, dh_prev, dW_x, dW_h, db


def rnn_step_backward_row_by_row(dh, x, h_prev, h, W_x, W_h):
    das = [row - row * state**2 for row, state in zip(dh, h, strict=True)]
    dW_x = sum(np.outer(v, da) for v, da in zip(x, das, strict=True))
    dW_h = sum(np.outer(v, da) for v, da in zip(h_prev, das, strict=True))
    return np.stack([W_x @ da for da in das]), np.stack([W_h @ da for da in das]), dW_x, dW_h, sum(das)


def rnn_step_backward_concatenated(dh, x, h_prev, h, W_x, W_h):
    D = x.shape[1]
    v, W = np.concatenate([x, h_prev], axis=1), np.concatenate([W_x, W_h])
    da = (1 - np.square(h)) * dh
    dv, dW = da @ W.T, v.T @ da
    return dv[:, :D], dv[:, D:], dW[:D], dW[D:], da.sum(axis=0)


def rnn_step_backward_column_vectors(dh, x, h_prev, h, W_x, W_h):
    da = dh.T * (1 - h.T**2)
    dx, dh_prev = np.dot(W_x, da), np.dot(W_h, da)
    return dx.T, dh_prev.T, np.dot(da, x).T, np.dot(da, h_prev).T, np.dot(da, np.ones(da.shape[1], da.dtype))


def rnn_step_backward_in_place_on_its_own_arrays(dh, x, h_prev, h, W_x, W_h):
    da = h.copy()
    da *= -h
    da += 1
    da *= dh
    db = np.zeros_like(da[0])
    for row in da:
        db += row
    return np.matmul(da, W_x.T), np.matmul(da, W_h.T), np.matmul(x.T, da), np.matmul(h_prev.T, da), db


def rnn_step_backward_factors_of_the_square(dh, x, h_prev, h, W_x, W_h):
    grad_a = dh * (1 + h) * (1 - h)
    gradients = {"x": grad_a @ W_x.T, "h_prev": grad_a @ W_h.T}
    gradients |= {"W_x": (grad_a.T @ x).T, "W_h": (grad_a.T @ h_prev).T, "b": grad_a.mean(axis=0) * len(grad_a)}
    return tuple(gradients.values())


def rnn_step_backward_without_the_given_state(dh, x, h_prev, h, W_x, W_h):
    # The derivative through the inverse of the tanh: 1 / cosh(a)².
    da = dh / np.cosh(np.arctanh(h)) ** 2
    return [da @ W_x.T, da @ W_h.T, x.T @ da, h_prev.T @ da, np.add.reduce(da)]


def rnn_step_backward_float64_and_back(dh, x, h_prev, h, W_x, W_h):
    dtype = dh.dtype
    dh, x, h_prev, h, W_x, W_h = (a.astype(np.float64) for a in (dh, x, h_prev, h, W_x, W_h))
    da = dh * (1.0 - np.power(h, 2))
    return tuple(g.astype(dtype) for g in (da @ W_x.T, da @ W_h.T, x.T @ da, h_prev.T @ da, da.sum(0)))


# --- rnn_backward ---


def rnn_backward_calling_the_step(dhs, xs, h0, hs, W_x, W_h):
    dxs, dW_x, dW_h, db = np.zeros_like(xs), np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_h[0])
    dh_next = np.zeros_like(h0)
    for t in reversed(range(len(xs))):
        h_prev = hs[t - 1] if t > 0 else h0
        dxs[t], dh_next, dW_x_t, dW_h_t, db_t = rnn_step_backward(dhs[t] + dh_next, xs[t], h_prev, hs[t], W_x, W_h)
        dW_x += dW_x_t
        dW_h += dW_h_t
        db += db_t
    return dxs, dh_next, dW_x, dW_h, db


def rnn_backward_products_after_the_loop(dhs, xs, h0, hs, W_x, W_h):
    das, carried = np.empty_like(hs), np.zeros_like(h0)
    for t in range(len(hs) - 1, -1, -1):
        das[t] = (dhs[t] + carried) * (1 - hs[t] ** 2)
        carried = das[t] @ W_h.T
    before = np.concatenate([h0[None], hs[:-1]])
    dW_x, dW_h = (np.einsum("tbi,tbh->ih", v, das) for v in (xs, before))
    return das @ W_x.T, carried, dW_x, dW_h, das.sum(axis=(0, 1))


def rnn_backward_lists(dhs, xs, h0, hs, W_x, W_h):
    states = [h0, *hs]
    dh, steps = dhs[-1], []
    for t in range(len(xs))[::-1]:
        step = rnn_step_backward(dh, xs[t], states[t], states[t + 1], W_x, W_h)
        steps.insert(0, step)
        dh = step[1] + (dhs[t - 1] if t > 0 else 0)
    dxs, _, *weights = zip(*steps, strict=True)
    return np.stack(dxs), steps[0][1], *(np.sum(w, axis=0) for w in weights)


def rnn_backward_recursive(dhs, xs, h0, hs, W_x, W_h):
    def back(t, dh):
        """Gradients of the steps up to t, where dh reaches h_t from later ones."""
        if t < 0:
            return [], dh, 0, 0, 0
        da = (dhs[t] + dh) * (1 - hs[t] ** 2)
        dxs, dh0, dW_x, dW_h, db = back(t - 1, da @ W_h.T)
        h_prev = hs[t - 1] if t else h0
        return [*dxs, da @ W_x.T], dh0, dW_x + xs[t].T @ da, dW_h + h_prev.T @ da, db + da.sum(axis=0)

    dxs, *rest = back(len(xs) - 1, np.zeros_like(h0))
    return np.array(dxs), *rest


def rnn_backward_batch_row_by_row(dhs, xs, h0, hs, W_x, W_h):
    dxs, dh0 = np.zeros_like(xs), np.zeros_like(h0)
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros(len(W_h), W_h.dtype)
    for n in range(xs.shape[1]):
        dh = np.zeros_like(h0[n])
        for t in range(len(xs) - 1, -1, -1):
            da = (dh + dhs[t, n]) * (1 - hs[t, n] * hs[t, n])
            dxs[t, n] = W_x @ da
            dW_x += np.outer(xs[t, n], da)
            dW_h += np.outer(h0[n] if t == 0 else hs[t - 1, n], da)
            db += da
            dh = W_h @ da
        dh0[n] = dh
    return dxs, dh0, dW_x, dW_h, db


def rnn_backward_each_output_by_itself(dhs, xs, h0, hs, W_x, W_h):
    # The loss is a sum over the outputs: every output's gradient walks all the way back, and the walks are added.
    total = [np.zeros_like(a) for a in (xs, h0, W_x, W_h, W_h[0])]
    for last in range(len(xs)):
        dh = dhs[last]
        for t in range(last, -1, -1):
            h_prev = hs[t - 1] if t > 0 else h0
            dx, dh, *weights = rnn_step_backward(dh, xs[t], h_prev, hs[t], W_x, W_h)
            total[0][t] += dx
            for kept, new in zip(total[2:], weights, strict=True):
                kept += new
        total[1] += dh
    return tuple(total)


def rnn_backward_jacobians(dhs, xs, h0, hs, W_x, W_h):
    # With the matrix dh_t / dh_{t-1} of each row written out.
    J = np.einsum("ij,tbj->tbij", W_h, 1 - hs**2)
    total = dhs.copy()
    for t in range(len(hs) - 2, -1, -1):
        total[t] += np.einsum("bij,bj->bi", J[t + 1], total[t + 1])
    das = total * (1 - hs**2)
    dW_h = h0.T @ das[0]
    for t in range(1, len(hs)):
        dW_h = dW_h + hs[t - 1].T @ das[t]
    dW_x = sum(x.T @ da for x, da in zip(xs, das, strict=True))
    return das @ W_x.T, np.einsum("bij,bj->bi", J[0], total[0]), dW_x, dW_h, das.sum(axis=0).sum(axis=0)


def rnn_backward_in_place_on_its_own_arrays(dhs, xs, h0, hs, W_x, W_h):
    dhs = dhs.copy()
    dh0 = np.zeros_like(h0)
    dxs, dW_x, dW_h, db = np.zeros_like(xs), np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(h0[0])
    t = len(xs)
    while t:
        t -= 1
        dhs[t] *= 1 - hs[t] ** 2
        target = dhs[t - 1] if t else dh0
        target += dhs[t] @ W_h.T
        dxs[t] = dhs[t] @ W_x.T
        dW_x += xs[t].T @ dhs[t]
        dW_h += (hs[t - 1] if t else h0).T @ dhs[t]
        db += dhs[t].sum(axis=0)
    return dxs, dh0, dW_x, dW_h, db


def rnn_backward_zip(dhs, xs, h0, hs, W_x, W_h):
    befores = np.vstack([h0[np.newaxis], hs])[:-1]
    found, dh_next = [], 0
    for dh, x, h_prev, h in zip(dhs[::-1], xs[::-1], befores[::-1], hs[::-1], strict=True):
        dx, dh_next, *weights = rnn_step_backward(dh + dh_next, x, h_prev, h, W_x, W_h)
        found.append((dx, weights))
    dW_x, dW_h, db = (sum(ws) for ws in zip(*(weights for _, weights in found), strict=True))
    return np.array([dx for dx, _ in found][::-1]), dh_next, dW_x, dW_h, db


def rnn_backward_reduce(dhs, xs, h0, hs, W_x, W_h):
    def back(kept, t):
        dxs, dh, *weights = kept
        dx, dh, *new = rnn_step_backward(dhs[t] + dh, xs[t], hs[t - 1] if t else h0, hs[t], W_x, W_h)
        return [[dx, *dxs], dh, *(w + n for w, n in zip(weights, new, strict=True))]

    start = [[], np.zeros_like(h0), np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(h0[0])]
    dxs, *rest = functools.reduce(back, range(len(xs) - 1, -1, -1), start)
    return [np.stack(dxs), *rest]


class BackwardThroughTime:
    """A callable object in place of a function: what it adds up lives as long as one call."""

    def __call__(self, dhs, xs, h0, hs, W_x, W_h):
        self.sums = {"W_x": np.zeros_like(W_x), "W_h": np.zeros_like(W_h), "b": np.zeros_like(h0[0])}
        self.dxs = np.zeros_like(xs)
        dh = np.zeros_like(h0)
        for t in reversed(range(len(xs))):
            da = (dh + dhs[t]) * (1 - hs[t] ** 2)
            self.add(t, da, xs[t], h0 if t == 0 else hs[t - 1])
            self.dxs[t] = da @ W_x.T
            dh = da @ W_h.T
        return self.dxs, dh, *self.sums.values()

    def add(self, t, da, x, h_prev):
        for name, v in (("W_x", x), ("W_h", h_prev)):
            self.sums[name] += v.T @ da
        self.sums["b"] += da.sum(axis=0)


rnn_backward_object = BackwardThroughTime()
rnn_backward_object.__name__ = "rnn_backward_object"

# --- numerical_gradient ---


def numerical_gradient_ndindex(f, x):
    dx, eps = np.zeros_like(x), 1e-5
    for index in np.ndindex(*x.shape):
        above, below = x.copy(), x.copy()
        above[index] += eps
        below[index] -= eps
        dx[index] = (f(above) - f(below)) / (2 * eps)
    return dx


def numerical_gradient_in_place_and_put_back(f, x):
    dx, eps = np.empty(x.shape), 1e-6
    for index, value in np.ndenumerate(x):
        x[index] = value + eps
        above = f(x)
        x[index] = value - eps
        below = f(x)
        x[index] = value
        dx[index] = (above - below) / (2 * eps)
    return dx


def numerical_gradient_added_and_taken_off(f, x, eps=1e-4):
    dx = np.zeros_like(x)
    it = np.nditer(x, flags=["multi_index"])
    while not it.finished:
        i = it.multi_index
        x[i] += eps
        plus = f(x)
        x[i] -= 2 * eps
        minus = f(x)
        x[i] += eps
        dx[i] = 0.5 * (plus - minus) / eps
        it.iternext()
    return dx


def numerical_gradient_flat(f, x):
    flat = x.ravel().copy()
    entries = []
    for i in range(flat.size):
        values = []
        for sign in (1, -1):
            moved = flat.copy()
            moved[i] += sign * 1e-5
            values.append(f(moved.reshape(x.shape)))
        entries.append((values[0] - values[1]) / 2e-5)
    return np.array(entries).reshape(x.shape)


def numerical_gradient_directions(f, x):
    eps = 1e-5
    directions = eps * np.eye(x.size).reshape(x.size, *x.shape)
    return np.array([(f(x + e) - f(x - e)) / (2 * eps) for e in directions]).reshape(x.shape)


def numerical_gradient_coarse(f, x):
    eps = 1e-3
    dx = np.zeros(x.shape)
    for i in range(x.size):
        e = np.zeros_like(x)
        e.flat[i] = eps
        dx.flat[i] = (f(x + e) - f(x - e)) / (2 * eps)
    return dx


def numerical_gradient_fine(f, x):
    eps = 1e-7
    dx = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        e = np.zeros(x.shape)
        e[i] = eps
        up, down = x + e, x - e
        dx[i] = (f(up) - f(down)) / (up[i] - down[i])
    return dx


def numerical_gradient_of_fourth_order(f, x):
    eps = 1e-3
    dx = np.zeros_like(x)
    for index in np.ndindex(x.shape):

        def along(s, index=index):
            moved = np.array(x)
            moved[index] += s
            return f(moved)

        dx[index] = (8 * (along(eps) - along(-eps)) - (along(2 * eps) - along(-2 * eps))) / (12 * eps)
    return dx


# --- gradient_norms ---


def gradient_norms_list(dh, hs, W_h):
    norms = [np.linalg.norm(dh)]
    for t in range(len(hs) - 1, 0, -1):
        dh = dh * (1 - hs[t] ** 2) @ W_h.T
        norms.append(np.linalg.norm(dh))
    return np.array(norms[::-1])


def gradient_norms_preallocated(dh, hs, W_h):
    T = len(hs)
    norms = np.zeros(T, dtype=hs.dtype)
    for t in reversed(range(T)):
        norms[t] = np.sqrt(np.sum(dh**2))
        da = dh * (1 - hs[t] ** 2)
        dh = da @ W_h.T
    return norms


def gradient_norms_all_gradients_first(dh, hs, W_h):
    dhs = np.empty_like(hs)
    dhs[-1] = dh
    for t in range(len(hs) - 2, -1, -1):
        dhs[t] = np.einsum("bj,ij->bi", dhs[t + 1] * (1 - hs[t + 1] ** 2), W_h)
    return np.linalg.norm(dhs, axis=(1, 2))


def gradient_norms_with_the_step(dh, hs, W_h):
    B = len(dh)
    x, W_x = np.zeros((B, 1), hs.dtype), np.zeros((1, len(W_h)), hs.dtype)
    norms = [np.linalg.norm(dh)]
    for t in range(len(hs) - 1, 0, -1):
        _, dh, *_ = rnn_step_backward(dh, x, hs[t - 1], hs[t], W_x, W_h)
        norms.insert(0, np.linalg.norm(dh))
    return np.stack(norms)


def gradient_norms_loops(dh, hs, W_h):
    norms = np.zeros_like(hs[:, 0, 0])
    T, B, H = hs.shape
    for t in range(T - 1, -1, -1):
        norms[t] = math.sqrt(sum(g * g for g in dh.flat))
        before = np.zeros_like(dh)
        for n in range(B):
            for i in range(H):
                before[n, i] = sum(dh[n, j] * (1 - hs[t, n, j] ** 2) * W_h[i, j] for j in range(H))
        dh = before
    return norms


def gradient_norms_recursive(dh, hs, W_h):
    here = np.array([np.linalg.norm(dh.ravel())])
    if len(hs) == 1:
        return here
    return np.concatenate([gradient_norms_recursive((dh * (1 - hs[-1] ** 2)).dot(W_h.T), hs[:-1], W_h), here])


def gradient_norms_column_vectors(dh, hs, W_h):
    g, squares = dh.T, []
    for h in hs[::-1]:
        squares.append((g * g).sum())
        g = W_h @ (g * (1 - h.T**2))
    return np.sqrt(squares[::-1])


def gradient_norms_products_of_matrices(dh, hs, W_h):
    # The gradient by h_t is dh times the product of the matrices dh_{s} / dh_{s-1} of all later steps.
    T, B, H = hs.shape
    product = np.stack([np.eye(H, dtype=hs.dtype)] * B)
    norms = []
    for t in range(T - 1, -1, -1):
        norms.append(np.linalg.norm(np.einsum("bij,bj->bi", product, dh)))
        product = (W_h * (1 - hs[t] ** 2)[:, None, :]) @ product
    return np.array(norms)[::-1]


# --- clip_by_global_norm ---


def clip_by_global_norm_if(grads, max_norm):
    norm = np.sqrt(sum(np.sum(g**2) for g in grads.values()))
    if norm > max_norm:
        grads = {name: g * (max_norm / norm) for name, g in grads.items()}
    return grads, norm


def clip_by_global_norm_minimum(grads, max_norm):
    norm = math.sqrt(sum(float((g * g).sum()) for g in grads.values()))
    factor = min(1.0, max_norm / norm) if norm else 1.0
    return {name: factor * g for name, g in grads.items()}, norm


def clip_by_global_norm_as_torch_does(grads, max_norm):
    norm = np.linalg.norm([np.linalg.norm(g) for g in grads.values()])
    factor = min(1.0, max_norm / (float(norm) + 1e-6))
    return {name: g * factor for name, g in grads.items()}, norm


def clip_by_global_norm_one_vector(grads, max_norm):
    vector = np.concatenate([g.ravel() for g in grads.values()])
    norm = np.linalg.norm(vector)
    if norm <= max_norm:
        return dict(grads), float(norm)
    vector = vector * (max_norm / norm)
    clipped, start = {}, 0
    for name, g in grads.items():
        clipped[name] = vector[start : start + g.size].reshape(g.shape)
        start += g.size
    return clipped, float(norm)


def clip_by_global_norm_by_name(grads, max_norm):
    dW_x, dW_h, db = grads["W_x"], grads["W_h"], grads["b"]
    norm = (np.vdot(dW_x, dW_x) + np.vdot(dW_h, dW_h) + np.vdot(db, db)) ** 0.5
    scale = 1.0
    if norm >= max_norm:
        scale = max_norm / norm
    return {"b": db * scale, "W_h": dW_h * scale, "W_x": dW_x * scale}, norm


def clip_by_global_norm_in_place_on_copies(grads, max_norm):
    clipped = {name: np.copy(g) for name, g in grads.items()}
    total = 0.0
    for g in clipped.values():
        for entry in g.flat:
            total += entry**2
    norm = math.sqrt(total)
    if norm > max_norm:
        for g in clipped.values():
            g /= norm
            g *= max_norm
    return clipped, norm


def clip_by_global_norm_divided_by_the_larger(grads, max_norm):
    norm = np.sqrt(np.sum([np.linalg.norm(g) ** 2 for g in grads.values()]))
    return {name: g / max(1.0, float(norm) / max_norm) for name, g in grads.items()}, np.array(norm)


# --- chunk_states ---


def chunk_states_chunk_by_chunk(xs, h0, W_x, W_h, b, k):
    states, h = [], h0
    for start in range(0, len(xs), k):
        states.append(h)
        h = rnn_forward(xs[start : start + k], h, W_x, W_h, b)[-1]
    return np.stack(states)


def chunk_states_every_kth(xs, h0, W_x, W_h, b, k):
    hs = rnn_forward(xs, h0, W_x, W_h, b)
    return np.concatenate([h0[None], hs[:-1]])[::k]


def chunk_states_of_indices(xs, h0, W_x, W_h, b, k):
    hs = rnn_forward(xs, h0, W_x, W_h, b)
    return np.array([h0 if t == 0 else hs[t - 1] for t in range(0, xs.shape[0], k)])


def chunk_states_step_by_step(xs, h0, W_x, W_h, b, k):
    h, states = h0, []
    for t, x in enumerate(xs):
        if t % k == 0:
            states.append(h)
        h = rnn_step(x, h, W_x, W_h, b)
    return np.array(states)


def chunk_states_preallocated(xs, h0, W_x, W_h, b, k):
    T, N = len(xs), math.ceil(len(xs) / k)
    states = np.zeros((N, *h0.shape), dtype=h0.dtype)
    states[0] = h0
    for n in range(1, N):
        h = states[n - 1].copy()
        for t in range((n - 1) * k, min(n * k, T)):
            h[:] = np.tanh(xs[t] @ W_x + h @ W_h + b)
        states[n] = h
    return states


def chunk_states_recursive(xs, h0, W_x, W_h, b, k):
    if len(xs) <= k:
        return h0[np.newaxis]
    after = rnn_forward(xs[:k], h0, W_x, W_h, b)[-1]
    return np.vstack([h0[np.newaxis], chunk_states_recursive(xs[k:], after, W_x, W_h, b, k)])


def chunk_states_from_the_beginning_each_time(xs, h0, W_x, W_h, b, k):
    N = -(-len(xs) // k)
    later = [rnn_forward(xs[: n * k], h0, W_x, W_h, b)[-1] for n in range(1, N)]
    return np.stack([h0, *later])


def chunk_states_with_a_generator(xs, h0, W_x, W_h, b, k):
    def carried(h):
        for x in xs:
            yield h
            h = np.tanh(np.concatenate([x, h], axis=1) @ np.concatenate([W_x, W_h]) + b)

    return np.stack(list(carried(h0))[::k])


# --- truncated_rnn_backward ---


def truncated_rnn_backward_calling_rnn_backward(dhs, xs, h0, hs, W_x, W_h, k):
    dxs, dh0 = np.zeros_like(xs), None
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_h[0])
    for start in range(0, len(xs), k):
        s = slice(start, start + k)
        h_before = h0 if start == 0 else hs[start - 1]
        dxs[s], dh, dW_x_c, dW_h_c, db_c = rnn_backward(dhs[s], xs[s], h_before, hs[s], W_x, W_h)
        dW_x += dW_x_c
        dW_h += dW_h_c
        db += db_c
        if start == 0:
            dh0 = dh
    return dxs, dh0, dW_x, dW_h, db


def truncated_rnn_backward_one_loop(dhs, xs, h0, hs, W_x, W_h, k):
    T = len(xs)
    dxs, dW_x, dW_h, db = np.zeros_like(xs), np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(h0[0])
    dh_next = np.zeros_like(h0)
    for t in reversed(range(T)):
        if (t + 1) % k == 0:  # the step after begins a chunk
            dh_next = np.zeros_like(h0)
        h_prev = hs[t - 1] if t else h0
        dxs[t], dh_next, *step = rnn_step_backward(dhs[t] + dh_next, xs[t], h_prev, hs[t], W_x, W_h)
        for total, new in zip((dW_x, dW_h, db), step, strict=True):
            total += new
    return dxs, dh_next, dW_x, dW_h, db


def truncated_rnn_backward_mask(dhs, xs, h0, hs, W_x, W_h, k):
    das, dh = np.zeros_like(dhs), np.zeros_like(h0)
    for t in range(len(xs) - 1, -1, -1):
        das[t] = (dhs[t] + dh) * (1 - hs[t] ** 2)
        dh = das[t] @ W_h.T * (t % k != 0 or t == 0)
    before = np.concatenate([h0[None], hs[:-1]])
    dW_x, dW_h = (np.tensordot(v, das, ([0, 1], [0, 1])) for v in (xs, before))
    return das @ W_x.T, dh, dW_x, dW_h, das.sum(axis=(0, 1))


def truncated_rnn_backward_lists(dhs, xs, h0, hs, W_x, W_h, k):
    states = np.concatenate([h0[None], hs])
    parts = [
        rnn_backward(dhs[t : t + k], xs[t : t + k], states[t], states[t + 1 : t + k + 1], W_x, W_h)
        for t in range(0, len(xs), k)
    ]
    dxs, dh0s, *weights = zip(*parts, strict=True)
    return np.concatenate(dxs), dh0s[0], *(np.sum(w, axis=0) for w in weights)


def truncated_rnn_backward_from_the_last_chunk(dhs, xs, h0, hs, W_x, W_h, k):
    sums, pieces = [0, 0, 0], []
    for start in range((len(xs) - 1) // k * k, -1, -k):
        stop = min(start + k, len(xs))
        h = hs[start - 1] if start > 0 else h0
        dx, dh, *weights = rnn_backward(dhs[start:stop], xs[start:stop], h, hs[start:stop], W_x, W_h)
        pieces.append(dx)
        sums = [total + new for total, new in zip(sums, weights, strict=True)]
    return np.concatenate(pieces[::-1]), dh, *sums


def truncated_rnn_backward_split(dhs, xs, h0, hs, W_x, W_h, k):
    cuts = list(range(k, len(xs), k))
    pieces = [np.split(a, cuts) for a in (dhs, xs, hs)]
    befores = [h0, *(chunk[-1] for chunk in pieces[2][:-1])]
    results = []
    for dh, x, h, before in zip(*pieces, befores, strict=True):
        results.append(rnn_backward(dh, x, before, h, W_x, W_h))
    dxs = np.vstack([r[0] for r in results])
    return [dxs, results[0][1], *(functools.reduce(np.add, [r[i] for r in results]) for i in (2, 3, 4))]


def truncated_rnn_backward_recursive(dhs, xs, h0, hs, W_x, W_h, k):
    first = rnn_backward(dhs[:k], xs[:k], h0, hs[:k], W_x, W_h)
    if len(xs) <= k:
        return first
    rest = truncated_rnn_backward_recursive(dhs[k:], xs[k:], hs[k - 1], hs[k:], W_x, W_h, k)
    return np.concatenate([first[0], rest[0]]), first[1], first[2] + rest[2], first[3] + rest[3], first[4] + rest[4]


def truncated_rnn_backward_loops_in_loops(dhs, xs, h0, hs, W_x, W_h, k):
    T, B, _ = xs.shape
    dxs, dh0 = np.zeros_like(xs), np.zeros_like(h0)
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_h[:, 0])
    for n in range(B):
        for start in range(0, T, k):
            dh = np.zeros_like(h0[n])
            for t in range(min(start + k, T) - 1, start - 1, -1):
                da = (dhs[t, n] + dh) * (1 - hs[t, n] ** 2)
                h_prev = hs[t - 1, n] if t > 0 else h0[n]
                dxs[t, n] = da @ W_x.T
                dW_x += x_outer(xs[t, n], da)
                dW_h += x_outer(h_prev, da)
                db += da
                dh = da @ W_h.T
            if start == 0:
                dh0[n] = dh
    return dxs, dh0, dW_x, dW_h, db


def x_outer(v, da):
    return v[:, None] * da[None, :]


def truncated_rnn_backward_padded(dhs, xs, h0, hs, W_x, W_h, k):
    # Chunks side by side in the batch: one short backward pass for all of them at once.
    T, B, D = xs.shape
    H, N = h0.shape[1], -(-T // k)
    before = np.concatenate([h0[None], hs[:-1]])[::k]
    pad = [(0, N * k - T), (0, 0), (0, 0)]

    def beside(a):
        return np.pad(a, pad).reshape(N, k, B, -1).swapaxes(0, 1).reshape(k, N * B, -1)

    dxs, dstarts, *weights = rnn_backward(beside(dhs), beside(xs), before.reshape(N * B, H), beside(hs), W_x, W_h)
    dxs = dxs.reshape(k, N, B, D).swapaxes(0, 1).reshape(N * k, B, D)[:T]
    return dxs, dstarts[:B], *weights


# --- embedding_backward ---


def embedding_backward_add_at(dxs, tokens, vocabulary_size):
    dW_e = np.zeros((vocabulary_size, dxs.shape[2]), dtype=dxs.dtype)
    np.add.at(dW_e, tokens, dxs)
    return dW_e


def embedding_backward_loops(dxs, tokens, vocabulary_size):
    T, B, E = dxs.shape
    dW_e = np.zeros((vocabulary_size, E), dxs.dtype)
    for t in range(T):
        for n in range(B):
            dW_e[tokens[t, n]] += dxs[t, n]
    return dW_e


def embedding_backward_one_hot(dxs, tokens, vocabulary_size):
    one_hot = np.eye(vocabulary_size, dtype=dxs.dtype)[tokens.ravel()]
    return one_hot.T @ dxs.reshape(-1, dxs.shape[-1])


def embedding_backward_einsum(dxs, tokens, vocabulary_size):
    one_hot = (tokens[..., None] == np.arange(vocabulary_size)).astype(dxs.dtype)
    return np.einsum("tbv,tbe->ve", one_hot, dxs)


def embedding_backward_word_by_word(dxs, tokens, vocabulary_size):
    return np.stack([dxs[tokens == word].sum(axis=0) for word in range(vocabulary_size)])


def embedding_backward_dictionary(dxs, tokens, vocabulary_size):
    sums = defaultdict(float)
    for index, token in np.ndenumerate(tokens):
        sums[token] = sums[token] + dxs[index]
    dW_e = np.zeros((vocabulary_size, dxs.shape[-1]), dxs.dtype)
    for token, total in sums.items():
        dW_e[token] = total
    return dW_e


def embedding_backward_bincount(dxs, tokens, vocabulary_size):
    flat = tokens.ravel()
    columns = [np.bincount(flat, weights=dxs[:, :, e].ravel(), minlength=vocabulary_size) for e in range(dxs.shape[2])]
    return np.stack(columns, axis=1).astype(dxs.dtype)


def embedding_backward_sorted(dxs, tokens, vocabulary_size):
    flat, order = np.sort(tokens, axis=None), np.argsort(tokens, axis=None)
    words, starts = np.unique(flat, return_index=True)
    dW_e = np.zeros((vocabulary_size, dxs.shape[-1]), dxs.dtype)
    dW_e[words] = np.add.reduceat(dxs.reshape(len(flat), -1)[order], starts)
    return dW_e


# --- the names under which they find each other ---


def softmax(logits):
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def rnn_step(x, h_prev, W_x, W_h, b):
    return np.tanh(x @ W_x + h_prev @ W_h + b)


def rnn_forward(xs, h0, W_x, W_h, b):
    hs = [h0]
    for x in xs:
        hs.append(rnn_step(x, hs[-1], W_x, W_h, b))
    return np.stack(hs[1:])


rnn_step_backward, rnn_backward = rnn_step_backward_plain, rnn_backward_calling_the_step

STYLES = {
    "cross_entropy_backward": [
        cross_entropy_backward_one_hot,
        cross_entropy_backward_index_arrays,
        cross_entropy_backward_put_along_axis,
        cross_entropy_backward_loops,
        cross_entropy_backward_boolean_mask,
        cross_entropy_backward_flattened,
        cross_entropy_backward_through_probabilities,
        cross_entropy_backward_float64_and_back,
    ],
    "readout_backward": [
        readout_backward_tensordot,
        readout_backward_einsum,
        readout_backward_flattened,
        readout_backward_step_by_step,
        readout_backward_batch_row_by_row,
        readout_backward_loops,
        readout_backward_with_ones,
        readout_backward_stacked_products,
    ],
    "rnn_step_backward": [
        rnn_step_backward_plain,
        rnn_step_backward_einsum,
        rnn_step_backward_loops,
        rnn_step_backward_row_by_row,
        rnn_step_backward_concatenated,
        rnn_step_backward_column_vectors,
        rnn_step_backward_in_place_on_its_own_arrays,
        rnn_step_backward_factors_of_the_square,
        rnn_step_backward_without_the_given_state,
        rnn_step_backward_float64_and_back,
    ],
    "rnn_backward": [
        rnn_backward_calling_the_step,
        rnn_backward_products_after_the_loop,
        rnn_backward_lists,
        rnn_backward_recursive,
        rnn_backward_batch_row_by_row,
        rnn_backward_each_output_by_itself,
        rnn_backward_jacobians,
        rnn_backward_in_place_on_its_own_arrays,
        rnn_backward_zip,
        rnn_backward_reduce,
        rnn_backward_object,
    ],
    "numerical_gradient": [
        numerical_gradient_ndindex,
        numerical_gradient_in_place_and_put_back,
        numerical_gradient_added_and_taken_off,
        numerical_gradient_flat,
        numerical_gradient_directions,
        numerical_gradient_coarse,
        numerical_gradient_fine,
        numerical_gradient_of_fourth_order,
    ],
    "gradient_norms": [
        gradient_norms_list,
        gradient_norms_preallocated,
        gradient_norms_all_gradients_first,
        gradient_norms_with_the_step,
        gradient_norms_loops,
        gradient_norms_recursive,
        gradient_norms_column_vectors,
        gradient_norms_products_of_matrices,
    ],
    "clip_by_global_norm": [
        clip_by_global_norm_if,
        clip_by_global_norm_minimum,
        clip_by_global_norm_as_torch_does,
        clip_by_global_norm_one_vector,
        clip_by_global_norm_by_name,
        clip_by_global_norm_in_place_on_copies,
        clip_by_global_norm_divided_by_the_larger,
    ],
    "chunk_states": [
        chunk_states_chunk_by_chunk,
        chunk_states_every_kth,
        chunk_states_of_indices,
        chunk_states_step_by_step,
        chunk_states_preallocated,
        chunk_states_recursive,
        chunk_states_from_the_beginning_each_time,
        chunk_states_with_a_generator,
    ],
    "truncated_rnn_backward": [
        truncated_rnn_backward_calling_rnn_backward,
        truncated_rnn_backward_one_loop,
        truncated_rnn_backward_mask,
        truncated_rnn_backward_lists,
        truncated_rnn_backward_from_the_last_chunk,
        truncated_rnn_backward_split,
        truncated_rnn_backward_recursive,
        truncated_rnn_backward_loops_in_loops,
        truncated_rnn_backward_padded,
    ],
    "embedding_backward": [
        embedding_backward_add_at,
        embedding_backward_loops,
        embedding_backward_one_hot,
        embedding_backward_einsum,
        embedding_backward_word_by_word,
        embedding_backward_dictionary,
        embedding_backward_bincount,
        embedding_backward_sorted,
    ],
}
