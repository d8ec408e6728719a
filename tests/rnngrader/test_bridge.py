"""The bridge: what crosses, what does not, and that a check says the same through it as in one process."""

import ast
import contextlib
import linecache
import struct
from types import SimpleNamespace

import numpy as np
import pytest
from courses import FULL, ROOT, mark
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_notebook

from rnngrader.bridge import MAX_DEPTH, Refused, decode, encode
from rnngrader.proxies import Function, Notebook
from rnngrader.sandbox import Sandbox
from rnngrader.split import Execution, Pair
from rnnlib.checks import LSTMCache, battery, exercises
from rnnlib.checks.calls import Elsewhere, kind_of

EXERCISES = exercises()
MANY = 20 if FULL else 2  #: fuzzing tries this many times a few examples


# What crosses


def crossed(value, **options):
    return decode(encode(value, **options), **options)


@pytest.mark.parametrize(
    "value",
    [None, True, False, 0, -3, 2**100, 1.5, -0.0, float("inf"), 1e308, 5e-324, 1j, "", "ä\n", (), [], {},
     (1, [2.5, {"a": None}])],
    ids=repr,
)  # fmt: skip
def test_plain_values_cross_as_they_are(value):
    got = crossed(value)
    assert type(got) is type(value) and got == value and str(got) == str(value)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint64", "float16", "float32", "float64", "complex128", ">f8"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 4), (2, 0, 4)])
def test_arrays_of_numbers_cross_bit_by_bit(dtype, shape):
    array = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
    got = crossed(array)
    assert got.dtype == array.dtype and got.shape == shape and got.tobytes() == array.tobytes()
    assert got.flags.writeable and got.flags.owndata
    turned = crossed(array.T)
    assert (turned == array.T).all()


def test_numbers_of_numpy_and_named_tuples_of_the_library_keep_their_kind():
    assert type(crossed(np.float32(0.1))) is np.float32 and crossed(np.float32(0.1)) == np.float32(0.1)
    cache = LSTMCache(*(np.full((1, 2), k) for k in range(8)))
    got = crossed([cache])[0]
    assert type(got) is LSTMCache and all((a == b).all() for a, b in zip(got, cache, strict=True))


def test_what_derives_from_a_plain_type_crosses_as_that_type():
    class Ten(float):
        def __eq__(self, other):
            return True

        __hash__ = float.__hash__

    class Right(np.ndarray):
        def __array__(self, *args, **kwargs):
            return np.ones(3)

    assert type(crossed(Ten(3))) is float and crossed(Ten(3)) == 3 and crossed(Ten(3)) != 4
    assert type(crossed(np.zeros(3).view(Right))) is np.ndarray
    assert type(crossed(type("Text", (str,), {})("a"))) is str


@pytest.mark.parametrize(
    "value", [{1, 2}, (i for i in ()), object(), len, range(3), np.float64, type("Own", (), {})()], ids=kind_of
)
def test_of_anything_else_only_its_kind_crosses(value):
    got = crossed(value)
    assert isinstance(got, Elsewhere) and kind_of(got) == kind_of(value)


def test_arrays_of_no_numbers_cross_without_their_entries():
    got = crossed(np.array([object(), "x"], dtype=object))
    assert got.dtype == object and got.shape == (2,) and got.tolist() == [0, 0]
    assert crossed(np.array(["ab"])).dtype == np.dtype("<U2")


@pytest.mark.parametrize(
    "value", [np.zeros(10**6), np.broadcast_to(0.0, (10**9, 10**3)), [np.zeros(1000)] * 200, "x" * 10**6]
)
def test_too_much_is_said_to_be_too_much(value):
    with pytest.raises(Refused, match=r"larger than|too many"):
        encode(value, limit=10**6 - 1)


