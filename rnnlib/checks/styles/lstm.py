"""Right solutions of assignment 03-lstm in many styles. ``STYLES`` has them by the exercise's name.

As in a notebook, they find each other under the names of the exercises, which stand at the end of this module.
"""

import functools
import math
from collections import namedtuple

import numpy as np

from rnnlib.checks import LSTMCache

# --- sigmoids, as students write them ---


def sigmoid(a):
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1, e) / (1 + e)


def _sigmoid_by_tanh(a):
    return 0.5 * (np.tanh(0.5 * a) + 1)


def _sigmoid_by_mask(a):
    s = np.empty_like(a)
    positive = a >= 0
    s[positive] = 1 / (1 + np.exp(-a[positive]))
    e = np.exp(a[~positive])
    s[~positive] = e / (1 + e)
    return s


def _sigmoid_clipped(a):
    return 1 / (1 + np.exp(-np.clip(a, -60, 60)))


def _sigmoid_logaddexp(a):
    return np.exp(-np.logaddexp(0, -a))


def _sigmoid_of_a_number(a):
    return 1 / (1 + math.exp(-a)) if a >= 0 else math.exp(a) / (1 + math.exp(a))


# --- the gates: seven ways, for input, forget and output gate alike ---


def _gate_one_line(x, h_prev, W_x, W_h, b):
    return sigmoid(x @ W_x + h_prev @ W_h + b)


def _gate_by_tanh(x, h_prev, W_x, W_h, b):
    a = np.dot(x, W_x) + np.dot(h_prev, W_h) + b.reshape(1, -1)
    return _sigmoid_by_tanh(a)


def _gate_concatenated(x, h_prev, W_x, W_h, b):
    both = np.concatenate([x, h_prev], axis=1)
    return _sigmoid_by_mask(both @ np.concatenate([W_x, W_h], axis=0) + b)


def _gate_einsum(x, h_prev, W_x, W_h, b):
    return _sigmoid_clipped(np.einsum("bd,dh->bh", x, W_x) + np.einsum("bj,jh->bh", h_prev, W_h) + b)


def _gate_column_vectors(x, h_prev, W_x, W_h, b):
    return _sigmoid_logaddexp(W_x.T @ x.T + W_h.T @ h_prev.T + b[:, None]).T


def _gate_loops(x, h_prev, W_x, W_h, b):
    s = np.zeros((len(x), len(b)), dtype=x.dtype)
    for n, k in np.ndindex(s.shape):
        s[n, k] = _sigmoid_of_a_number(float(x[n] @ W_x[:, k] + h_prev[n] @ W_h[:, k] + b[k]))
    return s


def _gate_in_place_on_its_own_array(x, h_prev, W_x, W_h, b):
    a = x @ W_x
    a += h_prev @ W_h
    a += b
    negative = a < 0
    np.abs(a, out=a)
    np.negative(a, out=a)
    e = np.exp(a, out=a)
    return np.where(negative, e, 1) / (1 + e)


def _gate_in_float64(x, h_prev, W_x, W_h, b):
    a = x.astype(np.float64) @ W_x + h_prev @ W_h + b
    return sigmoid(a).astype(x.dtype)


_GATES = [
    _gate_one_line,
    _gate_by_tanh,
    _gate_concatenated,
    _gate_einsum,
    _gate_column_vectors,
    _gate_loops,
    _gate_in_place_on_its_own_array,
    _gate_in_float64,
]

# --- candidate ---


def candidate_one_line(x, h_prev, W_xg, W_hg, b_g):
    return np.tanh(x @ W_xg + h_prev @ W_hg + b_g)


def candidate_through_sigmoid(x, h_prev, W_xg, W_hg, b_g):
    return 2 * sigmoid(2 * (x @ W_xg + h_prev @ W_hg + b_g)) - 1


def candidate_einsum(x, h_prev, W_xg, W_hg, b_g):
    a = np.einsum("ij,jk", x, W_xg) + np.einsum("ij,jk", h_prev, W_hg)
    return np.tanh(a + b_g[np.newaxis])


def candidate_row_by_row(x, h_prev, W_xg, W_hg, b_g):
    rows = []
    for row, state in zip(x, h_prev, strict=True):
        rows.append(np.tanh(row @ W_xg + state @ W_hg + b_g))
    return np.array(rows)


def candidate_with_ones(x, h_prev, W_xg, W_hg, b_g):
    ones = np.ones((x.shape[0], 1), dtype=x.dtype)
    return np.tanh(np.hstack([x, h_prev, ones]) @ np.vstack([W_xg, W_hg, b_g]))


def candidate_loops(x, h_prev, W_xg, W_hg, b_g):
    B, H = h_prev.shape
    g = np.zeros((B, H), x.dtype)
    for n in range(B):
        for k in range(H):
            total = b_g[k]
            for d in range(x.shape[1]):
                total = total + x[n, d] * W_xg[d, k]
            for j in range(H):
                total = total + h_prev[n, j] * W_hg[j, k]
            g[n, k] = math.tanh(total)
    return g


def candidate_in_place_on_its_own_array(x, h_prev, W_xg, W_hg, b_g):
    g = np.matmul(x, W_xg)
    g += np.matmul(h_prev, W_hg)
    g += b_g
    np.tanh(g, out=g)
    return g


# --- lstm_step ---


def lstm_step_split(x, h_prev, c_prev, W_x, W_h, b):
    a_i, a_f, a_g, a_o = np.split(x @ W_x + h_prev @ W_h + b, 4, axis=1)
    i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
    c = f * c_prev + i * g
    tanh_c = np.tanh(c)
    return o * tanh_c, c, LSTMCache(x, h_prev, c_prev, i, f, g, o, tanh_c)


