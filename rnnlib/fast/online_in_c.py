"""The steps of `rnnlib.online` in C, from online.c, where installing rnnlib built them."""

import ctypes
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

KINDS = ["identity", "tanh", "centred1", "centred2", "sigmoid"]  # as in online.c

_library = None
if os.environ.get("RNNLIB_FUSED") != "0":
    with suppress(OSError):  # not there, or built for another system
        _library = ctypes.CDLL(str(Path(__file__).with_name("online.double.so")))
        _library.run.restype = ctypes.c_long

_POINTERS = "W W_y p_i p_f p_g p_o present present_y dW dW_y dp_i dp_f dp_g dp_o vW vW_y vp_i vp_f vp_g vp_o".split()
_POINTERS += "h c before trace_i trace_f trace_g p_trace_i p_trace_f scratch".split()


class _Net(ctypes.Structure):
    """`net_t` of online.c."""

    _fields_ = [
        *((name, ctypes.c_long) for name in "D K blocks cells M U MY i f g o".split()),
        *((name, ctypes.c_long) for name in "peepholes gate_recurrence direct squash_in squash_out output".split()),
        ("forget", ctypes.c_double),
        *((name, ctypes.c_void_p) for name in _POINTERS),
    ]


def is_there():
    """Whether the C function was built and is not switched off.

    Returns
    -------
    is_there : bool
    """
    return _library is not None


def run(net, xs, targets, counts, starts, ys, lr, momentum, decay, update, stop_at):
    """The steps of `rnnlib.online.OnlineLSTM.run`.

    Parameters
    ----------
    net : OnlineLSTM
        Changed in place.
    xs, targets, counts, starts, ys : arrays
        As there; `ys` is filled.
    lr, momentum, decay, update, stop_at : see there

    Returns
    -------
    steps : int
        How many were taken.
    """
    M, U = net.params["W"].shape
    MY = len(net.params["W_y"])
    columns = {gate: net.columns[gate].start if gate in net.columns else -1 for gate in "ifgo"}
    arrays = {"W": net.params["W"], "W_y": net.params["W_y"], "h": net.h, "c": net.c, "before": net.before}
    arrays |= {"present": net.present["W"], "present_y": net.present["W_y"]}
    for letter, of in (("d", net.grads), ("v", net.velocity)):
        arrays |= {letter + name: of[name] for name in ("W", "W_y")}
        arrays |= {f"{letter}p_{gate}": of.get(f"p_{gate}") for gate in "ifo"}
    arrays |= {f"p_{gate}": net.params.get(f"p_{gate}") for gate in "ifo"}
    arrays |= {f"trace_{name}": net.traces[name] for name in "ifg"}
    arrays |= {f"p_trace_{name}": net.traces.get(f"p_{name}") for name in "if"}
    arrays["scratch"] = np.empty(M + MY + U + 3 * net.blocks + 9 * net.H + net.K)
    given = [None if array is None else np.ascontiguousarray(array) for array in (xs, targets, counts, starts)]
    struct = _Net(
        net.D, net.K, net.blocks, net.cells, M, U, MY, *columns.values(),
        net.peepholes, net.gate_recurrence, net.direct,
        *(KINDS.index(kind) for kind in (net.squash_in, net.squash_out, net.output)),
        net.forget,
        *(None if arrays.get(name) is None else arrays[name].ctypes.data for name in _POINTERS),
    )  # fmt: skip
    addresses = (None if array is None else array.ctypes.data for array in (*given, ys))
    return _library.run(
        ctypes.byref(struct), ctypes.c_long(len(xs)), *map(ctypes.c_void_p, addresses),
        *map(ctypes.c_double, (lr, momentum, decay)), ctypes.c_long(update), ctypes.c_double(stop_at),
    )  # fmt: skip
