# ruff: noqa: E501  (a row of the table is a submission)
"""Attacks and faults as submissions: each gets the points that its functions deserve, and leaves nothing behind.

The submissions answer two functions, `softmax` (1 point for the check and 1 for the hidden one) and `readout` (the same).
Where an attack is to give points, `softmax` is wrong and `readout` right, so that 2 are deserved.
"""

import os
import resource
import time

import nbformat
import pytest
from courses import ROOT, descendants, mark
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import is_grade

from rnngrader import split
from rnngrader.pipeline import points_of
from rnngrader.sandbox import Sandbox
from rnngrader.split import Execution, Pair

IMPORTS = "import numpy as np\n\nfrom rnnlib import check"
STUB = "raise NotImplementedError"
WRONG = "return logits"
RIGHT = "e = np.exp(logits - logits.max(axis=-1, keepdims=True))\n    return e / e.sum(axis=-1, keepdims=True)"
READOUT = "return hs @ W_y + b_y"
SEED = "the hidden word"


def assignment(softmax=STUB, readout=STUB, own=None):
    cells = [new_code_cell(IMPORTS, id="imports")]
    if own is not None:
        cells.append(new_code_cell(own, id="own"))
    for name, body in (
        ("softmax", f"def softmax(logits):\n    {softmax}"),
        ("readout", f"def readout(hs, W_y, b_y):\n    {readout}"),
    ):
        test = {"grade": True, "locked": True, "points": 1}
        cells += [
            mark(new_code_cell(body, id=name), solution=True),
            mark(new_code_cell(f"check({name})", id=f"{name}-check"), **test),
            mark(new_code_cell(f"check({name}, hidden=True)", id=f"{name}-hidden"), **test),
        ]
    return new_notebook(cells=cells)


#: Sends frames as the runner does: with the channel of the process, found among its objects.
CHANNEL = "channel = get_ipython().outputs.channel\n"
FAKE = '{"output_type": "execute_result", "data": {"text/plain": "1.0"}, "metadata": {}, "execution_count": 3}'

