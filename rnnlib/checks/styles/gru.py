"""Right solutions of assignment 04-gru in many styles. ``STYLES`` has them by the exercise's name.

As in a notebook, they find each other under the names of the exercises, which stand at the end of this module.
"""

import functools
import math
from collections import namedtuple

import numpy as np

from rnnlib.checks import GRUCache

# --- Sigmoids that students write once and use in all gates ---


def _sigmoid(a):
    return (1 + np.tanh(a / 2)) / 2


def _sigmoid_masked(a):
    s = np.empty_like(a)
    positive = a >= 0
    s[positive] = 1 / (1 + np.exp(-a[positive]))
    e = np.exp(a[~positive])
    s[~positive] = e / (1 + e)
    return s


def _sigmoid_where(a):
    e = np.exp(-np.abs(a))
    return np.where(a >= 0, 1 / (1 + e), e / (1 + e))


def _sigmoid_logaddexp(a):
    return np.exp(-np.logaddexp(0, -a))


def _sigmoid_clipped(a):
    return 1 / (1 + np.exp(-np.clip(a, -80, 80)))


def _sigmoid_quiet(a):
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-a))


def _sigmoid_of_a_number(a):
    if a >= 0:
        return 1 / (1 + math.exp(-a))
    e = math.exp(a)
    return e / (1 + e)


# --- reset_gate and update_gate ---


def gate_through_tanh(x, h_prev, W_x, W_h, b):
    return 0.5 * (1 + np.tanh(0.5 * (x @ W_x + h_prev @ W_h + b)))


def gate_masked(x, h_prev, W_xr, W_hr, b_r):
    return _sigmoid_masked(np.dot(x, W_xr) + np.dot(h_prev, W_hr) + b_r[None, :])


def gate_where(x, h_prev, W_x, W_h, bias):
    pre_activation = np.matmul(x, W_x)
    pre_activation = pre_activation + np.matmul(h_prev, W_h)
    pre_activation = pre_activation + bias
    return _sigmoid_where(pre_activation)


def gate_logaddexp(x, h_prev, W_x, W_h, b):
    return _sigmoid_logaddexp(np.einsum("bd,dh->bh", x, W_x) + np.einsum("bj,jh->bh", h_prev, W_h) + b)


def gate_clipped(x, h_prev, W_x, W_h, b):
    return _sigmoid_clipped(np.hstack([x, h_prev]) @ np.vstack([W_x, W_h]) + b)


def gate_warnings_off(x, h_prev, W_x, W_h, b):
    return _sigmoid_quiet(x @ W_x + h_prev @ W_h + b)


def gate_loops(x, h_prev, W_x, W_h, b):
    gate = np.zeros_like(h_prev)
    for row in range(len(x)):
        for unit in range(len(b)):
            a = b[unit]
            for d in range(x.shape[1]):
                a += x[row, d] * W_x[d, unit]
            for j in range(len(b)):
                a += h_prev[row, j] * W_h[j, unit]
            gate[row, unit] = _sigmoid_of_a_number(a)
    return gate


def gate_column_vectors(x, h_prev, W_x, W_h, b):
    return _sigmoid(W_x.T @ x.T + W_h.T @ h_prev.T + b.reshape(-1, 1)).T


def gate_in_place_on_its_own_array(x, h_prev, W_x, W_h, b):
    a = x @ W_x
    a += h_prev @ W_h
    a += b
    a /= 2
    np.tanh(a, out=a)
    a += 1
    a *= 0.5
    return a


def gate_in_float64(x, h_prev, W_x, W_h, b):
    wide = [v.astype(np.float64) for v in (x, h_prev, W_x, W_h, b)]
    a = wide[0] @ wide[2] + wide[1] @ wide[3] + wide[4]
    return _sigmoid(a).astype(x.dtype)


def gate_row_by_row(x, h_prev, W_x, W_h, b):
    return np.array([_sigmoid_where(b + row @ W_x + state @ W_h) for row, state in zip(x, h_prev, strict=True)])


class GateOfItsWeights:
    """A style with objects: a gate knows its weights."""

    def __init__(self, W_x, W_h, b):
        self.W_x, self.W_h, self.b = W_x, W_h, b

    def __call__(self, x, h):
        return _sigmoid_masked(x @ self.W_x + h @ self.W_h + self.b)


def gate_of_an_object(x, h_prev, W_x, W_h, b):
    return GateOfItsWeights(W_x, W_h, b)(x, h_prev)


def update_gate_by_the_reset_gate(x, h_prev, W_xz, W_hz, b_z):
    return reset_gate(x, h_prev, W_xz, W_hz, b_z)


# --- gru_candidate ---


def candidate_one_line(x, h_prev, r, W_xn, W_hn, b_n):
    return np.tanh(x @ W_xn + b_n + r * (h_prev @ W_hn))


def candidate_bias_last(x, h_prev, r, W_xn, W_hn, b_n):
    past = np.dot(h_prev, W_hn)
    past = np.multiply(r, past)
    return np.tanh(np.add(np.add(np.dot(x, W_xn), past), b_n.reshape(1, -1)))


def candidate_einsum(x, h_prev, r, W_xn, W_hn, b_n):
    return np.tanh(np.einsum("bd,dh->bh", x, W_xn) + np.einsum("bh,bj,jh->bh", r, h_prev, W_hn) + b_n)


def candidate_loops(x, h_prev, r, W_xn, W_hn, b_n):
    n = np.zeros_like(h_prev)
    for row, unit in np.ndindex(n.shape):
        a = sum(x[row, d] * W_xn[d, unit] for d in range(x.shape[1])) + b_n[unit]
        a += r[row, unit] * sum(h_prev[row, j] * W_hn[j, unit] for j in range(len(b_n)))
        n[row, unit] = math.tanh(a)
    return n


