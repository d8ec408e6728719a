"""Right solutions of assignment 01-rnn in many styles. ``STYLES`` has them by the exercise's name.

As in a notebook, they find each other under the names of the exercises, which stand at the end of this module.
"""

import functools
import math

import numpy as np

# --- softmax ---


def softmax_keepdims(logits):
    e = np.exp(logits - np.max(logits, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


def softmax_new_axis(logits):
    shifted = logits - logits.max(axis=-1)[..., np.newaxis]
    return np.exp(shifted) / np.exp(shifted).sum(axis=-1)[..., None]


def softmax_through_logarithm(logits):
    shifted = logits - logits.max(-1, keepdims=True)
    return np.exp(shifted - np.log(np.exp(shifted).sum(-1, keepdims=True)))


def softmax_logaddexp(logits):
    return np.exp(logits - np.logaddexp.reduce(logits, axis=-1, keepdims=True))


def softmax_row_by_row(logits):
    p = np.empty_like(logits)
    for index in np.ndindex(logits.shape[:-1]):
        row = [math.exp(value - max(logits[index])) for value in logits[index]]
        p[index] = [value / sum(row) for value in row]
    return p


def softmax_apply_along_axis(logits):
    def one(row):
        e = np.exp(row - row.max())
        return e / e.sum()

    return np.apply_along_axis(one, -1, logits)


def softmax_in_place_on_its_own_array(logits):
    p = np.array(logits)
    p -= p.max(axis=-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(axis=-1, keepdims=True)
    return p


def softmax_in_float64(logits):
    wide = logits.astype(np.float64)
    e = np.exp(wide - wide.max(axis=-1, keepdims=True))
    return (e / e.sum(axis=-1, keepdims=True)).astype(logits.dtype)


def softmax_of_transposed_rows(logits):
    rows = logits.reshape(-1, logits.shape[-1])
    columns = np.exp(rows.T - rows.max(axis=1))
    return (columns / columns.sum(axis=0)).T.reshape(logits.shape)


# --- cross_entropy ---


def _log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def cross_entropy_take_along_axis(logits, targets):
    return -np.take_along_axis(_log_softmax(logits), targets[..., None], axis=-1).mean()


def cross_entropy_index_arrays(logits, targets):
    T, B, _ = logits.shape
    log_p = _log_softmax(logits)
    return float(-np.sum(log_p[np.arange(T)[:, None], np.arange(B), targets]) / (T * B))


def cross_entropy_one_hot(logits, targets):
    one_hot = np.eye(logits.shape[-1])[targets]
    return -(one_hot * _log_softmax(logits)).sum() / targets.size


def cross_entropy_einsum(logits, targets):
    one_hot = np.eye(logits.shape[-1])[targets]
    return -np.einsum("tbk,tbk->", one_hot, _log_softmax(logits)) / (logits.shape[0] * logits.shape[1])


def cross_entropy_loops(logits, targets):
    total = 0.0
    for t in range(logits.shape[0]):
        for b in range(logits.shape[1]):
            row = logits[t, b]
            m = max(row)
            total += m + math.log(sum(math.exp(o - m) for o in row)) - row[targets[t, b]]
    return total / targets.size


def cross_entropy_logaddexp(logits, targets):
    flat, wanted = logits.reshape(-1, logits.shape[-1]), targets.ravel()
    return np.mean(np.logaddexp.reduce(flat, axis=1) - flat[np.arange(len(flat)), wanted])


def cross_entropy_boolean_mask(logits, targets):
    mask = np.arange(logits.shape[-1]) == targets[..., None]
    return np.asarray(-_log_softmax(logits)[mask].mean())


def cross_entropy_mean_of_means(logits, targets):
    losses = []
    for o, y in zip(logits, targets, strict=True):
        losses.append(-_log_softmax(o)[range(len(y)), y].mean())
    return np.mean(losses)


# --- rnn_step ---


def rnn_step_one_line(x, h_prev, W_x, W_h, b):
    return np.tanh(x @ W_x + h_prev @ W_h + b)


def rnn_step_dot(x, h_prev, W_x, W_h, b):
    pre = np.dot(x, W_x)
    pre = pre + np.dot(h_prev, W_h)
    pre = pre + b.reshape(1, -1)
    return np.tanh(pre)


def rnn_step_concatenated(x, h_prev, W_x, W_h, b):
    return np.tanh(np.concatenate([x, h_prev], axis=1) @ np.concatenate([W_x, W_h]) + b)


def rnn_step_einsum(x, h_prev, W_x, W_h, b):
    return np.tanh(np.einsum("bd,dh->bh", x, W_x) + np.einsum("bj,jh->bh", h_prev, W_h) + b)


def rnn_step_loops(x, h_prev, W_x, W_h, b):
    h = np.zeros_like(h_prev)
    for row in range(len(x)):
        for unit in range(len(b)):
            a = b[unit]
            for d in range(x.shape[1]):
                a += x[row, d] * W_x[d, unit]
            for j in range(len(b)):
                a += h_prev[row, j] * W_h[j, unit]
            h[row, unit] = np.tanh(a)
    return h


def rnn_step_row_by_row(x, h_prev, W_x, W_h, b):
    return np.stack([np.tanh(W_x.T @ x[i] + W_h.T @ h_prev[i] + b) for i in range(len(x))])


def rnn_step_column_vectors(x, h_prev, W_x, W_h, b):
    return np.tanh(W_x.T @ x.T + W_h.T @ h_prev.T + b[:, None]).T


def rnn_step_in_place_on_its_own_array(x, h_prev, W_x, W_h, b):
    a = x @ W_x
    a += h_prev @ W_h
    a += b
    return np.tanh(a, out=a)


def rnn_step_through_sigmoid(x, h_prev, W_x, W_h, b):
    a = x @ W_x + h_prev @ W_h + b
    z = np.exp(-2 * np.abs(a))
    return np.sign(a) * (1 - z) / (1 + z)


def rnn_step_in_float64(x, h_prev, W_x, W_h, b):
    a = x.astype(float) @ W_x.astype(float) + h_prev.astype(float) @ W_h.astype(float) + b
    return np.tanh(a).astype(x.dtype)


# --- rnn_forward ---


def rnn_forward_list(xs, h0, W_x, W_h, b):
    h, hs = h0, []
    for x in xs:
        h = rnn_step(x, h, W_x, W_h, b)
        hs.append(h)
    return np.stack(hs)


def rnn_forward_preallocated(xs, h0, W_x, W_h, b):
    T, B, _ = xs.shape
    hs = np.zeros((T, B, W_h.shape[0]), dtype=xs.dtype)
    for t in range(T):
        before = h0 if t == 0 else hs[t - 1]
        hs[t] = np.tanh(xs[t] @ W_x + before @ W_h + b)
    return hs


def rnn_forward_state_before_in_front(xs, h0, W_x, W_h, b):
    hs = np.empty((len(xs) + 1, *h0.shape), xs.dtype)
    hs[0] = h0
    for t in range(1, len(hs)):
        hs[t] = np.tanh(xs[t - 1] @ W_x + hs[t - 1] @ W_h + b)
    return hs[1:]


def rnn_forward_last_index(xs, h0, W_x, W_h, b):
    hs = np.zeros((len(xs), *h0.shape), xs.dtype)
    hs[-1] = h0  # the step before t = 0 is index -1
    for t in range(len(xs)):
        hs[t] = np.tanh(xs[t] @ W_x + hs[t - 1] @ W_h + b)
    return hs


def rnn_forward_input_product_first(xs, h0, W_x, W_h, b):
    a_x = np.einsum("tbd,dh->tbh", xs, W_x) + b
    hs, h = np.empty_like(a_x), h0
    for t, a in enumerate(a_x):
        h = hs[t] = np.tanh(a + h @ W_h)
    return hs


def rnn_forward_batch_row_by_row(xs, h0, W_x, W_h, b):
    rows = []
    for i in range(xs.shape[1]):
        h, states = h0[i], []
        for t in range(xs.shape[0]):
            h = rnn_step(xs[t, i], h, W_x, W_h, b)
            states.append(h)
        rows.append(states)
    return np.array(rows).transpose(1, 0, 2)


def rnn_forward_recursive(xs, h0, W_x, W_h, b):
    h = rnn_step(xs[0], h0, W_x, W_h, b)[None]
    if len(xs) == 1:
        return h
    return np.concatenate([h, rnn_forward_recursive(xs[1:], h[0], W_x, W_h, b)])


def rnn_forward_while(xs, h0, W_x, W_h, b):
    hs = np.zeros((0, *h0.shape), xs.dtype)
    t, h = 0, h0.copy()
    while t < len(xs):
        h[:] = rnn_step(xs[t], h, W_x, W_h, b)
        hs = np.vstack([hs, h[None]])
        t += 1
    return hs


def rnn_forward_reduce(xs, h0, W_x, W_h, b):
    def add(hs, x):
        return [*hs, rnn_step(x, hs[-1], W_x, W_h, b)]

    return np.array(functools.reduce(add, xs, [h0])[1:])


# --- readout ---


def readout_matmul(hs, W_y, b_y):
    return hs @ W_y + b_y


def readout_einsum(hs, W_y, b_y):
    return np.einsum("tbh,hk->tbk", hs, W_y) + b_y


def readout_tensordot(hs, W_y, b_y):
    return np.tensordot(hs, W_y, axes=1) + b_y


def readout_flattened(hs, W_y, b_y):
    T, B, H = hs.shape
    return (hs.reshape(T * B, H).dot(W_y) + b_y[None, :]).reshape(T, B, -1)


def readout_step_by_step(hs, W_y, b_y):
    return np.array([h @ W_y + b_y for h in hs])


def readout_loops(hs, W_y, b_y):
    logits = np.zeros((*hs.shape[:2], len(b_y)), hs.dtype)
    for t, b, k in np.ndindex(logits.shape):
        logits[t, b, k] = sum(hs[t, b] * W_y[:, k]) + b_y[k]
    return logits


def readout_column_vectors(hs, W_y, b_y):
    return np.stack([(W_y.T @ h.T + b_y[:, None]).T for h in hs])


def readout_with_ones(hs, W_y, b_y):
    ones = np.ones((*hs.shape[:2], 1), hs.dtype)
    return np.concatenate([hs, ones], axis=2) @ np.vstack([W_y, b_y])


# --- sample ---


def sample_argmax_of_above(us, first, h0, W_x, W_h, b, W_y, b_y, temperature=1.0):
    tokens, token, h = np.zeros(us.shape, dtype=int), first, h0
    for t in range(len(us)):
        h = rnn_step(np.eye(len(W_x))[token], h, W_x, W_h, b)
        p = softmax(readout(h, W_y, b_y) / temperature)
        token = np.argmax(p.cumsum(axis=1) > us[t][:, None], axis=1)
        tokens[t] = token
    return tokens


def sample_counting(us, first, h0, W_x, W_h, b, W_y, b_y, temperature=1.0):
    tokens, h = [first], h0
    for u in us:
        h = rnn_step(np.eye(W_x.shape[0])[tokens[-1]], h, W_x, W_h, b)
        logits = readout(h[None], W_y, b_y)[0]
        tokens.append((np.cumsum(softmax(logits / temperature), axis=-1) <= u[:, None]).sum(axis=-1))
    return np.stack(tokens[1:])


def sample_searchsorted(us, first, h0, W_x, W_h, b, W_y, b_y, temperature=1.0):
    T, B = us.shape
    tokens = np.empty((T, B), dtype=np.int32)
    for i in range(B):
        token, h = first[i], h0[i]
        for t in range(T):
            h = np.tanh(W_x[token] + h @ W_h + b)
            p = softmax((h @ W_y + b_y) / temperature)
            token = tokens[t, i] = np.searchsorted(np.cumsum(p), us[t, i], side="right")
    return tokens


def sample_lists(us, first, h0, W_x, W_h, b, W_y, b_y, temperature=1.0):
    rows = []
    for i in range(len(first)):
        token, h, row = first[i], h0[i], []
        for u in us[:, i]:
            x = [float(k == token) for k in range(len(W_x))]
            h = rnn_step(x, h, W_x, W_h, b)
            p = softmax([o / temperature for o in readout(h.tolist(), W_y, b_y)])
            token = next(k for k in range(len(p)) if sum(p[: k + 1]) > u)
            row.append(token)
        rows.append(row)
    return np.array(rows).T


def sample_one_sequence_at_a_time(us, first, h0, W_x, W_h, b, W_y, b_y, temperature=1.0):
    tokens = np.zeros(us.shape, dtype=int)
    for i in range(us.shape[1]):
        xs = [np.eye(len(W_x))[first[i]]]
        for t in range(len(us)):
            h = rnn_forward(xs, h0[i], W_x, W_h, b)[-1]
            tokens[t, i] = (softmax(readout(h, W_y, b_y) / temperature).cumsum() <= us[t, i]).sum()
            xs.append(np.eye(len(W_x))[tokens[t, i]])
    return tokens


def sample_rows_of_the_input_weights(us, first, h0, W_x, W_h, b, W_y, b_y, temperature=1.0):
    h, token, out = h0, first, []
    for u in us:
        h = np.tanh(W_x[token] + h @ W_h + b)
        cumulative = softmax_through_logarithm((h @ W_y + b_y) / temperature).cumsum(axis=1)
        token = np.array([np.flatnonzero(c > v)[0] for c, v in zip(cumulative, u, strict=True)])
        out.append(token)
    return np.array(out)


def sample_inner_loop(us, first, h0, W_x, W_h, b, W_y, b_y, temperature=1.0):
    T, B = us.shape
    K = W_x.shape[0]
    tokens = np.zeros((T, B), dtype=np.int64)
    x = np.zeros((B, K))
    x[np.arange(B), first] = 1
    h = h0
    for t in range(T):
        h = rnn_step(x, h, W_x, W_h, b)
        p = softmax(readout(h[None], W_y, b_y)[0] / temperature)
        x = np.zeros((B, K))
        for i in range(B):
            total = 0.0
            for k in range(K):
                total += p[i, k]
                if total > us[t, i]:
                    break
            tokens[t, i] = k
            x[i, k] = 1
    return tokens


def sample_with_rnn_forward(us, first, h0, W_x, W_h, b, W_y, b_y, temperature=1.0):
    T, B = us.shape
    K = len(W_x)
    xs, tokens = np.eye(K)[first][None], np.zeros((T, B), int)
    for t in range(T):
        hs = rnn_forward(xs, h0, W_x, W_h, b)
        p = softmax(readout(hs, W_y, b_y)[-1] / temperature)
        tokens[t] = (p.cumsum(-1) > us[t, :, None]).argmax(-1)
        xs = np.concatenate([xs, np.eye(K)[tokens[t]][None]])
    return tokens


def sample_recursive(us, first, h0, W_x, W_h, b, W_y, b_y, temperature=1.0):
    h = np.tanh(W_x[first] + h0 @ W_h + b)
    p = softmax((h @ W_y + b_y) / temperature)
    token = (p.cumsum(axis=1) > us[0][:, None]).argmax(axis=1)
    if len(us) == 1:
        return token[None]
    rest = sample_recursive(us[1:], token, h, W_x, W_h, b, W_y, b_y, temperature)
    return np.concatenate([token[None], rest])


softmax, rnn_step, rnn_forward, readout = softmax_keepdims, rnn_step_one_line, rnn_forward_list, readout_matmul

STYLES = {
    "softmax": [
        softmax_keepdims,
        softmax_new_axis,
        softmax_through_logarithm,
        softmax_logaddexp,
        softmax_row_by_row,
        softmax_apply_along_axis,
        softmax_in_place_on_its_own_array,
        softmax_in_float64,
        softmax_of_transposed_rows,
    ],
    "cross_entropy": [
        cross_entropy_take_along_axis,
        cross_entropy_index_arrays,
        cross_entropy_one_hot,
        cross_entropy_einsum,
        cross_entropy_loops,
        cross_entropy_logaddexp,
        cross_entropy_boolean_mask,
        cross_entropy_mean_of_means,
    ],
    "rnn_step": [
        rnn_step_one_line,
        rnn_step_dot,
        rnn_step_concatenated,
        rnn_step_einsum,
        rnn_step_loops,
        rnn_step_row_by_row,
        rnn_step_column_vectors,
        rnn_step_in_place_on_its_own_array,
        rnn_step_through_sigmoid,
        rnn_step_in_float64,
    ],
    "rnn_forward": [
        rnn_forward_list,
        rnn_forward_preallocated,
        rnn_forward_state_before_in_front,
        rnn_forward_last_index,
        rnn_forward_input_product_first,
        rnn_forward_batch_row_by_row,
        rnn_forward_recursive,
        rnn_forward_while,
        rnn_forward_reduce,
    ],
    "readout": [
        readout_matmul,
        readout_einsum,
        readout_tensordot,
        readout_flattened,
        readout_step_by_step,
        readout_loops,
        readout_column_vectors,
        readout_with_ones,
    ],
    "sample": [
        sample_argmax_of_above,
        sample_counting,
        sample_searchsorted,
        sample_lists,
        sample_one_sequence_at_a_time,
        sample_rows_of_the_input_weights,
        sample_inner_loop,
        sample_with_rnn_forward,
        sample_recursive,
    ],
}
