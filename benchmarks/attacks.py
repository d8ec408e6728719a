# ruff: noqa: E501  (a row of the table is a submission)
"""Attacks, faults and honest code as submissions, each with the points that its functions deserve.

The assignment `attacked` has two functions, `softmax` and `readout`, with 1 point for the check of each and 1 for the
hidden one. `readout` is right in every submission. Where an attack is to give points, `softmax` is wrong, so that 2 are
deserved. tests/rnngrader/test_attacks.py runs them, and `benchmarks.beside_stock` grades them with stock nbgrader too.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

ROOT = Path(__file__).resolve().parents[1]
NAME = "attacked"
CHECKS = ("softmax-check", "softmax-hidden", "readout-check", "readout-hidden")
IMPORTS = "import numpy as np\n\nfrom rnnlib import check"
STUB = "raise NotImplementedError"
WRONG = "return logits"
RIGHT = "e = np.exp(logits - logits.max(axis=-1, keepdims=True))\n    return e / e.sum(axis=-1, keepdims=True)"
READOUT = "return hs @ W_y + b_y"
#: What `c.Sandbox` says where these rows are graded: little, so that taking all of it does not take long.
LIMITS = {
    "call_seconds": 1.0, "memory_bytes": 400 * 2**20, "file_bytes": 20 * 2**20, "output_bytes": 2**18,
    "answer_bytes": 2**22, "wall_seconds": 60.0, "processes": 40,
}  # fmt: skip


@dataclass(frozen=True)
class Attack:
    """One row: a submission, and what it deserves.

    Parameters
    ----------
    words : str
        What it does, for people.
    own : str or None
        A cell of the student's own, after the imports.
    softmax : str
        The body of `softmax`; what stands at its left edge is beside the function.
    deserved : float
        Points, of 4.
    shows : str or None
        What the graded notebook or its notes say; None for what depends on the moment.
    found : str or None
        What it would show if it had found what it looks for.
    edit : function or None
        Changes the notebook in place before it is handed in.
    data : bytes or function or None
        The file in place of a notebook, or what makes it.
    beside : dict of str to str
        Further files, handed in with it.
    link : str or None
        The file is a link to this path.
    person : bool
        Whether a person has to look.
    """

    words: str
    own: str | None
    softmax: str
    deserved: float
    shows: str | None = ""
    found: str | None = None
    edit: Callable | None = None
    data: bytes | Callable | None = None
    beside: tuple = ()
    link: str | None = None
    person: bool = False

    @property
    def is_file(self):
        """Whether the submission is more, or less, than a notebook that can be read."""
        return bool(self.data is not None or self.beside or self.link)

    def file(self):
        """The submitted notebook file, as bytes."""
        if self.data is not None:
            return self.data() if callable(self.data) else self.data
        notebook = notebook_of(self.softmax, READOUT, self.own)
        if self.edit is not None:
            self.edit(notebook)
        return json.dumps(notebook).encode()

    def hand_in(self, folder):
        """Writes the submission of a student.

        Parameters
        ----------
        folder : path
            submitted/<student>.
        """
        path = Path(folder, NAME, f"{NAME}.ipynb")
        path.parent.mkdir(parents=True)
        if self.link is not None:
            path.symlink_to(self.link)
        else:
            path.write_bytes(self.file())
        for name, text in self.beside:
            (path.parent / name).write_text(text, encoding="utf-8")


def mark(cell, **marks):
    """A notebook cell with nbgrader's marks; its id is its grade_id."""
    cell.metadata["nbgrader"] = {
        "schema_version": 3, "grade_id": cell.id, "cell_type": cell.cell_type,
        "grade": False, "solution": False, "locked": False, "task": False, **marks,
    }  # fmt: skip
    return cell


