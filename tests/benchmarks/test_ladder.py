"""The two ladders: that every rung computes what rnnlib does, that operations are counted right, and that they run."""

import json
import subprocess
import sys
import threading
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import ladder, ladder_cpu, ladder_gpu, speed
from rnnlib.fast import in_c
from rnnlib.gradcheck import relative_error

ROOT = Path(__file__).resolve().parents[2]
SHAPES = [
    {"layers": 3, "T": 7, "B": 5, "H": 6},
    {"layers": 1, "T": 12, "B": 2, "H": 9},
    {"layers": 4, "T": 1, "B": 1, "H": 3},
    ladder.QUICK,
]
ONE_LAYER = {"layers": 1, "T": 3, "B": 2, "H": 4}


def with_bias(setting):
    """A drawn stack whose weights are large enough that every part of the cell matters, and an input."""
    stack, xs = ladder.drawn(**setting)
    for layer in stack:
        for p in layer.params.values():
            p *= 3
    return stack, xs


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before, in_c.threads = in_c.threads, request.param
    yield request.param
    in_c.threads = before


# ---- equal outputs -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", SHAPES)
def test_every_rung_on_the_cpu_gives_what_rnnlib_gives(setting, threads):
    stack, xs = with_bias(setting)
    expected = ladder_cpu.by_rnnlib(stack, xs)
    steps = ladder_cpu.rungs(stack, xs)
    assert list(steps)[-1] == "rnnlib" and len(steps) == 8
    for name, step in steps.items():
        for _ in range(2):  # nothing is kept from one call to the next
            hs = step()
            assert hs.dtype == np.float32 and relative_error(hs, expected) < 2e-6, name


@pytest.mark.parametrize("steps", [1, 3, 4, 50])
def test_the_length_of_a_chunk_changes_no_output(steps, threads):
    stack, xs = with_bias(SHAPES[0])
    hs = ladder_cpu.overlapped(xs, ladder.given(stack), steps)
    assert relative_error(hs, ladder_cpu.by_rnnlib(stack, xs)) < 2e-6


def test_a_rung_leaves_input_and_weights_as_they_are():
    stack, xs = with_bias(SHAPES[0])
    before = xs.copy(), [[p.copy() for p in of_layer] for of_layer in ladder.given(stack)]
    weights = ladder.given(stack)
    for rung in ladder_cpu.RUNGS.values():
        ladder_cpu.in_turn(rung, xs, weights)
    ladder_cpu.overlapped(xs, weights)
    np.testing.assert_array_equal(xs, before[0])
    for of_layer, old in zip(weights, before[1], strict=True):
        for p, q in zip(of_layer, old, strict=True):
            np.testing.assert_array_equal(p, q)


def equal_on(device, setting, bound):
    stack, xs = with_bias(setting)
    expected = ladder_cpu.by_rnnlib(stack, xs)
    with torch.no_grad(), ladder_gpu.float32_throughout():
        steps = ladder_gpu.rungs(stack, xs, device)
        assert list(steps)[-1] == "cuDNN" and len(steps) == 6
        for name, step in steps.items():
            for _ in range(2):
                hs = step()
                assert hs.device.type == device and hs.dtype == torch.float32
                assert relative_error(hs.cpu().numpy(), expected) < bound, name


@pytest.mark.parametrize("setting", SHAPES)
def test_every_rung_in_torch_gives_what_rnnlib_gives(setting):
    torch.compiler.reset()
    equal_on("cpu", setting, 2e-6)


@pytest.mark.gpu
@pytest.mark.parametrize("setting", SHAPES)
def test_every_rung_on_the_gpu_gives_what_rnnlib_gives(setting):
    torch.compiler.reset()
    equal_on("cuda", setting, 1e-5)


@pytest.mark.gpu
def test_a_quick_form_on_the_gpu_writes_its_table(tmp_path):
    ladder_gpu.main(ladder.QUICK, 0, tmp_path / "gpu.json", size=256)
    well_formed_gpu(json.loads((tmp_path / "gpu.json").read_text()), ladder.QUICK)


def test_tf32_is_off_while_a_ladder_is_measured_and_as_before_afterwards():
    libraries = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [library.allow_tf32 for library in libraries]
    assert before[1], "torch allows it in cuDNN by default: there is something to switch off"
    with ladder_gpu.float32_throughout():
        assert [library.allow_tf32 for library in libraries] == [False, False]
    assert [library.allow_tf32 for library in libraries] == before