def message(text, rest=b""):
    return struct.pack(">I", len(text)) + text + rest


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x00\x00\x05null",
        message(b"nul"),
        message(b"NaN"),
        message(b"1e999"),
        message(b"[]"),
        message(b"[[]]"),
        message(b'["z"]'),
        message(b'{"a": 1}'),
        message(b"null", b"x"),
        message(b"\xff"),
        message(b"9" * 5000),
        message(b"9" * 1000),
        message(b"[" * 100_000),
        message(b'["l",' * (MAX_DEPTH + 5) + b"1" + b"]" * (MAX_DEPTH + 5)),
        message(b'["l"' + b",1" * 100_000 + b"]"),
        message(b'["a","<f8",[3]]', bytes(16)),
        message(b'["a","<f8",[3]]', bytes(32)),
        message(b'["a","<f8",[-1]]'),
        message(b'["a","<f8",[1099511627776,1099511627776]]'),
        message(b'["a","<f8",[0,1099511627775,1099511627775]]'),
        message(b'["a","<f8",[1.0]]', bytes(8)),
        message(b'["a","<f8",[true]]', bytes(8)),
        message(b'["a","<f3",[1]]', bytes(3)),
        message(b'["a","|O8",[1]]', bytes(8)),
        message(b'["a","<f8,<f8",[1]]', bytes(16)),
        message(b'["a",["<f8"],[1]]', bytes(8)),
        message(b'["a","<f8",' + b"[1]" * 1 + b"]", b""),
        message(b'["a","<f8",[' + b",".join([b"1"] * 40) + b"]]", bytes(8)),
        message(b'["e","|O",[1000000,1000000]]'),
        message(b'["e","<f8",[1]]'),
        message(b'["e","|V1000000",[1]]'),
        message(b'["d",["a",1],["a",2]]'),
        message(b'["d",[1,1]]'),
        message(b'["d",["a"]]'),
        message(b'["n","LSTMCache",1]'),
        message(b'["n","Popen",1,2,3,4,5,6,7,8]'),
        message(b'["n",["LSTMCache"]]'),
        message(b'["f","1"]'),
        message(b'["c",1,"x"]'),
        message(b'["k",0]'),
        message(b'["x",1,false,[]]'),
        message(b'["x","a set",0,[]]'),
        message(b'["x","' + b"y" * 300 + b'",false,[]]'),
    ],
)  # fmt: skip
def test_bytes_that_are_no_value_are_refused(data):
    with pytest.raises(Refused):
        decode(data)


@given(st.binary(max_size=200))
@settings(max_examples=15 * MANY, deadline=None)
def test_no_bytes_do_anything_but_be_refused_or_read(data):
    with contextlib.suppress(Refused):
        decode(data)
    with contextlib.suppress(Refused):
        decode(message(data[:100], data[100:]), functions=[len])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8)
    | st.sampled_from([*"ltdonasefckx", "<f8", "|O", "|b1", "LSTMCache", "nan"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=20,
)  # fmt: skip
TAGGED = st.tuples(st.sampled_from("ltdonasefckx"), st.lists(JSON, max_size=4)).map(lambda pair: [pair[0], *pair[1]])


@given(JSON | TAGGED, st.binary(max_size=64))
@settings(max_examples=25 * MANY, deadline=None)
def test_no_json_does_anything_but_be_refused_or_read(tree, rest):
    import json

    with contextlib.suppress(Refused):
        decode(message(json.dumps(tree).encode(), rest), functions=[len])


ARRAYS = st.builds(
    lambda shape, dtype, seed: np.random.default_rng(seed).integers(0, 200, shape).astype(dtype),
    st.lists(st.integers(0, 4), max_size=3), st.sampled_from(["<f8", "<f4", ">i4", "|b1", "<c16", "|u1"]),
    st.integers(0, 9),
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=5) | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=15,
)


def equal(a, b):
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    return a == b or (a != a and b != b)


@given(VALUES)
@settings(max_examples=10 * MANY, deadline=None)
def test_every_value_comes_back_as_it_went(value):
    with contextlib.suppress(UnicodeEncodeError):
        assert equal(crossed(value), value)


class Liar:
    """In place of the tests' side: whatever is asked, it answers something made up."""

    def __init__(self, answers):
        self.answers, self.shell = answers, SimpleNamespace(user_ns={})

    def ask(self, question, functions, seconds, most=1):
        yield from self.answers


LEAF = VALUES | st.sampled_from([crossed({1}), crossed(np.array([None])), crossed(np.full(3, np.inf))])
RETURNED = LEAF | st.lists(LEAF, min_size=3, max_size=6).map(tuple) | st.fixed_dictionaries({"a": LEAF, "b": LEAF})
RETURNED |= st.lists(ARRAYS, min_size=8, max_size=8).map(lambda arrays: (arrays[0], arrays[1], LSTMCache(*arrays)))
ENTRY = st.fixed_dictionaries(
    {"values": LEAF | st.tuples(RETURNED, LEAF | st.lists(LEAF, max_size=7)).map(lambda pair: packed(list(pair)))},
    optional={
        "problem": st.none() | st.text() | LEAF,
        "kind": st.sampled_from(["", "unwritten", "endless", "raised", "form"]) | LEAF,
        "in_neighbour": LEAF, "warned": LEAF, "printed": LEAF, "lines_printed": LEAF, "number": LEAF, "called": LEAF,
        "value": RETURNED, "exists": st.just(True), "callable": st.booleans(), "refused": LEAF,
    },
)  # fmt: skip