def lstm_step_slices(x, h_prev, c_prev, W_x, W_h, b):
    H = h_prev.shape[1]
    z = np.dot(x, W_x) + np.dot(h_prev, W_h) + b
    i = _sigmoid_by_tanh(z[:, :H])
    f = _sigmoid_by_tanh(z[:, H : 2 * H])
    g = np.tanh(z[:, 2 * H : 3 * H])
    o = _sigmoid_by_tanh(z[:, 3 * H :])
    c_next = np.multiply(f, c_prev) + np.multiply(i, g)
    squashed = np.tanh(c_next)
    h_next = np.multiply(o, squashed)
    cache = LSTMCache(x=x, h_prev=h_prev, c_prev=c_prev, i=i, f=f, g=g, o=o, tanh_c=squashed)
    return h_next, c_next, cache


def lstm_step_of_the_gate_functions(x, h_prev, c_prev, W_x, W_h, b):
    H = len(b) // 4
    parts = [(W_x[:, k * H : (k + 1) * H], W_h[:, k * H : (k + 1) * H], b[k * H : (k + 1) * H]) for k in range(4)]
    i = input_gate(x, h_prev, *parts[0])
    f = forget_gate(x, h_prev, *parts[1])
    g = candidate(x, h_prev, *parts[2])
    o = output_gate(x, h_prev, *parts[3])
    c = f * c_prev + i * g
    return o * np.tanh(c), c, LSTMCache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


def lstm_step_gate_functions_of_one_row(x, h_prev, c_prev, W_x, W_h, b):
    rows = []
    for n in range(len(x)):
        gates = {}
        for k, gate in enumerate((input_gate, forget_gate, candidate, output_gate)):
            W_k, U_k, b_k = (np.split(W, 4, axis=-1)[k] for W in (W_x, W_h, b))
            gates["ifgo"[k]] = gate(x[n : n + 1], h_prev[n : n + 1], W_k, U_k, b_k)
        c = gates["f"] * c_prev[n] + gates["i"] * gates["g"]
        rows.append((gates["o"] * np.tanh(c), c, *(gates[k] for k in "ifgo"), np.tanh(c)))
    h, c, i, f, g, o, tanh_c = (np.concatenate(column) for column in zip(*rows, strict=True))
    return h, c, LSTMCache(x, h_prev, c_prev, i, f, g, o, tanh_c)


def lstm_step_concatenated(x, h_prev, c_prev, W_x, W_h, b):
    a = np.hstack((x, h_prev)) @ np.vstack((W_x, W_h)) + b
    B = len(a)
    i, f, g, o = a.reshape(B, 4, -1).transpose(1, 0, 2)
    i, f, o = map(_sigmoid_by_mask, (i, f, o))
    g = np.tanh(g)
    c = i * g + c_prev * f
    t = np.tanh(c)
    return [t * o, c, LSTMCache(x, h_prev, c_prev, i, f, g, o, t)]


def lstm_step_one_sigmoid_for_all_blocks(x, h_prev, c_prev, W_x, W_h, b):
    H = h_prev.shape[-1]
    scale = np.ones(4 * H, b.dtype)
    scale[2 * H : 3 * H] = 2
    s = sigmoid((x @ W_x + h_prev @ W_h + b) * scale)  # tanh(a) = 2 sigmoid(2a) - 1
    i, f, g, o = s[:, :H], s[:, H : 2 * H], 2 * s[:, 2 * H : 3 * H] - 1, s[:, 3 * H :]
    c = f * c_prev + i * g
    tanh_c = 2 * sigmoid(2 * c) - 1
    return o * tanh_c, c, LSTMCache(x, h_prev, c_prev, i, f, g, o, tanh_c)


def lstm_step_einsum(x, h_prev, c_prev, W_x, W_h, b):
    H = h_prev.shape[1]
    W4, U4, b4 = W_x.reshape(-1, 4, H), W_h.reshape(H, 4, H), b.reshape(4, 1, H)
    a = np.einsum("bd,dgh->gbh", x, W4) + np.einsum("bj,jgh->gbh", h_prev, U4) + b4
    i, f, o = _sigmoid_clipped(a[[0, 1, 3]])
    g = np.tanh(a[2])
    c = f * c_prev + i * g
    return np.einsum("bh,bh->bh", o, np.tanh(c)), c, LSTMCache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))


def lstm_step_loops(x, h_prev, c_prev, W_x, W_h, b):
    B, H = h_prev.shape
    i, f, g, o, c, h, tanh_c = (np.zeros((B, H), x.dtype) for _ in range(7))
    for n in range(B):
        for k in range(H):
            pre = [float(x[n] @ W_x[:, q * H + k] + h_prev[n] @ W_h[:, q * H + k] + b[q * H + k]) for q in range(4)]
            i[n, k], f[n, k], o[n, k] = (_sigmoid_of_a_number(pre[q]) for q in (0, 1, 3))
            g[n, k] = math.tanh(pre[2])
            c[n, k] = f[n, k] * c_prev[n, k] + i[n, k] * g[n, k]
            tanh_c[n, k] = math.tanh(c[n, k])
            h[n, k] = o[n, k] * tanh_c[n, k]
    return h, c, LSTMCache(x, h_prev, c_prev, i, f, g, o, tanh_c)


def lstm_step_column_vectors(x, h_prev, c_prev, W_x, W_h, b):
    a = W_x.T @ x.T + W_h.T @ h_prev.T + b[:, None]
    i, f, g, o = np.vsplit(a, 4)
    i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
    c = f * c_prev.T + i * g
    tanh_c = np.tanh(c)
    return (o * tanh_c).T, c.T, LSTMCache(x, h_prev, c_prev, i.T, f.T, g.T, o.T, tanh_c.T)