def candidate_diagonal_matrix(x, h_prev, r, W_xn, W_hn, b_n):
    return np.stack([np.tanh(x[k] @ W_xn + b_n + h_prev[k] @ (W_hn @ np.diag(r[k]))) for k in range(len(x))])


def candidate_column_vectors(x, h_prev, r, W_xn, W_hn, b_n):
    return np.tanh(W_xn.T @ x.T + b_n[:, None] + r.T * (W_hn.T @ h_prev.T)).T


def candidate_in_place_on_its_own_array(x, h_prev, r, W_xn, W_hn, b_n):
    a = h_prev @ W_hn
    a *= r
    a += x @ W_xn
    a += b_n
    return np.tanh(a, out=a)


def candidate_through_sigmoid(x, h_prev, r, W_xn, W_hn, b_n):
    a = x @ W_xn + r * (h_prev @ W_hn) + b_n
    return 2 * _sigmoid_where(2 * a) - 1


def candidate_in_float64(x, h_prev, r, W_xn, W_hn, b_n):
    a = x.astype(float) @ W_xn + r.astype(float) * (h_prev.astype(float) @ W_hn) + b_n
    return np.tanh(a).astype(h_prev.dtype)


# --- interpolate ---


def interpolate_as_written(z, h_prev, n):
    return (1 - z) * n + z * h_prev


def interpolate_difference_to_the_candidate(z, h_prev, n):
    return n + z * (h_prev - n)


def interpolate_difference_to_the_state(z, h_prev, n):
    return h_prev + (1.0 - z) * (n - h_prev)


def interpolate_loops(z, h_prev, n):
    h = np.zeros_like(h_prev)
    for k in np.ndindex(*h.shape):
        h[k] = z[k] * h_prev[k] + (1 - z[k]) * n[k]
    return h


def interpolate_einsum(z, h_prev, n):
    shares, states = np.stack([1 - z, z]), np.stack([n, h_prev])
    return np.einsum("kbh,kbh->bh", shares, states)


def interpolate_average(z, h_prev, n):
    return np.average([n, h_prev], axis=0, weights=[1 - z, z]).astype(z.dtype)


def interpolate_in_place_on_its_own_array(z, h_prev, n):
    h = h_prev - n
    h *= z
    h += n
    return h


def interpolate_row_by_row(z, h_prev, n):
    rows = [
        [w * old + (1 - w) * new for w, old, new in zip(*row, strict=True)] for row in zip(z, h_prev, n, strict=True)
    ]
    return np.array(rows)


# --- gru_step ---


def step_by_its_parts(x, h_prev, W_x, W_h, b):
    H = h_prev.shape[-1]
    r = reset_gate(x, h_prev, W_x[:, :H], W_h[:, :H], b[:H])
    z = update_gate(x, h_prev, W_x[:, H : 2 * H], W_h[:, H : 2 * H], b[H : 2 * H])
    n = gru_candidate(x, h_prev, r, W_x[:, 2 * H :], W_h[:, 2 * H :], b[2 * H :])
    return interpolate(z, h_prev, n), GRUCache(x, h_prev, r, z, n, h_prev @ W_h[:, 2 * H :])


def step_stacked(x, h_prev, W_x, W_h, b):
    H = len(W_h)
    a_x, a_h = x @ W_x + b, h_prev @ W_h
    gates = _sigmoid(a_x[:, : 2 * H] + a_h[:, : 2 * H])
    r, z = gates[:, :H], gates[:, H:]
    n = np.tanh(a_x[:, 2 * H :] + r * a_h[:, 2 * H :])
    h = z * h_prev + (1 - z) * n
    return h, GRUCache(x=x, h_prev=h_prev, r=r, z=z, n=n, h_n=a_h[:, 2 * H :])


def step_split(x, h_prev, W_x, W_h, b):
    x_r, x_z, x_n = np.split(np.dot(x, W_x) + b, 3, axis=1)
    h_r, h_z, h_n = np.array_split(np.dot(h_prev, W_h), 3, axis=1)
    r, z = map(_sigmoid_masked, (x_r + h_r, x_z + h_z))
    n = np.tanh(x_n + r * h_n)
    return n + z * (h_prev - n), GRUCache(x, h_prev, r, z, n, h_n)


def step_axis_of_blocks(x, h_prev, W_x, W_h, b):
    H = h_prev.shape[1]
    a_x = np.einsum("bd,dgh->gbh", x, W_x.reshape(-1, 3, H)) + b.reshape(3, 1, H)
    a_h = np.einsum("bj,jgh->gbh", h_prev, W_h.reshape(H, 3, H))
    r, z = _sigmoid_where(a_x[:2] + a_h[:2])
    n = np.tanh(a_x[2] + r * a_h[2])
    return (1 - z) * n + z * h_prev, GRUCache(x, h_prev, r, z, n, a_h[2])


def step_concatenated(x, h_prev, W_x, W_h, b):
    H = h_prev.shape[1]
    both, W = np.concatenate([x, h_prev], axis=1), np.concatenate([W_x, W_h], axis=0)
    r, z = np.split(_sigmoid_logaddexp(both @ W[:, : 2 * H] + b[: 2 * H]), 2, axis=1)
    h_n = h_prev @ W_h[:, -H:]
    n = np.tanh(x @ W_x[:, -H:] + b[-H:] + r * h_n)
    return interpolate(z, h_prev, n), GRUCache(x, h_prev, r, z, n, h_n)


