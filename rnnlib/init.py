"""Initial parameters, by named recipes."""

import numpy as np


def uniform(rng, shape, bound):
    r"""Uniform between -bound and bound.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of int
    bound : float
        Above 0; torch's recurrent layers use :math:`1/\sqrt{H}`.

    Returns
    -------
    w : array of float64
    """
    return rng.uniform(-bound, bound, shape)


def glorot(rng, shape):
    r"""Glorot and Bengio's uniform weights, of variance :math:`2 / (N + M)` for a matrix (N, M).

    .. math:: w \sim U\left[-\sqrt{\tfrac{6}{N + M}}, \sqrt{\tfrac{6}{N + M}}\right]

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of two int

    Returns
    -------
    w : array of float64

    Source
    ------
    Glorot and Bengio 2010, equation 16.
    """
    return rng.uniform(-1, 1, shape) * np.sqrt(6 / sum(shape))


def orthogonal(rng, shape):
    r"""A random matrix whose rows, or columns where there are fewer, are orthonormal: it changes no vector's length.

    .. math:: W^\top W = I \quad (N \ge M), \qquad W W^\top = I \quad (N \le M)

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : tuple of two int
        (N, M).

    Returns
    -------
    w : array of float64

    Source
    ------
    Saxe, McClelland and Ganguli 2014; uniform over the orthogonal matrices by the sign rule of Mezzadri 2007.
    """
    rows, columns = shape
    q, r = np.linalg.qr(rng.standard_normal((max(shape), min(shape))))
    q = q * np.where(np.diag(r) < 0, -1, 1)
    return q if rows >= columns else q.T


def draw(cell, D, H, *, rng, dtype, recipe="uniform", biases=None):
    r"""The initial parameters of a cell.

    The recipes:

    ``"uniform"``
        Everything uniform between :math:`\pm 1/\sqrt{H}`, as torch's recurrent layers draw it.
    ``"glorot"``
        Matrices after Glorot and Bengio, each block of H columns for itself; vectors 0.
    ``"orthogonal"``
        Matrices that act on a state orthogonal, each block of H columns for itself; the others as ``"glorot"``.

    `biases` then sets the biases of the blocks that it names. The forget bias of Jozefowicz et al. is
    ``biases={"f": 1.0}``; `gers_biases` are those of Gers et al.

    Parameters
    ----------
    cell : rnnlib.cells.Cell
        Says which parameters there are.
    D, H : int
        Input size and number of hidden units.
    rng : numpy.random.Generator
    dtype : numpy dtype
    recipe : str
        The recipe's name.
    biases : dict of str to float or array of shape (H,), optional
        Name of a block of the cell, as in its `blocks`, to the bias of its units.

    Returns
    -------
    params : dict of arrays

    Raises
    ------
    TypeError, ValueError
        When there is no such recipe or block, `biases` is no dict, or a bias is neither a number nor of shape (H,), or
        not finite.
    """
    if recipe not in ("uniform", "glorot", "orthogonal"):
        raise ValueError(f"init is {recipe!r}; it should be 'uniform', 'glorot' or 'orthogonal'")
    params = {}
    for name, shape in cell.shapes(D, H).items():
        if recipe == "uniform":
            p = uniform(rng, shape, H**-0.5)
        elif len(shape) == 1:
            p = np.zeros(shape)
        else:
            of_blocks = orthogonal if recipe == "orthogonal" and not name.startswith(("W_x", "W_gx")) else glorot
            width = H if shape[1] % H == 0 else shape[1]
            p = np.concatenate([of_blocks(rng, (shape[0], width)) for _ in range(shape[1] // width)], axis=1)
        params[name] = p.astype(dtype)
    biases = {} if biases is None else biases
    if not isinstance(biases, dict):
        raise TypeError(f"biases is {biases!r}; it should be a dict such as {{{cell.blocks[0]!r}: 1.0}}")
    for block, value in biases.items():
        if block not in cell.blocks:
            raise ValueError(f"biases names the block {block!r}; the blocks of this cell are {', '.join(cell.blocks)}")
        numbers = np.asarray(value)
        if numbers.dtype.kind not in "iuf" or numbers.shape not in ((), (H,)) or not np.isfinite(numbers).all():
            raise ValueError(
                f"biases of {block} is {value!r}; it should be a finite number or an array of (H,) = ({H},)"
            )
        k = cell.blocks.index(block)
        for name in cell.biases:
            params[name][k * H : (k + 1) * H] = value
    return params


def gers_biases(H):
    """The initial biases by which Gers et al. keep the memory at first and open it unit by unit.

    Forget biases positive, so that the memory is kept; input and output biases negative, so that little gets in or
    out; each a step of 0.5 further from zero than the unit's before, up to 2, and again from 0.5.

    Parameters
    ----------
    H : int
        Number of hidden units.

    Returns
    -------
    biases : dict of str to array of shape (H,)
        For the blocks i, f and o, to be given to a layer as ``biases``.

    Source
    ------
    Gers, Schmidhuber and Cummins 2000, the continual embedded Reber experiment: forget biases from 0.5 to 2 by memory
    block, input and output biases from -0.5 to -2. A unit here is a block of one cell.
    """
    steps = 0.5 + 0.5 * (np.arange(H) % 4)
    return {"i": -steps, "f": steps, "o": -steps}