# ---- what the rungs do differently -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "products"),
    [
        ("naive", 8 * 3),
        ("one product for all gates", 2 * 3),
        ("two products side by side", 2 * 3),
        ("pointwise in place", 2 * 3),
        ("weights transposed beforehand", 2 * 3),
        ("inputs of all steps in one product", 1 + 3),
    ],
)
def test_the_products_of_a_rung(name, products, monkeypatch):
    """Eight, two or one in each of three steps, and one for all: those written ``@``, and those given to threads."""
    taken = []

    class Counted(np.ndarray):
        def __rmatmul__(self, v):
            taken.append(v.shape)
            return v @ np.asarray(self)

    def counted(f, *lists):
        for job in zip(*lists, strict=True):
            taken.append(job[0].shape)
            f(*(np.asarray(v) for v in job))

    stack, xs = with_bias(ONE_LAYER)
    expected = ladder_cpu.by_rnnlib(stack, xs)
    W_x, W_h, b = ladder.given(stack)[0]
    monkeypatch.setattr(in_c, "share_out", counted)
    hs = ladder_cpu.RUNGS[name](xs, W_x.view(Counted), W_h.view(Counted), b)
    assert relative_error(hs, expected) < 2e-6
    assert len(taken) == products


@pytest.mark.parametrize(("name", "rows"), [("pointwise in place", False), ("weights transposed beforehand", True)])
def test_only_a_transposed_matrix_is_read_row_by_row(name, rows, monkeypatch):
    found = []
    monkeypatch.setattr(in_c, "share_out", lambda f, v, W, out: found.extend(part.flags.c_contiguous for part in W))
    stack, xs = with_bias(ONE_LAYER)
    ladder_cpu.RUNGS[name](xs, *ladder.given(stack)[0])
    assert found and set(found) == {rows}


def test_two_products_are_taken_at_the_same_time():
    before, in_c.threads = in_c.threads, 2
    meeting, at = threading.Barrier(2, timeout=20), []

    def product(v, W, out):
        meeting.wait()  # only passes where both are there
        at.append(v.shape)

    v, W, out = np.ones((2, 3)), np.ones((3, 4)), np.ones((2, 4))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np, "matmul", product)
        ladder_cpu.at_once((v, W, out), (v, W, out))
    in_c.threads = before
    assert at == [(2, 3), (2, 3)]


def test_columns_are_cut_among_the_threads(monkeypatch, threads):
    given = []
    monkeypatch.setattr(in_c, "share_out", lambda f, v, W, out: given.extend(zip(v, W, out, strict=True)))
    v, W, out = np.ones((2, 3)), np.ones((3, 7)), np.ones((2, 7))
    ladder_cpu.at_once((v, W, out))
    assert len(given) == threads and sum(part.shape[1] for _, part, _ in given) == 7
    assert all(part.shape[1] == o.shape[1] and np.shares_memory(o, out) for _, part, o in given)


def test_no_array_is_made_by_the_pointwise_part_in_place():
    """A hundred calls may not take the memory of one more gate."""
    import tracemalloc

    B, H = 64, 512
    a, c, h = np.ones((B, 4 * H), np.float32), np.ones((B, H), np.float32), np.empty((B, H), np.float32)
    ladder_cpu.gates_in_place(a, c, h)
    tracemalloc.start()
    for _ in range(100):
        ladder_cpu.gates_in_place(a, c, h)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < c.nbytes


@pytest.mark.parametrize(("layers", "chunks"), [(4, 20), (3, 1), (1, 5), (2, 2)])
def test_a_wave_has_what_needs_nothing_of_its_own(layers, chunks):
    done, waves = set(), ladder_cpu.waves(layers, chunks)
    assert len(waves) == layers + chunks - 1
    for wave in waves:
        for layer, chunk in wave:
            assert layer == 0 or (layer - 1, chunk) in done
            assert chunk == 0 or (layer, chunk - 1) in done
        done |= set(wave)
    assert done == {(layer, chunk) for layer in range(layers) for chunk in range(chunks)}
    assert sum(map(len, waves)) == layers * chunks


# ---- operations --------------------------------------------------------------------------------------------------


class Number:
    """A number that counts what is done with it."""

    count = 0

    def __init__(self, value):
        self.value = value

    def _new(self, value):
        Number.count += 1
        return Number(value)

    def __add__(self, other):
        return self._new(self.value + getattr(other, "value", other))

    def __mul__(self, other):
        return self._new(self.value * getattr(other, "value", other))

    __radd__, __rmul__ = __add__, __mul__

    def tanh(self):
        return Number(np.tanh(self.value))