def step_row_by_row(x, h_prev, W_x, W_h, b):
    H, rows = h_prev.shape[1], []
    for x_k, h_k in zip(x, h_prev, strict=True):
        a_x, a_h = W_x.T @ x_k + b, W_h.T @ h_k
        r, z = _sigmoid(a_x[:H] + a_h[:H]), _sigmoid(a_x[H : 2 * H] + a_h[H : 2 * H])
        n = np.tanh(a_x[2 * H :] + r * a_h[2 * H :])
        rows.append((z * h_k + (1 - z) * n, x_k, h_k, r, z, n, a_h[2 * H :]))
    h, *cache = (np.stack(column) for column in zip(*rows, strict=True))
    return h, GRUCache(*cache)


def step_loops(x, h_prev, W_x, W_h, b):
    B, H = h_prev.shape
    r, z, n, h_n, h = (np.zeros_like(h_prev) for _ in range(5))
    for k in range(B):
        for u in range(H):
            a = [
                b[c]
                + sum(x[k, d] * W_x[d, c] for d in range(x.shape[1]))
                + sum(h_prev[k, j] * W_h[j, c] for j in range(H))
                for c in (u, H + u)
            ]
            r[k, u], z[k, u] = map(_sigmoid_of_a_number, a)
            h_n[k, u] = sum(h_prev[k, j] * W_h[j, 2 * H + u] for j in range(H))
            n[k, u] = np.tanh(sum(x[k] * W_x[:, 2 * H + u]) + b[2 * H + u] + r[k, u] * h_n[k, u])
            h[k, u] = (1 - z[k, u]) * n[k, u] + z[k, u] * h_prev[k, u]
    return h, GRUCache(x, h_prev, r, z, n, h_n)


def step_column_vectors(x, h_prev, W_x, W_h, b):
    H = len(W_h)
    a_x, a_h = W_x.T @ x.T + b[:, None], W_h.T @ h_prev.T
    r, z = _sigmoid(a_x[:H] + a_h[:H]), _sigmoid(a_x[H:-H] + a_h[H:-H])
    n = np.tanh(a_x[-H:] + r * a_h[-H:])
    h = (1 - z) * n + z * h_prev.T
    return h.T, GRUCache(x, h_prev, r.T, z.T, n.T, a_h[-H:].T)


def step_in_place_on_its_own_arrays(x, h_prev, W_x, W_h, b):
    H = len(b) // 3
    a_x = x @ W_x
    a_x += b
    a_h = h_prev @ W_h
    gates = a_x[:, : 2 * H]
    gates += a_h[:, : 2 * H]
    gates *= 0.5
    np.tanh(gates, out=gates)
    gates += 1
    gates *= 0.5
    n = a_x[:, 2 * H :]
    n += gates[:, :H] * a_h[:, 2 * H :]
    np.tanh(n, out=n)
    h = h_prev.copy()
    h -= n
    h *= gates[:, H:]
    h += n
    return h, GRUCache(x, h_prev, gates[:, :H], gates[:, H:], n, a_h[:, 2 * H :])


def step_in_float64(x, h_prev, W_x, W_h, b):
    given = x.dtype
    h, cache = step_split(*(v.astype(np.float64) for v in (x, h_prev, W_x, W_h, b)))
    return h.astype(given), GRUCache(*(entry.astype(given) for entry in cache))


def step_dict_of_blocks(x, h_prev, W_x, W_h, b):
    H = h_prev.shape[1]
    at = {letter: slice(k * H, (k + 1) * H) for k, letter in enumerate("rzn")}
    entry = {"x": x, "h_prev": h_prev, "h_n": h_prev @ W_h[:, at["n"]]}
    for letter in "rz":
        entry[letter] = _sigmoid_where(x @ W_x[:, at[letter]] + h_prev @ W_h[:, at[letter]] + b[at[letter]])
    entry["n"] = np.tanh(x @ W_x[:, at["n"]] + b[at["n"]] + entry["r"] * entry["h_n"])
    return entry["n"] * (1 - entry["z"]) + h_prev * entry["z"], GRUCache(**entry)


def step_bias_with_the_state(x, h_prev, W_x, W_h, b):
    # Within the gates it does not matter with which product the bias goes; the candidate's stays with the input.
    H = h_prev.shape[1]
    first = np.concatenate([b[: 2 * H], np.zeros_like(b[2 * H :])])
    a_h, a_x = h_prev @ W_h + first, x @ W_x
    r = _sigmoid(a_x[:, :H] + a_h[:, :H])
    z = _sigmoid(a_x[:, H : 2 * H] + a_h[:, H : 2 * H])
    n = np.tanh(a_x[:, 2 * H :] + b[2 * H :] + r * a_h[:, 2 * H :])
    return [(1 - z) * n + z * h_prev, GRUCache(x, h_prev, r, z, n, a_h[:, 2 * H :])]


# --- gru_forward ---


def forward_list(xs, h0, W_x, W_h, b):
    h, hs, caches = h0, [], []
    for x in xs:
        h, cache = gru_step(x, h, W_x, W_h, b)
        hs.append(h)
        caches.append(cache)
    return np.stack(hs), caches


def forward_preallocated(xs, h0, W_x, W_h, b):
    T, B, _ = xs.shape
    hs, caches = np.zeros((T, B, h0.shape[1]), dtype=xs.dtype), [None] * T
    for t in range(T):
        hs[t], caches[t] = gru_step(xs[t], h0 if t == 0 else hs[t - 1], W_x, W_h, b)
    return hs, caches


def forward_last_index(xs, h0, W_x, W_h, b):
    hs = np.empty((len(xs), *h0.shape), xs.dtype)
    hs[-1] = h0  # the step before t = 0 is index -1
    caches = []
    for t in range(len(xs)):
        h, cache = gru_step(xs[t], hs[t - 1].copy(), W_x, W_h, b)
        hs[t] = h
        caches.append(cache)
    return hs, caches


