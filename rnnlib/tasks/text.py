"""Characters of texts that every Python installation carries."""

import sysconfig
from pathlib import Path

import numpy as np


def python_manual():
    """The reference topics of Python's own manual, as `help()` shows them.

    Returns
    -------
    text : str
        Some hundred thousand characters; the exact text depends on the Python version.

    Raises
    ------
    FileNotFoundError
        When this Python was installed without its `pydoc_data` package.
    """
    try:
        from pydoc_data.topics import topics
    except ImportError:
        raise FileNotFoundError(
            "the package pydoc_data is missing; it should be part of Python's standard library "
            "(Debian has it in libpython3-stdlib)"
        ) from None
    return "\n".join(topics[name] for name in sorted(topics))


def standard_library(modules=None):
    """Source text of Python's standard library.

    Parameters
    ----------
    modules : sequence of str, optional
        Names of top-level modules such as ``"argparse"``; by default every top-level module, sorted by name.

    Returns
    -------
    text : str
        The files one after the other.

    Raises
    ------
    FileNotFoundError
        When a module has no source file in the standard library's folder.
    """
    folder = Path(sysconfig.get_path("stdlib"))
    names = sorted(path.stem for path in folder.glob("*.py")) if modules is None else modules
    texts = []
    for name in names:
        path = folder / f"{name}.py"
        if not path.is_file():
            raise FileNotFoundError(f"modules names {name!r}; it should be a module with a source file {name}.py")
        texts.append(path.read_text(encoding="utf-8"))
    if not texts:
        raise FileNotFoundError("no source file was found; the standard library should be there as .py files")
    return "".join(texts)


class CharText:
    """A text as a sequence of characters, each a class from 0 to K - 1.

    Parameters
    ----------
    text : str
        At least two characters.
    vocabulary : str, optional
        The K characters in the order of their tokens; by default those of the text, sorted.

    Raises
    ------
    ValueError
        When the text is too short, or has a character that is not in the vocabulary.

    Examples
    --------
    >>> from rnnlib.tasks.text import CharText
    >>> data = CharText("abracadabra")
    >>> data.vocabulary, data.encode("cab").tolist(), data.decode([2, 0, 1])
    ('abcdr', [2, 0, 1], 'cab')
    """

    def __init__(self, text, vocabulary=None):
        if len(text) < 2:
            raise ValueError(f"text has {len(text)} characters; it should have at least 2")
        self.vocabulary = "".join(sorted(set(text))) if vocabulary is None else vocabulary
        if len(set(self.vocabulary)) != len(self.vocabulary):
            raise ValueError("vocabulary has a character twice; each should stand there once")
        self._token = {character: k for k, character in enumerate(self.vocabulary)}
        self.tokens = self.encode(text)

    def encode(self, text):
        """Characters to tokens.

        Parameters
        ----------
        text : str

        Returns
        -------
        tokens : array of integers, shape (len(text),)

        Raises
        ------
        ValueError
            When a character is not in the vocabulary.
        """
        unknown = sorted(set(text) - self._token.keys())
        if unknown:
            raise ValueError(f"text has the characters {unknown}; they should be in the vocabulary")
        return np.array([self._token[character] for character in text], dtype=np.int64)

    def decode(self, tokens):
        """Tokens to characters.

        Parameters
        ----------
        tokens : sequence of integers
            Each from 0 to K - 1.

        Returns
        -------
        text : str

        Raises
        ------
        ValueError
            When a token is outside the vocabulary.
        """
        outside = [int(k) for k in tokens if not 0 <= k < len(self.vocabulary)]
        if outside:
            raise ValueError(f"tokens has {outside[0]}; it should be from 0 to {len(self.vocabulary) - 1}")
        return "".join(self.vocabulary[int(k)] for k in tokens)

    def batches(self, T, B, dtype=np.float64):
        """Cut the text into batches that continue each other, without end.

        B readers start at B equally distant places and read on, T characters a batch, round and round the text.
        Row b of a batch so goes on where row b of the batch before stopped, and a state can be carried.

        Parameters
        ----------
        T, B : int
            Time steps and readers, at least 1; the text should have more than T·B characters.
        dtype : numpy dtype
            Of the one-hot input.

        Yields
        ------
        xs : array, shape (T, B, K)
            The characters, one-hot.
        targets : array of integers, shape (T, B)
            The character after each.

        Raises
        ------
        ValueError
            When the text is too short.
        """
        if T < 1 or B < 1:
            raise ValueError(f"T is {T} and B is {B}; both should be at least 1")
        n = len(self.tokens)
        if n <= T * B:
            raise ValueError(f"the text has {n} characters; it should have more than T·B = {T * B}")
        return self._batches(T, B, dtype)

    def _batches(self, T, B, dtype):
        n = len(self.tokens)
        one_hot = np.eye(len(self.vocabulary), dtype=dtype)
        places = np.arange(B) * (n // B) + np.arange(T)[:, None]
        while True:
            yield one_hot[self.tokens[places % n]], self.tokens[(places + 1) % n]
            places += T