def notebook_of(softmax=STUB, readout=STUB, own=None, hidden=""):
    """The notebook of the assignment.

    Parameters
    ----------
    softmax, readout : str
        The functions' bodies.
    own : str or None
        A cell of the student's own.
    hidden : str
        The hidden checks, with `{}` for the function's name; empty in what students get.

    Returns
    -------
    notebook : NotebookNode
    """
    cells = [new_code_cell(IMPORTS, id="imports")]
    if own is not None:
        cells.append(new_code_cell(own, id="own"))
    for name, head, body in (("softmax", "logits", softmax), ("readout", "hs, W_y, b_y", readout)):
        test = {"grade": True, "locked": True, "points": 1}
        cells += [
            mark(new_code_cell(f"def {name}({head}):\n    {body}", id=name), solution=True),
            mark(new_code_cell(f"check({name})", id=f"{name}-check"), **test),
            mark(new_code_cell(hidden.format(name), id=f"{name}-hidden"), **test),
        ]
    kernelspec = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernelspec})


def with_hidden():
    """The release with its hidden checks, as grading runs it."""
    return notebook_of(hidden="check({}, hidden=True)")


def source():
    """The notebook that the instructor writes."""
    marked = "### BEGIN SOLUTION\n    {}\n    ### END SOLUTION"
    hidden = "### BEGIN HIDDEN TESTS\ncheck({}, hidden=True)\n### END HIDDEN TESTS"
    return notebook_of(marked.format(RIGHT), marked.format(READOUT), hidden=hidden)


#: Sends frames as the runner does: with the channel of the process, found among its objects.
CHANNEL = "channel = get_ipython().outputs.channel\n"
FAKE = '{"output_type": "execute_result", "data": {"text/plain": "1.0"}, "metadata": {}, "execution_count": 3}'

#: Where a kernel runs in the folder autograded/<student>/<assignment>, the course is three folders above.
BOOKS = "import glob\nbooks = [b for n in range(5) for b in glob.glob('../' * n + 'gradebook.db')]\n"

#: Runs the softmax of another notebook, if it finds one.
STEAL = """return logits

import glob, json
for path in sorted(glob.glob('{}')):
    for cell in json.load(open(path))['cells']:
        if cell['metadata'].get('nbgrader', {{}}).get('grade_id') == 'softmax':
            exec(''.join(cell['source']))
            print('stolen', 'goods')
print('looked')"""

#: In each shell that starts later under this home, every check gives no points.
STARTUP = """import os, pathlib
folder = pathlib.Path(os.environ.get('IPYTHONDIR') or pathlib.Path.home() / '.ipython', 'profile_default', 'startup')
folder.mkdir(parents=True, exist_ok=True)
folder.joinpath('0.py').write_text('''get_ipython().input_transformers_cleanup.append(
    lambda lines: ['0.0'] if any(line.startswith('check(') for line in lines) else lines)''')
print('written')"""

DO_EXECUTE = """from ipykernel.ipkernel import IPythonKernel
old = IPythonKernel.do_execute
async def do_execute(self, code, *args, **kwargs):
    return await old(self, '1.0' if 'check(' in code else code, *args, **kwargs)
IPythonKernel.do_execute = do_execute"""


def cell_of(notebook, grade_id):
    """A cell and its position."""
    return next((cell, k) for k, cell in enumerate(notebook.cells) if cell.id == grade_id)


def without(*grade_ids):
    def edit(notebook):
        notebook.cells = [cell for cell in notebook.cells if cell.id not in grade_ids]

    return edit


def duplicated(grade_id, text):
    def edit(notebook):
        cell, k = cell_of(notebook, grade_id)
        copy = new_code_cell(text, id="copied", metadata=cell.metadata)
        notebook.cells.insert(k, copy)

    return edit


def retyped(grade_id):
    def edit(notebook):
        cell, k = cell_of(notebook, grade_id)
        notebook.cells[k] = new_markdown_cell(cell.source, id=cell.id, metadata=cell.metadata)

    return edit


def edited(grade_id, text):
    def edit(notebook):
        cell_of(notebook, grade_id)[0].source = text

    return edit


def remarked(grade_id, **marks):
    def edit(notebook):
        cell, _ = cell_of(notebook, grade_id)
        cell.metadata = {"nbgrader": {**cell.metadata["nbgrader"], **marks}} if marks else {}

    return edit