def forward_input_product_first(xs, h0, W_x, W_h, b):
    H, h, hs, caches = h0.shape[1], h0, [], []
    a_x = np.einsum("tbd,dg->tbg", xs, W_x) + b
    for t in range(len(xs)):
        a_h = h @ W_h
        r, z = np.split(_sigmoid(a_x[t, :, : 2 * H] + a_h[:, : 2 * H]), 2, axis=-1)
        n = np.tanh(a_x[t, :, 2 * H :] + r * a_h[:, 2 * H :])
        caches.append(GRUCache(xs[t], h, r, z, n, a_h[:, 2 * H :]))
        h = (1 - z) * n + z * h
        hs.append(h)
    return np.array(hs), caches


def forward_from_the_four_functions(xs, h0, W_x, W_h, b):
    W_xr, W_xz, W_xn = np.split(W_x, 3, axis=1)
    W_hr, W_hz, W_hn = np.split(W_h, 3, axis=1)
    b_r, b_z, b_n = np.split(b, 3)
    hs, caches = [h0], []
    for x in xs:
        r, z = reset_gate(x, hs[-1], W_xr, W_hr, b_r), update_gate(x, hs[-1], W_xz, W_hz, b_z)
        n = gru_candidate(x, hs[-1], r, W_xn, W_hn, b_n)
        caches.append(GRUCache(x, hs[-1], r, z, n, hs[-1] @ W_hn))
        hs.append(interpolate(z, hs[-1], n))
    return np.stack(hs[1:]), caches


def forward_batch_row_by_row(xs, h0, W_x, W_h, b):
    T, B, _ = xs.shape
    rows = []
    for k in range(B):
        h, steps = h0[k : k + 1], []
        for t in range(T):
            h, cache = gru_step(xs[t, k : k + 1], h, W_x, W_h, b)
            steps.append((h, cache))
        rows.append(steps)
    hs = np.array([[rows[k][t][0][0] for k in range(B)] for t in range(T)])
    caches = [[rows[k][t][1] for k in range(B)] for t in range(T)]
    return hs, [GRUCache(*map(np.vstack, zip(*of_rows, strict=True))) for of_rows in caches]


def forward_recursive(xs, h0, W_x, W_h, b):
    h, cache = gru_step(xs[0], h0, W_x, W_h, b)
    if len(xs) == 1:
        return h[None], [cache]
    hs, caches = forward_recursive(xs[1:], h, W_x, W_h, b)
    return np.concatenate([h[np.newaxis], hs]), [cache, *caches]


def forward_reduce(xs, h0, W_x, W_h, b):
    def add(steps, x):
        return [*steps, gru_step(x, steps[-1][0], W_x, W_h, b)]

    steps = functools.reduce(add, xs, [(h0, None)])[1:]
    return np.array([h for h, _ in steps]), [cache for _, cache in steps]


def forward_while(xs, h0, W_x, W_h, b):
    hs, caches = np.zeros((0, *h0.shape), xs.dtype), ()
    h, t = h0.copy(), 0
    while t < xs.shape[0]:
        h, cache = gru_step(xs[t], h, W_x, W_h, b)
        hs = np.vstack([hs, h[None]])
        caches += (cache,)
        t += 1
    return hs, list(caches)


class Unrolled:
    """A style with objects: the state lives in an attribute."""

    def __init__(self, h0):
        self.h, self.hs, self.caches = h0, [], []

    def read(self, x, weights):
        self.h, cache = gru_step(x, self.h, *weights)
        self.hs += [self.h]
        self.caches += [cache]


def forward_of_an_object(xs, h0, W_x, W_h, b):
    unrolled = Unrolled(h0)
    for x in xs:
        unrolled.read(x, (W_x, W_h, b))
    return np.stack(unrolled.hs, axis=0), unrolled.caches


# --- gru_step_backward ---


def step_backward_stacked(dh, cache, W_x, W_h):
    x, h_prev, r, z, n, h_n = cache
    dn, dz, dh_prev = dh * (1 - z), dh * (h_prev - n), dh * z
    da_n = dn * (1 - n**2)
    da_r = da_n * h_n * r * (1 - r)
    da_z = dz * z * (1 - z)
    da_x = np.concatenate([da_r, da_z, da_n], axis=1)
    da_h = np.concatenate([da_r, da_z, da_n * r], axis=1)
    return da_x @ W_x.T, dh_prev + da_h @ W_h.T, x.T @ da_x, h_prev.T @ da_h, da_x.sum(axis=0)


def step_backward_gate_by_gate(dh, cache, W_x, W_h):
    H = dh.shape[1]
    W_xr, W_xz, W_xn = W_x[:, :H], W_x[:, H : 2 * H], W_x[:, 2 * H :]
    W_hr, W_hz, W_hn = W_h[:, :H], W_h[:, H : 2 * H], W_h[:, 2 * H :]
    dx, dh_prev = np.zeros_like(cache.x), cache.z * dh
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_h[0])

    da_z = dh * (cache.h_prev - cache.n) * cache.z * (1 - cache.z)
    dx += da_z @ W_xz.T
    dh_prev += da_z @ W_hz.T
    dW_x[:, H : 2 * H], dW_h[:, H : 2 * H], db[H : 2 * H] = cache.x.T @ da_z, cache.h_prev.T @ da_z, da_z.sum(0)

    da_n = dh * (1 - cache.z) * (1 - cache.n * cache.n)
    dx += da_n @ W_xn.T
    dh_prev += (da_n * cache.r) @ W_hn.T
    dW_x[:, 2 * H :], dW_h[:, 2 * H :], db[2 * H :] = cache.x.T @ da_n, cache.h_prev.T @ (da_n * cache.r), da_n.sum(0)

    da_r = da_n * cache.h_n * cache.r * (1 - cache.r)
    dx += da_r @ W_xr.T
    dh_prev += da_r @ W_hr.T
    dW_x[:, :H], dW_h[:, :H], db[:H] = cache.x.T @ da_r, cache.h_prev.T @ da_r, da_r.sum(0)
    return dx, dh_prev, dW_x, dW_h, db