def lstm_step_in_float64(x, h_prev, c_prev, W_x, W_h, b):
    kind = x.dtype
    wide = [v.astype(np.float64) for v in (x, h_prev, c_prev, W_x, W_h, b)]
    h, c, cache = lstm_step_split(*wide)
    return h.astype(kind), c.astype(kind), LSTMCache(*(v.astype(kind) for v in cache))


def lstm_step_in_place_on_its_own_arrays(x, h_prev, c_prev, W_x, W_h, b):
    a = x @ W_x
    a += h_prev @ W_h
    a += b
    H = a.shape[1] // 4
    a[:, : 2 * H] = sigmoid(a[:, : 2 * H])
    a[:, 2 * H : 3 * H] = np.tanh(a[:, 2 * H : 3 * H])
    a[:, 3 * H :] = sigmoid(a[:, 3 * H :])
    i, f, g, o = (a[:, k * H : (k + 1) * H] for k in range(4))
    c = c_prev.copy()
    c *= f
    c += i * g
    tanh_c = np.tanh(c)
    h = tanh_c.copy()
    h *= o
    return h, c, LSTMCache(x.copy(), h_prev.copy(), c_prev.copy(), i, f, g, o, tanh_c)


class _Cell:
    """A callable object, which keeps nothing between calls."""

    activations = (sigmoid, sigmoid, np.tanh, sigmoid)

    def __call__(self, x, h_prev, c_prev, W_x, W_h, b):
        i, f, g, o = self.gates(x @ W_x + h_prev @ W_h + b)
        c = self.remember(f, c_prev, i, g)
        return o * np.tanh(c), c, LSTMCache(x, h_prev, c_prev, i, f, g, o, np.tanh(c))

    def gates(self, a):
        return [act(block) for act, block in zip(self.activations, np.array_split(a, 4, axis=1), strict=True)]

    @staticmethod
    def remember(f, c_prev, i, g):
        return c_prev - (1 - f) * c_prev + i * g


def lstm_step_object(*arguments):
    return _Cell()(*arguments)


# --- lstm_forward ---


def lstm_forward_lists(xs, h0, c0, W_x, W_h, b):
    h, c = h0, c0
    hs, cs, caches = [], [], []
    for x in xs:
        h, c, cache = lstm_step(x, h, c, W_x, W_h, b)
        hs.append(h)
        cs.append(c)
        caches.append(cache)
    return np.stack(hs), np.stack(cs), caches


def lstm_forward_preallocated(xs, h0, c0, W_x, W_h, b):
    T, B, _ = xs.shape
    H = h0.shape[1]
    hs, cs, caches = np.zeros((T, B, H), xs.dtype), np.zeros((T, B, H), xs.dtype), [None] * T
    for t in range(T):
        before = (h0, c0) if t == 0 else (hs[t - 1], cs[t - 1])
        hs[t], cs[t], caches[t] = lstm_step(xs[t], *before, W_x, W_h, b)
    return hs, cs, caches


def lstm_forward_states_before_in_front(xs, h0, c0, W_x, W_h, b):
    T = len(xs)
    hs, cs = np.empty((T + 1, *h0.shape), h0.dtype), np.empty((T + 1, *c0.shape), c0.dtype)
    hs[0], cs[0] = h0, c0
    caches = []
    for t in range(1, T + 1):
        hs[t], cs[t], cache = lstm_step_slices(xs[t - 1], hs[t - 1], cs[t - 1], W_x, W_h, b)
        caches.append(cache)
    return hs[1:], cs[1:], caches


def lstm_forward_last_index(xs, h0, c0, W_x, W_h, b):
    hs, cs = np.zeros((len(xs), *h0.shape), xs.dtype), np.zeros((len(xs), *h0.shape), xs.dtype)
    hs[-1], cs[-1] = h0, c0  # the step before t = 0 is index -1
    caches = []
    for t in range(len(xs)):
        h, c, cache = lstm_step(xs[t], hs[t - 1].copy(), cs[t - 1].copy(), W_x, W_h, b)
        hs[t], cs[t] = h, c
        caches += [cache]
    return hs, cs, caches


def lstm_forward_input_product_first(xs, h0, c0, W_x, W_h, b):
    H = h0.shape[1]
    a_x = np.einsum("tbd,dk->tbk", xs, W_x) + b
    h, c = h0, c0
    kept = {name: [] for name in ("h", "c", "cache")}
    for t, a in enumerate(a_x):
        before = h, c
        a = a + h @ W_h
        i, f, g, o = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H]), np.tanh(a[:, 2 * H : -H]), sigmoid(a[:, -H:])
        c = f * c + i * g
        h = o * np.tanh(c)
        kept["h"].append(h)
        kept["c"].append(c)
        kept["cache"].append(LSTMCache(xs[t], *before, i, f, g, o, np.tanh(c)))
    return np.array(kept["h"]), np.array(kept["c"]), kept["cache"]


def lstm_forward_batch_row_by_row(xs, h0, c0, W_x, W_h, b):
    B = xs.shape[1]
    rows = []
    for n in range(B):
        h, c, steps = h0[n : n + 1], c0[n : n + 1], []
        for t in range(len(xs)):
            h, c, cache = lstm_step(xs[t, n : n + 1], h, c, W_x, W_h, b)
            steps.append((h, c, cache))
        rows.append(steps)
    hs = np.stack([np.concatenate([row[t][0] for row in rows]) for t in range(len(xs))])
    cs = np.stack([np.concatenate([row[t][1] for row in rows]) for t in range(len(xs))])
    caches = [
        LSTMCache(*(np.concatenate(v) for v in zip(*(row[t][2] for row in rows), strict=True))) for t in range(len(xs))
    ]
    return hs, cs, caches


