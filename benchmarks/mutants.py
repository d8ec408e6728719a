"""Changes of one place at a time in the solutions of the notebooks, and whether the checks notice each.

A mutant is a solution in which one operator, operand, sign, number, name, transpose, keyword or statement differs. It
is killed when its check gives less than full points. One that survives gives the right answer in every case of the
battery; it is taken for equivalent when it also gives the right answer in the ordinary and small cases of `OTHER_SEEDS`
other seeds.
"""

import ast
import copy
import functools
from pathlib import Path
from unittest import mock

import nbformat
import numpy as np

from rnnlib.checks import battery, calls
from rnnlib.checks.cases import EXTREME
from rnnlib.checks.compare import same

SOLUTIONS = Path(__file__).resolve().parents[1] / "solutions"
OTHER_SEEDS = 40

SWAPS = {ast.Add: [ast.Sub, ast.Mult], ast.Sub: [ast.Add], ast.Mult: [ast.Add, ast.Div], ast.Div: [ast.Mult]}
SWAPS |= {ast.Pow: [ast.Mult], ast.FloorDiv: [ast.Div]}
COMPARISONS = {ast.Lt: [ast.LtE], ast.LtE: [ast.Lt], ast.Gt: [ast.GtE], ast.GtE: [ast.Gt], ast.Eq: [ast.NotEq]}
FUNCTIONS = {"tanh": ["sin"], "exp": ["expm1"], "log": ["log1p"], "sqrt": ["abs"], "stack": ["array"]}
FUNCTIONS |= {"zeros_like": ["ones_like"], "zeros": ["ones"], "argmax": ["argmin"]}
FUNCTIONS |= {"sum": ["mean", "max"], "mean": ["sum"], "max": ["min"]}
WALKS = ("reversed", "range", "enumerate")


@functools.cache
def sources(assignment):
    """The code of a notebook's solutions, in order, without the cells that need them.

    Parameters
    ----------
    assignment : str

    Returns
    -------
    sources : dict of str to str
        By `grade_id`, which is the exercise's name; and the imports under "".
    """
    cells = nbformat.read(SOLUTIONS / assignment / f"{assignment}.ipynb", as_version=4).cells
    found = {"": next(cell.source for cell in cells if cell.cell_type == "code")}
    for cell in cells:
        mark = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and mark.get("solution"):
            found[mark["grade_id"]] = cell.source
    return found


def namespace(assignment):
    """What a notebook's solutions define.

    Parameters
    ----------
    assignment : str

    Returns
    -------
    names : dict
    """
    names = {}
    for source in sources(assignment).values():
        exec(compile(source, f"<{assignment}>", "exec"), names)
    return names