def step_backward_einsum(dh, cache, W_x, W_h):
    H = dh.shape[1]
    da_n = np.einsum("bh,bh,bh->bh", dh, 1 - cache.z, 1 - cache.n**2)
    da_r = np.einsum("bh,bh,bh,bh->bh", da_n, cache.h_n, cache.r, 1 - cache.r)
    da_z = np.einsum("bh,bh,bh,bh->bh", dh, cache.h_prev - cache.n, cache.z, 1 - cache.z)
    da_x, da_h = np.stack([da_r, da_z, da_n], axis=1), np.stack([da_r, da_z, da_n * cache.r], axis=1)
    dx = np.einsum("bgh,dgh->bd", da_x, W_x.reshape(-1, 3, H))
    dh_prev = dh * cache.z + np.einsum("bgh,jgh->bj", da_h, W_h.reshape(H, 3, H))
    dW_x = np.einsum("bd,bgh->dgh", cache.x, da_x).reshape(W_x.shape)
    dW_h = np.einsum("bj,bgh->jgh", cache.h_prev, da_h).reshape(W_h.shape)
    return dx, dh_prev, dW_x, dW_h, np.einsum("bgh->gh", da_x).ravel()


def step_backward_row_by_row(dh, cache, W_x, W_h):
    dx, dh_prev = np.zeros_like(cache.x), np.zeros_like(cache.h_prev)
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros(W_h.shape[1], W_h.dtype)
    for k in range(len(dh)):
        x, h_prev, r, z, n, h_n = (entry[k] for entry in cache)
        da_n = dh[k] * (1 - z) * (1 - n**2)
        da_r, da_z = da_n * h_n * r * (1 - r), dh[k] * (h_prev - n) * z * (1 - z)
        da_x, da_h = np.hstack([da_r, da_z, da_n]), np.hstack([da_r, da_z, r * da_n])
        dx[k] = W_x @ da_x
        dh_prev[k] = z * dh[k] + W_h @ da_h
        dW_x += np.outer(x, da_x)
        dW_h += np.outer(h_prev, da_h)
        db += da_x
    return dx, dh_prev, dW_x, dW_h, db


def step_backward_loops(dh, cache, W_x, W_h):
    B, H = dh.shape
    D = cache.x.shape[1]
    dx, dh_prev = np.zeros((B, D), dh.dtype), np.zeros((B, H), dh.dtype)
    dW_x, dW_h, db = np.zeros((D, 3 * H), dh.dtype), np.zeros((H, 3 * H), dh.dtype), np.zeros(3 * H, dh.dtype)
    for k in range(B):
        for u in range(H):
            r, z, n, old = cache.r[k, u], cache.z[k, u], cache.n[k, u], cache.h_prev[k, u]
            dh_prev[k, u] += dh[k, u] * z
            da_n = dh[k, u] * (1 - z) * (1 - n**2)
            da_z = dh[k, u] * (old - n) * z * (1 - z)
            da_r = da_n * cache.h_n[k, u] * r * (1 - r)
            for block, da_x, da_h in ((0, da_r, da_r), (1, da_z, da_z), (2, da_n, da_n * r)):
                column = block * H + u
                db[column] += da_x
                for d in range(D):
                    dx[k, d] += da_x * W_x[d, column]
                    dW_x[d, column] += da_x * cache.x[k, d]
                for j in range(H):
                    dh_prev[k, j] += da_h * W_h[j, column]
                    dW_h[j, column] += da_h * cache.h_prev[k, j]
    return dx, dh_prev, dW_x, dW_h, db


def step_backward_column_vectors(dh, cache, W_x, W_h):
    x, h, r, z, n, h_n = (entry.T for entry in cache)
    up = dh.T
    da_n = up * (1 - z) * (1 - n**2)
    da_r, da_z = da_n * h_n * r * (1 - r), up * (h - n) * z * (1 - z)
    da_x, da_h = np.vstack([da_r, da_z, da_n]), np.vstack([da_r, da_z, r * da_n])
    return (W_x @ da_x).T, (z * up + W_h @ da_h).T, x @ da_x.T, h @ da_h.T, da_x @ np.ones(len(dh), dh.dtype)


def step_backward_preallocated_blocks(dh, cache, W_x, W_h):
    B, H = dh.shape
    da_x = np.empty((B, 3 * H), dh.dtype)
    da_r, da_z, da_n = np.split(da_x, 3, axis=1)  # views
    np.multiply(dh, 1 - cache.z, out=da_n)
    da_n *= 1 - np.square(cache.n)
    np.multiply(da_n, cache.h_n, out=da_r)
    da_r *= cache.r - cache.r**2
    np.subtract(cache.h_prev, cache.n, out=da_z)
    da_z *= dh
    da_z *= cache.z - cache.z**2
    dx, dW_x, db = da_x @ W_x.T, cache.x.T @ da_x, np.add.reduce(da_x)
    da_n *= cache.r
    dh_prev = da_x @ W_h.T
    dh_prev += dh * cache.z
    return dx, dh_prev, dW_x, cache.h_prev.T @ da_x, db


def step_backward_from_the_new_state(dh, cache, W_x, W_h):
    # h - n = z (h_prev - n) and h_prev - h = (1 - z)(h_prev - n)
    x, h_prev, r, z, n, h_n = cache
    h = n + z * (h_prev - n)
    da_z = dh * (h - n) * (1 - z)
    da_n = (dh - dh * z) * (1 - n) * (1 + n)
    gated = r * da_n
    da_r = gated * h_n * (1 - r)
    da = {"r": (da_r, da_r), "z": (da_z, da_z), "n": (da_n, gated)}
    W_xs, W_hs = np.split(W_x, 3, axis=1), np.split(W_h, 3, axis=1)
    dx = sum(da[k][0] @ W.T for k, W in zip("rzn", W_xs, strict=True))
    dh_prev = sum((da[k][1] @ W.T for k, W in zip("rzn", W_hs, strict=True)), start=dh * z)
    dW_x = np.hstack([x.T @ da[k][0] for k in "rzn"])
    dW_h = np.hstack([h_prev.T @ da[k][1] for k in "rzn"])
    return dx, dh_prev, dW_x, dW_h, np.hstack([da[k][0].sum(axis=0) for k in "rzn"])