def lstm_forward_recursive(xs, h0, c0, W_x, W_h, b):
    h, c, cache = lstm_step(xs[0], h0, c0, W_x, W_h, b)
    if len(xs) == 1:
        return h[None], c[None], [cache]
    hs, cs, caches = lstm_forward_recursive(xs[1:], h, c, W_x, W_h, b)
    return np.concatenate([h[None], hs]), np.concatenate([c[None], cs]), [cache, *caches]


def lstm_forward_while(xs, h0, c0, W_x, W_h, b):
    hs, cs, caches = np.zeros((0, *h0.shape), xs.dtype), np.zeros((0, *h0.shape), xs.dtype), ()
    t = 0
    while t != len(xs):
        h0, c0, cache = lstm_step(xs[t], h0, c0, W_x, W_h, b)  # the names alone are given anew
        hs, cs, caches = np.vstack([hs, [h0]]), np.vstack([cs, [c0]]), (*caches, cache)
        t += 1
    return hs, cs, caches


def lstm_forward_reduce(xs, h0, c0, W_x, W_h, b):
    def add(done, x):
        return [*done, lstm_step(x, done[-1][0], done[-1][1], W_x, W_h, b)]

    _, *steps = functools.reduce(add, xs, [(h0, c0, None)])
    hs, cs, caches = zip(*steps, strict=True)
    return np.array(hs), np.array(cs), list(caches)


def lstm_forward_of_the_gate_functions(xs, h0, c0, W_x, W_h, b):
    gates = list(zip(np.split(W_x, 4, axis=1), np.split(W_h, 4, axis=1), np.split(b, 4), strict=True))
    hs, cs, caches = [h0], [c0], []
    for x in xs:
        i, f, g, o = (
            gate(x, hs[-1], *gates[k]) for k, gate in enumerate((input_gate, forget_gate, candidate, output_gate))
        )
        c = f * cs[-1] + i * g
        tanh_c = np.tanh(c)
        caches.append(LSTMCache(x, hs[-1], cs[-1], i, f, g, o, tanh_c))
        hs.append(o * tanh_c)
        cs.append(c)
    return np.stack(hs[1:]), np.stack(cs[1:]), caches


# --- lstm_step_backward ---


def lstm_step_backward_letters(dh, dc, cache, W_x, W_h):
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    do = dh * tanh_c
    dc = dc + dh * o * (1 - tanh_c**2)
    df, di, dg = dc * c_prev, dc * g, dc * i
    da = np.concatenate([di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)], axis=1)
    return da @ W_x.T, da @ W_h.T, dc * f, x.T @ da, h_prev.T @ da, da.sum(axis=0)


def lstm_step_backward_gate_by_gate(dh, dc, cache, W_x, W_h):
    H = dh.shape[1]
    total = dc + cache.o * (1 - cache.tanh_c * cache.tanh_c) * dh
    of_gate = {
        "i": total * cache.g * cache.i * (1 - cache.i),
        "f": total * cache.c_prev * cache.f * (1 - cache.f),
        "g": total * cache.i * (1 - cache.g * cache.g),
        "o": dh * cache.tanh_c * cache.o * (1 - cache.o),
    }
    dx, dh_prev = np.zeros_like(cache.x), np.zeros_like(cache.h_prev)
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros(4 * H, W_h.dtype)
    for k, letter in enumerate("ifgo"):
        da, block = of_gate[letter], slice(k * H, (k + 1) * H)
        dx += da.dot(W_x[:, block].T)
        dh_prev += da.dot(W_h[:, block].T)
        dW_x[:, block] = cache.x.T.dot(da)
        dW_h[:, block] = cache.h_prev.T.dot(da)
        db[block] = np.sum(da, axis=0)
    return dx, dh_prev, total * cache.f, dW_x, dW_h, db


def lstm_step_backward_einsum(dh, dc, cache, W_x, W_h):
    dc = dc + np.einsum("bh,bh,bh->bh", dh, cache.o, 1 - cache.tanh_c**2)
    s, factors = np.stack(cache[3:7]), [cache.g, cache.c_prev, cache.i, cache.tanh_c]
    slopes = s * (1 - s)
    slopes[2] = 1 - s[2] ** 2
    da = np.stack([(dh if k == 3 else dc) * factor for k, factor in enumerate(factors)]) * slopes
    D, H = W_x.shape[0], W_h.shape[0]
    W4, U4 = W_x.reshape(D, 4, H), W_h.reshape(H, 4, H)
    return (
        np.einsum("gbh,dgh->bd", da, W4),
        np.einsum("gbh,jgh->bj", da, U4),
        dc * cache.f,
        np.einsum("bd,gbh->dgh", cache.x, da).reshape(D, -1),
        np.einsum("bj,gbh->jgh", cache.h_prev, da).reshape(H, -1),
        np.einsum("gbh->gh", da).ravel(),
    )


