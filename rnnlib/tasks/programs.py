"""Strings that take a stack or a sum to predict: noisy arithmetic, and nested tags of XML."""

import numpy as np

from rnnlib.validation import check_generator, check_number, check_sizes

_LETTERS = "abcdefghijklmnopqrstuvwxyz"

#: The 40 symbols of arithmetic strings, to be given to `rnnlib.tasks.text.CharText`.
#:
#: :meta hide-value:
ARITHMETIC = "0123456789+-=." + _LETTERS

#: The 29 symbols of XML strings.
#:
#: :meta hide-value:
XML = "</>" + _LETTERS


def arithmetic_strings(n, *, rng, digits=8, noise=0.5):
    """Sums and differences with letters strewn in, each followed by its result.

    An example of the paper is ``3e36d9-h1h39f94eeh43keg3c=-13991064.``: 3369 - 13994433 = -13991064. The network reads
    on and predicts each next character; what it makes of the result counts (`answers`), and at each of the result's
    characters it has read the right ones before.

    Parameters
    ----------
    n : int
        How many strings.
    rng : numpy.random.Generator
        Draws them.
    digits : int
        A number has at most so many digits, and its number of digits is drawn first, from 1 up.
    noise : float
        From 0 to below 1: after each character of the problem comes a letter with this probability, and after that
        letter another.

    Returns
    -------
    strings : list of str
        The problem, ``=``, the result, and a full stop. Either number may be negative: the first has its sign before
        it, the second's is that of the sum or difference.

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Source
    ------
    Jozefowicz, Zaremba and Sutskever 2015, section 3.5. The paper says that numbers have up to 8 digits and that the
    number of letters is random, not how it is.

    Examples
    --------
    >>> import numpy as np
    >>> arithmetic_strings(2, rng=np.random.default_rng(0), digits=3)
    ['-e37-0=-37.', '-w1c0wka2+4l54=352.']
    """
    check_sizes(n=n, digits=digits)
    check_generator(rng)
    if not 0 <= check_number("noise", noise) < 1:
        raise ValueError(f"noise is {noise}; it should be from 0 to below 1")
    return [_problem(rng, digits, noise) for _ in range(n)]


def answers(text):
    """Where in a text of arithmetic strings a result's character comes next.

    Parameters
    ----------
    text : str
        Strings of `arithmetic_strings`, one after the other; it may begin and end within one, but a result whose ``=``
        is cut off is not found.

    Returns
    -------
    next : array of bool, shape (len(text),)
        At each character whether the one after it, its target, is a character of a result, the full stop included.

    Examples
    --------
    >>> text = "1a+1=2.3-1"
    >>> [character for character, one in zip(text[1:], answers(text)) if one]
    ['2', '.']
    """
    is_equals = np.array([character == "=" for character in text], dtype=bool)
    is_stop = np.array([character == "." for character in text], dtype=bool)
    opened, closed = np.cumsum(is_equals), np.cumsum(is_stop)
    first_stop = is_stop & (opened == 0)  # of a result that begins before the text
    return opened > closed - np.cumsum(first_stop)


def xml_strings(n, *, rng, most=50):
    """Nested tags: each opened tag is closed under the same name, the last opened first.

    Parameters
    ----------
    n : int
        How many strings.
    rng : numpy.random.Generator
        Draws them.
    most : int
        After so many tags, opened and closed ones counted together, no more are opened.

    Returns
    -------
    strings : list of str
        Each time, with probability 1/2, or after `most` tags, the last opened tag is closed, and where none is open
        the string ends; else a tag of 2 to 10 random letters is opened. A string without a tag is drawn again.

    Raises
    ------
    TypeError, ValueError
        When an argument is not as above; the message names it.

    Source
    ------
    Jozefowicz, Zaremba and Sutskever 2015, section 3.5. How many letters a name has is drawn evenly here; whether
    there is space between tags is not known, and here is none.

    Examples
    --------
    >>> import numpy as np
    >>> from rnnlib.tasks.text import CharText
    >>> strings = xml_strings(3, rng=np.random.default_rng(1))
    >>> strings[0]
    '<yadvygiw><gkqoc><vn></vn><hdl></hdl></gkqoc></yadvygiw>'
    >>> xs, targets = next(CharText("".join(strings), XML).batches(T=5, B=2))
    >>> xs.shape
    (5, 2, 29)
    """
    check_sizes(n=n, most=most)
    check_generator(rng)
    drawn = []
    while len(drawn) < n:
        document = _document(rng, most)
        if document:
            drawn.append(document)
    return drawn


def _problem(rng, digits, noise):
    sign, minus = rng.integers(0, 2, 2)
    first, second = (int(rng.integers(10 ** (k - 1) if k > 1 else 0, 10**k)) for k in rng.integers(1, digits + 1, 2))
    first = -first if sign else first
    noisy = ""
    for character in f"{first}{'-' if minus else '+'}{second}":
        noisy += character
        while rng.random() < noise:
            noisy += _LETTERS[rng.integers(len(_LETTERS))]
    return f"{noisy}={first - second if minus else first + second}."


def _document(rng, most):
    written, opened, tags = "", [], 0
    while True:
        if rng.random() < 0.5 or tags >= most:
            if not opened:
                return written
            written += f"</{opened.pop()}>"
        else:
            opened.append("".join(_LETTERS[k] for k in rng.integers(len(_LETTERS), size=rng.integers(2, 11))))
            written += f"<{opened[-1]}>"
        tags += 1
