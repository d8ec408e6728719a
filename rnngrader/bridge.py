"""What crosses between the student's process and the trusted one: values as bytes, in frames, and nothing else.

A value is a JSON text that says what it is, and the raw bytes of its arrays behind it. Nothing is unpickled, no class
is looked up by a name that came, and every length is checked before memory is taken for it.
"""

import builtins
import json
import math
import re
import select
import struct
import time

import numpy as np

from rnnlib.checks.caches import GRUCache, LSTMCache, MUT1Cache
from rnnlib.checks.calls import Elsewhere, is_generator, kind_of

#: The named tuples that cross as what they are.
CACHES = {cache.__name__: cache for cache in (LSTMCache, GRUCache, MUT1Cache)}
#: Bytes of the JSON text, levels of nesting, entries in all, and bits of an integer.
MAX_TEXT, MAX_DEPTH, MAX_ENTRIES, MAX_BITS = 2**20, 24, 20_000, 2048
NUMBERS = re.compile(r"[<>|=]?[biufc][0-9]{1,2}")
NO_NUMBERS = re.compile(r"[<>|=]?[OSUVMm][0-9]{0,4}(\[[0-9]{0,3}[a-zA-Z]{1,2}\])?")


class Refused(ValueError):
    """Bytes that are no value, or a value that is too large to cross; the message says which."""


class Callback:
    """A function that is called where it came from."""

    def __init__(self, number, call):
        self.number, self._call = number, call

    def __call__(self, *args):
        return self._call(self.number, args)


def encode(value, functions=None, limit=2**24):
    """A value as bytes.

    Parameters
    ----------
    value : object
        Numbers, texts, None, tuples, lists, dicts with texts as keys, and arrays of numbers cross as they are, an
        instance of a class derived from one of these as that one, the named tuples of `rnnlib` as themselves. Of
        anything else only what it is crosses, in words, and what it has for attributes.
    functions : list or None
        Takes the functions in `value`, which cross as numbers in this list; None where no function may cross.
    limit : int
        Bytes.

    Returns
    -------
    data : bytes

    Raises
    ------
    Refused
        When it is larger than `limit`.
    """
    buffers, count, size = [], [0], [0]

    def room(more):
        size[0] += more
        if size[0] > limit:
            raise Refused(f"it is larger than {limit / 2**20:.0f} MB")

    def array(value):
        value = np.asarray(value)
        if value.dtype.kind not in "biufc":
            return ["e", value.dtype.str if value.dtype.kind != "V" else "|V1", list(value.shape)]
        room(value.size * value.dtype.itemsize)
        buffers.append(np.asarray(value, order="C").tobytes())
        return ["a", value.dtype.str, list(value.shape)]

    def tree(value, depth):
        count[0] += 1
        if value is None or value is True or value is False:
            return value
        if isinstance(value, np.generic):
            return ["s", *array(value)[1:2]] if value.dtype.kind in "biufc" else ["x", kind_of(value), False, []]
        if isinstance(value, int):
            value = int(value)
            if value.bit_length() > MAX_BITS:
                raise Refused("it holds an integer of more than 600 digits")
            return value
        if isinstance(value, float):
            value = float(value)
            return value if math.isfinite(value) else ["f", repr(value)]
        if isinstance(value, complex):
            return ["c", tree(value.real, depth + 1), tree(value.imag, depth + 1)]
        if isinstance(value, str):
            room(len(value))
            return str(value).encode("utf-8", "replace").decode()
        if isinstance(value, np.ndarray):
            return array(value)
        if isinstance(value, Callback):
            return ["k", value.number]
        if functions is not None and callable(value):
            functions.append(value)
            return ["k", len(functions) - 1]
        if depth < MAX_DEPTH and count[0] < MAX_ENTRIES:
            if isinstance(value, tuple) and type(value) is CACHES.get(type(value).__name__):
                return ["n", type(value).__name__, *(tree(entry, depth + 1) for entry in value)]
            fields = getattr(value, "_fields", None) if isinstance(value, tuple) else None
            if fields is not None and len(fields) == len(value):  # read by its names, as an object is
                pairs = zip(map(str, fields), value, strict=True)
                return ["o", *([name, tree(entry, depth + 1)] for name, entry in pairs)]
            if isinstance(value, list | tuple):
                return ["t" if isinstance(value, tuple) else "l", *(tree(entry, depth + 1) for entry in value)]
            if isinstance(value, dict):
                pairs = {str(key): entry for key, entry in value.items() if isinstance(key, str)}
                return ["d", *([key, tree(entry, depth + 1)] for key, entry in pairs.items())]
            attributes = getattr(value, "__dict__", None)
            pairs = list(attributes.items())[:64] if isinstance(attributes, dict) and not callable(value) else []
            pairs = [(name, entry) for name, entry in pairs if isinstance(name, str)]
            return [
                "x", kind_of(value)[:200], is_generator(value),
                [[name, tree(entry, depth + 1)] for name, entry in pairs if type(entry) in (int, float, np.ndarray)],
            ]  # fmt: skip
        return ["x", kind_of(value)[:200], False, []]

    try:
        text = json.dumps(tree(value, 0), allow_nan=False, separators=(",", ":")).encode()
    except RecursionError:
        raise Refused("it is nested too deeply") from None
    if len(text) > MAX_TEXT:
        raise Refused("it has too many entries; arrays can be larger")
    return struct.pack(">I", len(text)) + text + b"".join(buffers)


