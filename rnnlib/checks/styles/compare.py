"""Right solutions of assignment 05-compare in many styles. ``STYLES`` has them by the exercise's name.

As in a notebook, they find each other under the names of the exercises, which stand at the end of this module.
"""

import bisect
import functools
import itertools
import math

import numpy as np

from rnnlib.checks.caches import MUT1Cache


def sigmoid(a):
    return np.where(a >= 0, 1.0, np.exp(-np.abs(a))).astype(a.dtype) / (1 + np.exp(-np.abs(a)))


# --- count_parameters ---


def count_parameters_term_by_term(D, H, gates):
    return gates * (D * H + H * H + H)


def count_parameters_factored(D, H, gates):
    return gates * H * (D + H + 1)


def count_parameters_by_matrices(D, H, gates):
    W_x = D * (gates * H)
    W_h = H * (gates * H)
    b = gates * H
    return W_x + W_h + b


def count_parameters_of_arrays(D, H, gates):
    columns = gates * H
    return np.empty((D, columns)).size + np.empty((H, columns)).size + np.empty(columns).size


def count_parameters_of_shapes(D, H, gates):
    return sum(math.prod(shape) for shape in [(D, gates * H), (H, gates * H), (gates * H,)])


def count_parameters_block_by_block(D, H, gates):
    total = 0
    for _ in range(gates):
        total += D * H
        total += H**2
        total += H
    return total


def count_parameters_unit_by_unit(D, H, gates):
    return sum(1 for _ in range(gates * H) for _ in itertools.chain(range(D), range(H), range(1)))


def count_parameters_numpy_integer(D, H, gates):
    return np.sum([np.prod([D + H, gates * H]), gates * H])


# --- hidden_size_for ---


def hidden_size_for_while(D, gates, budget):
    H = 0
    while count_parameters(D, H + 1, gates) <= budget:
        H += 1
    return H


def hidden_size_for_step_back(D, gates, budget):
    H = 1
    while count_parameters(D, H, gates) <= budget:
        H = H + 1
    return H - 1


def hidden_size_for_formula(D, gates, budget):
    return int((-(D + 1) + np.sqrt((D + 1) ** 2 + 4 * budget / gates)) / 2)