def step_backward_recomputing_the_product(dh, cache, W_x, W_h):
    H = W_h.shape[0]
    h_n = cache.h_prev @ W_h[:, 2 * H :]
    da_n = dh * (1 - cache.z) * (1 - cache.n**2)
    da_r = da_n * h_n * cache.r * (1 - cache.r)
    da_z = dh * (cache.h_prev - cache.n) * cache.z * (1 - cache.z)
    both = np.concatenate([cache.x, cache.h_prev], axis=1)
    W = np.concatenate([W_x, W_h])
    gates = np.concatenate([da_r, da_z], axis=1)
    dboth = gates @ W[:, : 2 * H].T
    dW = both.T @ gates
    D = cache.x.shape[1]
    dx, dh_prev = dboth[:, :D] + da_n @ W_x[:, 2 * H :].T, dboth[:, D:] + dh * cache.z
    dh_n = da_n * cache.r
    dh_prev = dh_prev + dh_n @ W_h[:, 2 * H :].T
    dW_x = np.concatenate([dW[:D], cache.x.T @ da_n], axis=1)
    dW_h = np.concatenate([dW[D:], cache.h_prev.T @ dh_n], axis=1)
    return dx, dh_prev, dW_x, dW_h, np.concatenate([gates.sum(0), da_n.sum(0)])


def step_backward_in_float64(dh, cache, W_x, W_h):
    wide = GRUCache(*(entry.astype(np.float64) for entry in cache))
    gradients = step_backward_stacked(dh.astype(np.float64), wide, W_x.astype(np.float64), W_h.astype(np.float64))
    return [gradient.astype(dh.dtype) for gradient in gradients]


def step_backward_on_its_own_copy(dh, cache, W_x, W_h):
    dh = dh.copy()
    cache = cache._replace(h_n=cache.h_n.copy())
    dz = dh * (cache.h_prev - cache.n)
    dh_prev = dh * cache.z
    dh *= 1 - cache.z
    dh *= 1 - cache.n**2
    dr = cache.h_n
    dr *= dh
    gates = np.array([dr * cache.r * (1 - cache.r), dz * cache.z * (1 - cache.z)])
    da_x, da_h = np.hstack([*gates, dh]), np.hstack([*gates, dh * cache.r])
    dh_prev += np.dot(da_h, W_h.transpose())
    return np.dot(da_x, W_x.transpose()), dh_prev, np.dot(cache.x.T, da_x), np.dot(cache.h_prev.T, da_h), sum(da_x)


# --- gru_backward ---


def backward_reversed(dhs, caches, W_x, W_h):
    T = len(dhs)
    dxs, dh_prev = [None] * T, np.zeros_like(dhs[0])
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_x[0])
    for t in reversed(range(T)):
        dxs[t], dh_prev, dW_x_t, dW_h_t, db_t = gru_step_backward(dhs[t] + dh_prev, caches[t], W_x, W_h)
        dW_x += dW_x_t
        dW_h += dW_h_t
        db += db_t
    return np.stack(dxs), dh_prev, dW_x, dW_h, db


def backward_inserting_in_front(dhs, caches, W_x, W_h):
    dxs, carry, totals = [], 0, [0, 0, 0]
    for dh, cache in zip(dhs[::-1], caches[::-1], strict=True):
        dx, carry, *parts = gru_step_backward(dh + carry, cache, W_x, W_h)
        dxs.insert(0, dx)
        totals = [total + part for total, part in zip(totals, parts, strict=True)]
    return np.array(dxs), carry, *totals


def backward_own_copy_of_dhs(dhs, caches, W_x, W_h):
    dhs = np.concatenate([np.zeros_like(dhs[:1]), dhs])  # place 0 is the initial state
    dxs = np.empty((len(caches), dhs.shape[1], W_x.shape[0]), dhs.dtype)
    dW = {"W_x": np.zeros_like(W_x), "W_h": np.zeros_like(W_h), "b": np.zeros(W_h.shape[1], W_h.dtype)}
    for t in range(len(caches) - 1, -1, -1):
        dx, dh_prev, *gradients = gru_step_backward(dhs[t + 1], caches[t], W_x, W_h)
        dxs[t] = dx
        dhs[t] += dh_prev
        for name, gradient in zip(dW, gradients, strict=True):
            dW[name] += gradient
    return dxs, dhs[0], dW["W_x"], dW["W_h"], dW["b"]


def backward_products_at_the_end(dhs, caches, W_x, W_h):
    da_xs, da_hs, carry = [], [], np.zeros_like(dhs[-1])
    for t in range(len(dhs))[::-1]:
        _, h_prev, r, z, n, h_n = caches[t]
        dh = dhs[t] + carry
        da_n = dh * (1 - z) * (1 - n**2)
        da_r, da_z = da_n * h_n * r * (1 - r), dh * (h_prev - n) * z * (1 - z)
        da_xs.append(np.concatenate([da_r, da_z, da_n], axis=1))
        da_hs.append(np.concatenate([da_r, da_z, da_n * r], axis=1))
        carry = dh * z + da_hs[-1] @ W_h.T
    da_x, da_h = np.stack(da_xs[::-1]), np.stack(da_hs[::-1])
    xs, before = np.stack([cache.x for cache in caches]), np.stack([cache.h_prev for cache in caches])
    return (
        da_x @ W_x.T,
        carry,
        np.tensordot(xs, da_x, axes=([0, 1], [0, 1])),
        np.einsum("tbj,tbg->jg", before, da_h),
        da_x.sum(axis=(0, 1)),
    )


