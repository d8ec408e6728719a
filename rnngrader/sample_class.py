"""A class to try the grader on: ten students, each a few edits of the release with the answers filled in."""

from pathlib import Path

import nbformat

from rnngrader.submission import is_answer

ASSIGNMENT = "01-rnn"

IN_WORDS = """\
The state is then tanh(x_t W_x + b): it knows the present character and nothing before it. The network can still learn
which character often follows which, but no word that is longer than two letters. After `the` and after `else` it must
predict the same, because both end in `e`.
"""

WRONG_SIGN = """\
def rnn_step(x, h_prev, W_x, W_h, b):
    return np.tanh(x @ W_x - h_prev @ W_h + b)
"""

MISSING_TRANSPOSE = """\
def rnn_step(x, h_prev, W_x, W_h, b):
    # the equation for columns, W.T @ column; W_h lacks its transpose
    return np.tanh((W_x.T @ x.T).T + (W_h @ h_prev.T).T + b)
"""

MISSING_INITIAL_STATE = """\
def rnn_forward(xs, h0, W_x, W_h, b):
    h = np.zeros_like(h0)
    hs = []
    for x in xs:
        h = np.tanh(x @ W_x + h @ W_h + b)
        hs.append(h)
    return np.stack(hs)
"""

EXCEPTION = """\
def readout(hs, W_y, b_y):
    return hs @ W_y + bias
"""

SYNTAX_ERROR = """\
def rnn_step(x, h_prev, W_x, W_h, b)
    return np.tanh(x @ W_x + h_prev @ W_h + b)
"""

ENDLESS_LOOP = """\
def rnn_forward(xs, h0, W_x, W_h, b):
    hs = np.empty((len(xs), *h0.shape))
    h = h0
    t = 0
    while t < len(xs):
        h = np.tanh(xs[t] @ W_x + h @ W_h + b)
        hs[t] = h
    return hs
"""


def make(root, folder):
    """Writes the submissions of the sample class; a file that is already so is left alone.

    Parameters
    ----------
    root : path
        The folder of nbgrader_config.py, with solutions/ and exercises/.
    folder : path
        The class's folder: submissions go to submitted/<student>/01-rnn/01-rnn.ipynb under it.

    Returns
    -------
    students : list of str
        Their ids, in order; each says what was done to the notebook.
    """
    release = Path(root, "exercises", ASSIGNMENT, f"{ASSIGNMENT}.ipynb")
    solution = Path(root, "solutions", ASSIGNMENT, f"{ASSIGNMENT}.ipynb")
    perfect = nbformat.writes(_answered(release, solution))
    files = {
        "perfect": perfect,
        "untouched": release.read_text(encoding="utf-8"),
        "wrong-sign": _with(perfect, rnn_step=WRONG_SIGN),
        "missing-transpose": _with(perfect, rnn_step=MISSING_TRANSPOSE),
        "missing-initial-state": _with(perfect, rnn_forward=MISSING_INITIAL_STATE),
        "exception": _with(perfect, readout=EXCEPTION),
        "syntax-error": _with(perfect, rnn_step=SYNTAX_ERROR),
        "endless-loop": _with(perfect, rnn_forward=ENDLESS_LOOP),
        "deleted-cell": _without(perfect, "readout", "readout-check"),
        "broken-file": perfect[: len(perfect) // 2],
    }
    for student, text in files.items():
        path = Path(folder, "submitted", student, ASSIGNMENT, f"{ASSIGNMENT}.ipynb")
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    return sorted(files)


def _answered(release, solution):
    """The release with every function as the solution has it, without the delimiters, and an answer in words."""
    notebook = nbformat.read(release, as_version=4)
    answers = {cell.id: cell.source for cell in nbformat.read(solution, as_version=4).cells}
    for cell in filter(is_answer, notebook.cells):
        lines = answers[cell.id].splitlines() if cell.cell_type == "code" else IN_WORDS.splitlines()
        cell.source = "\n".join(line for line in lines if not line.strip().startswith("### "))
    return notebook


def _with(text, **answers):
    """A notebook's text with some answers replaced, by grade_id."""
    notebook = nbformat.reads(text, as_version=4)
    cells = {cell.metadata.nbgrader.grade_id: cell for cell in filter(is_answer, notebook.cells)}
    for grade_id, source in answers.items():
        cells[grade_id].source = source
    return nbformat.writes(notebook)


def _without(text, *grade_ids):
    """A notebook's text without the cells of these marks."""
    notebook = nbformat.reads(text, as_version=4)
    kept = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") not in grade_ids]
    if len(kept) != len(notebook.cells) - len(grade_ids):
        raise ValueError(f"the notebook lacks one of the cells {', '.join(grade_ids)}")
    notebook.cells = kept
    return nbformat.writes(notebook)
