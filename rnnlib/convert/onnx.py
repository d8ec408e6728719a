"""Weights to and from ONNX models of one operator: RNN, LSTM or GRU."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from rnnlib.convert.conventions import Packed, convention_from, convention_to, options_of, pack, unpack, ways_of
from rnnlib.layers import Bidirectional
from rnnlib.validation import check_array

OPSET = 14  #: of the models that `to_onnx` writes: the first whose RNN, LSTM and GRU are those of today
#: The activations that each operator can have here, those of one direction; the first are ONNX's default.
ACTIVATIONS = {"RNN": [["Tanh"], ["Relu"]], "LSTM": [["Sigmoid", "Tanh", "Tanh"]], "GRU": [["Sigmoid", "Tanh"]]}


def to_onnx(layer):
    """Write a layer as an ONNX model of one operator.

    The inputs are ``X`` (T, B, D), ``initial_h`` and for an LSTM ``initial_c``, each (1, B, H); the outputs ``Y``
    (T, 1, B, H), ``Y_h`` and for an LSTM ``Y_c``. The 1 stands for the directions; it is 2 for a bidirectional layer.

    Parameters
    ----------
    layer : rnnlib.RNN, LSTM, GRU or PeepholeLSTM, or Bidirectional of two alike
        A PeepholeLSTM with all its gates and activations, with or without peepholes or `coupled`.

    Returns
    -------
    model : onnx.ModelProto
        Of operator set 14, with the layer's dtype.

    Raises
    ------
    TypeError, ValueError
        When ONNX has no such operator.
    """
    ways = ways_of(layer)
    convention, options, first = convention_to("ONNX", ways), options_of(ways[0]), ways[0]
    operator, N, D, H = convention.operator, len(ways), first.input_size, first.hidden_size
    attributes = {"hidden_size": H, "direction": "forward" if N == 1 else "bidirectional"}
    if operator == "RNN":
        attributes["activations"] = [options["nonlinearity"].capitalize()] * N
    if operator == "GRU":
        attributes["linear_before_reset"] = int(convention.reset == "after")
    if options.get("coupled"):
        attributes["input_forget"] = 1
    W, R, B, P = zip(*(pack(convention, way) for way in ways), strict=True)
    tensors = {"W": np.stack(W), "R": np.stack(R), "B": np.stack(B).reshape(N, -1)}
    if P[0] is not None:
        tensors["P"] = np.stack(P)
    states = first.cell.states
    inputs = ["X", "W", "R", "B", "", *(f"initial_{s}" for s in states), *(["P"] if "P" in tensors else [])]
    shapes = {"X": ("T", "B", D), "Y": ("T", N, "B", H)}
    shapes |= {name: (N, "B", H) for s in states for name in (f"initial_{s}", f"Y_{s}")}
    kind = helper.np_dtype_to_tensor_dtype(first.dtype)
    infos = {name: helper.make_tensor_value_info(name, kind, shape) for name, shape in shapes.items()}
    outputs = [name for name in infos if name.startswith("Y")]
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, outputs, **attributes)],
        type(layer).__name__,
        [info for name, info in infos.items() if name not in outputs],
        [infos[name] for name in outputs],
        [numpy_helper.from_array(a, name) for name, a in tensors.items()],
    )
    return helper.make_model_gen_version(graph, opset_imports=[helper.make_opsetid("", OPSET)])


def from_onnx(model):
    """Read the weights of an ONNX model of one operator.

    Its two biases are added, but for the one inside a GRU's reset, which becomes ``b_h`` where it is not zero
    throughout. What is no weight is left to the call: ``sequence_lens`` are a layer's `lengths`, and the initial states
    its `state0`.

    Parameters
    ----------
    model : onnx.ModelProto
        Of one node, RNN, LSTM or GRU, whose weights are initialisers.

    Returns
    -------
    layer : rnnlib.RNN, LSTM or GRU
        Of the weights' dtype; a `PeepholeLSTM` for an LSTM with peepholes or ``input_forget``, and a `Bidirectional` of
        two where the direction is bidirectional.

    Raises
    ------
    TypeError
        When it is no model.
    ValueError
        When ONNX's checker refuses it, or it has another node, an attribute that rnnlib has no equal of, weights that
        are computed or of the wrong shape, a fixed initial state, or fixed lengths.
    """
    if not isinstance(model, onnx.ModelProto):
        raise TypeError(f"model is of type {type(model).__name__}; it should be an onnx.ModelProto")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ValueError(f"model is not valid ONNX: {error}") from error
    nodes = model.graph.node
    if len(nodes) != 1 or nodes[0].op_type not in ACTIVATIONS or nodes[0].domain not in ("", "ai.onnx"):
        kinds = ", ".join(node.op_type for node in nodes) or "none"
        raise ValueError(f"model has the nodes: {kinds}; it should have one, RNN, LSTM or GRU")
    operator, attributes = nodes[0].op_type, _attributes(nodes[0])
    N = attributes["directions"]
    reset = {"GRU": "after" if attributes["linear_before_reset"] else "before"}.get(operator)
    convention = convention_from("ONNX", operator, reset)
    W, R, B, P = _tensors(nodes[0], model.graph.initializer, convention, N)
    options = {}
    if operator == "RNN":
        options["nonlinearity"] = attributes["activations"][0].lower()
    if attributes["input_forget"]:
        options["coupled"] = True
    ways = [unpack(convention, Packed(W[k], R[k], B[k], None if P is None else P[k]), **options) for k in range(N)]
    return Bidirectional(*ways) if N == 2 else ways[0]


def _attributes(node):
    """The attributes of an operator that say what it computes, those left out too."""
    given = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    texts = [value.decode() for value in given.get("activations", [])]
    direction = given.get("direction", b"forward").decode()
    N = 2 if direction == "bidirectional" else 1
    known = {"hidden_size", "layout", "linear_before_reset", "input_forget", "activations", "direction"}
    strange = {name: value for name, value in given.items() if name not in known}
    if direction == "reverse":
        strange["direction"] = direction
    if texts and texts[: N * len(ACTIVATIONS[node.op_type][0])] not in [one * N for one in ACTIVATIONS[node.op_type]]:
        strange["activations"] = texts
    if strange:
        name, value = next(iter(strange.items()))
        raise ValueError(f"model's {node.op_type} has {name} = {value!r}; rnnlib has no equal of it")
    return {
        "directions": N,
        "activations": texts or ACTIVATIONS[node.op_type][0],
        "linear_before_reset": given.get("linear_before_reset", 0),
        "input_forget": given.get("input_forget", 0),
    }


def _tensors(node, initializers, convention, N):
    """W, R, B (N, 2, G·H) and P, the last None where there is none."""
    slots = ["X", "W", "R", "B", "sequence_lens", "initial_h"] + ["initial_c", "P"] * (node.op_type == "LSTM")
    names = {slot: name for slot, name in zip(slots, node.input, strict=False) if name}
    values = {tensor.name: numpy_helper.to_array(tensor) for tensor in initializers}
    if names.get("sequence_lens") in values:
        raise ValueError("model's sequence_lens is stored in it; it should be an input, as lengths is here")
    for slot in ("initial_h", "initial_c"):
        if np.any(values.get(names.get(slot), 0)):
            raise ValueError(f"model's {slot} is stored in it and not zero; it should be an input, as state0 is here")
    for slot in convention.tensors:
        if slot in names and names[slot] not in values:
            raise ValueError(f"model's {slot} is not stored in it; it should be an initialiser")
    W, R, B, P = (values[names[slot]] if slot in names else None for slot in ("W", "R", "B", "P"))
    G, H, D = len(convention.blocks), R.shape[-1], W.shape[-1]
    check_array("W", W, (N, G * H, D))
    check_array("R", R, (N, G * H, H), W.dtype)
    if B is None:
        B = np.zeros((N, 0), W.dtype)
    else:
        check_array("B", B, (N, 2 * G * H), W.dtype)
    if P is not None:
        check_array("P", P, (N, len(convention.peepholes) * H), W.dtype)
    return W, R, B.reshape(N, -1, G * H), P
