"""The ladder of 'Optimizing Recurrent Neural Networks in cuDNN 5', walked with torch on a GPU: `make bench-gpu`.

The rungs are those of `benchmarks.ladder_cpu` as far as torch has them: a GPU's streams are not asked for one by one,
matrices are given to cuBLAS as they lie, and layers overlap in cuDNN alone. Each rung has what the one before has and
one thing more, and gives the same outputs; on another device they run too, which is how their equality is tested.

All take turns, as in `benchmarks.speed`, and a time ends when the GPU has finished. Everything is float32, with TF32
off in cuBLAS and in cuDNN. The peak is the best product of large square matrices in the same rounds.
"""

import argparse
import json
import time
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path

import torch

from benchmarks import ladder, speed

RESULT = speed.RESULTS / "ladder_gpu.json"
#: What was measured, from the root of the repository.
MEASURED = ["benchmarks/ladder.py", "benchmarks/ladder_gpu.py"]


def gates(a_i, a_f, a_g, a_o, c_prev):
    """The pointwise part, an operation at a time."""
    c = torch.sigmoid(a_f) * c_prev + torch.sigmoid(a_i) * torch.tanh(a_g)
    return torch.sigmoid(a_o) * torch.tanh(c), c


def sum_and_gates(a_x, a_h, c_prev):
    """The same from the two products, in a form that can be compiled into one kernel."""
    return gates(*(a_x + a_h).chunk(4, dim=1), c_prev)


def naive(xs, W_x, W_h, b):
    """One product for each gate and for each of x and h: eight in a step."""
    H, hs = W_h.shape[1], []
    h = c = xs.new_zeros(xs.shape[1], H)
    blocks = [slice(k, k + H) for k in range(0, 4 * H, H)]
    for x in xs:
        h, c = gates(*(x @ W_x[k].T + h @ W_h[k].T + b[k] for k in blocks), c)
        hs.append(h)
    return torch.stack(hs)


def stacked(xs, W_x, W_h, b):
    """One product for all gates: two in a step."""
    hs = []
    h = c = xs.new_zeros(xs.shape[1], W_h.shape[1])
    for x in xs:
        h, c = gates(*(x @ W_x.T + h @ W_h.T + b).chunk(4, dim=1), c)
        hs.append(h)
    return torch.stack(hs)


def hoisted(xs, W_x, W_h, b, pointwise=sum_and_gates):
    """The inputs of all steps, with the bias, in one product before the first step."""
    hs = []
    h = c = xs.new_zeros(xs.shape[1], W_h.shape[1])
    for a_x in torch.nn.functional.linear(xs, W_x, b):
        h, c = pointwise(a_x, h @ W_h.T, c)
        hs.append(h)
    return torch.stack(hs)


def in_turn(rung, xs, weights):
    """A rung of one layer, for one layer after the other."""
    for of_layer in weights:
        xs = rung(xs, *of_layer)
    return xs


def compiled(xs, weights):
    """The pointwise part compiled: one kernel in place of a dozen. Without a GPU it is traced, and run as it is."""
    pointwise = torch.compile(sum_and_gates, backend="inductor" if xs.is_cuda else "eager")
    return partial(in_turn, partial(hoisted, pointwise=pointwise), xs, weights)


def graphed(xs, weights):
    """All kernels recorded once, and sent to the GPU together. Without a GPU there is nothing to record."""
    step = compiled(xs, weights)
    if not xs.is_cuda:
        return step
    stream = torch.cuda.Stream()  # what a first run sets up must not be recorded
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        hs = step()

    def replay():
        graph.replay()
        return hs

    return replay


def library(xs, weights):
    """`torch.nn.LSTM`, which is cuDNN's on a GPU, with layers that overlap."""
    D, H = xs.shape[2], weights[0][1].shape[1]
    module = torch.nn.LSTM(D, H, len(weights)).to(xs.device).eval()
    for k, (W_x, W_h, b) in enumerate(weights):
        for name, p in (("weight_ih", W_x), ("weight_hh", W_h), ("bias_ih", b), ("bias_hh", torch.zeros_like(b))):
            getattr(module, f"{name}_l{k}").data.copy_(p)
    return lambda: module(xs)[0]