def mutate(tree):
    """Every mutant of a function.

    Parameters
    ----------
    tree : ast.Module
        With the function alone.

    Yields
    ------
    words : str
        The line as it was and as it is.
    mutant : ast.Module
    """
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    stored = {node.id for node in ast.walk(function) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    names = sorted(stored | {argument.arg for argument in function.args.args})
    count = len(list(ast.walk(function)))
    for place in range(count):
        options = len(list(changes(list(ast.walk(function))[place], names)))
        for option in range(options):
            mutant = copy.deepcopy(tree)
            inside = next(node for node in mutant.body if isinstance(node, ast.FunctionDef))
            node = list(ast.walk(inside))[place]
            change = list(changes(node, names))[option]
            replace_node(inside, node, change)
            ast.fix_missing_locations(mutant)
            before, after = ast.unparse(tree).splitlines(), ast.unparse(mutant).splitlines()
            differing = [(a, b) for a, b in zip(before, after, strict=False) if a != b]
            if differing:
                yield " -> ".join(line.strip() for line in differing[0]), mutant


def changes(node, names):
    """What may stand in a node's place.

    Parameters
    ----------
    node : ast.AST
    names : list of str
        The function's arguments and local names.

    Yields
    ------
    node : ast.AST
    """
    if isinstance(node, ast.BinOp):
        for other in SWAPS.get(type(node.op), []):
            yield ast.BinOp(node.left, other(), node.right)
        yield node.left
        yield node.right
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for other in COMPARISONS.get(type(node.ops[0]), []):
            yield ast.Compare(node.left, [other()], node.comparators)
    elif isinstance(node, ast.Constant) and type(node.value) is int:
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)
    elif isinstance(node, ast.Constant) and type(node.value) is float:
        yield ast.Constant(2 * node.value)
    elif isinstance(node, ast.Attribute):
        if node.attr == "T":
            yield node.value
        for other in FUNCTIONS.get(node.attr, []):
            yield ast.Attribute(node.value, other, node.ctx)
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        for other in names:
            if other != node.id and node.id in names:
                yield ast.Name(other, node.ctx)
    elif isinstance(node, ast.Call):
        for k in range(len(node.keywords)):
            yield ast.Call(node.func, node.args, node.keywords[:k] + node.keywords[k + 1 :])
        if (
            isinstance(node.func, ast.Name)
            and node.func.id in ("reversed", "range", "enumerate")
            and len(node.args) == 1
        ):
            yield node.args[0]
    elif isinstance(node, ast.AugAssign):
        yield ast.Assign([node.target], node.value)
        yield ast.AugAssign(node.target, ast.Sub(), node.value)
    elif isinstance(node, ast.Tuple) and isinstance(node.ctx, ast.Load):
        for k in range(len(node.elts) - 1):
            yield ast.Tuple([*node.elts[:k], node.elts[k + 1], node.elts[k], *node.elts[k + 2 :]], node.ctx)


def replace_node(tree, old, new):
    """Put a node in another's place.

    Parameters
    ----------
    tree : ast.AST
        Changed in place.
    old, new : ast.AST
    """
    for parent in ast.walk(tree):
        for name, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, name, new)
                return
            if isinstance(value, list) and any(entry is old for entry in value):
                value[[entry is old for entry in value].index(True)] = new
                return


def run(exercise, sample=None):
    """Judge the mutants of an exercise's solution.

    Parameters
    ----------
    exercise : Exercise
    sample : int, optional
        How many mutants to try, drawn at random with a fixed seed; all when left out.

    Returns
    -------
    outcome : dict
        How many mutants there are, were killed and are equivalent, and the survivors that are not, in words.
    """
    names = namespace(exercise.assignment)
    tree = ast.parse(sources(exercise.assignment)[exercise.name])
    found = list(mutate(tree))
    if sample is not None and sample < len(found):
        places = np.random.default_rng(0).choice(len(found), sample, replace=False)
        found = [found[place] for place in sorted(places)]
    killed, equivalent, survivors = 0, [], []
    silent = {"recognise": lambda *_: None, "against_differences": lambda *_: battery.Line("", "note", "")}
    silent["against_torch"] = lambda *_: ()
    with mock.patch.multiple(battery, **silent), mock.patch.object(calls, "TIME_LIMIT", 0.5):
        for words, mutant in found:
            theirs = dict(names)
            exec(compile(mutant, "<mutant>", "exec"), theirs)
            fn = theirs[exercise.name]
            visible, hidden = (battery.judge(fn, exercise, hidden) for hidden in (False, True))
            if (visible.points, hidden.points) != (visible.full, hidden.full):
                killed += 1
            elif right_elsewhere(fn, exercise):
                equivalent.append(words)
            else:
                survivors.append(words)
    return {
        "exercise": exercise.name,
        "mutants": len(found),
        "killed": killed,
        "equivalent": len(equivalent),
        "equivalents": equivalent,
        "survivors": survivors,
    }


@np.errstate(all="ignore")
def right_elsewhere(fn, exercise):
    """Whether a function gives the right answer with other seeds too.

    Parameters
    ----------
    fn : function
    exercise : Exercise

    Returns
    -------
    right : bool
    """
    for seed in range(OTHER_SEEDS):
        for case in exercise.cases(np.random.default_rng(seed)):
            if case.part == EXTREME:
                continue
            outcome = calls.call(fn, exercise, case)
            if outcome.answer is None or not same(outcome.answer, outcome.expected, exercise.tolerance):
                return False
    return True