#: name -> (a cell of their own, the body of softmax, points, what the notebook then shows or what the report notes)
ATTACKS = {
    # Reading
    "reads-notebooks": (
        "import os\nprint([f for top in ('/submission', '/tmp', '/assignment', '/course', '/dev', '/etc', '/var', '/home')"
        " for _, _, names in os.walk(top) for f in names if f.endswith(('.ipynb', '.db'))])", WRONG, 2, "[]\n"),
    "reads-the-course": (f"print(__import__('os').path.exists({str(ROOT)!r}), __import__('os').path.exists('/root'))", WRONG, 2, "False False"),
    "reads-the-first-environment": ("open('/proc/1/environ', 'rb').read()", WRONG, 2, "PermissionError"),
    "reads-the-seed": ("import os\nprint('seed', os.environ.get('RNNLIB_HIDDEN_SEED'))", WRONG, 2, "seed None"),
    "sees-others": ("import os\nprint(sorted(int(p) for p in os.listdir('/proc') if p.isdigit()))", WRONG, 2, "[1, 2]"),
    "looks-into-memory": ("open('/proc/1/mem', 'rb')", WRONG, 2, "PermissionError"),
    "writes-the-library": ("open('/course/rnnlib/checks/battery.py', 'a')", WRONG, 2, "[Errno"),
    "writes-the-root": ("open('/dev/left', 'w')", WRONG, 2, "Read-only file system"),
    "gains-rights": ("import ctypes\nprint(ctypes.CDLL(None).unshare(0x10000000), ctypes.CDLL(None).mount(b'a', b'/tmp', b'tmpfs', 0, None))",
                     WRONG, 2, "-1 -1"),
    # Reaching out
    "network": ("import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)", WRONG, 2, "Network is unreachable"),
    "own-network": ("import socket\nprint(socket.if_nameindex())", WRONG, 2, "[(1, 'lo')]"),
    "sql": ("import sqlite3\nsqlite3.connect('gradebook.db').execute('update grade set auto_score = 150')", WRONG, 2, "no such table"),
    # Taking without end
    "endless": (None, "while True: pass", 2, "did not return within 1 s"),
    "endless-deaf": (None, "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {2, 14})\n    while True: pass", 2, "could not be interrupted"),
    "endless-cell": ("while True: pass", RIGHT, 4, "not finished after 2 seconds"),
    "endless-deaf-cell": ("import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass", RIGHT, 4, "could not be interrupted"),
    "swallows-interrupts": (None, "while True:\n        try:\n            while True: pass\n        except BaseException: pass", 2, "did not return within 1 s"),
    "sleeps": ("import signal, os\nos.kill(os.getpid(), signal.SIGSTOP)", RIGHT, 4, "could not be interrupted"),
    "memory": ("a = []\nwhile True: a.append(bytes([1]) * 50_000_000)", RIGHT, 4, "more memory"),
    "memory-in-a-call": (None, "a = []\n    while True: a.append(bytes([1]) * 50_000_000)", 2, "more memory"),
    "memory-in-children": ("import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        a = bytes([1]) * 80_000_000\n        time.sleep(60)\ntime.sleep(60)",
                           RIGHT, 4, "more memory"),
    "large-answer": (None, "return np.zeros((40_000, 1000))", 2, "larger than"),
    "endless-answer": (None, "return np.broadcast_to(0.0, (10**9, 10**9))", 2, "larger than"),
    "deep-answer": (None, "a = []\n    for _ in range(100_000): a = [a]\n    return a", 2, "a list"),
    "files": ("for k in range(100): open(f'/tmp/{k}', 'wb').write(bytes(2**20))", WRONG, 2, "No space left"),
    "a-file": ("open('large', 'wb').write(bytes(2**26))", WRONG, 2, "[Errno"),
    "many-files": ("for k in range(10_000): open(f'/tmp/{k}', 'wb').close()", WRONG, 2, "No space left"),
    "open-files": ("files = [open('/dev/null') for _ in range(1000)]", WRONG, 2, "Too many open files"),
    "processes": ("import os, time\nfor k in range(1000):\n    if os.fork() == 0: time.sleep(1000)", WRONG, 2, "BlockingIOError"),
    "threads": ("import threading, time\nfor _ in range(1000): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
                WRONG, 2, "can't start new thread"),
    "stays": ("import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(1000)\n    os._exit(0)", WRONG, 2, ""),
    "flood-short": ("while True: print('x')", RIGHT, 4, "there is too much of it"),
    "flood-long": ("while True: print('x' * 1_000_000)", RIGHT, 4, "there is too much of it"),
    "flood-errors": ("for _ in range(2000): get_ipython().showtraceback((ValueError, ValueError('x' * 10_000), None))", WRONG, 2, "too much of it"),
    "flood-in-a-call": (None, "for _ in range(10_000): print('x' * 10_000)\n    return logits", 2, "The function prints"),
    "flood-beside": (CHANNEL + "while True: channel.send(b'o', b'{}' + bytes(100_000))", RIGHT, 4, "more than anyone can read"),
    # Ending things
    "exits-hard": ("import os\nos._exit(0)", RIGHT, 4, "ended Python itself"),
    "exits": ("import sys\nsys.exit(3)", RIGHT, 4, "SystemExit"),
    "exits-hard-in-a-call": (None, "import os; os._exit(0)", 2, "Python itself ended"),
    "exits-in-a-call": (None, "raise SystemExit", 2, "It leaves Python"),
    "crashes": (None, "import ctypes; ctypes.string_at(0)", 2, "Python itself ended"),
    "kills-the-first": ("import os\nos.kill(1, 9)\nprint(os.getppid())", WRONG, 2, "1\n"),
    "kills-all": ("import os\nos.kill(-1, 9)", WRONG, 2, "ProcessLookupError"),
    "kills-itself": ("import os\nos.kill(os.getpid(), 9)", RIGHT, 4, "ended Python itself"),
    "closes-files": ("import os\nos.closerange(0, 256)", RIGHT, 4, "ended Python itself"),
    "writes-to-files": ("import os\nfor fd in range(3, 256):\n    try: os.write(fd, b'\\xff' * 1000)\n    except OSError: pass", RIGHT, 4, "broke the connection"),
    # Redefining what judges
    "own-check": ("def check(*args, **kwargs): return 1.0", WRONG, 2, ""),
    "patches-check": ("import rnnlib.checks as c\nc.check = c.battery.judge = c.battery.run = lambda *a, **k: 1.0", WRONG, 2, ""),
    "patches-comparison": ("import rnnlib.checks.compare as c, rnnlib.checks.battery as b\nb.same = c.same = lambda *a, **k: True\n"
                           "b.first_difference = lambda *a, **k: None", WRONG, 2, ""),
    "patches-numpy": ("np.testing.assert_allclose = lambda *a, **k: None\nnp.allclose = np.isclose = np.array_equal = lambda *a, **k: True", WRONG, 2, ""),
    "patches-builtins": ("import builtins\nbuiltins.float = lambda *a: 1.0\nbuiltins.len = lambda a: 1\nbuiltins.round = lambda *a: 1.0", WRONG, 2, "it was left out"),
    "patches-the-bridge": ("import rnngrader.inside as i\ni.encode = lambda *a, **k: b'\\x80\\x04cos\\nsystem\\n(X\\x02\\x00\\x00\\x00idtR.'", WRONG, 0, "is not defined"),
    "says-more": (None, CHANNEL.replace("\n", "\n    ") + "for k in range(1000): channel.send(b'r', k.to_bytes(8, 'big') + b'+' + bytes(9))\n    return logits", 2, ""),
    "answers-all-the-time": (CHANNEL + "import threading, time\ndef answer():\n    while True:\n        time.sleep(0.001)\n"
                             "        channel.send(b'r', bytes(8) + b'.')\nthreading.Thread(target=answer, daemon=True).start()", WRONG, 2, ""),
    "deletes-itself": (None, "globals().pop('softmax', None)\n    return logits", 2, None),
    # Answers that are more than numbers
    "equals-all": ("class Right(np.ndarray):\n    __eq__ = __le__ = __lt__ = lambda self, other: True\n    __array__ = lambda self, *a, **k: np.ones(1)\n"
                   "    __array_ufunc__ = lambda self, *a, **k: True\n    __reduce__ = lambda self: (print, ('pickled',))\n    __sub__ = lambda s, o: 0 * o",
                   "return logits.view(Right)", 2, ""),
    "pretends": ("class Any:\n    __class__ = np.ndarray\n    dtype, shape, ndim = np.dtype(float), (3, 4), 2\n    __array__ = lambda self, *a, **k: np.ones(1)\n"
                 "    __eq__ = lambda *a: True", "return Any()", 2, None),
    "float-subclass": ("class Points(float):\n    __repr__ = lambda self: '1.0'\n    __format__ = lambda self, spec: '1'", "return Points('nan')", 2, "It gives back a float"),
    "objects": (None, "return np.array([type('A', (), {'__eq__': lambda *a: True})()] * logits.size).reshape(logits.shape)", 2, "dtype object"),
    "not-a-number": (None, "return np.full(logits.shape, np.nan)", 2, ""),
    "infinite": (None, "return np.full(logits.shape, np.inf)", 2, ""),
    "raises-strangely": ("class Odd(BaseException):\n    def __str__(self): raise ValueError\n    __repr__ = __str__", "raise Odd", 2, None),
    "raises-notes": (None, "raise ValueError('1.0\\n' * 100_000)", 2, "stops with an exception"),
    "says-unwritten": ("import rnnlib.checks.calls as c\nold = c.perform\ndef perform(*a):\n    d = old(*a); d.kind, d.problem = 'passed', 7; return d\nc.perform = perform", WRONG, 2, ""),
    # Displays and the shell
    "forged-display": ("from IPython.display import display\ndisplay({'text/plain': '1.0'}, raw=True)\n1.0", WRONG, 2, ""),
    "forged-result": (None, CHANNEL.replace("\n", "\n    ") + f"channel.send(b'o', b'''{FAKE}''')\n    return logits", 2, ""),
    "forged-later": (CHANNEL + "import threading, time\ndef forge():\n    while True:\n        time.sleep(0.01)\n"
                     f"        try: channel.send(b'o', b'''{FAKE}''')\n        except Exception: pass\nthreading.Thread(target=forge, daemon=True).start()", WRONG, 2, None),
    "display-hooks": ("import sys\nsys.displayhook = lambda v: None\nget_ipython().displayhook.write_format_data = lambda *a: None\n"
                      "get_ipython().display_formatter.format = lambda *a, **k: ({'text/plain': '1.0'}, {})", WRONG, 2, ""),
    "input-transformer": ("def only(lines): return ['1.0\\n'] if any('check' in l for l in lines) else lines\n"
                          "get_ipython().input_transformers_cleanup.append(only)", WRONG, 2, ""),
    "ast-transformer": ("import ast\nclass Only(ast.NodeTransformer):\n    def visit_Call(self, node): return ast.Constant(1.0) if ast.unparse(node.func) == 'check' else node\n"
                        "get_ipython().ast_transformers.append(Only())", WRONG, 2, ""),
    "hides-errors": ("get_ipython().showtraceback = lambda *a, **k: None\nget_ipython().kernel.do_execute = None", WRONG, 2, ""),
    "shell-history": ("for k in range(20): Out[k] = 1.0\n_ = __ = 1.0\nIn[:] = ['1.0'] * 20", WRONG, 2, ""),
    "callers-frames": (None, "import sys, rnnlib.checks.calls as c\n    frame = sys._getframe(1)\n    while frame is not None:\n"
                       "        done = frame.f_locals.get('done')\n        if type(done) is c.Done: done.problem, done.kind, done.returned = None, '', None\n"
                       "        frame = frame.f_back\n    return logits", 2, ""),
    "garbage-collector": (None, "import gc; found = [o for o in gc.get_objects() if type(o).__name__ in ('Case', 'Report', 'Outcome')]\n    print('found', found)\n    return logits",
                          2, "found []"),
    "lent": ("from rnnlib import lend", "return lend('softmax')(logits)", 2, "lent so that you can go on"),
    "imported": ("from rnnlib.activations import softmax as theirs", "return 0\nsoftmax = theirs", 2, "the library's own softmax"),
    # Honest
    "honest": (None, RIGHT, 4, ""),
    "warns": ("import warnings, sys\nwarnings.warn('careful')\nprint('careful', file=sys.stderr)", RIGHT, 4, "careful"),
    "plots": ("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", RIGHT, 4, "<Figure size"),
    "prints": ("for k in range(3): print(k, end=' ', flush=True)", "print(logits.shape)\n    " + RIGHT, 4, "The function prints"),
    "uses-threads": ("from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool: print(sum(pool.map(abs, range(5))))", RIGHT, 4, "10\n"),
    "slow-import": ("import time\ntime.sleep(1.5)\nprint('imported')", RIGHT, 4, "imported"),
    "magics": ("%matplotlib inline\n%timeit -n1 -r1 1\n!echo shell\nawaited = await __import__('asyncio').sleep(0, 5)\nprint('awaited', awaited)", RIGHT, 4, "awaited 5"),
    "changes-everything": ("import os, sys\nos.chdir('/')\nsys.stdout = sys.stderr = None\nsys.path.clear()", RIGHT, 4, ""),
}  # fmt: skip


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release") / "attacked"
    folder.mkdir()
    nbformat.write(assignment(), folder / "attacked.ipynb")
    (folder / "data.txt").write_text("data")
    grace, split.GRACE = split.GRACE, 0.7
    sandbox = Sandbox(
        call_seconds=1.0, memory_bytes=400 * 2**20, file_bytes=20 * 2**20, output_bytes=2**18, answer_bytes=2**22,
        wall_seconds=60.0, processes=40,
    )  # fmt: skip
    pair = Pair(sandbox, folder, {"RNNLIB_HIDDEN_SEED": SEED})
    yield pair
    split.GRACE = grace
    pair.close()


