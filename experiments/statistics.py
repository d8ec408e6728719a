"""What findings are told with: tests and shares of variance. No trial depends on them."""

import numpy as np


def best_by_validation(found, share):
    """Losses on the test pieces of the trials that were best on the validation pieces.

    Parameters
    ----------
    found : list of dict
        With ``valid`` and ``test``.
    share : float
        Of all trials, rounded, at least two.

    Returns
    -------
    losses : list of float
        The best on the validation pieces first.
    """
    ranked = sorted(found, key=lambda each: each["valid"])
    return [each["test"] for each in ranked[: max(2, round(share * len(ranked)))]]


def at_best_rate(trials, name):
    """What was found at the learning rate with the lowest mean loss on the validation pieces.

    Parameters
    ----------
    trials : dict of str to list of dict
        By settings called "name, rate lr".
    name : str

    Returns
    -------
    setting : str or None
        None where no setting has that name.
    found : list of dict
    """
    rates = {setting: found for setting, found in trials.items() if setting.startswith(f"{name}, rate ")}
    setting = min(rates, key=lambda rate: np.mean([each["valid"] for each in rates[rate]]), default=None)
    return setting, rates.get(setting, [])


def epoch_below(curves, level):
    """When a loss on the validation pieces first fell below a level.

    Parameters
    ----------
    curves : dict of lists
        ``valid`` and ``seconds``, by epoch.
    level : float

    Returns
    -------
    epoch : float
        From 1; infinite when it never did.
    seconds : float
        Of training until then.
    """
    for epoch, (loss, seconds) in enumerate(zip(curves["valid"], curves["seconds"], strict=True), 1):
        if loss < level:
            return epoch, seconds
    return np.inf, np.inf


def mean_and_error(values):
    """The mean of values and its standard error.

    Parameters
    ----------
    values : sequence of float
        At least two.

    Returns
    -------
    mean, error : float
    """
    return float(np.mean(values)), float(np.std(values, ddof=1) / len(values) ** 0.5)


def welch(a, b):
    r"""Welch's test of whether two samples have the same mean, without assuming that they have the same variance.

    .. math::

        t = \frac{\bar a - \bar b}{\sqrt{s_a^2 / n_a + s_b^2 / n_b}}, \qquad
        \nu = \frac{(s_a^2 / n_a + s_b^2 / n_b)^2}{(s_a^2 / n_a)^2 / (n_a - 1) + (s_b^2 / n_b)^2 / (n_b - 1)}

    Parameters
    ----------
    a, b : sequences of float
        At least two each, not all alike in both.

    Returns
    -------
    t : float
        Above 0 where the mean of `a` is the larger.
    p : float
        Two-sided.

    Source
    ------
    Welch 1947.
    """
    parts = [np.var(x, ddof=1) / len(x) for x in (a, b)]
    t = (np.mean(a) - np.mean(b)) / np.sqrt(sum(parts))
    freedom = sum(parts) ** 2 / sum(part**2 / (len(x) - 1) for part, x in zip(parts, (a, b), strict=True))
    return float(t), two_sided(t, freedom)


def two_sided(t, freedom):
    r"""The probability that Student's t is farther from 0 than this.

    With :math:`t = \sqrt\nu \tan\theta` the density is that of :math:`\cos^{\nu - 1}\theta`, which is summed.

    Parameters
    ----------
    t, freedom : float

    Returns
    -------
    p : float
    """
    theta = np.linspace(0, np.pi / 2, 100_001)
    density = np.cos(theta) ** (freedom - 1)
    above = theta >= np.arctan(abs(t) / np.sqrt(freedom))
    return float(density[above].sum() / density.sum())


def explained(xs, ys, degree=3):
    r"""Share of the variance of ys that a polynomial in xs explains: R squared, adjusted for its coefficients.

    .. math:: 1 - \frac{\sum (y - \hat y)^2 / (n - \text{degree} - 1)}{\sum (y - \bar y)^2 / (n - 1)}

    Parameters
    ----------
    xs, ys : arrays, shape (n,)
        More of them than `degree` + 1.
    degree : int

    Returns
    -------
    share : float
        1 for all of it, about 0 where xs has nothing to do with ys.
    """
    powers = np.vander((xs - np.mean(xs)) / np.std(xs), degree + 1)
    rest = ys - powers @ np.linalg.lstsq(powers, ys)[0]
    return float(1 - (rest**2).sum() / (len(ys) - degree - 1) / np.var(ys, ddof=1))