@pytest.mark.parametrize("rung", [ladder_cpu.naive, ladder_cpu.stacked])
def test_the_operations_are_those_that_a_rung_does(rung, monkeypatch):
    """Numbers that count, through the rung itself; σ and tanh count as nothing."""
    monkeypatch.setattr(ladder_cpu, "sigmoid", lambda a: a)
    T, B, D, H = 3, 2, 5, 4
    rng = np.random.default_rng(0)
    shapes = (T, B, D), (4 * H, D), (4 * H, H), (4 * H,)
    arrays = [np.vectorize(Number, otypes=[object])(rng.standard_normal(shape)) for shape in shapes]
    Number.count = 0
    rung(*arrays)
    assert Number.count == ladder.operations(1, T, B, H, D)


def test_the_operations_of_the_published_setting():
    """Eight products of H by H for each layer, step and sequence, and 4H: 27.81 ms would be 3,863 GFLOP/s."""
    count = ladder.operations(**ladder.SETTING)
    assert count == 4 * 100 * 64 * (2 * 8 * 512**2 + 4 * 512)
    assert count / 27.807743e-3 / 1e9 == pytest.approx(3863, abs=1)
    assert ladder.operations(2, 3, 5, 7, D=11) == 3 * 5 * (8 * 7 * (11 + 7) + 4 * 7 + 8 * 7 * 14 + 4 * 7)


def test_a_rung_stands_beside_the_one_before():
    times = np.array([[4.0, 2.0, 1.0], [6.0, 2.0, 2.0], [8.0, 2.0, 4.0]])
    first, second, third = ladder.table(["a", "b", "c"], times, 12e9, 24.0)
    assert [rung["milliseconds"] for rung in (first, second, third)] == [6000, 2000, 2000]
    assert [rung["best"] for rung in (first, second, third)] == [4000, 2000, 1000]
    assert (first["GFLOP/s"], second["GFLOP/s"]) == (2.0, 6.0)
    assert (first["share of peak"], second["share of peak"]) == (2 / 24, 6 / 24)
    assert first["times the one before"] == [1, 1, 1]
    assert second["times the one before"] == [2.5, 3.0, 3.5]  # quartiles of 2, 3, 4
    assert third["times the one before"] == [0.75, 1.0, 1.5]  # of 2, 1 and 1/2


# ---- results -----------------------------------------------------------------------------------------------------


def well_formed_rungs(found, names, setting):
    count = ladder.operations(**setting)
    assert [rung["name"] for rung in found["rungs"]] == names
    for rung in found["rungs"]:
        assert 0 < rung["best"] <= rung["milliseconds"]
        assert rung["GFLOP/s"] == pytest.approx(count / rung["milliseconds"] / 1e6)
        assert rung["share of peak"] == pytest.approx(rung["GFLOP/s"] / found["peak"])
        low, median, high = rung["times the one before"]
        assert 0 < low <= median <= high
    assert found["rungs"][0]["times the one before"] == [1, 1, 1] and found["rounds"] >= 3


def well_formed_cpu(result, setting):
    names = [*ladder_cpu.RUNGS, ladder_cpu.OVERLAPPED, ladder_cpu.RNNLIB]
    alone = [name for name in names if name not in ladder_cpu.NOT_ALONE]
    assert result["setting"] == {**setting, "dtype": "float32", "chunk": ladder_cpu.CHUNK}
    assert result["operations"] == ladder.operations(**setting)
    assert result["date"] and result["seconds"] > 0 and result["machine"]["numpy"]
    one, every = result["ladders"]["one thread"], result["ladders"]["all cores"]
    assert (one["threads"], one["clock"]) == (1, "processor")
    assert every["threads"] == result["machine"]["cores"]
    for found in (one, every):
        well_formed_rungs(found, names if found["threads"] > 1 else alone, setting)
        assert found["peak"] == max(found["products"].values())


def well_formed_gpu(result, setting):
    assert result["setting"] == {**setting, "dtype": "float32", "TF32": False}
    assert result["operations"] == ladder.operations(**setting)
    assert result["machine"]["GPU"] and result["date"] and result["seconds"] > 0
    well_formed_rungs(result, [*ladder_gpu.RUNGS, *ladder_gpu.PREPARED], setting)


def test_the_committed_ladder_is_whole_and_of_this_code():
    well_formed_cpu(ladder.read(ladder_cpu.RESULT, ladder_cpu.MEASURED, "make bench-ladder"), ladder.SETTING)


