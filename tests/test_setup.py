"""The environment: one list of direct dependencies with reasons, everything pinned, no CUDA package required."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]


def direct():
    """Lines of requirements.in that name a package: (requirement, reason)."""
    for line in (ROOT / "requirements.in").read_text().splitlines():
        if line and not line.startswith(("#", "-e")):
            requirement, _, reason = line.partition("#")
            yield requirement.strip(), reason.strip()


def pinned():
    """The pins of requirements.txt."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-e"))]


def test_everything_is_pinned_exactly():
    for requirement in pinned():
        assert re.fullmatch(r"==[^*,]+", str(requirement.specifier)), requirement


def test_every_direct_dependency_has_a_reason_and_a_pin():
    pins = {requirement.name: str(requirement.specifier) for requirement in pinned()}
    for line, reason in direct():
        requirement = Requirement(line)
        assert len(reason) > 10, f"{line} has no reason"
        assert requirement.name in pins, f"{line} is not in requirements.txt: run make lock"
        assert str(requirement.specifier) in ("", pins[requirement.name])


def test_requirements_alone_install_the_packages_editable():
    assert "-e ." in (ROOT / "requirements.txt").read_text().splitlines()


def test_no_cuda_package_is_required():
    for requirement in pinned():
        assert not re.match(r"nvidia|cuda|triton|cupy", requirement.name), requirement


def test_this_environment_is_the_one_that_is_pinned():
    for requirement in pinned():
        if requirement.marker is None or requirement.marker.evaluate():
            installed = version(requirement.name).split("+")[0]  # torch 2.13.0+cpu and +cu130 are both 2.13.0
            assert f"=={installed}" == str(requirement.specifier), requirement.name


def build_wheel(tmp_path_factory, **environment):
    """A wheel of the packages, built from a copy of what git has or would take."""
    out = tmp_path_factory.mktemp("wheel")
    source = tmp_path_factory.mktemp("source")
    files = subprocess.run(
        [
            "git",
            "ls-files",
            "-co",
            "--exclude-standard",
            "rnnlib",
            "rnngrader",
            "pyproject.toml",
            "setup.py",
            "README.md",
            "LICENSE",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in files.stdout.split():
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", out, source]
    subprocess.run(command, check=True, timeout=300, env=os.environ | environment)
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel that runs anywhere: without the C functions."""
    return build_wheel(tmp_path_factory, RNNLIB_FUSED="0")


@pytest.mark.parametrize("compiler", ["gcc", "none"])
def test_a_wheel_has_the_c_functions_where_there_is_a_compiler(tmp_path_factory, compiler):
    if compiler == "gcc" and shutil.which("gcc") is None:
        pytest.skip("no C compiler: gcc is not installed")
    with zipfile.ZipFile(build_wheel(tmp_path_factory, CC="gcc" if compiler == "gcc" else "false")) as archive:
        libraries = [name for name in archive.namelist() if name.endswith(".so")]
        assert "rnnlib/fast/in_c.py" in archive.namelist()
    built = {name.removeprefix("rnnlib/fast/").split(".")[0] for name in libraries}
    assert built == ({"kernels", "online"} if compiler == "gcc" else set())


def test_the_wheel_is_pure_python_and_holds_every_module(wheel):
    assert wheel.name.endswith("-py3-none-any.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    for package in ("rnnlib", "rnngrader"):
        for path in (ROOT / package).rglob("*.*"):
            if "__pycache__" not in path.parts and path.suffix not in (".c", ".so"):
                assert str(path.relative_to(ROOT)) in inside
    assert not any(name.startswith(("tests/", "book/", "solutions/")) for name in inside)


def test_the_wheel_needs_numpy_and_tqdm_alone(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
    needs = re.findall(r"^Requires-Dist: ([\w-]+)[^;\n]*$", text, re.MULTILINE)
    assert sorted(needs) == ["numpy", "tqdm"]
    assert "Requires-Python: >=3.11" in text