#: The rungs of one layer, in their order, and after them those that prepare the whole stack before they are timed.
RUNGS = {
    "naive": naive,
    "one product for all gates": stacked,
    "inputs of all steps in one product": hoisted,
}
PREPARED = {
    "pointwise compiled": compiled,
    "kernels recorded in a graph": graphed,
    "cuDNN": library,
}


def rungs(stack, xs, device):
    """The whole ladder.

    Parameters
    ----------
    stack : list of rnnlib.LSTM
    xs : array, shape (T, B, D)
    device : torch.device or str

    Returns
    -------
    steps : dict of str to function
        Without arguments, to be called without gradients; each gives the outputs of the last layer, a tensor of shape
        (T, B, H).
    """
    xs = torch.tensor(xs, device=device)
    weights = [tuple(torch.tensor(p, device=device) for p in of_layer) for of_layer in ladder.given(stack)]
    steps = {name: partial(in_turn, rung, xs, weights) for name, rung in RUNGS.items()}
    return steps | {name: prepare(xs, weights) for name, prepare in PREPARED.items()}


@contextmanager
def float32_throughout():
    """No TF32, whose products have 10 bits for float32's 23; torch allows it in cuDNN unless told otherwise."""
    libraries = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [library.allow_tf32 for library in libraries]
    for library in libraries:
        library.allow_tf32 = False
    yield
    for library, allowed in zip(libraries, before, strict=True):
        library.allow_tf32 = allowed


def finished():
    """The time at which the GPU has nothing left to do, in seconds."""
    torch.cuda.synchronize()
    return time.perf_counter()


def machine():
    """What the figures were measured on.

    Returns
    -------
    machine : dict
        The GPU, versions, and the processor that sends it its work.
    """
    properties = torch.cuda.get_device_properties(torch.cuda.current_device())
    return {
        "GPU": properties.name,
        "multiprocessors": properties.multi_processor_count,
        "compute capability": f"{properties.major}.{properties.minor}",
        "torch": torch.__version__,
        "CUDA": torch.version.cuda,
        "cuDNN": torch.backends.cudnn.version(),
        **{name: value for name, value in speed.machine().items() if name in ("processor", "cores", "Python")},
    }


def main(setting=ladder.SETTING, seconds=30.0, out=RESULT, size=8192):
    """Walk the ladder on the GPU, and write ladder_gpu.json.

    Parameters
    ----------
    setting : dict
        Arguments of `benchmarks.ladder.drawn`.
    seconds : float
        How long to go on; see `benchmarks.speed.measure`.
    out : pathlib.Path or None
        The file to write.
    size : int
        Of the square matrices whose product gives the peak.

    Returns
    -------
    result : dict or None
        What is written; None where torch sees no GPU.
    """
    if not torch.cuda.is_available():
        print(f"torch {torch.__version__} sees no CUDA device here: nothing measured, {RESULT.name} left alone")
        return None
    start = time.perf_counter()
    with torch.no_grad(), float32_throughout():
        steps = rungs(*ladder.drawn(**setting), "cuda")
        a, b = torch.randn(2, size, size, device="cuda")
        turns = [(nullcontext, step) for step in [*steps.values(), partial(torch.mm, a, b, out=torch.empty_like(a))]]
        times = speed.measure(turns, seconds, finished, 0)
    peak = 2 * size**3 / float(times[:, -1].min()) / 1e9
    result = {
        "machine": machine(),
        "date": ladder.now(),
        "seconds": time.perf_counter() - start,
        "code": ladder.code(MEASURED),
        "setting": {**setting, "dtype": "float32", "TF32": False},
        "operations": ladder.operations(**setting),
        "rounds": len(times),
        "peak": peak,
        "rungs": ladder.table(list(steps), times[:, :-1], ladder.operations(**setting), peak),
    }
    ladder.printed(f"{result['machine']['GPU']}, peak {peak:.0f} GFLOP/s", result["rungs"])
    if out is not None:
        out.parent.mkdir(exist_ok=True)
        out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs, measures nothing")
    parser.add_argument("--seconds", type=float, help="30 when left out, 0 with --quick")
    parser.add_argument("--out", type=Path, help=f"file to write; {RESULT.name} when left out, none with --quick")
    arguments = vars(parser.parse_args())
    small = {"setting": ladder.QUICK, "seconds": 0.0, "out": None, "size": 256} if arguments.pop("quick") else {}
    main(**small | {name: value for name, value in arguments.items() if value is not None})