def lstm_step_backward_loops(dh, dc, cache, W_x, W_h):
    x, h_prev, c_prev, i, f, g, o, tanh_c = cache
    (B, D), H = x.shape, dh.shape[1]
    dx, dh_prev, dc_prev = np.zeros_like(x), np.zeros_like(h_prev), np.zeros_like(c_prev)
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_x[0])
    for n in range(B):
        for k in range(H):
            dck = dc[n, k] + dh[n, k] * o[n, k] * (1 - tanh_c[n, k] ** 2)
            dc_prev[n, k] = dck * f[n, k]
            pre = (
                dck * g[n, k] * i[n, k] * (1 - i[n, k]),
                dck * c_prev[n, k] * f[n, k] * (1 - f[n, k]),
                dck * i[n, k] * (1 - g[n, k] ** 2),
                dh[n, k] * tanh_c[n, k] * o[n, k] * (1 - o[n, k]),
            )
            for block, da in enumerate(pre):
                column = block * H + k
                db[column] += da
                for d in range(D):
                    dx[n, d] += da * W_x[d, column]
                    dW_x[d, column] += da * x[n, d]
                for j in range(H):
                    dh_prev[n, j] += da * W_h[j, column]
                    dW_h[j, column] += da * h_prev[n, j]
    return dx, dh_prev, dc_prev, dW_x, dW_h, db


def lstm_step_backward_in_place_on_its_own_copies(dh, dc, cache, W_x, W_h):
    H = dh.shape[1]
    dc = dc.copy()
    dc += dh * cache.o * (1 - cache.tanh_c**2)
    da = np.empty((len(dh), 4 * H), dh.dtype)
    da[:, :H] = dc * cache.g
    da[:, H : 2 * H] = dc * cache.c_prev
    da[:, 2 * H : 3 * H] = dc * cache.i
    da[:, 3 * H :] = dh * cache.tanh_c
    da[:, :H] *= cache.i * (1 - cache.i)
    da[:, H : 2 * H] *= cache.f * (1 - cache.f)
    da[:, 2 * H : 3 * H] *= 1 - cache.g**2
    da[:, 3 * H :] *= cache.o * (1 - cache.o)
    dc *= cache.f
    return da.dot(W_x.T), da.dot(W_h.T), dc, cache.x.T.dot(da), cache.h_prev.T.dot(da), da.sum(0)


def lstm_step_backward_concatenated(dh, dc, cache, W_x, W_h):
    D = len(W_x)
    both, W = np.hstack([cache.x, cache.h_prev]), np.vstack([W_x, W_h])
    dct = dh * cache.o - dh * cache.o * np.square(cache.tanh_c) + dc
    da = np.hstack(
        [
            dct * cache.g * (cache.i - cache.i**2),
            dct * cache.c_prev * (cache.f - cache.f**2),
            dct * cache.i * (1 + cache.g) * (1 - cache.g),
            dh * cache.tanh_c * (cache.o - cache.o**2),
        ]
    )
    dboth, dW = da @ W.T, both.T @ da
    return [dboth[:, :D], dboth[:, D:], cache.f * dct, dW[:D], dW[D:], np.ones(len(da), da.dtype) @ da]


def lstm_step_backward_column_vectors(dh, dc, cache, W_x, W_h):
    x, h_prev, c_prev, i, f, g, o, tanh_c = (v.T for v in cache)
    dc = dc.T + dh.T * o * (1 - tanh_c**2)
    da = np.vstack([dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - g**2), dh.T * tanh_c * o * (1 - o)])
    return (W_x @ da).T, (W_h @ da).T, (dc * f).T, (da @ x.T).T, (da @ h_prev.T).T, da.sum(axis=1)


def lstm_step_backward_row_by_row(dh, dc, cache, W_x, W_h):
    rows = []
    for n in range(len(dh)):
        one = LSTMCache(*(v[n] for v in cache))
        dct = dc[n] + dh[n] * one.o * (1 - one.tanh_c**2)
        da = np.r_[
            dct * one.g * one.i * (1 - one.i),
            dct * one.c_prev * one.f * (1 - one.f),
            dct * one.i * (1 - one.g**2),
            dh[n] * one.tanh_c * one.o * (1 - one.o),
        ]
        rows.append((W_x @ da, W_h @ da, dct * one.f, np.outer(one.x, da), np.outer(one.h_prev, da), da))
    dx, dh_prev, dc_prev, dW_x, dW_h, db = zip(*rows, strict=True)
    return np.stack(dx), np.stack(dh_prev), np.stack(dc_prev), sum(dW_x), sum(dW_h), sum(db)


def lstm_step_backward_recomputed(dh, dc, cache, W_x, W_h):
    c = cache.f * cache.c_prev + cache.i * cache.g
    cosh = np.cosh(c)
    dct = dc + dh * cache.o / cosh**2

    def through_sigmoid(ds, s):
        return ds * s * (1 - s)

    parts = {
        "o": through_sigmoid(dh * np.sinh(c) / cosh, cache.o),
        "g": dct * cache.i * (1 - cache.g**2),
        "f": through_sigmoid(dct * cache.c_prev, cache.f),
        "i": through_sigmoid(dct * cache.g, cache.i),
    }
    da = np.concatenate([parts[k] for k in ("i", "f", "g", "o")], axis=-1)
    return np.matmul(da, W_x.T), np.matmul(da, W_h.T), dct * cache.f, cache.x.T @ da, cache.h_prev.T @ da, np.sum(da, 0)


def lstm_step_backward_in_float64(dh, dc, cache, W_x, W_h):
    kind = dh.dtype
    wide = LSTMCache(*(v.astype(np.float64) for v in cache))
    found = lstm_step_backward_letters(dh.astype(float), dc.astype(float), wide, W_x.astype(float), W_h.astype(float))
    return tuple(v.astype(kind) for v in found)


_Gradients = namedtuple("_Gradients", "dx dh_prev dc_prev dW_x dW_h db")


