"""Docstrings are true and complete: their examples run, their parameters exist, every public name has its sections."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import rnnlib

MODULES = [
    "rnnlib",
    *(
        module.name
        for module in pkgutil.walk_packages(rnnlib.__path__, "rnnlib.")
        if not module.name.startswith("rnnlib.checks.")  # its public face is rnnlib.checks
    ),
]


def public_functions():
    """Every public function, class and method that is defined in rnnlib, with its name."""
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name, thing in vars(module).items():
            if name.startswith("_") or getattr(thing, "__module__", None) != module_name:
                continue
            if inspect.isclass(thing) or inspect.isfunction(thing):
                yield f"{module_name}.{name}", thing
            if inspect.isclass(thing):
                for method_name, method in vars(thing).items():
                    if not method_name.startswith("_") and inspect.isfunction(method):
                        yield f"{module_name}.{name}.{method_name}", method


PUBLIC = dict(public_functions())


@pytest.mark.parametrize("module_name", MODULES)
def test_examples_run(module_name):
    failed, _ = doctest.testmod(importlib.import_module(module_name))
    assert failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder()
    examples = sum(len(test.examples) for name in MODULES for test in finder.find(importlib.import_module(name)))
    assert examples >= 10


@pytest.mark.parametrize("name", PUBLIC)
def test_every_parameter_is_described(name):
    thing = PUBLIC[name]
    doc = inspect.getdoc(thing)
    assert doc, f"{name} has no docstring"
    signature = inspect.signature(thing).parameters.values()
    parameters = [p.name for p in signature if p.name not in ("self", "cls", "args") and p.kind is not p.VAR_KEYWORD]
    section = doc.partition("Parameters\n---")[2].partition("\n\n")[0] if parameters else ""
    heads = [line for line in doc.splitlines() if " : " in line]
    described = {word.strip() for head in heads for word in head.partition(" : ")[0].split(",")}
    assert section or not parameters, f"{name} has no section Parameters"
    assert set(parameters) <= described, f"{name} does not describe {sorted(set(parameters) - described)}"


@pytest.mark.parametrize("name", [name for name, thing in PUBLIC.items() if inspect.isfunction(thing)])
def test_what_comes_back_is_described(name):
    source = inspect.getsource(PUBLIC[name])
    doc = inspect.getdoc(PUBLIC[name])
    gives = any(line.strip().startswith("return ") for line in source.splitlines())
    assert ("Returns\n---" in doc or "Yields\n---" in doc) or not gives, f"{name} does not say what it returns"