def packed(values):
    try:
        return np.frombuffer(encode(values), np.uint8)
    except UnicodeEncodeError:
        return None


@given(
    st.sampled_from(["cross_entropy", "rnn_step", "sample", "clip_by_global_norm", "lstm_step", "rnn_backward"]),
    st.lists(LEAF | ENTRY, max_size=12), st.booleans(),
)  # fmt: skip
@settings(max_examples=8 * MANY, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_the_students_side_answers_the_check_has_a_verdict(name, answers, hidden):
    exercise = next(e for e in EXERCISES if e.name == name)
    function = Function(Notebook(Liar(answers)), [name], {"name": name, "module": "__main__"})
    report = battery.judge(function, exercise, hidden)
    assert 0 <= report.points < report.full
    assert all(isinstance(line.words, str) for line in report.lines) and report.lines


# The same verdict on both sides

JUDGED = """\
from rnnlib.checks import battery
from rnnlib.checks.exercises import named
verdicts = []
for wanted, hidden, fn in {chosen}:
    report = battery.judge(fn, named(wanted), hidden)
    verdicts.append([report.points, [[line.part, line.verdict, line.words, line.mistake] for line in report.lines]])
verdicts
"""


def verdict(fn, exercise, hidden):
    report = battery.judge(fn, exercise, hidden)
    return [report.points, [[line.part, line.verdict, line.words, line.mistake] for line in report.lines]]


@pytest.fixture(scope="module")
def pair():
    pair = Pair(Sandbox(), ROOT / "exercises" / "02-bptt", {"RNNLIB_HIDDEN_SEED": "spring"})
    yield pair
    pair.close()


def through_the_bridge(pair, setup, chosen):
    """The verdicts on the student's names in `chosen`: (exercise, hidden, name)."""
    listed = ", ".join(f"({wanted!r}, {hidden}, {name})" for wanted, hidden, name in chosen)
    test = mark(new_code_cell(JUDGED.format(chosen=f"[{listed}]"), id="test"), grade=True, points=1)
    cells = [new_code_cell(source) for source in setup] + [test]
    execution = Execution(pair, new_notebook(), timeout=300)
    execution.run(cells, lambda cell: cell.id)
    errors = [output for cell in cells for output in cell.outputs if output.output_type == "error"]
    assert not errors, errors
    (result,) = [output for output in test.outputs if output.output_type == "execute_result"]
    return ast.literal_eval(result.data["text/plain"]), execution


def sampled(exercise):
    """Some of an exercise's mistakes and of its right styles, as Python that finds them again."""
    mistakes = range(0, len(exercise.mistakes), max(1, len(exercise.mistakes) // (4 if FULL else 2)))
    module = f"rnnlib.checks.styles.{exercise.assignment.split('-')[1]}"
    for k in mistakes:
        yield f"named({exercise.name!r}).mistakes[{k}].variant"
    for k in range(0, 6, 3) if FULL else [3]:
        yield f"__import__({module!r}, fromlist=['STYLES']).STYLES[{exercise.name!r}][{k}]"


@pytest.mark.parametrize("assignment", sorted({exercise.assignment for exercise in EXERCISES}))
def test_a_check_says_the_same_through_the_bridge(pair, assignment, monkeypatch):
    monkeypatch.setenv("RNNLIB_HIDDEN_SEED", "spring")
    from rnnlib.checks.exercises import named

    chosen, setup, expected = [], ["from rnnlib.checks.exercises import named"], []
    for exercise in (e for e in EXERCISES if e.assignment == assignment):
        for k, source in enumerate(sampled(exercise)):
            name = f"candidate_{len(chosen)}"
            setup.append(f"{name} = {source}")
            chosen.append((exercise.name, bool(k % 2), name))
            expected.append(verdict(eval(source, {"named": named}), exercise, bool(k % 2)))
    got, _ = through_the_bridge(pair, setup, chosen)
    for (wanted, hidden, _), one, other, source in zip(chosen, got, expected, setup[1:], strict=True):
        assert one == other, (wanted, hidden, source)
    assert len({points for points, _ in got}) > 2


#: What students write: all kinds of things that go wrong, in the notebook itself.
WRITTEN = {
    "rnn_step": """\
def {name}(x, h_prev, W_x, W_h, b):
    {body}
""",
    "cross_entropy": """\
def {name}(logits, targets):
    {body}
""",
}
BODIES = [
    ("rnn_step", "raise NotImplementedError('write this function')"),
    ("rnn_step", "return np.tanh(x @ W_x + h_prev @ W_h + bias)"),
    ("rnn_step", "return np.tanh(x @ W_x.T + h_prev @ W_h + b)"),
    ("rnn_step", "print('here', x.shape); print('there'); return np.tanh(x @ W_x + h_prev @ W_h + b)"),
    ("rnn_step", "np.log(0 * x); return np.tanh(x @ W_x + h_prev @ W_h + b)"),
    ("rnn_step", "h_prev += 1; return np.tanh(x @ W_x + (h_prev - 1) @ W_h + b)"),
    ("rnn_step", "h_prev *= 2; return np.tanh(x @ W_x + h_prev @ W_h + b)"),
    ("rnn_step", "pass"),
    ("rnn_step", "yield x"),
    ("rnn_step", "return [np.tanh(x @ W_x + h_prev @ W_h + b)]"),
    ("rnn_step", "return np.tanh(x @ W_x + h_prev @ W_h + b).tolist()"),
    ("rnn_step", "return np.tanh(x @ W_x + h_prev @ W_h + b).astype(object)"),
    ("rnn_step", "return np.tanh(x @ W_x + h_prev @ W_h + b).astype(np.float32)"),
    ("rnn_step", "return np.tanh(x @ W_x + h_prev @ W_h + b), x"),
    ("rnn_step", "return {'h': np.tanh(x @ W_x + h_prev @ W_h + b)}"),
    ("rnn_step", "return {1, 2}"),
    ("rnn_step", "return np.full(h_prev.shape, np.nan)"),
    ("rnn_step", "return (x @ W_x + h_prev @ W_h + b).astype(complex)"),
    ("rnn_step", "return np.matrix(np.tanh(x @ W_x + h_prev @ W_h + b))"),
    ("rnn_step", "return np.tanh(x @ W_x + h_prev @ W_h + b, out=kept[:len(x), :len(b)])"),
    ("rnn_step", "kept[0, 0] += 1; return np.tanh(x @ W_x + h_prev @ W_h + b) + kept[0, 0]"),
    ("rnn_step", "return {name}(x, h_prev, W_x, W_h, b)"),
    ("rnn_step", "import sys; sys.exit()"),
    ("rnn_step", "raise ValueError('a message\\nof two lines')"),
    ("rnn_step", "return np.broadcast_to(0.0, h_prev.shape)"),
    ("cross_entropy", "return 1"),
    ("cross_entropy", "return float('nan')"),
    ("cross_entropy", "return np.float32(1.0)"),
    ("cross_entropy", "return 10 ** 50"),
    ("cross_entropy", "return 1 + 2j"),
    ("cross_entropy", "return 'one'"),
    ("cross_entropy", "return np.array(1.0)"),
    ("cross_entropy", "return np.array(['a'])"),
    ("cross_entropy", "return np.array(None)"),
    ("cross_entropy", "return np.complex128(1)"),
    ("cross_entropy", "return logits"),
    ("cross_entropy", "return True"),
]  # fmt: skip


def test_what_students_write_is_judged_the_same_through_the_bridge(pair):
    head = "import numpy as np\nkept = np.zeros((20, 20))"
    sources = [
        WRITTEN[wanted].format(name=f"f_{k}", body=body.replace("{name}", f"f_{k}"))
        for k, (wanted, body) in enumerate(BODIES)
    ]
    chosen = [(wanted, False, f"f_{k}") for k, (wanted, _) in enumerate(BODIES)]
    got, execution = through_the_bridge(pair, [head, *sources], chosen)
    assert execution.notes == []
    names = {}
    exec(head, names)
    for k, source in enumerate(sources):
        file = f"<ipython-input-{k}-test>"
        linecache.cache[file] = (len(source), None, source.splitlines(True), file)
        exec(compile(source, file, "exec"), names)
    known = {exercise.name: exercise for exercise in EXERCISES}
    for (wanted, body), (_, hidden, name), one in zip(BODIES, chosen, got, strict=True):
        assert one == verdict(names[name], known[wanted], hidden), (wanted, body)