def graded(pair, notebook):
    """The points of each check, all that is to be read, and the run."""
    execution = Execution(pair, assignment(), timeout=2)
    execution.run(notebook.cells, lambda cell: cell.id)
    points, problems = zip(*(points_of(cell) for cell in notebook.cells if is_grade(cell)), strict=True)
    shown = [text_of(output) for cell in notebook.cells for output in cell.outputs]
    return points, [problem for problem in problems if problem], "\n".join(shown + execution.notes), execution


def text_of(output):
    """All that an output has for a reader, as text."""
    if output.output_type == "error":
        return f"{output.ename}: {output.evalue}"
    return output.text if output.output_type == "stream" else output.data.get("text/plain", "")


HONEST = (1.0, 1.0, 1.0, 1.0)
LOOK = "import os\nprint(*(sorted(os.listdir(d)) for d in ('/tmp', '/dev/shm', '/submission', '.')))"


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_gets_what_its_functions_deserve_and_leaves_nothing(pair, attack):
    own, softmax, deserved, words = ATTACKS[attack]
    pair.student.start()
    pair.tests.start()
    before = descendants(os.getpid())
    start = time.monotonic()
    notebook = assignment(softmax, READOUT, own)
    points, problems, shown, execution = graded(pair, notebook)
    took = time.monotonic() - start
    assert (sum(points), problems, execution.person) == (deserved, [], []), (points, shown[-3000:])
    if words is not None:
        assert words in shown, shown[:3000]
    assert len(str(notebook)) < 2 * 2**20
    assert took < 30, "took too long"
    until = time.monotonic() + 2
    while (
        descendants(os.getpid()) - before and time.monotonic() < until
    ):  # the last one says that all others are gone, then goes
        time.sleep(0.01)
    assert descendants(os.getpid()) - before == set()
    # The next one in the same containers sees nothing of it, and gets all of theirs.
    points, problems, shown, _ = graded(pair, assignment(RIGHT, READOUT, LOOK))
    assert (points, problems) == (HONEST, [])
    assert "[] [] ['data.txt'] ['data.txt']" in shown, shown[:500]


def test_an_import_may_take_its_time(pair):
    notebook = assignment(RIGHT, READOUT, "import torch\nprint(torch.arange(4).sum())")
    execution = Execution(pair, assignment(), timeout=120)
    execution.run(notebook.cells, lambda cell: cell.id)
    assert [text_of(output) for output in notebook.cells[1].outputs] == ["tensor(6)\n"]
    assert [points_of(cell)[0] for cell in notebook.cells if is_grade(cell)] == list(HONEST)


def test_all_of_it_took_little_memory_here():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert peak < 2 * 2**30
