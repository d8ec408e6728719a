"""The experiments' harness: seeds in processes, a stop and a start again, and results that know their code."""

import ast
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from experiments import harness
from experiments.harness import Experiment, digest, file_digest, is_stale, load, main, names, run

SLOW = '''
"""An experiment that takes its time."""
import sys, time
from experiments.harness import Experiment, main


def trial(setting, seed, device):
    with open(setting["log"], "a") as file:
        file.write(f"{seed}\\n")
    time.sleep(0.15)
    return {"value": setting["add"] + seed}


EXPERIMENT = Experiment(
    name="slow", title="Slow", source="Nobody", settings={"all": {"add": 1, "log": LOG}}, seeds=20, trial=trial,
    findings=lambda trials: [{"claim": "more", "here": str(len(trials["all"])), "agrees": True}],
    code=(), quick={}, quick_seeds=1,
)
'''


def doubles(setting, seed, device):
    return {"value": setting["by"] * seed}


def small(**options):
    given = {
        "name": "embedded_reber", "title": "", "source": "", "seeds": 3, "trial": doubles, "code": (), "quick_seeds": 1,
        "settings": {"twice": {"by": 2}, "thrice": {"by": 3, "seeds": 2}}, "quick": {"once": {"by": 1}},
        "findings": lambda trials: [{"claim": "it grows", "here": "it does", "agrees": True}],
    }  # fmt: skip
    return Experiment(**{**given, **options})


@pytest.fixture
def here(monkeypatch):
    """Experiments of this file, found by the harness."""
    experiment = small()
    monkeypatch.setattr(harness, "load", lambda name: experiment)
    return experiment


def test_each_setting_is_run_with_its_seeds_and_all_is_in_the_result(here, tmp_path):
    result = run(here, jobs=1, progress=False, unfinished=tmp_path)
    values = {name: [each["value"] for each in found] for name, found in result["trials"].items()}
    assert values == {"twice": [0, 2, 4], "thrice": [0, 3]}
    assert result["settings"] == here.settings and result["findings"][0]["agrees"]
    assert result["code"] == {"experiments/embedded_reber.py": digest(here)["experiments/embedded_reber.py"]}
    assert {"processor", "cores", "Python", "numpy"} <= result["machine"].keys()
    assert json.loads(json.dumps(result)) == result
    assert [
        each["value"] for each in run(here, quick=True, jobs=1, progress=False, unfinished=tmp_path)["trials"]["once"]
    ] == [0]
    assert len(run(here, seeds=5, jobs=1, progress=False, unfinished=tmp_path)["trials"]["thrice"]) == 5


def test_a_trial_taken_over_from_another_machine_says_so(here, tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "RESULTS", tmp_path)
    there = {"processor": "another", "cores": "1", "Python": "3.11", "numpy": "2"}
    first = run(replace(here, seeds=1), jobs=1, progress=False, unfinished=tmp_path / "a") | {"machine": there}
    (tmp_path / "embedded_reber.json").write_text(json.dumps(first))
    result = run(here, jobs=1, progress=False, unfinished=tmp_path / "b")
    assert [one.get("machine") for one in result["trials"]["twice"]] == [there, None, None]
    (tmp_path / "embedded_reber.json").write_text(json.dumps(result))
    again = run(here, jobs=1, progress=False, unfinished=tmp_path / "c")
    assert again["trials"] == result["trials"] and again["machine"] == result["machine"]


def test_what_was_done_is_not_done_again_unless_the_code_is_another(here, tmp_path, monkeypatch):
    calls = []

    def counted(setting, seed, device):
        calls.append(seed)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return {"value": seed}

    again = replace(here, trial=counted)
    monkeypatch.setattr(harness, "load", lambda name: again)
    with pytest.raises(KeyboardInterrupt):
        run(again, jobs=1, progress=False, unfinished=tmp_path)
    (log,) = tmp_path.iterdir()
    log.write_text(log.read_text() + '["twice", 2, {"val')  # a line that was cut off
    result = run(again, jobs=1, progress=False, unfinished=tmp_path)
    assert calls == [0, 1, 2, 0, 0, 1]  # twice 0 to 2, thrice 0 stopped, then thrice 0 and 1
    assert [each["value"] for each in result["trials"]["twice"]] == [0, 1, 2]
    monkeypatch.setattr(harness, "digest", lambda experiment: {"other": "code"})
    run(again, jobs=1, progress=False, unfinished=tmp_path)
    assert len(calls) == 6 + 5


def test_trials_of_a_result_with_the_same_code_and_setting_are_taken_over(here, tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "RESULTS", tmp_path)
    result = run(here, jobs=1, progress=False, unfinished=tmp_path / "a")
    result["trials"]["twice"][1]["value"] = "taken over"
    harness.result_path(here.name).write_text(json.dumps(result))
    assert not is_stale(here)
    changed = replace(here, settings={**here.settings, "thrice": {"by": 4}}, seeds=4)
    assert is_stale(changed)
    monkeypatch.setattr(harness, "load", lambda name: changed)
    values = {
        name: [each["value"] for each in found]
        for name, found in run(changed, jobs=1, progress=False, unfinished=tmp_path / "b")["trials"].items()
    }
    assert values == {"twice": [0, "taken over", 4, 6], "thrice": [0, 4, 8, 12]}


