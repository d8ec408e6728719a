"""What all experiments share: the command line, seeds on all cores, a stop and a start again, and the result as JSON.

An experiment is a list of settings, and a function that runs one of them with one seed and gives numbers. What it found
is told by its findings: sentences of the paper, each with what came out here and whether that agrees.
"""

import argparse
import ast
import hashlib
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "experiments" / "results"
UNFINISHED = ROOT / "_build" / "experiments"
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    Parameters
    ----------
    name : str
        That of its file.
    title : str
    source : str
        Paper and place.
    settings : dict of str to dict
        By name, what `trial` is told. JSON holds it.
    seeds : int
        How many seeds each setting is run with, 0 to seeds - 1; a setting's own ``"seeds"`` counts instead.
    trial : callable
        ``trial(setting, seed, device)`` gives a dict of numbers, lists and texts.
    findings : callable
        ``findings(trials)``, from a dict of setting's name to list of results in the order of seeds, gives a list of
        dicts: ``claim``, what the paper says; ``here``, what came out, in words and numbers; ``agrees``, whether.
    code : tuple of str
        Files of rnnlib that the numbers come from, besides the experiment's own.
    quick : dict of str to dict
        Settings that take less than a minute in all; as `settings` otherwise.
    quick_seeds : int
    devices : tuple of str
        Where it can run.
    published : dict
        What the paper says, for the table: anything that JSON holds, with ``"certainty"``: seen, quoted or recalled.
    """

    name: str
    title: str
    source: str
    settings: dict
    seeds: int
    trial: Callable
    findings: Callable
    code: tuple
    quick: dict
    quick_seeds: int
    devices: tuple = ("cpu",)
    published: dict = field(default_factory=dict)


def load(name):
    """The experiment of a name.

    Parameters
    ----------
    name : str

    Returns
    -------
    experiment : Experiment

    Raises
    ------
    ValueError
        When there is none.
    """
    if name not in names():
        raise ValueError(f"there is no experiment {name!r}; there are {', '.join(names())}")
    return importlib.import_module(f"experiments.{name}").EXPERIMENT


def names():
    """All experiments, in order.

    Returns
    -------
    names : list of str
    """
    files = sorted((ROOT / "experiments").glob("*.py"))
    return [path.stem for path in files if "\nEXPERIMENT = Experiment(" in path.read_text(encoding="utf-8")]


def digest(experiment):
    """What tells whether a result is of this code.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    digests : dict of str to str
        By file: of Python its syntax tree without docstrings, so that words may change, of anything else its bytes. Of
        the experiment's own file, `findings` and the settings do not count: they change no trial that was run.
    """
    files = [f"experiments/{experiment.name}.py", *experiment.code]
    return {name: file_digest(ROOT / name) for name in files}


def file_digest(path):
    """See `digest`; 16 hexadecimal digits.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    digest : str
    """
    if path.suffix != ".py":
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    tree.body = [node for node in tree.body if not _is_about_trials(node)]
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            body[0].value.value = ""
    return hashlib.sha256(_as_text(tree).encode()).hexdigest()[:16]


def _as_text(tree):
    """A syntax tree as text, without the fields that are empty: a newer Python has more of them."""
    if isinstance(tree, list):
        return "[" + ", ".join(map(_as_text, tree)) + "]"
    if not isinstance(tree, ast.AST):
        return repr(tree)
    fields = {name: getattr(tree, name, None) for name in sorted(tree._fields)}
    told = (f"{name}={_as_text(value)}" for name, value in fields.items() if value is not None and value != [])
    return f"{type(tree).__name__}({', '.join(told)})"


def _is_about_trials(node):
    """Whether a top-level statement of an experiment says what is run and what came out, not how a trial runs."""
    if isinstance(node, ast.FunctionDef):
        return node.name == "findings"
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "EXPERIMENT"


def result_path(name, device="cpu"):
    """Where the result of an experiment lies; that of another device than the CPU apart.

    Parameters
    ----------
    name, device : str

    Returns
    -------
    path : pathlib.Path
    """
    return RESULTS / (f"{name}.json" if device == "cpu" else f"{name}.{device}.json")


def is_stale(experiment, device="cpu"):
    """Whether the result is missing or of other code.

    Parameters
    ----------
    experiment : Experiment
    device : str

    Returns
    -------
    stale : bool
    """
    return bool(unlike(experiment, read_result(experiment.name, device)))


def read_result(name, device="cpu"):
    """The result as it was written, or None.

    Parameters
    ----------
    name, device : str

    Returns
    -------
    result : dict or None
    """
    path = result_path(name, device)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def unlike(experiment, result):
    """The settings whose trials in a result are missing or not those of the code and setting as they are.

    Parameters
    ----------
    experiment : Experiment
    result : dict or None

    Returns
    -------
    settings : list of str
    """
    settings = json.loads(json.dumps(experiment.settings))
    if result is None or result["code"] != digest(experiment):
        return list(settings)
    return [name for name, setting in settings.items() if result["settings"].get(name) != setting]


def run(experiment, quick=False, seeds=None, jobs=None, device="cpu", progress=True, unfinished=UNFINISHED):
    """Run all settings with all seeds.

    What is done is kept in a file as it comes. Stopped and started again with the same code, it goes on from there.
    What a result of the same code and setting has is not run again either; a trial that was run on another machine
    than the rest has its own ``machine``.

    Parameters
    ----------
    experiment : Experiment
    quick : bool
        The quick settings in place of the full ones.
    seeds : int, optional
        In place of the experiment's own.
    jobs : int, optional
        Processes; by default one for each core that this process may use.
    device : str
        ``"cpu"``, or ``"cuda"`` for the same with torch's modules.
    progress : bool
        Whether to show a bar with the time left.
    unfinished : path
        The folder for what is done.

    Returns
    -------
    result : dict
        As it is written to JSON.

    Raises
    ------
    ValueError
        When `seeds` or `jobs` is less than 1, or the experiment does not run on `device`.
    RuntimeError
        When `device` is not there.
    """
    check(experiment, seeds, jobs, device)
    settings = experiment.quick if quick else experiment.settings
    wanted = seeds or (experiment.quick_seeds if quick else experiment.seeds)
    todo = [(name, seed) for name, s in settings.items() for seed in range(seeds or s.get("seeds", wanted))]
    code = digest(experiment)
    kind = {"device": device, "quick": quick, "code": code, "settings": settings}
    tag = hashlib.sha256(json.dumps(kind, sort_keys=True).encode()).hexdigest()[:12]
    log = Path(unfinished) / f"{experiment.name}-{tag}.jsonl"
    done = read_log(log)
    if not quick:
        result, other = read_result(experiment.name, device), unlike(experiment, read_result(experiment.name, device))
        done |= {
            (name, one["seed"]): {"machine": result["machine"], **one}
            for name in settings if name not in other for one in result["trials"][name]
        }  # fmt: skip
    rest = [task for task in todo if task not in done]
    log.parent.mkdir(parents=True, exist_ok=True)
    here = machine(device)
    with (
        log.open("a", encoding="utf-8") as file,
        tqdm(
            total=len(todo), initial=len(todo) - len(rest), desc=experiment.name, unit=" runs", disable=not progress
        ) as bar,
    ):
        for name, seed, seconds, found in in_processes(experiment.name, rest, quick, device, jobs or cores()):
            done[name, seed] = {"seed": seed, "seconds": round(seconds, 2), "machine": here, **found}
            file.write(json.dumps([name, seed, done[name, seed]]) + "\n")
            file.flush()
            bar.update()
    for one in done.values():
        if one.get("machine") == here:
            del one["machine"]
    trials = {name: [done[name, seed] for n, seed in todo if n == name] for name in settings}
    return {
        "experiment": experiment.name,
        "title": experiment.title,
        "source": experiment.source,
        "published": experiment.published,
        "settings": settings,
        "trials": trials,
        "findings": experiment.findings(trials),
        "seconds": round(sum(each["seconds"] for group in trials.values() for each in group), 1),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": here,
        "code": code,
    }


def check(experiment, seeds, jobs, device):
    """Raise for what `run` cannot do; see there."""
    for name, value in (("seeds", seeds), ("jobs", jobs)):
        if value is not None and value < 1:
            raise ValueError(f"{name} is {value}; it should be at least 1")
    if device not in experiment.devices:
        raise ValueError(f"device is {device!r}; {experiment.name} runs on {' and '.join(experiment.devices)}")
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise RuntimeError("torch sees no CUDA device here; without --device the CPU is used")


def read_log(path):
    """What was done before a stop; a last line that is not whole is left out."""
    done = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                name, seed, found = json.loads(line)
            except ValueError:
                continue
            done[name, seed] = found
    return done


def in_processes(name, tasks, quick, device, jobs):
    """Results as they come: setting, seed, seconds and what was found."""
    arguments = [(name, setting, seed, quick, device) for setting, seed in tasks]
    if jobs == 1 or len(tasks) < 2:
        yield from (run_one(*each) for each in arguments)
        return
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    before = {key: os.environ.get(key) for key in one_thread}
    os.environ.update(one_thread)  # the processes take them over; each has a core
    try:
        pool = ProcessPoolExecutor(min(jobs, len(tasks)), mp_context=get_context("spawn"))
        try:
            futures = [pool.submit(run_one, *each) for each in arguments]
            yield from (future.result() for future in as_completed(futures))
        finally:  # a stop from the terminal reaches the processes too; what waits is not begun
            pool.shutdown(cancel_futures=True)
    finally:
        for key, value in before.items():
            if value is None:
                del os.environ[key]
            else:
                os.environ[key] = value


def run_one(name, setting, seed, quick, device):
    """One setting with one seed."""
    experiment = load(name)
    start = time.perf_counter()
    found = experiment.trial((experiment.quick if quick else experiment.settings)[setting], seed, device)
    return setting, seed, time.perf_counter() - start, found


def machine(device):
    """What the numbers were found on.

    Parameters
    ----------
    device : str

    Returns
    -------
    machine : dict of str to str
    """
    processor = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        models = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        processor = models[0] if models else processor
    told = {
        "processor": processor,
        "cores": str(cores()),
        "Python": platform.python_version(),
        "numpy": version("numpy"),
    }
    if device == "cuda":
        import torch

        told |= {"GPU": torch.cuda.get_device_name(), "torch": torch.__version__}
    return told


def cores():
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def main(name, arguments=None):
    """The command line of an experiment.

    Parameters
    ----------
    name : str
    arguments : list of str, optional
        Those of the process when left out.

    Returns
    -------
    status : int
        0; 1 when a quick run did not find what it should; 2 when the command was wrong; 130 when it was stopped.
    """
    experiment = load(name)
    parser = argparse.ArgumentParser(
        prog=f"python -m experiments.{name}", description=f"{experiment.title}. {experiment.source}."
    )
    parser.add_argument("--quick", action="store_true", help="small settings, under a minute; nothing is written")
    parser.add_argument("--seeds", type=int, metavar="N", help=f"for each setting; by default {experiment.seeds}")
    parser.add_argument("--jobs", type=int, metavar="N", help="processes; by default one for each core")
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="cuda: the same with torch's modules")
    options = parser.parse_args(arguments)
    try:
        result = run(experiment, options.quick, options.seeds, options.jobs, options.device, sys.stderr.isatty())
    except (ValueError, RuntimeError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{parser.prog}: stopped; what is done is kept, and the next run goes on from here", file=sys.stderr)
        return 130
    for found in result["findings"]:
        print(f"{'agrees' if found['agrees'] else 'DIFFERS'}: {found['claim']}\n    here: {found['here']}")
    if options.quick:
        return 0 if all(found["agrees"] for found in result["findings"]) else 1
    path = result_path(name, options.device)
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"wrote {path.relative_to(ROOT)} ({result['seconds']:.0f} s of computing)")
    return 0