class _Backward:
    """An object with one method for each line of the forward step, called from its last to its first."""

    def __init__(self, dh, dc, cache, W_x, W_h):
        self.dh, self.dc, self.k, self.W_x, self.W_h = dh, dc, cache, W_x, W_h
        self.da = {}

    def state(self):
        self.da["o"] = self.dh * self.k.tanh_c * self.k.o * (1 - self.k.o)
        self.dc = self.dc + self.dh * self.k.o * (1 - self.k.tanh_c**2)

    def memory(self):
        self.da["i"] = self.dc * self.k.g * self.k.i * (1 - self.k.i)
        self.da["f"] = self.dc * self.k.c_prev * self.k.f * (1 - self.k.f)
        self.da["g"] = self.dc * self.k.i * (1 - self.k.g**2)
        self.dc = self.dc * self.k.f

    def products(self):
        da = np.concatenate([self.da[k] for k in "ifgo"], axis=1)
        dW = (self.k.x.T @ da, self.k.h_prev.T @ da, da.sum(axis=0))
        return _Gradients(da @ self.W_x.T, da @ self.W_h.T, self.dc, *dW)


def lstm_step_backward_object(dh, dc, cache, W_x, W_h):
    backward = _Backward(dh, dc, cache, W_x, W_h)
    backward.state()
    backward.memory()
    return backward.products()


# --- lstm_backward ---


def lstm_backward_loop(dhs, caches, W_x, W_h):
    dh, dc = np.zeros_like(dhs[0]), np.zeros_like(dhs[0])
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_h[0])
    dxs = [None] * len(caches)
    for t in reversed(range(len(caches))):
        dxs[t], dh, dc, dW_xt, dW_ht, db_t = lstm_step_backward(dhs[t] + dh, dc, caches[t], W_x, W_h)
        dW_x += dW_xt
        dW_h += dW_ht
        db += db_t
    return np.stack(dxs), dh, dc, dW_x, dW_h, db


def lstm_backward_starts_from_numbers(dhs, caches, W_x, W_h):
    dh_next = dc_next = dW_x = dW_h = db = 0
    dxs = []
    for dh, cache in zip(dhs[::-1], caches[::-1], strict=True):
        dx, dh_next, dc_next, *new = lstm_step_backward(dh + dh_next, dc_next, cache, W_x, W_h)
        dxs.insert(0, dx)
        dW_x, dW_h, db = dW_x + new[0], dW_h + new[1], db + new[2]
    return np.array(dxs), dh_next, dc_next, dW_x, dW_h, db


def lstm_backward_sums_at_the_end(dhs, caches, W_x, W_h):
    steps, dh, dc = [], np.zeros_like(dhs[-1]), np.zeros_like(dhs[-1])
    for t in range(len(dhs) - 1, -1, -1):
        steps.append(lstm_step_backward(dhs[t] + dh, dc, caches[t], W_x, W_h))
        _, dh, dc, *_ = steps[-1]
    columns = list(zip(*steps, strict=True))
    return np.stack(columns[0][::-1]), dh, dc, *(np.sum(column, axis=0) for column in columns[3:])


def lstm_backward_products_once(dhs, caches, W_x, W_h):
    T, B, H = dhs.shape
    da = np.zeros((T, B, 4 * H), dhs.dtype)
    dh, dc = np.zeros((B, H), dhs.dtype), np.zeros((B, H), dhs.dtype)
    for t in range(T)[::-1]:
        k = caches[t]
        dh = dh + dhs[t]
        dc = dc + dh * k.o * (1 - k.tanh_c**2)
        da[t, :, :H] = dc * k.g * k.i * (1 - k.i)
        da[t, :, H : 2 * H] = dc * k.c_prev * k.f * (1 - k.f)
        da[t, :, 2 * H : 3 * H] = dc * k.i * (1 - k.g**2)
        da[t, :, 3 * H :] = dh * k.tanh_c * k.o * (1 - k.o)
        dh, dc = da[t] @ W_h.T, dc * k.f
    flat = da.reshape(T * B, -1)
    xs, before = np.concatenate([k.x for k in caches]), np.concatenate([k.h_prev for k in caches])
    return da @ W_x.T, dh, dc, xs.T @ flat, before.T @ flat, flat.sum(axis=0)


def lstm_backward_recursive(dhs, caches, W_x, W_h):
    if len(caches) == 1:
        dx, *rest = lstm_step_backward(dhs[0], np.zeros_like(dhs[0]), caches[0], W_x, W_h)
        return (dx[None], *rest)
    dxs, dh, dc, *later = lstm_backward_recursive(dhs[1:], caches[1:], W_x, W_h)
    dx, dh, dc, *new = lstm_step_backward(dhs[0] + dh, dc, caches[0], W_x, W_h)
    return (np.concatenate([dx[None], dxs]), dh, dc, *map(np.add, later, new))


def lstm_backward_adds_into_a_copy(dhs, caches, W_x, W_h):
    dhs = dhs.copy()
    dc = np.zeros_like(dhs[0])
    grads = {"W_x": np.zeros_like(W_x), "W_h": np.zeros_like(W_h), "b": np.zeros(W_x.shape[1], W_x.dtype)}
    dxs = np.empty((*dhs.shape[:2], len(W_x)), dhs.dtype)
    for t in range(len(dhs) - 1, -1, -1):
        dxs[t], dh_prev, dc, grads_x, grads_h, grads_b = lstm_step_backward(dhs[t], dc, caches[t], W_x, W_h)
        grads["W_x"] = grads["W_x"] + grads_x
        grads["W_h"] = grads["W_h"] + grads_h
        np.add.at(grads["b"], np.arange(len(grads_b)), grads_b)
        if t > 0:
            dhs[t - 1] += dh_prev
    return dxs, dh_prev, dc, grads["W_x"], grads["W_h"], grads["b"]