def test_it_can_be_stopped_from_outside_and_goes_on(tmp_path):
    (tmp_path / "experiments").mkdir()
    log = tmp_path / "log"
    package = tmp_path / "experiments"
    package.joinpath("__init__.py").write_text("")
    package.joinpath("harness.py").write_text((harness.ROOT / "experiments" / "harness.py").read_text())
    package.joinpath("slow.py").write_text(SLOW.replace("LOG", repr(str(log))))
    (package / "results").mkdir()
    command = [
        sys.executable,
        "-c",
        "import sys; from experiments.harness import main; sys.exit(main('slow', ['--jobs', '2']))",
    ]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    until = time.monotonic() + 60
    while not (log.exists() and len(log.read_text().split()) >= 6):
        assert time.monotonic() < until and process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130 and "goes on from here" in told
    before = len(log.read_text().split())
    assert before < 20
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    result = json.loads((package / "results" / "slow.json").read_text())
    assert [each["value"] for each in result["trials"]["all"]] == list(range(1, 21))
    assert len(log.read_text().split()) <= 20 + 6  # what was running or handed out was begun twice, no more


def test_a_change_of_words_leaves_a_result_as_it_is_and_a_change_of_code_does_not(tmp_path):
    path = tmp_path / "some.py"
    path.write_text('"""One."""\n\n\ndef f(a):\n    """Two."""\n    return a + 1  # three\n')
    first = file_digest(path)
    path.write_text('"""Another."""\n\n\n# a comment\ndef f(a):\n    """And more."""\n\n    return a + 1\n')
    assert file_digest(path) == first
    path.write_text('"""One."""\n\n\ndef f(a):\n    """Two."""\n    return a + 2  # three\n')
    assert file_digest(path) != first
    path.write_text("def f(a):\n    return a\n\n\ndef findings(trials):\n    return []\n")
    before = file_digest(path)
    path.write_text("def f(a):\n    return a\n\n\ndef findings(trials):\n    return trials\n\n\nEXPERIMENT = 3\n")
    assert file_digest(path) == before
    (tmp_path / "some.c").write_text("int a;")
    assert file_digest(tmp_path / "some.c") != first


@pytest.mark.parametrize("changes", ["return a + 1", "return b", "return None", "return ''", "return 0", "return []"])
def test_each_change_of_a_value_is_another_digest(changes, tmp_path):
    (tmp_path / "some.py").write_text("def f(a, b):\n    return a\n")
    (tmp_path / "other.py").write_text(f"def f(a, b):\n    {changes}\n")
    assert file_digest(tmp_path / "some.py") != file_digest(tmp_path / "other.py")


def test_a_python_whose_syntax_tree_has_more_fields_gives_the_same_digest(tmp_path, monkeypatch):
    """As from 3.11 to 3.12, which gave every function a list of type parameters."""
    path = tmp_path / "some.py"
    path.write_text("def f(a):\n    return a\n")
    first = file_digest(path)
    monkeypatch.setattr(ast.FunctionDef, "_fields", (*ast.FunctionDef._fields, "more"))
    parse = ast.parse

    def with_more(text):
        tree = parse(text)
        tree.body[0].more = []
        return tree

    monkeypatch.setattr(ast, "parse", with_more)
    assert file_digest(path) == first


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--seeds", "0"], "seeds is 0; it should be at least 1"),
        (["--jobs", "-1"], "jobs is -1; it should be at least 1"),
        (["--device", "cuda"], "device is 'cuda'; embedded_reber runs on cpu"),
    ],
)
def test_a_wrong_command_says_so(arguments, words, capsys):
    assert main("embedded_reber", arguments) == 2
    assert words in capsys.readouterr().err


def test_an_experiment_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"there is no experiment 'reber'; there are .*embedded_reber"):
        load("reber")


def test_without_a_gpu_cuda_is_refused(tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("needs a machine without a GPU: this one has one")
    with pytest.raises(RuntimeError, match="torch sees no CUDA device here"):
        run(small(devices=("cpu", "cuda")), device="cuda", progress=False, unfinished=tmp_path)


@pytest.mark.parametrize("name", names())
def test_a_quick_run_finds_what_the_paper_says(name, tmp_path):
    experiment = load(name)
    assert experiment.name == name
    result = run(experiment, quick=True, jobs=1, progress=False, unfinished=tmp_path)
    assert len(result["findings"]) >= 1
    for found in result["findings"]:
        assert found["agrees"] is True, found
    assert result["seconds"] < 60


def shown():
    """The experiments whose findings a page of the book shows."""
    pages = re.findall(r"- file:\s*(\S+)", (harness.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    files = [path for page in pages if (path := harness.ROOT / f"{page}.md").is_file()]
    return sorted(
        {name for path in files for name in re.findall(r"^```{findings} (\w+)", path.read_text("utf-8"), re.M)}
    )


def test_a_result_is_of_its_code_and_settings_and_says_what_its_trials_say():
    written = {path.stem for path in harness.RESULTS.glob("*.json") if "." not in path.stem}
    assert written <= set(names())
    assert set(shown()) <= written, "run `make experiments`"
    for name in shown():
        experiment, result = load(name), harness.read_result(name)
        assert not is_stale(experiment), f"{name}: run `make experiments`"
        assert result["findings"] == json.loads(json.dumps(experiment.findings(result["trials"])))
        for setting, found in result["trials"].items():
            seeds = experiment.settings[setting].get("seeds", experiment.seeds)
            assert [each["seed"] for each in found] == list(range(seeds))