def backward_recursive(dhs, caches, W_x, W_h):
    if not caches:
        no_steps = np.zeros((0, dhs.shape[1], W_x.shape[0]), W_x.dtype)
        return no_steps, np.zeros(dhs.shape[1:], W_x.dtype), 0 * W_x, 0 * W_h, 0 * W_h[0]
    later_dxs, carry, *later = backward_recursive(dhs[1:], caches[1:], W_x, W_h)
    dx, dh0, *own = gru_step_backward(dhs[0] + carry, caches[0], W_x, W_h)
    return np.concatenate([dx[None], later_dxs]), dh0, *(a + b for a, b in zip(later, own, strict=True))


def backward_sums_of_lists(dhs, caches, W_x, W_h):
    steps, carry = [], np.zeros_like(dhs[0])
    for t in range(len(dhs) - 1, -1, -1):
        step = gru_step_backward(np.add(dhs[t], carry), caches[t], W_x, W_h)
        carry = step[1]
        steps.append(step)
    dxs, dh_prevs, dW_xs, dW_hs, dbs = zip(*steps, strict=True)
    return np.array(dxs[::-1]), dh_prevs[-1], sum(dW_xs), np.sum(dW_hs, axis=0), np.sum(np.stack(dbs), axis=0)


def backward_batch_row_by_row(dhs, caches, W_x, W_h):
    T, B, H = dhs.shape
    dxs, dh0 = np.zeros((T, B, len(W_x)), dhs.dtype), np.zeros((B, H), dhs.dtype)
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros(3 * H, dhs.dtype)
    for k in range(B):
        carry = np.zeros((1, H), dhs.dtype)
        for t in range(T - 1, -1, -1):
            row = GRUCache(*(entry[k : k + 1] for entry in caches[t]))
            dx, carry, dW_x_t, dW_h_t, db_t = gru_step_backward(dhs[t, k : k + 1] + carry, row, W_x, W_h)
            dxs[t, k] = dx[0]
            dW_x += dW_x_t
            dW_h += dW_h_t
            db += db_t
        dh0[k] = carry[0]
    return dxs, dh0, dW_x, dW_h, db


def backward_each_loss_alone(dhs, caches, W_x, W_h):
    # The gradient is linear in dhs: one walk back for each time step's own, all added up.
    answer = None
    for last in range(len(dhs)):
        dh, dxs, weights = dhs[last], np.zeros((*dhs.shape[:2], len(W_x)), dhs.dtype), []
        for t in range(last, -1, -1):
            dxs[t], dh, *parts = gru_step_backward(dh, caches[t], W_x, W_h)
            weights.append(parts)
        alone = [dxs, dh, *(sum(parts) for parts in zip(*weights, strict=True))]
        answer = alone if answer is None else [a + b for a, b in zip(answer, alone, strict=True)]
    return tuple(answer)


def backward_while_popping(dhs, caches, W_x, W_h):
    waiting = list(zip(dhs, caches, strict=True))
    dxs = np.zeros((0, dhs.shape[1], W_x.shape[0]), dhs.dtype)
    carry = np.zeros(dhs.shape[1:], dhs.dtype)
    Gradients = namedtuple("Gradients", "dW_x dW_h db")
    total = Gradients(np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_h[0]))
    while waiting:
        dh, cache = waiting.pop()
        dx, carry, *parts = gru_step_backward(dh + carry, cache, W_x, W_h)
        dxs = np.concatenate([dx[None], dxs])
        total = Gradients(*map(np.add, total, parts))
    return dxs, carry, total.dW_x, total.dW_h, total.db


def backward_in_float64(dhs, caches, W_x, W_h):
    wide = [GRUCache(*(entry.astype(np.float64) for entry in cache)) for cache in caches]
    gradients = backward_reversed(dhs.astype(np.float64), wide, W_x.astype(np.float64), W_h.astype(np.float64))
    return tuple(gradient.astype(dhs.dtype) for gradient in gradients)


# --- gru_candidate_reset_before ---


def before_one_line(x, h_prev, r, W_xn, W_hn, b_n):
    return np.tanh(x @ W_xn + (r * h_prev) @ W_hn + b_n)


def before_by_the_other_candidate(x, h_prev, r, W_xn, W_hn, b_n):
    return gru_candidate(x, r * h_prev, np.ones_like(r), W_xn, W_hn, b_n)


def before_einsum(x, h_prev, r, W_xn, W_hn, b_n):
    return np.tanh(np.einsum("bd,dh->bh", x, W_xn) + np.einsum("bj,bj,jh->bh", r, h_prev, W_hn) + b_n)


def before_concatenated(x, h_prev, r, W_xn, W_hn, b_n):
    return np.tanh(np.hstack([x, np.multiply(r, h_prev)]) @ np.vstack([W_xn, W_hn]) + b_n)


def before_loops(x, h_prev, r, W_xn, W_hn, b_n):
    n = np.zeros_like(h_prev)
    for k in range(len(x)):
        visible = [r[k, j] * h_prev[k, j] for j in range(len(b_n))]
        for u in range(len(b_n)):
            n[k, u] = np.tanh(
                sum(x[k] * W_xn[:, u]) + sum(v * w for v, w in zip(visible, W_hn[:, u], strict=True)) + b_n[u]
            )
    return n


def before_column_vectors(x, h_prev, r, W_xn, W_hn, b_n):
    return np.tanh(W_xn.T @ x.T + W_hn.T @ (r * h_prev).T + b_n[:, None]).T