def lstm_backward_while(dhs, caches, W_x, W_h):
    t = len(dhs) - 1
    dx, dh, dc, dW_x, dW_h, db = lstm_step_backward(dhs[t], 0 * dhs[t], caches[t], W_x, W_h)
    dxs = dx[None]
    while t > 0:
        t -= 1
        step = lstm_step_backward(dhs[t] + dh, dc, caches[t], W_x, W_h)
        dx, dh, dc = step[:3]
        dxs = np.concatenate([[dx], dxs])
        dW_x, dW_h, db = dW_x + step[3], dW_h + step[4], db + step[5]
    return [dxs, dh, dc, dW_x, dW_h, db]


def lstm_backward_batch_row_by_row(dhs, caches, W_x, W_h):
    found = []
    for n in range(dhs.shape[1]):
        mine = [LSTMCache(*(v[n : n + 1] for v in cache)) for cache in caches]
        found.append(lstm_backward_loop(dhs[:, n : n + 1], mine, W_x, W_h))
    dxs, dh0, dc0, *of_weights = zip(*found, strict=True)
    return np.concatenate(dxs, axis=1), np.concatenate(dh0), np.concatenate(dc0), *(sum(g) for g in of_weights)


def lstm_backward_one_loss_at_a_time(dhs, caches, W_x, W_h):
    total = None
    for s in range(len(dhs)):  # the gradient of a sum of losses is the sum of their gradients
        alone = np.zeros_like(dhs)
        alone[s] = dhs[s]
        found = lstm_backward_loop(alone, caches, W_x, W_h)
        total = found if total is None else tuple(a + b for a, b in zip(total, found, strict=True))
    return total


def lstm_backward_reduce(dhs, caches, W_x, W_h):
    def back(done, step):
        dxs, dh, dc, *sums = done
        dx, dh, dc, *new = lstm_step_backward(step[0] + dh, dc, step[1], W_x, W_h)
        return ([dx, *dxs], dh, dc, *(a + b for a, b in zip(sums, new, strict=True)))

    nothing = np.zeros_like(dhs[0])
    start = ([], nothing, nothing, np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_x[0]))
    dxs, *rest = functools.reduce(back, reversed(list(zip(dhs, caches, strict=True))), start)
    return np.stack(dxs), *rest


# --- peephole_step ---


def peephole_step_split(x, h_prev, c_prev, W_x, W_h, b, p_i, p_f, p_o):
    a_i, a_f, a_g, a_o = np.split(x @ W_x + h_prev @ W_h + b, 4, axis=1)
    c = sigmoid(a_f + p_f * c_prev) * c_prev + sigmoid(a_i + p_i * c_prev) * np.tanh(a_g)
    return sigmoid(a_o + p_o * c) * np.tanh(c), c


def peephole_step_slices(x, h_prev, c_prev, W_x, W_h, b, p_i, p_f, p_o):
    H = len(p_i)
    a = x.dot(W_x) + h_prev.dot(W_h) + b
    i = _sigmoid_by_tanh(a[:, 0:H] + np.multiply(p_i, c_prev))
    f = _sigmoid_by_tanh(a[:, H : 2 * H] + np.multiply(p_f, c_prev))
    g = np.tanh(a[:, 2 * H : 3 * H])
    c = f * c_prev + i * g
    o = _sigmoid_by_tanh(a[:, 3 * H : 4 * H] + np.multiply(p_o, c))
    return [o * np.tanh(c), c]


def peephole_step_of_the_gate_functions(x, h_prev, c_prev, W_x, W_h, b, p_i, p_f, p_o):
    (W_xi, W_xf, W_xg, W_xo), (W_hi, W_hf, W_hg, W_ho) = np.split(W_x, 4, axis=1), np.split(W_h, 4, axis=1)
    b_i, b_f, b_g, b_o = np.split(b, 4)
    i = input_gate(x, h_prev, W_xi, W_hi, b_i + p_i * c_prev)  # a bias of its own for each row
    f = forget_gate(x, h_prev, W_xf, W_hf, b_f + p_f * c_prev)
    c = f * c_prev + i * candidate(x, h_prev, W_xg, W_hg, b_g)
    return output_gate(x, h_prev, W_xo, W_ho, b_o + p_o * c) * np.tanh(c), c


def peephole_step_diagonal_matrices(x, h_prev, c_prev, W_x, W_h, b, p_i, p_f, p_o):
    B = len(x)
    a_i, a_f, a_g, a_o = (x @ W_x + h_prev @ W_h + b).reshape(B, 4, -1).swapaxes(0, 1)
    i, f = (_sigmoid_clipped(a + c_prev @ np.diag(p)) for a, p in ((a_i, p_i), (a_f, p_f)))
    c = f * c_prev + i * np.tanh(a_g)
    return _sigmoid_clipped(a_o + c @ np.diag(p_o)) * np.tanh(c), c


def peephole_step_concatenated(x, h_prev, c_prev, W_x, W_h, b, p_i, p_f, p_o):
    H = h_prev.shape[1]
    a = np.concatenate([x, h_prev], axis=1) @ np.concatenate([W_x, W_h]) + b
    a[:, : 2 * H] += np.concatenate([p_i, p_f]) * np.concatenate([c_prev, c_prev], axis=1)
    s = sigmoid(a[:, : 2 * H])
    c = s[:, H:] * c_prev + s[:, :H] * np.tanh(a[:, 2 * H : 3 * H])
    a[:, 3 * H :] += p_o * c
    return sigmoid(a[:, 3 * H :]) * np.tanh(c), c


def peephole_step_column_vectors(x, h_prev, c_prev, W_x, W_h, b, p_i, p_f, p_o):
    i, f, g, o = np.vsplit(W_x.T @ x.T + W_h.T @ h_prev.T + b[:, None], 4)
    before = c_prev.T
    c = _sigmoid_by_mask(f + p_f[:, None] * before) * before + _sigmoid_by_mask(i + p_i[:, None] * before) * np.tanh(g)
    return (_sigmoid_by_mask(o + p_o[:, None] * c) * np.tanh(c)).T, c.T