def test_a_committed_ladder_of_a_gpu_is_whole():
    """There may be none yet, or one older than the code: the page then says that it is still to be measured."""
    assert ladder_gpu.RESULT.parent == ladder_cpu.RESULT.parent
    if ladder_gpu.RESULT.exists():
        well_formed_gpu(json.loads(ladder_gpu.RESULT.read_text(encoding="utf-8")), ladder.SETTING)


def test_the_fingerprint_is_of_what_is_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(ladder, "ROOT", tmp_path)

    def of(text, name="some.py"):
        (tmp_path / name).write_text(text)
        return ladder.code([name])

    first = of('"""What."""\n\n\ndef f(a):\n    """Why."""\n    return a + 1  # one\n')
    assert first == of(
        '"""Else,\n\nlonger."""\n# a comment\ndef f(a):\n\n    """Because."""\n    return a + 1  # one\n'
    )
    assert first != of('"""What."""\n\n\ndef f(a):\n    """Why."""\n    return a + 2  # one\n')
    assert of("// a\n", "k.c") != of("// b\n", "k.c")


def test_a_result_that_is_missing_or_old_says_what_measures_it(tmp_path, monkeypatch):
    monkeypatch.setattr(ladder, "ROOT", tmp_path)
    (tmp_path / "some.py").write_text("a = 1\n")
    with pytest.raises(FileNotFoundError, match=r"^some.json is missing; `make some` measures and writes it$"):
        ladder.read(tmp_path / "some.json", ["some.py"], "make some")
    (tmp_path / "some.json").write_text(json.dumps({"code": ladder.code(["some.py"]), "peak": 3}))
    assert ladder.read(tmp_path / "some.json", ["some.py"], "make some")["peak"] == 3
    (tmp_path / "some.py").write_text("a = 2\n")
    with pytest.raises(ValueError, match=r"^some.json is older than the code in some.py; `make some` measures again$"):
        ladder.read(tmp_path / "some.json", ["some.py"], "make some")


def test_what_was_measured_is_there():
    for path in ladder_cpu.MEASURED + ladder_gpu.MEASURED:
        assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("cores", [1, 2])
def test_a_quick_form_writes_its_table(cores, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(speed, "cores", lambda: cores)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    threads, setting = in_c.threads, {"layers": 2, "T": 4, "B": 2, "H": 8}
    ladder_cpu.main(setting, 0, tmp_path / "new" / "cpu.json", pause=0, size=64)
    assert in_c.threads == threads
    result = json.loads((tmp_path / "new" / "cpu.json").read_text())
    well_formed_cpu(result, setting)
    assert result["code"] == ladder.code(ladder_cpu.MEASURED)
    assert set(result["ladders"]["one thread"]["products"]) <= {"numpy", "oneDNN"}
    out = capsys.readouterr().out
    assert "one thread: 1, peak" in out and f"all cores: {cores}, peak" in out
    assert out.count("layers overlapped") == cores - 1


def test_every_rung_has_its_threads_and_no_other(monkeypatch):
    """numpy's own for the first two rungs; the others' own for the rest, with numpy kept to one."""
    asked = []
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    monkeypatch.setattr(
        speed, "settings", lambda kernels, threads: asked.append((kernels.__name__, threads)) or nullcontext()
    )
    result = ladder_cpu.measured(ladder.QUICK, 0, 2, 0, 32)
    round_of = asked[: len(result["rungs"])]
    assert [name.rpartition(".")[2] for name, _ in round_of[:2]] == ["in_numpy"] * 2
    assert [name.rpartition(".")[2] for name, _ in round_of[2:7]] == ["in_c"] * 5
    assert {threads for _, threads in asked} == {2}


def test_without_a_gpu_one_line_says_so_and_nothing_is_written(tmp_path):
    code = "import torch, pathlib; torch.cuda.is_available = lambda: False; from benchmarks import ladder_gpu;"
    code += f"assert ladder_gpu.main(out=pathlib.Path({str(tmp_path / 'gpu.json')!r})) is None"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1 and "sees no CUDA device" in done.stdout
    assert not (tmp_path / "gpu.json").exists()


def test_the_quick_command_runs_and_writes_nothing():
    def written():
        return ladder_cpu.RESULT.read_bytes() if ladder_cpu.RESULT.exists() else None

    before = written()
    command = [sys.executable, "-m", "benchmarks.ladder_cpu", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    assert "inputs of all steps in one product" in done.stdout
    assert written() == before