def worth(points):
    def edit(notebook):
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade"):
                cell.metadata["nbgrader"]["points"] = points

    return edit


def in_another_language(notebook):
    notebook.metadata["kernelspec"] = {"name": "ir", "display_name": "R", "language": "R"}


def another_notebook():
    """A notebook that has nothing to do with the assignment."""
    return json.dumps(new_notebook(cells=[new_code_cell("def other():\n    return 1")])).encode()


def huge():
    """The notebook as it was given out, with 60 MB in a comment."""
    return json.dumps(notebook_of(own="# " + "x" * 60_000_000)).encode()


#: kind -> name -> row
KINDS = {
    "Reading": {
        "reads-notebooks": Attack("looks for notebooks and databases in every folder",
            "import os\nprint([f for top in ('/submission', '/tmp', '/assignment', '/course', '/dev', '/etc', '/var', '/home')"
            " for _, _, names in os.walk(top) for f in names if f.endswith(('.ipynb', '.db'))])", WRONG, 2, "[]\n"),
        "reads-the-course": Attack("asks whether the course's folder is there",
            f"print(__import__('os').path.exists({str(ROOT)!r}), __import__('os').path.exists('/root'))", WRONG, 2, "False False"),
        "reads-the-first-environment": Attack("reads the environment of the first process",
            "open('/proc/1/environ', 'rb').read()", WRONG, 2, "PermissionError"),
        "reads-the-seed": Attack("reads the hidden checks' seed from the environment",
            "import os\nprint('seed', os.environ.get('RNNLIB_HIDDEN_SEED'))", WRONG, 2, "seed None"),
        "sees-others": Attack("lists the processes",
            "import os\nprint(sorted(int(p) for p in os.listdir('/proc') if p.isdigit()))", WRONG, 2, "[1, 2]"),
        "looks-into-memory": Attack("opens the memory of another process",
            "open('/proc/1/mem', 'rb')", WRONG, 2, "PermissionError"),
        "reads-its-own-notebook": Attack("prints the hidden checks from the notebook's own file",
            "import glob\nprint([line for path in glob.glob('*.ipynb') for line in open(path) if 'hidden' + '=' in line])", WRONG, 2, "[]\n",
            found="hidden="),
        "reads-the-solution": Attack(
            "runs the solution from the instructor's folder", None, STEAL.format("../../../so*/attacked/attacked.ipynb"), 2, "looked", found="stolen goods"),
        "reads-another-student": Attack(
            "runs the answer of another student", None, STEAL.format("../../../submitted/z*/attacked/attacked.ipynb"), 2, "looked", found="stolen goods"),
        "reads-the-gradebook": Attack("lists the class from the gradebook",
            BOOKS + "import sqlite3\nprint('class', [row[0] for b in books for row in sqlite3.connect(b).execute('select id from student')])",
            WRONG, 2, "class []", found="class ['"),
    },
    "Reaching out": {
        "network": Attack("connects to an address on the internet",
            "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)", WRONG, 2, "Network is unreachable"),
        "own-network": Attack("lists the network's devices",
            "import socket\nprint(socket.if_nameindex())", WRONG, 2, "[(1, 'lo')]"),
        "sql": Attack("gives every student 150 points with a line of SQL",
            BOOKS + "import sqlite3\nfor b in books:\n    with sqlite3.connect(b) as book: book.execute('update grade set manual_score = 37.5')\nprint(len(books), 'books')",
            WRONG, 2, "0 books"),
        "writes-the-library": Attack("writes to the library that judges",
            "open('/course/rnnlib/checks/battery.py', 'a')", WRONG, 2, "[Errno"),
        "writes-the-root": Attack("writes outside its folder",
            "open('/dev/left', 'w')", WRONG, 2, "Read-only file system"),
        "gains-rights": Attack("makes a namespace and mounts a file system",
            "import ctypes\nprint(ctypes.CDLL(None).unshare(0x10000000), ctypes.CDLL(None).mount(b'a', b'/tmp', b'tmpfs', 0, None))",
            WRONG, 2, "-1 -1"),
        "truncates-the-gradebook": Attack(
            "empties the gradebook", BOOKS + "for b in books: open(b, 'w').close()\nprint(len(books), 'books')", WRONG, 2, "0 books"),
        "empties-another": Attack("empties the submission of another student",
            "import glob\nothers = glob.glob('../../../submitted/z*/attacked/attacked.ipynb')\nfor path in others: open(path, 'w').close()\nprint(len(others), 'others')",
            WRONG, 2, "0 others"),
        "leaves-a-startup-file": Attack(
            "leaves a file by which every later shell gives no points", STARTUP, WRONG, 2, "written"),
    },
    "Taking without end": {
        "endless": Attack("a function that loops without end",
            None, "while True: pass", 2, "did not return within 1 s"),
        "endless-deaf": Attack("the same, deaf to interrupts",
            None, "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, {2, 14})\n    while True: pass", 2, "could not be interrupted"),
        "endless-cell": Attack("a cell that loops without end",
            "while True: pass", RIGHT, 4, "not finished after 2 seconds"),
        "endless-deaf-cell": Attack("a cell that loops and ignores SIGINT",
            "import signal\nsignal.signal(2, signal.SIG_IGN)\nwhile True: pass", RIGHT, 4, "could not be interrupted"),
        "swallows-interrupts": Attack("a loop that catches every interrupt",
            None, "while True:\n        try:\n            while True: pass\n        except BaseException: pass", 2, "did not return within 1 s"),
        "sleeps": Attack("stops its own process",
            "import signal, os\nos.kill(os.getpid(), signal.SIGSTOP)", RIGHT, 4, "could not be interrupted"),
        "memory": Attack("a cell that takes memory without end",
            "a = []\nwhile True: a.append(bytes([1]) * 50_000_000)", RIGHT, 4, "more memory"),
        "memory-in-a-call": Attack("a function that takes memory without end",
            None, "a = []\n    while True: a.append(bytes([1]) * 50_000_000)", 2, "more memory"),
        "memory-in-children": Attack("eight processes that take memory together",
            "import os, time\nfor _ in range(8):\n    if os.fork() == 0:\n        a = bytes([1]) * 80_000_000\n        time.sleep(60)\ntime.sleep(60)",
            RIGHT, 4, "more memory"),
        "large-answer": Attack("gives back 320 MB",
            None, "return np.zeros((40_000, 1000))", 2, "larger than"),
        "endless-answer": Attack("gives back an array that claims 8 EB",
            None, "return np.broadcast_to(0.0, (10**9, 10**9))", 2, "larger than"),
        "deep-answer": Attack("gives back a list 100 000 deep",
            None, "a = []\n    for _ in range(100_000): a = [a]\n    return a", 2, "a list"),
        "files": Attack("writes 100 MB in small files",
            "for k in range(100): open(f'/tmp/{k}', 'wb').write(bytes(2**20))", WRONG, 2, "No space left"),
        "a-file": Attack("writes one file of 64 MB",
            "open('large', 'wb').write(bytes(2**26))", WRONG, 2, "[Errno"),
        "many-files": Attack("makes 10 000 files",
            "for k in range(10_000): open(f'/tmp/{k}', 'wb').close()", WRONG, 2, "No space left"),
        "open-files": Attack("opens 1000 files and keeps them",
            "files = [open('/dev/null') for _ in range(1000)]", WRONG, 2, "Too many open files"),
        "processes": Attack("starts 1000 processes",
            "import os, time\nfor k in range(1000):\n    if os.fork() == 0: time.sleep(1000)", WRONG, 2, "BlockingIOError"),
        "threads": Attack("starts 1000 threads",
            "import threading, time\nfor _ in range(1000): threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()",
            WRONG, 2, "can't start new thread"),
        "stays": Attack("leaves a process that outlives the grading",
            "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(1000)\n    os._exit(0)", WRONG, 2, ""),
        "flood-short": Attack("prints short lines without end",
            "while True: print('x')", RIGHT, 4, "there is too much of it"),
        "flood-long": Attack("prints one-megabyte lines without end",
            "while True: print('x' * 1_000_000)", RIGHT, 4, "there is too much of it"),
        "flood-errors": Attack("shows 2000 long tracebacks",
            "for _ in range(2000): get_ipython().showtraceback((ValueError, ValueError('x' * 10_000), None))", WRONG, 2, "too much of it"),
        "flood-in-a-call": Attack("a function that prints 100 MB",
            None, "for _ in range(10_000): print('x' * 10_000)\n    return logits", 2, "The function prints"),
    },
    "Ending things": {
        "exits-hard": Attack("`os._exit` in a cell",
            "import os\nos._exit(0)", RIGHT, 4, "ended Python itself"),
        "exits": Attack("`sys.exit` in a cell",
            "import sys\nsys.exit(3)", RIGHT, 4, "SystemExit"),
        "exits-hard-in-a-call": Attack("`os._exit` in a function",
            None, "import os; os._exit(0)", 2, "Python itself ended"),
        "exits-in-a-call": Attack("`SystemExit` in a function",
            None, "raise SystemExit", 2, "It leaves Python"),
        "crashes": Attack("a function that crashes Python",
            None, "import ctypes; ctypes.string_at(0)", 2, "Python itself ended"),
        "kills-the-first": Attack("kills process 1",
            "import os\nos.kill(1, 9)\nprint(os.getppid())", WRONG, 2, "1\n"),
        "kills-all": Attack("kills every process it may",
            "import os\nos.kill(-1, 9)", WRONG, 2, "ProcessLookupError"),
        "kills-itself": Attack("kills its own process",
            "import os\nos.kill(os.getpid(), 9)", RIGHT, 4, "ended Python itself"),
        "closes-files": Attack("closes every file descriptor",
            "import os\nos.closerange(0, 256)", RIGHT, 4, "ended Python itself"),
        "signals-the-parent": Attack("sends SIGINT, SIGTERM and SIGKILL to the parent process",
            "import os, time\nfor number in (2, 15, 9):\n    try:\n        os.kill(os.getppid(), number)\n        time.sleep(0.2)\n    except BaseException: pass",
            WRONG, 2, "ended Python itself"),
    },
    "Redefining what judges": {
        "own-check": Attack("defines a `check` of its own that gives full points",
            "def check(*args, **kwargs): return 1.0", WRONG, 2, ""),
        "patches-check": Attack("replaces the library's checks",
            "import rnnlib.checks as c\nc.check = c.battery.judge = c.battery.run = lambda *a, **k: 1.0", WRONG, 2, ""),
        "patches-comparison": Attack("replaces the library's comparison of numbers",
            "import rnnlib.checks.compare as c, rnnlib.checks.battery as b\nb.same = c.same = lambda *a, **k: True\n"
            "b.first_difference = lambda *a, **k: None", WRONG, 2, ""),
        "patches-numpy": Attack("makes `numpy.testing` and `numpy.allclose` always agree",
            "np.testing.assert_allclose = lambda *a, **k: None\nnp.allclose = np.isclose = np.array_equal = lambda *a, **k: True", WRONG, 2, ""),
        "patches-builtins": Attack("replaces `float`, `len` and `round`",
            "import builtins\nbuiltins.float = lambda *a: 1.0\nbuiltins.len = lambda a: 1\nbuiltins.round = lambda *a: 1.0", WRONG, 2, "it was left out"),
        "deletes-itself": Attack("a function that deletes itself when called",
            None, "globals().pop('softmax', None)\n    return logits", 2, None),
        "lent": Attack("calls the function that the library lends",
            "from rnnlib import lend", "return lend('softmax')(logits)", 2, "lent so that you can go on"),
        "imported": Attack("hands in the library's own function",
            "from rnnlib.activations import softmax as theirs", "return 0\nsoftmax = theirs", 2, "the library's own softmax"),
        "a-score-that-is-no-number": Attack("a `check` of its own that gives NaN", "def check(*args, **kwargs): return float('nan')", WRONG, 2),
        "a-score-without-end": Attack("a `check` of its own that gives infinity", "def check(*args, **kwargs): return float('inf')", WRONG, 2),
    },
    "Answers that are more than numbers": {
        "equals-all": Attack("an array whose `__eq__`, `__array__` and `__reduce__` lie",
            "class Right(np.ndarray):\n    __eq__ = __le__ = __lt__ = lambda self, other: True\n    __array__ = lambda self, *a, **k: np.ones(1)\n"
            "    __array_ufunc__ = lambda self, *a, **k: True\n    __reduce__ = lambda self: (print, ('pickled',))\n    __sub__ = lambda s, o: 0 * o",
            "return logits.view(Right)", 2, ""),
        "pretends": Attack("an object whose `__class__` says array",
            "class Any:\n    __class__ = np.ndarray\n    dtype, shape, ndim = np.dtype(float), (3, 4), 2\n    __array__ = lambda self, *a, **k: np.ones(1)\n"
            "    __eq__ = lambda *a: True", "return Any()", 2, None),
        "float-subclass": Attack("a subclass of float that prints as 1.0",
            "class Points(float):\n    __repr__ = lambda self: '1.0'\n    __format__ = lambda self, spec: '1'", "return Points('nan')", 2, "It gives back a float"),
        "objects": Attack("an array of objects that equal everything",
            None, "return np.array([type('A', (), {'__eq__': lambda *a: True})()] * logits.size).reshape(logits.shape)", 2, "dtype object"),
        "not-a-number": Attack("gives back NaN",
            None, "return np.full(logits.shape, np.nan)", 2, ""),
        "infinite": Attack("gives back infinity",
            None, "return np.full(logits.shape, np.inf)", 2, ""),
        "raises-strangely": Attack("raises an exception that cannot be printed",
            "class Odd(BaseException):\n    def __str__(self): raise ValueError\n    __repr__ = __str__", "raise Odd", 2, None),
        "raises-notes": Attack("raises an exception with 400 kB of text",
            None, "raise ValueError('1.0\\n' * 100_000)", 2, "stops with an exception"),
        "reduces": Attack("an object that runs code when it is unpickled",
            "import os\nclass Bomb:\n    def __reduce__(self): return (os._exit, (0,))", "return Bomb()", 2, "gives back a Bomb"),
    },
    "IPython": {
        "forged-display": Attack("displays a score of its own",
            "from IPython.display import display\ndisplay({'text/plain': '1.0'}, raw=True)\n1.0", WRONG, 2, ""),
        "display-hooks": Attack("replaces what displays a result",
            "import sys\nsys.displayhook = lambda v: None\nget_ipython().displayhook.write_format_data = lambda *a: None\n"
            "get_ipython().display_formatter.format = lambda *a, **k: ({'text/plain': '1.0'}, {})", WRONG, 2, ""),
        "input-transformer": Attack("an input transformer that empties every later cell",
            "def only(lines): return ['1.0\\n'] if any('check' in l for l in lines) else lines\n"
            "get_ipython().input_transformers_cleanup.append(only)", WRONG, 2, ""),
        "ast-transformer": Attack("an AST transformer that makes every check 1.0",
            "import ast\nclass Only(ast.NodeTransformer):\n    def visit_Call(self, node): return ast.Constant(1.0) if ast.unparse(node.func) == 'check' else node\n"
            "get_ipython().ast_transformers.append(Only())", WRONG, 2, ""),
        "hides-errors": Attack("replaces `showtraceback`, and takes `do_execute` away",
            "get_ipython().showtraceback = lambda *a, **k: None\nget_ipython().kernel.do_execute = None", WRONG, 2, ""),
        "shell-history": Attack("overwrites `In`, `Out` and `_`",
            "for k in range(20): Out[k] = 1.0\n_ = __ = 1.0\nIn[:] = ['1.0'] * 20", WRONG, 2, ""),
        "callers-frames": Attack("changes variables in the frames of its caller",
            None, "import sys, rnnlib.checks.calls as c\n    frame = sys._getframe(1)\n    while frame is not None:\n"
            "        done = frame.f_locals.get('done')\n        if type(done) is c.Done: done.problem, done.kind, done.returned = None, '', None\n"
            "        frame = frame.f_back\n    return logits", 2, ""),
        "garbage-collector": Attack("looks for the cases with the garbage collector",
            None, "import gc; found = [o for o in gc.get_objects() if type(o).__name__ in ('Case', 'Report', 'Outcome')]\n    print('found', found)\n    return logits",
            2, "found []"),
        "do-execute": Attack("replaces the kernel's `do_execute`", DO_EXECUTE, WRONG, 2),
    },
    "This grader's own connection": {
        "patches-the-bridge": Attack("sends a pickle in place of an answer",
            "import rnngrader.inside as i\ni.encode = lambda *a, **k: b'\\x80\\x04cos\\nsystem\\n(X\\x02\\x00\\x00\\x00idtR.'", WRONG, 0, "is not defined"),
        "says-more": Attack("answers a thousand questions that nobody asked",
            None, CHANNEL.replace("\n", "\n    ") + "for k in range(1000): channel.send(b'r', k.to_bytes(8, 'big') + b'+' + bytes(9))\n    return logits", 2, ""),
        "answers-all-the-time": Attack("a thread that answers all the time",
            CHANNEL + "import threading, time\ndef answer():\n    while True:\n        time.sleep(0.001)\n"
            "        channel.send(b'r', bytes(8) + b'.')\nthreading.Thread(target=answer, daemon=True).start()", WRONG, 2, ""),
        "says-unwritten": Attack("changes what the grader notes of a call",
            "import rnnlib.checks.calls as c\nold = c.perform\ndef perform(*a):\n    d = old(*a); d.kind, d.problem = 'passed', 7; return d\nc.perform = perform", WRONG, 2, ""),
        "forged-result": Attack("sends a made-up result on the grader's connection",
            None, CHANNEL.replace("\n", "\n    ") + f"channel.send(b'o', b'''{FAKE}''')\n    return logits", 2, ""),
        "forged-later": Attack("a thread that sends made-up results all the time",
            CHANNEL + "import threading, time\ndef forge():\n    while True:\n        time.sleep(0.01)\n"
            f"        try: channel.send(b'o', b'''{FAKE}''')\n        except Exception: pass\nthreading.Thread(target=forge, daemon=True).start()", WRONG, 2, None),
        "flood-beside": Attack("sends without end on the grader's connection",
            CHANNEL + "while True: channel.send(b'o', b'{}' + bytes(100_000))", RIGHT, 4, "more than anyone can read"),
        "writes-to-files": Attack("writes bytes to every open file descriptor",
            "import os\nfor fd in range(3, 256):\n    try: os.write(fd, b'\\xff' * 1000)\n    except OSError: pass", RIGHT, 4, "broke the connection"),
    },
    "Cells": {
        "deleted-check": Attack("deletes the checks", None, WRONG, 2, "it was put back", edit=without("softmax-check", "softmax-hidden")),
        "deleted-answer": Attack("deletes an answer", None, RIGHT, 2, "was deleted", edit=without("softmax")),
        "duplicated-answer": Attack("an answer twice, the last one wrong", None, WRONG, 2, "the last one counts", edit=duplicated("softmax", f"def softmax(logits):\n    {RIGHT}")),
        "duplicated-check": Attack("a check twice, one of them 1.0", None, WRONG, 2, edit=duplicated("softmax-check", "1.0")),
        "edited-check": Attack("writes 1.0 in place of a check", None, WRONG, 2, edit=edited("softmax-check", "1.0")),
        "retyped-answer": Attack("right, in a text cell", None, RIGHT, 4, "it is read as code", edit=retyped("softmax")),
        "retyped-check": Attack("makes a check a text cell", None, WRONG, 2, "it was changed back", edit=retyped("softmax-check")),
        "unmarked-answer": Attack("right, without the marks of its cell", None, RIGHT, 4, edit=remarked("softmax")),
        "answer-as-check": Attack("marks an answer as a check", None, WRONG, 2, edit=remarked("softmax", grade=True, solution=False, points=100)),
        "check-as-answer": Attack("marks a check as an answer", None, WRONG, 2, edit=remarked("softmax-check", grade=False, solution=True)),
        "points-changed": Attack("makes every check worth 100 points", None, WRONG, 2, edit=worth(100)),
        "another-schema": Attack("marks of another version", None, WRONG, 2, edit=remarked("softmax-check", schema_version="old")),
        "another-language": Attack("right, with the kernel of another language", None, RIGHT, 4, edit=in_another_language),
    },
    "Files": {
        "empty-file": Attack("an empty file", None, WRONG, 0, "the file is empty", data=b"", person=True),
        "cut-off": Attack("a file cut off in the middle", None, WRONG, 0, "cut off", data=b'{"cells": [{"cell_type": "co', person=True),
        "foreign-file": Attack("another kind of file under the notebook's name", None, WRONG, 0, "not text", data=b"PK\x03\x04\xff\xfe" + bytes(100), person=True),
        "deep-file": Attack("brackets, 200 000 deep", None, WRONG, 0, "cut off", data=b"[" * 200_000, person=True),
        "no-cells": Attack("valid JSON that is no notebook", None, WRONG, 0, "no list of cells", data=b'{"cells": 3, "nbformat": 4}', person=True),
        "foreign-notebook": Attack("another notebook", None, WRONG, 0, "None of the exercise's cells", data=another_notebook, person=True),
        "huge-file": Attack("a file of 60 MB with no answers", None, WRONG, 0, "larger than", data=huge, person=True),
        "link": Attack("a link to another student's file", None, WRONG, 0, "not an ordinary file", link="../../zz-honest/attacked/attacked.ipynb", person=True),
        "own-library": Attack(
            "an `rnnlib.py` of its own beside the notebook", None, WRONG, 2, beside=(("rnnlib.py", "def check(*args, **kwargs): return 1.0"),)),
    },
    "Honest": {
        "honest": Attack("right",
            None, RIGHT, 4, ""),
        "warns": Attack("right, and warns and writes to stderr",
            "import warnings, sys\nwarnings.warn('careful')\nprint('careful', file=sys.stderr)", RIGHT, 4, "careful"),
        "plots": Attack("right, with a plot",
            "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()", RIGHT, 4, "<Figure size"),
        "prints": Attack("right, and prints in the function",
            "for k in range(3): print(k, end=' ', flush=True)", "print(logits.shape)\n    " + RIGHT, 4, "The function prints"),
        "uses-threads": Attack("right, with threads",
            "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(4) as pool: print(sum(pool.map(abs, range(5))))", RIGHT, 4, "10\n"),
        "slow-import": Attack("right, slow to import",
            "import time\ntime.sleep(1.5)\nprint('imported')", RIGHT, 4, "imported"),
        "magics": Attack("right, with magics, a shell command and `await`",
            "%matplotlib inline\n%timeit -n1 -r1 1\n!echo shell\nawaited = await __import__('asyncio').sleep(0, 5)\nprint('awaited', awaited)", RIGHT, 4, "awaited 5"),
        "changes-everything": Attack("right, after changing folder, streams and path",
            "import os, sys\nos.chdir('/')\nsys.stdout = sys.stderr = None\nsys.path.clear()", RIGHT, 4, ""),
        "warns-in-a-call": Attack("right, and warns on stderr in the function", None, "import sys; print('careful', file=sys.stderr)\n    " + RIGHT, 4, "The function prints"),
    },
}  # fmt: skip
ATTACKS = {name: row for rows in KINDS.values() for name, row in rows.items()}
