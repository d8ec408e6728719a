"""Optimisers: what turns gradients into steps. Parameters are changed in place, under the keys of a dict."""

import numpy as np

from rnnlib.validation import check_number


class SGD:
    r"""Stochastic gradient descent with momentum.

    .. math::

        v &\leftarrow \mu v + g \\
        \theta &\leftarrow \theta - \eta v

    Parameters
    ----------
    params : dict of arrays
        The parameters θ, changed in place by `step`.
    lr : float
        Learning rate η, above 0.
    momentum : float
        μ, from 0 to below 1.

    Source
    ------
    Sutskever, Martens, Dahl and Hinton 2013, section 2, in the form of `torch.optim.SGD`: there the learning rate
    multiplies the whole of v, so that changing it acts at once.
    """

    def __init__(self, params, lr, momentum=0.0):
        _check_lr(lr)
        if not 0 <= check_number("momentum", momentum) < 1:
            raise ValueError(f"momentum is {momentum}; it should be from 0 to below 1")
        self.params, self.lr, self.momentum = params, float(lr), float(momentum)
        self.v = {name: np.zeros_like(p) for name, p in params.items()}

    def step(self, grads):
        """Change the parameters once.

        Parameters
        ----------
        grads : dict of arrays
            Gradients under the keys of `params`.

        Raises
        ------
        ValueError
            When a key or a shape differs from the parameters', or a gradient is not finite.
        """
        _check_grads(self.params, grads)
        for name, g in grads.items():
            self.v[name] = self.momentum * self.v[name] + g
            self.params[name] -= self.lr * self.v[name]


class Adam:
    r"""Adaptive moment estimation.

    .. math::

        m &\leftarrow \beta_1 m + (1 - \beta_1) g, & \hat m &= m / (1 - \beta_1^t) \\
        v &\leftarrow \beta_2 v + (1 - \beta_2) g^2, & \hat v &= v / (1 - \beta_2^t) \\
        \theta &\leftarrow \theta - \eta \, \hat m / (\sqrt{\hat v} + \epsilon)

    Parameters
    ----------
    params : dict of arrays
        The parameters θ, changed in place by `step`.
    lr : float
        Learning rate η, above 0.
    betas : tuple of two floats
        β₁ and β₂, from 0 to below 1.
    eps : float
        ε, above 0.

    Source
    ------
    Kingma and Ba 2015, algorithm 1.
    """

    def __init__(self, params, lr=0.001, betas=(0.9, 0.999), eps=1e-8):
        _check_lr(lr)
        if len(betas) != 2:
            raise ValueError(f"betas is {betas}; it should be two numbers, β₁ and β₂")
        if not all(0 <= check_number("betas", beta) < 1 for beta in betas):
            raise ValueError(f"betas is {betas}; both should be from 0 to below 1")
        if not check_number("eps", eps) > 0:
            raise ValueError(f"eps is {eps}; it should be above 0")
        self.params, self.lr, self.betas, self.eps = params, float(lr), tuple(map(float, betas)), float(eps)
        self.m = {name: np.zeros_like(p) for name, p in params.items()}
        self.v = {name: np.zeros_like(p) for name, p in params.items()}
        self.t = 0

    def step(self, grads):
        """Change the parameters once.

        Parameters
        ----------
        grads : dict of arrays
            Gradients under the keys of `params`.

        Raises
        ------
        ValueError
            When a key or a shape differs from the parameters', or a gradient is not finite.
        """
        _check_grads(self.params, grads)
        beta1, beta2 = self.betas
        self.t += 1
        for name, g in grads.items():
            self.m[name] = beta1 * self.m[name] + (1 - beta1) * g
            self.v[name] = beta2 * self.v[name] + (1 - beta2) * g * g
            m_hat = self.m[name] / (1 - beta1**self.t)
            v_hat = self.v[name] / (1 - beta2**self.t)
            self.params[name] -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


def clip_by_global_norm(grads, max_norm):
    r"""Scale all gradients by one factor, so that their common norm is at most `max_norm`.

    .. math:: \|g\| = \sqrt{\sum_i \|g_i\|^2}, \qquad
        g_i \leftarrow g_i \cdot \min\Bigl(1, \frac{\text{max\_norm}}{\|g\|}\Bigr)

    The direction stays; clipping each tensor or each element by itself would turn it.

    Parameters
    ----------
    grads : dict of arrays
        Left as they are.
    max_norm : float
        Above 0.

    Returns
    -------
    clipped : dict of arrays
        New arrays where there was something to clip.
    norm : float
        The global norm before clipping.

    Raises
    ------
    TypeError, ValueError
        When `max_norm` is not a number above 0, or the norm is not finite.

    Source
    ------
    Pascanu, Mikolov and Bengio 2013, algorithm 1.
    """
    if not check_number("max_norm", max_norm) > 0:
        raise ValueError(f"max_norm is {max_norm}; it should be above 0")
    norm = float(np.sqrt(sum(float((g.astype(np.float64) ** 2).sum()) for g in grads.values())))
    if not np.isfinite(norm):
        raise ValueError(f"the global norm of grads is {norm}; it should be finite")
    if norm <= max_norm:
        return dict(grads), norm
    factor = float(max_norm) / norm
    return {name: g * factor for name, g in grads.items()}, norm


def _check_lr(lr):
    if not check_number("lr", lr) > 0:
        raise ValueError(f"lr is {lr}; it should be above 0")


def _check_grads(params, grads):
    if grads.keys() != params.keys():
        raise ValueError(f"grads has the keys {sorted(grads)}; they should be those of params, {sorted(params)}")
    for name, g in grads.items():
        if g.shape != params[name].shape:
            raise ValueError(f"grads[{name!r}] has shape {g.shape}; it should be {params[name].shape}")
        if not np.isfinite(g).all():
            raise ValueError(f"grads[{name!r}] is not finite; lower the learning rate or clip the gradients")