def peephole_step_loops(x, h_prev, c_prev, W_x, W_h, b, p_i, p_f, p_o):
    B, H = c_prev.shape
    h, c = np.zeros_like(h_prev), np.zeros_like(c_prev)
    for n in range(B):
        a = [float(v) for v in x[n] @ W_x + h_prev[n] @ W_h + b]
        for k in range(H):
            i = _sigmoid_of_a_number(a[k] + float(p_i[k] * c_prev[n, k]))
            f = _sigmoid_of_a_number(a[H + k] + float(p_f[k] * c_prev[n, k]))
            c[n, k] = f * c_prev[n, k] + i * math.tanh(a[2 * H + k])
            h[n, k] = _sigmoid_of_a_number(a[3 * H + k] + float(p_o[k] * c[n, k])) * math.tanh(c[n, k])
    return h, c


def peephole_step_in_float64(x, h_prev, c_prev, W_x, W_h, b, p_i, p_f, p_o):
    found = peephole_step_split(*(v.astype(float) for v in (x, h_prev, c_prev, W_x, W_h, b, p_i, p_f, p_o)))
    return tuple(v.astype(x.dtype) for v in found)


# --- set_forget_bias ---


def set_forget_bias_copy(b, value):
    H = len(b) // 4
    b = b.copy()
    b[H : 2 * H] = value
    return b


def set_forget_bias_concatenated(b, value):
    b_i, _, b_g, b_o = np.split(b, 4)
    return np.concatenate([b_i, np.full_like(b_i, value), b_g, b_o])


def set_forget_bias_where(b, value):
    H = b.shape[0] // 4
    k = np.arange(4 * H)
    return np.where((k >= H) & (k < 2 * H), np.asarray(value, b.dtype), b)


def set_forget_bias_rows(b, value):
    rows = np.array(b).reshape(4, -1)
    rows[1] = value
    return rows.ravel()


def set_forget_bias_mask(b, value):
    mask = np.repeat(np.array([0, 1, 0, 0], b.dtype), b.size // 4)
    return b * (1 - mask) + np.asarray(value, b.dtype) * mask


def set_forget_bias_list(b, value):
    H = len(b) // 4
    return np.array([value if H <= k < 2 * H else b[k] for k in range(4 * H)], dtype=b.dtype)


def set_forget_bias_put(b, value):
    new = np.empty_like(b)
    new[:] = b
    np.put(new, range(len(b) // 4, len(b) // 2), value)
    return new


input_gate = forget_gate = output_gate = _gate_one_line
candidate, lstm_step, lstm_forward = candidate_one_line, lstm_step_split, lstm_forward_lists
lstm_step_backward = lstm_step_backward_letters

STYLES = {
    "input_gate": _GATES,
    "forget_gate": _GATES,
    "candidate": [
        candidate_one_line,
        candidate_through_sigmoid,
        candidate_einsum,
        candidate_row_by_row,
        candidate_with_ones,
        candidate_loops,
        candidate_in_place_on_its_own_array,
    ],
    "output_gate": _GATES,
    "lstm_step": [
        lstm_step_split,
        lstm_step_slices,
        lstm_step_of_the_gate_functions,
        lstm_step_gate_functions_of_one_row,
        lstm_step_concatenated,
        lstm_step_one_sigmoid_for_all_blocks,
        lstm_step_einsum,
        lstm_step_loops,
        lstm_step_column_vectors,
        lstm_step_in_float64,
        lstm_step_in_place_on_its_own_arrays,
        lstm_step_object,
    ],
    "lstm_forward": [
        lstm_forward_lists,
        lstm_forward_preallocated,
        lstm_forward_states_before_in_front,
        lstm_forward_last_index,
        lstm_forward_input_product_first,
        lstm_forward_batch_row_by_row,
        lstm_forward_recursive,
        lstm_forward_while,
        lstm_forward_reduce,
        lstm_forward_of_the_gate_functions,
    ],
    "lstm_step_backward": [
        lstm_step_backward_letters,
        lstm_step_backward_gate_by_gate,
        lstm_step_backward_einsum,
        lstm_step_backward_loops,
        lstm_step_backward_in_place_on_its_own_copies,
        lstm_step_backward_concatenated,
        lstm_step_backward_column_vectors,
        lstm_step_backward_row_by_row,
        lstm_step_backward_recomputed,
        lstm_step_backward_in_float64,
        lstm_step_backward_object,
    ],
    "lstm_backward": [
        lstm_backward_loop,
        lstm_backward_starts_from_numbers,
        lstm_backward_sums_at_the_end,
        lstm_backward_products_once,
        lstm_backward_recursive,
        lstm_backward_adds_into_a_copy,
        lstm_backward_while,
        lstm_backward_batch_row_by_row,
        lstm_backward_one_loss_at_a_time,
        lstm_backward_reduce,
    ],
    "peephole_step": [
        peephole_step_split,
        peephole_step_slices,
        peephole_step_of_the_gate_functions,
        peephole_step_diagonal_matrices,
        peephole_step_concatenated,
        peephole_step_column_vectors,
        peephole_step_loops,
        peephole_step_in_float64,
    ],
    "set_forget_bias": [
        set_forget_bias_copy,
        set_forget_bias_concatenated,
        set_forget_bias_where,
        set_forget_bias_rows,
        set_forget_bias_mask,
        set_forget_bias_list,
        set_forget_bias_put,
    ],
}