def before_in_place_on_its_own_array(x, h_prev, r, W_xn, W_hn, b_n):
    visible = h_prev.copy()
    visible *= r
    a = np.dot(visible, W_hn)
    a += np.dot(x, W_xn)
    a += b_n
    return np.tanh(a, out=a)


def before_scaled_weights(x, h_prev, r, W_xn, W_hn, b_n):
    rows = [np.tanh(x[k] @ W_xn + h_prev[k] @ (r[k][:, None] * W_hn) + b_n) for k in range(len(x))]
    return np.stack(rows)


# --- other_convention ---


def convention_copies(W_x, W_h, b):
    H = W_h.shape[0]
    W_x, W_h, b = W_x.copy(), W_h.copy(), b.copy()
    for weights in (W_x, W_h, b):
        weights[..., H : 2 * H] *= -1
    return W_x, W_h, b


def convention_signs(W_x, W_h, b):
    signs = np.repeat(np.array([1, -1, 1], dtype=b.dtype), len(b) // 3)
    return W_x * signs, W_h * signs, b * signs


def convention_split(W_x, W_h, b):
    def turned(weights):
        r, z, n = np.split(weights, 3, axis=-1)
        return np.concatenate([r, -z, n], axis=-1)

    return turned(W_x), turned(W_h), turned(b)


def convention_reshape(W_x, W_h, b):
    H = len(W_h)
    turned = []
    for weights in (W_x, W_h, b):
        blocks = np.array(weights.reshape(-1, 3, H))
        blocks[:, 1] = -blocks[:, 1]
        turned.append(blocks.reshape(weights.shape))
    return turned


def convention_diagonal_matrix(W_x, W_h, b):
    H = W_h.shape[0]
    turn = np.diag([1.0] * H + [-1.0] * H + [1.0] * H).astype(b.dtype)
    return W_x @ turn, W_h @ turn, b @ turn


def convention_where(W_x, W_h, b):
    column = np.arange(b.size)
    of_z = (column >= b.size // 3) & (column < 2 * b.size // 3)
    return np.where(of_z, -W_x, W_x), np.where(of_z, -W_h, W_h), np.where(of_z, -b, b)


def convention_loops(W_x, W_h, b):
    H = len(W_h)
    new_W_x, new_W_h, new_b = np.array(W_x), np.array(W_h), np.array(b)
    for c in range(H, 2 * H):
        for d in range(len(W_x)):
            new_W_x[d, c] = -W_x[d, c]
        for j in range(H):
            new_W_h[j, c] = -W_h[j, c]
        new_b[c] = -b[c]
    return new_W_x, new_W_h, new_b


reset_gate = gate_through_tanh
update_gate = gate_where
gru_candidate = candidate_one_line
interpolate = interpolate_as_written
gru_step = step_by_its_parts
gru_forward = forward_list
gru_step_backward = step_backward_stacked
gru_backward = backward_reversed

_GATES = [
    gate_through_tanh,
    gate_masked,
    gate_where,
    gate_logaddexp,
    gate_clipped,
    gate_warnings_off,
    gate_loops,
    gate_column_vectors,
    gate_in_place_on_its_own_array,
    gate_in_float64,
    gate_row_by_row,
    gate_of_an_object,
]

STYLES = {
    "reset_gate": _GATES,
    "update_gate": [*_GATES, update_gate_by_the_reset_gate],
    "gru_candidate": [
        candidate_one_line,
        candidate_bias_last,
        candidate_einsum,
        candidate_loops,
        candidate_diagonal_matrix,
        candidate_column_vectors,
        candidate_in_place_on_its_own_array,
        candidate_through_sigmoid,
        candidate_in_float64,
    ],
    "interpolate": [
        interpolate_as_written,
        interpolate_difference_to_the_candidate,
        interpolate_difference_to_the_state,
        interpolate_loops,
        interpolate_einsum,
        interpolate_average,
        interpolate_in_place_on_its_own_array,
        interpolate_row_by_row,
    ],
    "gru_step": [
        step_by_its_parts,
        step_stacked,
        step_split,
        step_axis_of_blocks,
        step_concatenated,
        step_row_by_row,
        step_loops,
        step_column_vectors,
        step_in_place_on_its_own_arrays,
        step_in_float64,
        step_dict_of_blocks,
        step_bias_with_the_state,
    ],
    "gru_forward": [
        forward_list,
        forward_preallocated,
        forward_last_index,
        forward_input_product_first,
        forward_from_the_four_functions,
        forward_batch_row_by_row,
        forward_recursive,
        forward_reduce,
        forward_while,
        forward_of_an_object,
    ],
    "gru_step_backward": [
        step_backward_stacked,
        step_backward_gate_by_gate,
        step_backward_einsum,
        step_backward_row_by_row,
        step_backward_loops,
        step_backward_column_vectors,
        step_backward_preallocated_blocks,
        step_backward_from_the_new_state,
        step_backward_recomputing_the_product,
        step_backward_in_float64,
        step_backward_on_its_own_copy,
    ],
    "gru_backward": [
        backward_reversed,
        backward_inserting_in_front,
        backward_own_copy_of_dhs,
        backward_products_at_the_end,
        backward_recursive,
        backward_sums_of_lists,
        backward_batch_row_by_row,
        backward_each_loss_alone,
        backward_while_popping,
        backward_in_float64,
    ],
    "gru_candidate_reset_before": [
        before_one_line,
        before_by_the_other_candidate,
        before_einsum,
        before_concatenated,
        before_loops,
        before_column_vectors,
        before_in_place_on_its_own_array,
        before_scaled_weights,
    ],
    "other_convention": [
        convention_copies,
        convention_signs,
        convention_split,
        convention_reshape,
        convention_diagonal_matrix,
        convention_where,
        convention_loops,
    ],
}