def decode(data, functions=None, limit=2**24):
    """The value of some bytes, whoever made them.

    Parameters
    ----------
    data : bytes
    functions : callable or list or None
        Gives the function for a number; None where no function may come.
    limit : int
        Bytes.

    Returns
    -------
    value : object
        As `encode` was given, with `rnnlib.checks.calls.Elsewhere` for what does not cross.

    Raises
    ------
    Refused
        When they are no value.
    """
    if len(data) > limit + MAX_TEXT or len(data) < 4:
        raise Refused("the message has a wrong length")
    (length,) = struct.unpack(">I", data[:4])
    if length > MAX_TEXT or 4 + length > len(data):
        raise Refused("the message has a wrong length")
    try:
        root = json.loads(data[4 : 4 + length].decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused("the message is no JSON") from None
    place, count = 4 + length, 0

    def take(size):
        nonlocal place
        if size > len(data) - place:
            raise Refused("an array is longer than its bytes")
        place += size
        return data[place - size : place]

    def array(name, shape):
        if not (isinstance(name, str) and NUMBERS.fullmatch(name)):
            raise Refused("an array of no numbers")
        if not isinstance(shape, list) or len(shape) > 32 or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
            raise Refused("an array without a shape")
        try:
            dtype = np.dtype(name)
            flat = np.frombuffer(take(math.prod(shape) * dtype.itemsize), dtype)
            if dtype.kind == "b":
                flat = flat.view(np.uint8) != 0
            return flat.reshape(shape).copy()
        except (TypeError, ValueError) as error:
            raise error if isinstance(error, Refused) else Refused("an array that cannot be") from None

    def without_numbers(name, shape):
        small = isinstance(shape, list) and len(shape) <= 32 and all(type(n) is int and 0 <= n < 2**20 for n in shape)
        if not small or not (isinstance(name, str) and NO_NUMBERS.fullmatch(name)) or math.prod(shape) > MAX_ENTRIES:
            raise Refused("an array of no numbers")
        try:
            return np.zeros(shape, np.dtype(name))
        except (TypeError, ValueError, MemoryError):
            raise Refused("an array that cannot be") from None

    def words(value, most=200):
        if not isinstance(value, str) or len(value) > most:
            raise Refused("a text is missing or too long")
        return value

    def pairs(entries, depth):
        found = {}
        for entry in entries:
            if not isinstance(entry, list) or len(entry) != 2 or words(entry[0], 1000) in found:
                raise Refused("names that are none, or come twice")
            found[entry[0]] = value(entry[1], depth + 1)
        return found

    def value(node, depth):
        nonlocal count
        count += 1
        if depth > MAX_DEPTH + 1 or count > 2 * MAX_ENTRIES:
            raise Refused("it is nested too deeply or has too many entries")
        if node is None or isinstance(node, bool | str):
            return node
        if isinstance(node, int):
            if node.bit_length() > MAX_BITS:
                raise Refused("an integer is too large")
            return node
        if isinstance(node, float):
            if not math.isfinite(node):
                raise Refused("a number that JSON has not")
            return node
        if not isinstance(node, list) or not node or not isinstance(node[0], str):
            raise Refused("an entry of no kind")
        tag, *rest = node
        if tag == "l":
            return [value(entry, depth + 1) for entry in rest]
        if tag == "t":
            return tuple(value(entry, depth + 1) for entry in rest)
        if tag == "d":
            return pairs(rest, depth)
        if tag == "o":
            return NamedFields(pairs(rest, depth))
        if tag == "n" and rest and isinstance(rest[0], str) and rest[0] in CACHES:
            cache = CACHES[rest[0]]
            if len(rest) == 1 + len(cache._fields):
                return cache(*(value(entry, depth + 1) for entry in rest[1:]))
        if tag == "a" and len(rest) == 2:
            return array(*rest)
        if tag == "s" and len(rest) == 1:
            return array(rest[0], [])[()]
        if tag == "e" and len(rest) == 2:
            return without_numbers(*rest)
        if tag == "f" and len(rest) == 1 and rest[0] in ("nan", "inf", "-inf"):
            return float(rest[0])
        if tag == "c" and len(rest) == 2:
            parts = [value(entry, depth + 1) for entry in rest]
            if all(isinstance(part, float) for part in parts):
                return complex(*parts)
        if tag == "k" and len(rest) == 1 and type(rest[0]) is int and functions is not None:
            if callable(functions):
                return functions(rest[0])
            if 0 <= rest[0] < len(functions):
                return functions[rest[0]]
        if tag == "x" and len(rest) == 3 and isinstance(rest[1], bool) and isinstance(rest[2], list):
            return Elsewhere(words(rest[0]), rest[1], pairs(rest[2], depth))
        raise Refused("an entry of no kind")

    try:
        found = value(root, 0)
    except (RecursionError, MemoryError, OverflowError):
        raise Refused("it is nested too deeply or too large") from None
    if place != len(data):
        raise Refused("bytes are left over")
    return found


class NamedFields(tuple):
    """A named tuple of a class that is not the library's: a tuple whose entries also have names."""

    def __new__(cls, fields):
        self = super().__new__(cls, fields.values())
        self._named = fields
        return self

    @property
    def _fields(self):
        return tuple(self._named)

    def __getattr__(self, name):
        try:
            return self.__dict__["_named"][name]
        except KeyError:
            raise AttributeError(name) from None


def _no_constant(name):
    raise ValueError(name)


class Closed(Exception):
    """The other end of a channel is gone, or it sent what no frame is."""


class Late(Exception):
    """Nothing came in time."""


class Channel:
    """Frames over a stream socket: four bytes of length, one that says what it is, and the content.

    Parameters
    ----------
    sock : socket.socket
        Connected, of type SOCK_STREAM.
    limit : int
        Bytes of the largest frame that is read.
    """

    def __init__(self, sock, limit=2**25):
        self.sock, self.limit = sock, limit
        self.sock.setblocking(False)
        self._read = bytearray()

    def send(self, kind, content=b"", deadline=None):
        """Write a frame.

        Parameters
        ----------
        kind : bytes
            One byte.
        content : bytes, or anything that JSON can say
        deadline : float or None
            Of time.monotonic().

        Raises
        ------
        Late, Closed
        """
        if not isinstance(content, bytes):
            content = json.dumps(content).encode()
        rest = memoryview(struct.pack(">I", len(content)) + kind + content)
        while rest:
            self._wait(select.POLLOUT, deadline)
            try:
                rest = rest[self.sock.send(rest) :]
            except BlockingIOError:
                continue
            except OSError:
                raise Closed from None

    def receive(self, deadline=None):
        """The next frame.

        Parameters
        ----------
        deadline : float or None
            Of time.monotonic().

        Returns
        -------
        kind : bytes
        content : bytes

        Raises
        ------
        Late, Closed
        """
        head = self._take(5, deadline)
        (length,) = struct.unpack(">I", head[:4])
        if length > self.limit:
            raise Closed(f"a message of {length} bytes")
        return bytes(head[4:]), bytes(self._take(length, deadline))

    def _take(self, count, deadline):
        while len(self._read) < count:
            self._wait(select.POLLIN, deadline)
            try:
                got = self.sock.recv(2**18)
            except BlockingIOError:
                continue
            except OSError:
                raise Closed from None
            if not got:
                raise Closed
            self._read += got
        taken, self._read = self._read[:count], self._read[count:]
        return taken

    def _wait(self, event, deadline):
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        poll = select.poll()
        try:
            poll.register(self.sock, event)
        except ValueError:  # it was closed here
            raise Closed from None
        if not poll.poll(None if left is None else math.ceil(left * 1000)):
            raise Late

    def close(self):
        """Close this end."""
        self.sock.close()


def exception_named(name, message):
    """An exception of one of Python's own kinds, or a RuntimeError that says the name.

    Parameters
    ----------
    name, message : str

    Returns
    -------
    error : Exception
    """
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception):
        try:
            return kind(message)
        except TypeError:  # UnicodeDecodeError takes five
            pass
    return RuntimeError(f"{name}: {message}")