def hidden_size_for_integer_root(D, gates, budget):
    return (math.isqrt((D + 1) ** 2 + 4 * (budget // gates)) - (D + 1)) // 2


def hidden_size_for_polynomial_roots(D, gates, budget):
    root = int(np.roots([gates, gates * (D + 1), -budget]).max())
    near = range(max(root - 1, 1), root + 3)  # the root is rounded, so the sizes beside it are tried
    return [H for H in near if count_parameters(D, H, gates) <= budget].pop()


def hidden_size_for_max(D, gates, budget):
    return max(H for H in range(1, budget + 1) if gates * (D * H + H * H + H) <= budget)


def hidden_size_for_bisection(D, gates, budget):
    low, high = 0, budget + 1
    while high - low > 1:
        middle = (low + high) // 2
        if count_parameters(D, middle, gates) > budget:
            high = middle
        else:
            low = middle
    return low


def hidden_size_for_bisect(D, gates, budget):
    return bisect.bisect([count_parameters(D, H, gates) for H in range(1, 500)], budget)


def hidden_size_for_recursive(D, gates, budget, H=0):
    if count_parameters(D, H + 1, gates) > budget:
        return H
    return hidden_size_for_recursive(D, gates, budget, H + 1)


def hidden_size_for_array(D, gates, budget):
    H = np.arange(1, 1000)
    return H[gates * H * (D + H + 1) <= budget][-1]


def hidden_size_for_takewhile(D, gates, budget):
    fitting = itertools.takewhile(lambda H: count_parameters(D, H, gates) <= budget, itertools.count(1))
    return len(list(fitting))


def hidden_size_for_for(D, gates, budget):
    for H in range(1, budget + 2):
        if count_parameters(D, H, gates) > budget:
            return H - 1


# --- mut1_step ---


def mut1_step_split(x, h_prev, W_x, W_h, b):
    W_xr, W_xz = np.split(W_x, 2, axis=1)
    W_hr, W_hn = np.split(W_h, 2, axis=1)
    b_r, b_z, b_n = np.split(b, 3)
    r = sigmoid(x @ W_xr + h_prev @ W_hr + b_r)
    z = sigmoid(x @ W_xz + b_z)
    tanh_x = np.tanh(x)
    n = np.tanh((r * h_prev) @ W_hn + tanh_x + b_n)
    h = z * n + (1 - z) * h_prev
    return h, MUT1Cache(x, h_prev, r, z, n, tanh_x)


def mut1_step_slices(x, h_prev, W_x, W_h, b):
    H = h_prev.shape[1]
    reset = sigmoid(x.dot(W_x[:, :H]) + h_prev.dot(W_h[:, :H]) + b[:H])
    update = sigmoid(x.dot(W_x[:, H:]) + b[H : 2 * H])
    squashed = np.tanh(x)
    candidate = np.tanh(squashed + (reset * h_prev).dot(W_h[:, H:]) + b[2 * H :])
    return h_prev + update * (candidate - h_prev), MUT1Cache(
        x=x, h_prev=h_prev, r=reset, z=update, n=candidate, tanh_x=squashed
    )


def mut1_step_both_gates_at_once(x, h_prev, W_x, W_h, b):
    H = x.shape[1]
    a = x @ W_x + b[: 2 * H]
    a[:, :H] += h_prev @ W_h[:, :H]
    gates = sigmoid(a)
    r, z = gates[:, :H], gates[:, H:]
    t = np.tanh(x)
    n = np.tanh(t + b[2 * H :] + np.multiply(r, h_prev) @ W_h[:, H:])
    return np.add(z * n, h_prev - z * h_prev), MUT1Cache(x, h_prev, r, z, n, t)


def mut1_step_einsum(x, h_prev, W_x, W_h, b):
    H = len(W_h)
    W_x, W_h, b = W_x.reshape(H, 2, H), W_h.reshape(H, 2, H), b.reshape(3, H)
    a = np.einsum("bd,dgh->gbh", x, W_x)
    r = sigmoid(a[0] + np.einsum("bj,jh->bh", h_prev, W_h[:, 0]) + b[0])
    z = sigmoid(a[1] + b[1])
    n = np.tanh(np.einsum("bj,bj,jh->bh", r, h_prev, W_h[:, 1]) + np.tanh(x) + b[2])
    return z * n + (1 - z) * h_prev, MUT1Cache(x, h_prev, r, z, n, np.tanh(x))


def mut1_step_loops(x, h_prev, W_x, W_h, b):
    B, H = x.shape
    r, z, n, h = (np.zeros_like(x) for _ in range(4))
    for i in range(B):
        for j in range(H):
            a_r, a_z = b[j], b[H + j]
            for k in range(H):
                a_r += x[i, k] * W_x[k, j] + h_prev[i, k] * W_h[k, j]
                a_z += x[i, k] * W_x[k, H + j]
            r[i, j], z[i, j] = sigmoid(np.asarray(a_r)), sigmoid(np.asarray(a_z))
        for j in range(H):
            a_n = math.tanh(x[i, j]) + b[2 * H + j]
            for k in range(H):
                a_n += r[i, k] * h_prev[i, k] * W_h[k, H + j]
            n[i, j] = math.tanh(a_n)
            h[i, j] = z[i, j] * n[i, j] + (1 - z[i, j]) * h_prev[i, j]
    return h, MUT1Cache(x, h_prev, r, z, n, np.tanh(x))


def mut1_step_row_by_row(x, h_prev, W_x, W_h, b):
    H = len(W_h)
    rows = []
    for v, s in zip(x, h_prev, strict=True):
        r = sigmoid(W_x[:, :H].T @ v + W_h[:, :H].T @ s + b[:H])
        z = sigmoid(W_x[:, H:].T @ v + b[H:-H])
        n = np.tanh(W_h[:, H:].T @ (r * s) + np.tanh(v) + b[-H:])
        rows.append((z * n + (1 - z) * s, r, z, n, np.tanh(v)))
    h, r, z, n, t = map(np.array, zip(*rows, strict=True))
    return h, MUT1Cache(x, h_prev, r, z, n, t)


def mut1_step_column_vectors(x, h_prev, W_x, W_h, b):
    (U_r, U_z), (V_r, V_n), (b_r, b_z, b_n) = np.split(W_x.T, 2), np.split(W_h.T, 2), np.split(b[:, None], 3)
    u, s = x.T, h_prev.T
    r = sigmoid(U_r @ u + V_r @ s + b_r)
    z = sigmoid(U_z @ u + b_z)
    n = np.tanh(V_n @ (r * s) + np.tanh(u) + b_n)
    return ((1 - z) * s + z * n).T, MUT1Cache(x, h_prev, r.T, z.T, n.T, np.tanh(x))


def mut1_step_concatenated(x, h_prev, W_x, W_h, b):
    H = x.shape[1]
    W_r = np.concatenate([W_x[:, :H], W_h[:, :H]])
    W_n = np.vstack([W_h[:, H:], np.eye(H, dtype=x.dtype)])
    r = sigmoid(np.hstack([x, h_prev]) @ W_r + b[:H])
    z = sigmoid(x @ W_x[:, H:] + b[H : 2 * H])
    n = np.tanh(np.hstack([r * h_prev, np.tanh(x)]) @ W_n + b[2 * H :])
    return z * n + (1 - z) * h_prev, MUT1Cache(x, h_prev, r, z, n, np.tanh(x))


def mut1_step_gates_through_tanh(x, h_prev, W_x, W_h, b):
    def gate(a):
        return (1 + np.tanh(a / 2)) / 2

    H = x.shape[-1]
    r = gate(x @ W_x[..., :H] + h_prev @ W_h[..., :H] + b[..., :H])
    z, keep = (gate(sign * (x @ W_x[..., H:] + b[..., H : 2 * H])) for sign in (1, -1))
    n = np.tanh((h_prev * r) @ W_h[..., H:] + np.tanh(x) + b[..., 2 * H :])
    return [n * z + h_prev * keep, MUT1Cache(x, h_prev, r, z, n, np.tanh(x))]


def mut1_step_in_place_on_its_own_arrays(x, h_prev, W_x, W_h, b):
    H = x.shape[1]
    r = x @ W_x[:, :H]
    r += h_prev @ W_h[:, :H]
    r += b[:H]
    r[...] = sigmoid(r)
    z = x @ W_x[:, H:]
    z += b[H : 2 * H]
    z[...] = sigmoid(z)
    n = r.copy()
    n *= h_prev
    n = n @ W_h[:, H:]
    tanh_x = np.tanh(x)
    n += tanh_x
    n += b[2 * H :]
    np.tanh(n, out=n)
    h = n - h_prev
    h *= z
    h += h_prev
    return h, MUT1Cache(x, h_prev, r, z, n, tanh_x)


def mut1_step_in_float64(x, h_prev, W_x, W_h, b):
    wide = [a.astype(np.float64) for a in (x, h_prev, W_x, W_h, b)]
    h, cache = mut1_step_split(*wide)
    return h.astype(x.dtype), MUT1Cache(*(a.astype(x.dtype) for a in cache))


def mut1_step_diagonal_matrices(x, h_prev, W_x, W_h, b):
    r = sigmoid(x @ W_x[:, : len(W_x)] + h_prev @ W_h[:, : len(W_h)] + b[: len(W_x)])
    a_n = np.stack([state @ np.diag(gate) @ W_h[:, len(W_h) :] for state, gate in zip(h_prev, r, strict=True)])
    z = sigmoid(x @ W_x[:, len(W_x) :] + b.reshape(3, -1)[1])
    cache = MUT1Cache(x, h_prev, r, z, np.tanh(a_n + np.tanh(x) + b.reshape(3, -1)[2]), np.tanh(x))
    return cache.z * cache.n + (1 - cache.z) * cache.h_prev, cache


class _Cell:
    """A cell as an object that is called."""

    def __call__(self, x, h_prev, W_x, W_h, b):
        self.H = x.shape[1]
        r = sigmoid(x @ self.block(W_x, 0) + h_prev @ self.block(W_h, 0) + self.block(b, 0))
        z = sigmoid(x @ self.block(W_x, 1) + self.block(b, 1))
        n = np.tanh((r * h_prev) @ self.block(W_h, 1) + np.tanh(x) + self.block(b, 2))
        return z * n + (1 - z) * h_prev, MUT1Cache(x, h_prev, r, z, n, np.tanh(x))

    def block(self, weights, k):
        return weights[..., k * self.H : (k + 1) * self.H]


def mut1_step_object(x, h_prev, W_x, W_h, b):
    return _Cell()(x, h_prev, W_x, W_h, b)


# --- mut1_step_backward ---


def mut1_step_backward_line_by_line(dh, cache, W_x, W_h):
    x, h_prev, r, z, n, tanh_x = cache
    W_xr, W_xz = np.split(W_x, 2, axis=1)
    W_hr, W_hn = np.split(W_h, 2, axis=1)
    # h = z * n + (1 - z) * h_prev
    dz = dh * (n - h_prev)
    dn = dh * z
    dh_prev = dh * (1 - z)
    # n = tanh((r * h_prev) @ W_hn + tanh_x + b_n)
    da_n = dn * (1 - n**2)
    drh = da_n @ W_hn.T
    dr = drh * h_prev
    dh_prev = dh_prev + drh * r
    dx = da_n * (1 - tanh_x**2)
    # the gates
    da_z = dz * z * (1 - z)
    da_r = dr * r * (1 - r)
    dx = dx + da_z @ W_xz.T + da_r @ W_xr.T
    dh_prev = dh_prev + da_r @ W_hr.T
    # the weights
    dW_x = np.concatenate([x.T @ da_r, x.T @ da_z], axis=1)
    dW_h = np.concatenate([h_prev.T @ da_r, (r * h_prev).T @ da_n], axis=1)
    db = np.concatenate([da_r.sum(axis=0), da_z.sum(axis=0), da_n.sum(axis=0)])
    return dx, dh_prev, dW_x, dW_h, db


def mut1_step_backward_stacked(dh, cache, W_x, W_h):
    x, h_prev, r, z, n, tanh_x = cache
    H = h_prev.shape[1]
    da_n = dh * z * (1 - n * n)
    drh = np.dot(da_n, W_h[:, H:].T)
    da = np.hstack([drh * h_prev * r * (1 - r), dh * (n - h_prev) * z * (1 - z), da_n])
    dx = np.dot(da[:, : 2 * H], W_x.T) + da_n * (1 - tanh_x * tanh_x)
    dh_prev = np.dot(da[:, :H], W_h[:, :H].T) + drh * r + dh * (1 - z)
    dW_h = np.hstack([np.dot(h_prev.T, da[:, :H]), np.dot((r * h_prev).T, da[:, 2 * H :])])
    return dx, dh_prev, np.dot(x.T, da[:, : 2 * H]), dW_h, np.sum(da, 0)


def mut1_step_backward_filling_arrays(dh, cache, W_x, W_h):
    H = dh.shape[1]
    dx, dh_prev = np.zeros_like(cache.x), np.zeros_like(cache.h_prev)
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros(3 * H, dtype=dh.dtype)
    da_n = dh * cache.z * (1 - cache.n**2)
    dx += da_n * (1 - cache.tanh_x**2)
    db[2 * H :] += da_n.sum(0)
    dW_h[:, H:] += (cache.r * cache.h_prev).T @ da_n
    back = da_n @ W_h[:, H:].T
    dh_prev += back * cache.r
    dh_prev += dh * (1 - cache.z)
    da_r = back * cache.h_prev * cache.r * (1 - cache.r)
    dx += da_r @ W_x[:, :H].T
    dh_prev += da_r @ W_h[:, :H].T
    dW_x[:, :H] += cache.x.T @ da_r
    dW_h[:, :H] += cache.h_prev.T @ da_r
    db[:H] += da_r.sum(0)
    da_z = dh * (cache.n - cache.h_prev) * cache.z * (1 - cache.z)
    dx += da_z @ W_x[:, H:].T
    dW_x[:, H:] += cache.x.T @ da_z
    db[H : 2 * H] += da_z.sum(0)
    return dx, dh_prev, dW_x, dW_h, db


def mut1_step_backward_einsum(dh, cache, W_x, W_h):
    x, h_prev, r, z, n, t = cache
    H = x.shape[1]
    W_x, W_h = W_x.reshape(H, 2, H), W_h.reshape(H, 2, H)
    a_n = np.einsum("bh,bh,bh->bh", dh, z, 1 - n**2)
    q = np.einsum("bh,jh->bj", a_n, W_h[:, 1])
    gates = np.stack([q * h_prev * r * (1 - r), dh * (n - h_prev) * z * (1 - z)])
    dx = np.einsum("gbh,dgh->bd", gates, W_x) + a_n * (1 - t**2)
    dh_prev = np.einsum("bh,jh->bj", gates[0], W_h[:, 0]) + q * r + dh - dh * z
    dW_x = np.einsum("bd,gbh->dgh", x, gates).reshape(H, 2 * H)
    both = np.stack([h_prev, r * h_prev]), np.stack([gates[0], a_n])
    dW_h = np.einsum("gbj,gbh->jgh", *both).reshape(H, 2 * H)
    db = np.einsum("gbh->gh", np.concatenate([gates, a_n[None]])).ravel()
    return dx, dh_prev, dW_x, dW_h, db


def mut1_step_backward_row_by_row(dh, cache, W_x, W_h):
    H = dh.shape[1]
    dx, dh_prev = np.empty_like(dh), np.empty_like(dh)
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros_like(W_x[0], shape=3 * H)
    for i, (g, x, s, r, z, n, t) in enumerate(zip(dh, *cache, strict=True)):
        da_n = g * z * (1 - n**2)
        q = W_h[:, H:] @ da_n
        da_r = q * s * r * (1 - r)
        da_z = g * (n - s) * z * (1 - z)
        da = np.concatenate([da_r, da_z])
        dx[i] = W_x @ da + da_n * (1 - t**2)
        dh_prev[i] = g * (1 - z) + q * r + W_h[:, :H] @ da_r
        dW_x += np.outer(x, da)
        dW_h += np.concatenate([np.outer(s, da_r), np.outer(r * s, da_n)], axis=1)
        db += np.concatenate([da, da_n])
    return dx, dh_prev, dW_x, dW_h, db


def mut1_step_backward_loops(dh, cache, W_x, W_h):
    x, h_prev, r, z, n, tanh_x = cache
    B, H = dh.shape
    dx, dh_prev = np.zeros_like(dh), np.zeros_like(dh)
    dW_x, dW_h, db = np.zeros_like(W_x), np.zeros_like(W_h), np.zeros(3 * H, dh.dtype)
    for b in range(B):
        da_n = [dh[b, j] * z[b, j] * (1 - n[b, j] ** 2) for j in range(H)]
        q = [sum(da_n[j] * W_h[k, H + j] for j in range(H)) for k in range(H)]
        da_r = [q[j] * h_prev[b, j] * r[b, j] * (1 - r[b, j]) for j in range(H)]
        da_z = [dh[b, j] * (n[b, j] - h_prev[b, j]) * z[b, j] * (1 - z[b, j]) for j in range(H)]
        for k in range(H):
            dx[b, k] = da_n[k] * (1 - tanh_x[b, k] ** 2)
            dh_prev[b, k] = dh[b, k] * (1 - z[b, k]) + q[k] * r[b, k]
            for j in range(H):
                dx[b, k] += da_r[j] * W_x[k, j] + da_z[j] * W_x[k, H + j]
                dh_prev[b, k] += da_r[j] * W_h[k, j]
                dW_x[k, j] += x[b, k] * da_r[j]
                dW_x[k, H + j] += x[b, k] * da_z[j]
                dW_h[k, j] += h_prev[b, k] * da_r[j]
                dW_h[k, H + j] += r[b, k] * h_prev[b, k] * da_n[j]
            db[[k, H + k, 2 * H + k]] += da_r[k], da_z[k], da_n[k]
    return dx, dh_prev, dW_x, dW_h, db


def mut1_step_backward_column_vectors(dh, cache, W_x, W_h):
    x, h, r, z, n, t = (a.T for a in cache)
    g, (U_r, U_z), (V_r, V_n) = dh.T, np.split(W_x.T, 2), np.split(W_h.T, 2)
    e_n = g * z * (1 - n**2)
    q = V_n.T @ e_n
    e_r, e_z = q * h * r * (1 - r), g * (n - h) * z * (1 - z)
    dx = U_r.T @ e_r + U_z.T @ e_z + e_n * (1 - t**2)
    dh_prev = V_r.T @ e_r + q * r + g * (1 - z)
    dU, dV = np.vstack([e_r @ x.T, e_z @ x.T]), np.vstack([e_r @ h.T, e_n @ (r * h).T])
    return dx.T, dh_prev.T, dU.T, dV.T, np.concatenate([e_r, e_z, e_n]).sum(axis=1)


def mut1_step_backward_helpers(dh, cache, W_x, W_h):
    def through_sigmoid(ds, s):
        return ds * (s - s**2)

    def through_tanh(dt, t):
        return dt * (1 - t) * (1 + t)

    def through_product(da, v, W):
        return da @ W.T, v.T @ da

    H = len(W_h)
    da_n = through_tanh(dh * cache.z, cache.n)
    drh, dW_hn = through_product(da_n, cache.r * cache.h_prev, W_h[:, H:])
    da_r = through_sigmoid(drh * cache.h_prev, cache.r)
    da_z = through_sigmoid(dh * cache.n - dh * cache.h_prev, cache.z)
    dx_r, dW_xr = through_product(da_r, cache.x, W_x[:, :H])
    dx_z, dW_xz = through_product(da_z, cache.x, W_x[:, H:])
    dh_r, dW_hr = through_product(da_r, cache.h_prev, W_h[:, :H])
    dx = dx_r + dx_z + through_tanh(da_n, cache.tanh_x)
    db = np.r_[da_r.sum(axis=0), da_z.sum(axis=0), da_n.sum(axis=0)]
    return dx, dh - dh * cache.z + drh * cache.r + dh_r, np.c_[dW_xr, dW_xz], np.c_[dW_hr, dW_hn], db


def mut1_step_backward_list(dh, cache, W_x, W_h):
    grads = dict.fromkeys(("x", "h_prev"), 0)
    H = dh.shape[-1]
    da = {"n": dh * cache.z * (1 - cache.n**2), "z": dh * (cache.n - cache.h_prev) * cache.z * (1 - cache.z)}
    drh = da["n"] @ W_h[:, H:].T
    da["r"] = drh * cache.h_prev * cache.r * (1 - cache.r)
    for gate, k in (("r", 0), ("z", 1)):
        grads["x"] = grads["x"] + da[gate] @ W_x[:, k * H : (k + 1) * H].T
    grads["x"] = grads["x"] + da["n"] * (1 - cache.tanh_x**2)
    grads["h_prev"] = dh * (1 - cache.z) + drh * cache.r + da["r"] @ W_h[:, :H].T
    dW_x = np.concatenate([cache.x.T @ da[gate] for gate in "rz"], axis=1)
    dW_h = np.concatenate([cache.h_prev.T @ da["r"], (cache.r * cache.h_prev).T @ da["n"]], axis=1)
    return [grads["x"], grads["h_prev"], dW_x, dW_h, np.concatenate([da[gate].sum(axis=0) for gate in "rzn"])]


def mut1_step_backward_recomputed(dh, cache, W_x, W_h):
    x, h_prev, r, z, n = cache[:5]
    H = x.shape[1]
    da_n = dh * z / np.cosh(np.arctanh(n.astype(np.float64))) ** 2
    drh = da_n @ W_h[:, H:].T
    da_r, da_z = drh * h_prev * r * (1 - r), dh * (n - h_prev) * z * (1 - z)
    da = np.concatenate([da_r, da_z, da_n], axis=1)
    dx = da[:, : 2 * H] @ W_x.T + da_n * (1 - np.tanh(x) ** 2)
    dh_prev = dh * (1 - z) + drh * r + da_r @ W_h[:, :H].T
    dW_h = np.block([h_prev.T @ da_r, (h_prev * r).T @ da_n])
    return tuple(a.astype(dh.dtype) for a in (dx, dh_prev, x.T @ da[:, : 2 * H], dW_h, np.ones(len(x)) @ da))


def mut1_step_backward_jacobians(dh, cache, W_x, W_h):
    (B, H), wide = dh.shape, np.float64
    eye = np.eye(H)
    out = [np.zeros((B, H)), np.zeros((B, H)), np.zeros(W_x.shape), np.zeros(W_h.shape), np.zeros(3 * H)]
    for i in range(B):
        g, x, s, r, z, n, t = (a[i].astype(wide) for a in (dh, *cache))
        J_n = eye * (z * (1 - n**2))  # h by the candidate's sum
        J_r = J_n @ W_h[:, H:].T @ np.diag(s * r * (1 - r))
        J_z = eye * ((n - s) * z * (1 - z))
        rows = g @ J_r, g @ J_z, g @ J_n
        out[0][i] = g @ (J_r @ W_x[:, :H].T + J_z @ W_x[:, H:].T + J_n @ np.diag(1 - t**2))
        out[1][i] = g @ (np.diag(1 - z) + J_n @ W_h[:, H:].T @ np.diag(r) + J_r @ W_h[:, :H].T)
        out[2] += np.kron(np.concatenate(rows[:2]), x[:, None])
        out[3] += np.hstack([s[:, None] * rows[0], (r * s)[:, None] * rows[2]])
        out[4] += np.concatenate(rows)
    return tuple(a.astype(dh.dtype) for a in out)


def mut1_step_backward_in_place_on_its_own_arrays(dh, cache, W_x, W_h):
    x, h_prev, r, z, n, tanh_x = cache
    H = x.shape[1]
    da = np.empty((len(dh), 3 * H), dh.dtype)
    da_r, da_z, da_n = (da[:, k * H : (k + 1) * H] for k in range(3))
    np.multiply(dh, z, out=da_n)
    da_n *= 1 - n**2
    drh = da_n @ W_h[:, H:].T
    da_r[...] = drh
    da_r *= h_prev
    da_r *= r
    da_r *= 1 - r
    da_z[...] = dh
    da_z *= n - h_prev
    da_z *= z
    da_z *= 1 - z
    dx = da[:, : 2 * H] @ W_x.T
    dx += da_n * (1 - tanh_x**2)
    drh *= r
    drh += dh * (1 - z)
    drh += da_r @ W_h[:, :H].T
    return dx, drh, x.T @ da[:, : 2 * H], np.hstack([h_prev.T @ da_r, (r * h_prev).T @ da_n]), da.sum(0)


# --- held_out_loss ---


def held_out_loss_mask(losses, lengths):
    mask = np.arange(losses.shape[0])[:, None] < lengths
    return losses[mask].mean()


def held_out_loss_weighted(losses, lengths):
    mask = (np.arange(len(losses))[:, None] < lengths[None, :]).astype(float)
    return float((losses * mask).sum() / mask.sum())


def held_out_loss_loops(losses, lengths):
    total, count = 0.0, 0
    for i in range(losses.shape[1]):
        for t in range(lengths[i]):
            total += losses[t, i]
            count += 1
    return total / count


def held_out_loss_columns(losses, lengths):
    total = sum(losses[:n, i].sum() for i, n in enumerate(lengths))
    return total / lengths.sum()


def held_out_loss_concatenated(losses, lengths):
    return np.concatenate([column[:n] for column, n in zip(losses.T, lengths, strict=True)]).mean()


def held_out_loss_where(losses, lengths):
    T, B = losses.shape
    steps = np.repeat(np.arange(T), B).reshape(T, B)
    return np.where(steps >= lengths, 0, losses).sum() / np.sum(lengths)


def held_out_loss_masked_array(losses, lengths):
    padding = np.greater_equal.outer(np.arange(len(losses)), lengths)
    return np.ma.masked_array(losses, padding).mean()


def held_out_loss_nanmean(losses, lengths):
    kept = losses.copy()
    for i, n in enumerate(lengths):
        kept[n:, i] = np.nan
    return np.nanmean(kept)


def held_out_loss_cumulated(losses, lengths):
    sums = np.cumsum(losses, axis=0)
    return np.asarray(sums[lengths - 1, np.arange(len(lengths))].sum() / lengths.sum())


def held_out_loss_step_by_step(losses, lengths):
    def add(so_far, step):
        t, row = step
        alive = lengths > t
        return so_far[0] + row[alive].sum(), so_far[1] + alive.sum()

    total, count = functools.reduce(add, enumerate(losses), (0, 0))
    return total / count


def held_out_loss_average_of_means(losses, lengths):
    means = [losses[:n, i].mean() for i, n in enumerate(lengths)]
    return np.average(means, weights=lengths)


def held_out_loss_lists(losses, lengths):
    real = [loss for row, n in zip(losses.T.tolist(), lengths.tolist(), strict=True) for loss in row[:n]]
    return sum(real) / len(real)


count_parameters, hidden_size_for = count_parameters_term_by_term, hidden_size_for_while
mut1_step, mut1_step_backward = mut1_step_split, mut1_step_backward_line_by_line
held_out_loss = held_out_loss_mask

STYLES = {
    "count_parameters": [
        count_parameters_term_by_term,
        count_parameters_factored,
        count_parameters_by_matrices,
        count_parameters_of_arrays,
        count_parameters_of_shapes,
        count_parameters_block_by_block,
        count_parameters_unit_by_unit,
        count_parameters_numpy_integer,
    ],
    "hidden_size_for": [
        hidden_size_for_while,
        hidden_size_for_step_back,
        hidden_size_for_formula,
        hidden_size_for_integer_root,
        hidden_size_for_polynomial_roots,
        hidden_size_for_max,
        hidden_size_for_bisection,
        hidden_size_for_bisect,
        hidden_size_for_recursive,
        hidden_size_for_array,
        hidden_size_for_takewhile,
        hidden_size_for_for,
    ],
    "mut1_step": [
        mut1_step_split,
        mut1_step_slices,
        mut1_step_both_gates_at_once,
        mut1_step_einsum,
        mut1_step_loops,
        mut1_step_row_by_row,
        mut1_step_column_vectors,
        mut1_step_concatenated,
        mut1_step_gates_through_tanh,
        mut1_step_in_place_on_its_own_arrays,
        mut1_step_in_float64,
        mut1_step_diagonal_matrices,
        mut1_step_object,
    ],
    "mut1_step_backward": [
        mut1_step_backward_line_by_line,
        mut1_step_backward_stacked,
        mut1_step_backward_filling_arrays,
        mut1_step_backward_einsum,
        mut1_step_backward_row_by_row,
        mut1_step_backward_loops,
        mut1_step_backward_column_vectors,
        mut1_step_backward_helpers,
        mut1_step_backward_list,
        mut1_step_backward_recomputed,
        mut1_step_backward_jacobians,
        mut1_step_backward_in_place_on_its_own_arrays,
    ],
    "held_out_loss": [
        held_out_loss_mask,
        held_out_loss_weighted,
        held_out_loss_loops,
        held_out_loss_columns,
        held_out_loss_concatenated,
        held_out_loss_where,
        held_out_loss_masked_array,
        held_out_loss_nanmean,
        held_out_loss_cumulated,
        held_out_loss_step_by_step,
        held_out_loss_average_of_means,
        held_out_loss_lists,
    ],
}
