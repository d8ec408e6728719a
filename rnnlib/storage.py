"""Layers and networks in a file: one ``.npz`` with the parameters and a description in words, never a pickle."""

import inspect
import json
import os
import secrets
import zipfile
from pathlib import Path

import numpy as np

from rnnlib import imaginet, layers, network, recurrent
from rnnlib.validation import check_array

#: To be raised when files come to be written in a way that older versions of this module misread.
FORMAT = 1

#: The layers that can be saved, by name. A file names its layers' types, and nothing outside this table is made.
_TYPES = {
    name: thing
    for module in (layers, recurrent, network, imaginet)
    for name, thing in vars(module).items()
    if inspect.isclass(thing) and issubclass(thing, layers.Layer)
    if thing not in (layers.Layer, layers.Composite, layers.Recurrent)
}


def save(path, model):
    """Write a layer or a network to a file.

    The file is written under another name and then moved to its place, so that whatever interrupts the writing leaves
    an older file at `path` as it was. What `load` gives back has the same parameters, bit by bit; gradients, states, an
    optimiser and a layer's attribute ``plain`` are not kept.

    Parameters
    ----------
    path : str or Path
        Where to; the usual suffix is ``.npz``.
    model : Layer or Network
        One of rnnlib's, such as `rnnlib.LSTM` or `rnnlib.Network`.

    Raises
    ------
    TypeError
        When the model, or a layer in it, is not of one of rnnlib's types.
    ValueError
        When a parameter is missing or not the model's, or has a wrong shape, dtype or entry (NaN, infinity): what
        `load` would refuse.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> import rnnlib
    >>> rng = np.random.default_rng(0)
    >>> network = rnnlib.Network([rnnlib.LSTM(5, 8, rng=rng), rnnlib.Dense(8, 5, rng=rng)])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rnnlib.save(Path(folder) / "network.npz", network)
    ...     same = rnnlib.load(Path(folder) / "network.npz")
    >>> np.array_equal(same.params["0.W_h"], network.params["0.W_h"])
    True
    """
    if not isinstance(model, layers.Layer):
        raise TypeError(f"model is a {type(model).__name__}; it should be a layer or a network of rnnlib's")
    path = Path(path)
    description = json.dumps(_describe(model), default=_as_python)
    params = dict(model.params)
    _check_parameters(params, _build(json.loads(description)).params)
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with open(unfinished, "xb") as file:
            np.savez(file, format=np.int64(FORMAT), model=np.array(description), **params)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)


def load(path):
    """Read what `save` wrote.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    model : Layer or Network
        Of the type that was saved.

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When the file was not written by `save`, or by a newer rnnlib, or is damaged: something is missing, superfluous,
        of a wrong shape or dtype, or not finite.
    """
    entries = _read(path)
    version, description = entries.pop("format", None), entries.pop("model", None)
    if not isinstance(version, np.ndarray) or version.shape != () or version.dtype.kind != "i" or version < 1:
        raise ValueError(f"{path} is an .npz file, but not one that rnnlib.save wrote")
    if version > FORMAT:
        raise ValueError(f"{path} was written by a newer rnnlib: format {version}; this one reads {FORMAT}")
    try:
        model = _build(json.loads(str(description)))
        _check_parameters(entries, model.params)
        for name, p in model.params.items():
            p[...] = entries[name]
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"{path} cannot be read as a model: {error}") from error
    return model


def _check_parameters(params, wanted):
    """Raise unless the parameters have the names, shapes and dtypes of those wanted, and finite entries."""
    if params.keys() != wanted.keys():
        missing, extra = sorted(wanted.keys() - params.keys()), sorted(params.keys() - wanted.keys())
        raise ValueError(f"parameters that are missing: {missing}; that are not the model's: {extra}")
    for name, p in wanted.items():
        check_array(name, params[name], p.shape, p.dtype)


def _read(path):
    """All arrays of an .npz file, by name; never unpickled."""
    if not zipfile.is_zipfile(path):
        with open(path, "rb"):  # a file that is not there has its own error
            raise ValueError(f"{path} is not an .npz file, or is cut off; it should be one that rnnlib.save wrote")
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} is damaged, or was not written by rnnlib.save: {error}") from error


def _describe(thing):
    """What is needed to make a layer again, as JSON knows it."""
    if isinstance(thing, list):
        return [_describe(one) for one in thing]
    if not isinstance(thing, layers.Layer):
        return thing
    kind = type(thing).__name__
    if _TYPES.get(kind) is not type(thing):
        raise TypeError(f"model has a layer of type {kind}; only rnnlib's own layers can be saved")
    return {"type": kind, "arguments": {name: _describe(value) for name, value in thing.arguments.items()}}


def _build(description):
    """The layer that `_describe` described, with parameters still to be set."""
    if isinstance(description, list):
        return [_build(one) for one in description]
    if not isinstance(description, dict):
        return description
    kind = description["type"]
    if kind not in _TYPES:
        raise ValueError(f"a layer is of type {kind!r}, which this rnnlib does not have")
    arguments = {name: _build(value) for name, value in description["arguments"].items()}
    if "rng" in inspect.signature(_TYPES[kind]).parameters:
        arguments["rng"] = np.random.default_rng(0)
    return _TYPES[kind](**arguments)


def _as_python(number):
    """A numpy number, such as a size taken from an array's shape, as Python's own."""
    if isinstance(number, np.generic):
        return number.item()
    raise TypeError(f"an argument of a layer is {number!r}; only text, numbers and None can be saved")
