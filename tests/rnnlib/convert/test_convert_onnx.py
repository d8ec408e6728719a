"""Weights travel to ONNX's operators and back, and the reference evaluator computes the same with them.

The evaluator of onnx 1.23 has gaps: it knows no Relu in an RNN, and passes over ``input_forget`` and ``sequence_lens``.
There the operator's equations, as ONNX's documentation has them, are written out below.
"""

import numpy as np
import onnx
import pytest
from carrying import BEFORE, COMMON, PEEPHOLES, PRECISIONS, SIZES, assert_same_bits, make, name_of, run, turned
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

import rnnlib
from rnnlib.convert.onnx import from_onnx, to_onnx
from rnnlib.gradcheck import relative_error

T, B, D, H = 6, 3, 4, 5
CASES = COMMON + BEFORE + PEEPHOLES
RELU = ("RNN", {"nonlinearity": "relu"})


def over_there(model, xs, state0):
    """What `run` gives, of a model in one direction."""
    inputs = {f"initial_{name}": s[None] for name, s in zip("hc", state0, strict=False)}
    Y, *state = ReferenceEvaluator(model).run(None, {"X": xs, **inputs})
    return [Y[:, 0], *(s[0] for s in state)]


def tensors(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def by_the_equations(W, R, B, P, xs, h, c, activations):
    """Outputs of an RNN with Relu, or of an LSTM with coupled gates, from ONNX's equations."""
    hs = []
    for x in xs:
        a = x @ W[0].T + h @ R[0].T + np.split(B[0], 2)[0] + np.split(B[0], 2)[1]
        if activations == ["Relu"]:
            h = np.maximum(a, 0)
        else:
            (a_i, a_o, _, a_c), (p_i, p_o, _) = np.split(a, 4, axis=1), np.split(P[0], 3)
            i = 1 / (1 + np.exp(-(a_i + p_i * c)))
            c = (1 - i) * c + i * np.tanh(a_c)
            h = 1 / (1 + np.exp(-(a_o + p_o * c))) * np.tanh(c)
        hs.append(h)
    return np.array(hs)


def model_of(operator, G, dtype=np.float64, leave_out=(), N=1, peepholes=False, extra_nodes=(), fixed=(), **attributes):
    """A model as another exporter might write it, with random weights."""
    rng = np.random.default_rng(0)
    shapes = {"W": (N, G * H, D), "R": (N, G * H, H), "B": (N, 2 * G * H)} | ({"P": (N, 3 * H)} if peepholes else {})
    shapes |= {name: (N, B, H) for name in fixed}
    weights = {
        name: (0.7 * rng.standard_normal(s)).astype(dtype) for name, s in shapes.items() if name not in leave_out
    }
    states = ["initial_h", "initial_c"] if operator == "LSTM" else ["initial_h"]
    slots = ["X", "W", "R", "B", "", *states, "P"]
    inputs = ["" if name in leave_out or (name == "P" and not peepholes) else name for name in slots]
    outputs = ["Y", "Y_h", "Y_c"] if operator == "LSTM" else ["Y", "Y_h"]
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    info = {name: helper.make_tensor_value_info(name, kind, ("a", "b", "c")) for name in ("X", *states, *outputs[1:])}
    info["Y"] = helper.make_tensor_value_info("Y", kind, ("a", "b", "c", "d"))
    while inputs[-1] == "":
        inputs.pop()
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, outputs, hidden_size=H, **attributes), *extra_nodes],
        "there",
        [info[name] for name in ("X", *states) if name not in fixed],
        [info[name] for name in outputs],
        [numpy_helper.from_array(a, name) for name, a in weights.items()],
    )
    return helper.make_model_gen_version(graph, opset_imports=[helper.make_opsetid("", 14)])


@pytest.mark.parametrize("case", CASES, ids=name_of)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_a_layer_computes_the_same_there(case, sizes, dtype, tolerance):
    layer, xs, state0 = make(case, sizes, dtype)
    model = to_onnx(layer)
    onnx.checker.check_model(model, full_check=True)
    ours = run(layer, xs, state0)
    if case == RELU:
        hs = by_the_equations(**tensors(model), P=None, xs=xs, h=state0[0], c=None, activations=["Relu"])
        theirs = [hs, hs[-1]]
    else:
        theirs = over_there(model, xs, state0)
    for one, other in zip(ours, theirs, strict=True):
        assert one.dtype == other.dtype == dtype
        assert relative_error(one, other) < tolerance


PLAIN = ("PeepholeLSTM", {"peepholes": False, "coupled": False})


@pytest.mark.parametrize("case", [c for c in CASES if "update" not in c[1] and c != PLAIN], ids=name_of)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_there_and_back_gives_the_same_bits(case, dtype):
    layer = make(case, (T, B, D, H), dtype)[0]
    assert_same_bits(from_onnx(onnx.load_from_string(to_onnx(layer).SerializeToString())), layer)


def test_without_peepholes_a_peephole_lstm_comes_back_as_the_lstm_that_it_is():
    layer = make(PLAIN, (T, B, D, H))[0]
    lstm = make(("LSTM", {}), (T, B, D, H))[0]
    lstm.params = layer.params
    assert_same_bits(from_onnx(to_onnx(layer)), lstm)


def test_z_that_renews_comes_back_as_one_that_keeps_with_the_sign_of_its_weights_changed():
    layer = make(("GRU", {"update": "renew", "reset": "before"}), (T, B, D, H))[0]
    back = from_onnx(to_onnx(layer))
    assert back.options["update"] == "keep" and back.options["reset"] == "before"
    for name, p in turned(layer.params, H).items():
        np.testing.assert_array_equal(back.params[name], p)


def test_the_attributes_say_what_the_options_are():
    def attributes(case):
        node = to_onnx(make(case, (1, 1, D, H))[0]).graph.node[0]
        return {a.name: helper.get_attribute_value(a) for a in node.attribute}

    forward = {"hidden_size": H, "direction": b"forward"}
    assert attributes(RELU) == forward | {"activations": [b"Relu"]}
    assert attributes(("LSTM", {})) == forward
    assert attributes(("GRU", {})) == forward | {"linear_before_reset": 1}
    assert attributes(BEFORE[0]) == forward | {"linear_before_reset": 0}
    assert attributes(("PeepholeLSTM", {"coupled": True})) == forward | {"input_forget": 1}


FOREIGN = [
    ("RNN", 1, {}),
    ("RNN", 1, {"leave_out": ("B",)}),
    ("LSTM", 4, {}),
    ("LSTM", 4, {"peepholes": True, "activations": ["Sigmoid", "Tanh", "Tanh"]}),
    ("LSTM", 4, {"leave_out": ("B",)}),
    ("GRU", 3, {}),
    ("GRU", 3, {"linear_before_reset": 1, "activations": ["Sigmoid", "Tanh"]}),
    ("GRU", 3, {"linear_before_reset": 1, "leave_out": ("B",)}),
]


@pytest.mark.parametrize(("operator", "G", "settings"), FOREIGN)
@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_a_model_made_elsewhere_computes_the_same_here(operator, G, settings, dtype, tolerance):
    model = model_of(operator, G, dtype, **settings)
    layer = from_onnx(model)
    assert type(layer).__name__ == ("PeepholeLSTM" if "peepholes" in settings else operator)
    assert all(p.flags.owndata and p.flags.writeable and p.flags.c_contiguous for p in layer.params.values())
    xs, state0 = make((operator, {}), (T, B, D, H), dtype)[1:]
    for ours, theirs in zip(run(layer, xs, state0), over_there(model, xs, state0), strict=True):
        assert ours.dtype == theirs.dtype == dtype
        assert relative_error(ours, theirs) < tolerance


@pytest.mark.parametrize(
    ("operator", "G", "settings"),
    [
        ("RNN", 1, {"activations": ["Relu"]}),
        ("LSTM", 4, {"input_forget": 1, "peepholes": True}),
        ("LSTM", 4, {"input_forget": 1}),
    ],
)
def test_a_model_that_the_evaluator_does_not_know_computes_its_equations_here(operator, G, settings):
    model = model_of(operator, G, **settings)
    xs, state0 = make((operator, {}), (T, B, D, H))[1:]
    there = {"P": np.zeros((1, 3 * H))} | tensors(model)
    hs = by_the_equations(**there, xs=xs, h=state0[0], c=state0[-1], activations=settings.get("activations"))
    assert relative_error(run(from_onnx(model), xs, state0)[0], hs) < 1e-12


@pytest.mark.parametrize(("operator", "G"), [("RNN", 1), ("LSTM", 4), ("GRU", 3)])
def test_both_directions_travel_both_ways(operator, G):
    model = model_of(operator, G, N=2, direction="bidirectional")
    xs, state0 = make((operator, {}), (T, B, D, H))[1:]
    inputs = {"X": xs} | {f"initial_{s}": np.stack([a, 2 * a]) for s, a in zip("hc", state0, strict=False)}
    layer = from_onnx(model)
    ways = [tuple(k * a for a in state0) if len(state0) > 1 else k * state0[0] for k in (1, 2)]
    ys, _ = layer.forward(xs, tuple(ways))
    for there in (model, to_onnx(layer)):
        onnx.checker.check_model(there, full_check=True)
        Y = ReferenceEvaluator(there).run(["Y"], inputs)[0]
        assert relative_error(ys, np.concatenate([Y[:, 0], Y[:, 1]], axis=2)) < 1e-12
    for name, p in from_onnx(to_onnx(layer)).params.items():
        np.testing.assert_array_equal(p, layer.params[name], strict=True)


def relu():
    return helper.make_node("Relu", ["Y"], ["Z"])


def wrong_shape():
    model = model_of("LSTM", 4)
    model.graph.initializer[2].CopyFrom(numpy_helper.from_array(np.zeros((1, 4 * H)), "B"))
    return model


def stored_lengths():
    model = model_of("LSTM", 4)
    model.graph.node[0].input[4] = "n"
    model.graph.initializer.append(numpy_helper.from_array(np.full(B, T, np.int32), "n"))
    return model


def test_lengths_that_are_an_input_are_left_to_the_call():
    model = model_of("LSTM", 4)
    expected = from_onnx(model).params
    model.graph.node[0].input[4] = "n"
    model.graph.input.append(helper.make_tensor_value_info("n", onnx.TensorProto.INT32, ("b",)))
    for name, p in from_onnx(model).params.items():
        np.testing.assert_array_equal(p, expected[name])


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (lambda: "model.onnx", TypeError, r"model is of type str; it should be an onnx\.ModelProto"),
        (lambda: model_of("LSTM", 4, leave_out=("R",)), ValueError, "model is not valid ONNX: .*input 2 is marked"),
        (lambda: model_of("GRU", 3, extra_nodes=[relu()]), ValueError, "the nodes: GRU, Relu; it should have one, RNN"),
        (lambda: model_of("GRU", 3, clip=3.0), ValueError, "model's GRU has clip = 3.0; rnnlib has no equal of it"),
        (
            lambda: model_of("LSTM", 4, activations=["HardSigmoid", "Tanh", "Tanh"]),
            ValueError,
            r"model's LSTM has activations = \['HardSigmoid', 'Tanh', 'Tanh'\]; rnnlib has no equal of it",
        ),
        (
            lambda: model_of("RNN", 1, N=2, direction="bidirectional", activations=["Tanh", "Relu"]),
            ValueError,
            r"model's RNN has activations = \['Tanh', 'Relu'\]",
        ),
        (lambda: model_of("RNN", 1, activation_alpha=[0.1]), ValueError, "model's RNN has activation_alpha = "),
        (
            lambda: model_of("RNN", 1, direction="reverse"),
            ValueError,
            "model's RNN has direction = 'reverse'; rnnlib has",
        ),
        (
            lambda: model_of("GRU", 3, fixed=("initial_h",)),
            ValueError,
            "model's initial_h is stored in it and not zero",
        ),
        (stored_lengths, ValueError, "model's sequence_lens is stored in it; it should be an input, as lengths is"),
        (
            lambda: model_of("RNN", 1, dtype=np.float16),
            ValueError,
            "W has dtype float16; it should be float32 or float64",
        ),
        (wrong_shape, ValueError, r"B has shape \(1, 20\); it should be \(1, 40\)"),
    ],
)
def test_what_cannot_come_over_is_named(model, error, message):
    with pytest.raises(error, match=message):
        from_onnx(model())


def test_weights_that_are_computed_are_named():
    model = model_of("RNN", 1)
    del model.graph.initializer[0]
    model.graph.input.append(helper.make_tensor_value_info("W", onnx.TensorProto.DOUBLE, (1, H, D)))
    with pytest.raises(ValueError, match="model's W is not stored in it; it should be an initialiser"):
        from_onnx(model)


@pytest.mark.parametrize(
    ("case", "error", "message"),
    [
        (("MUT1", {}), TypeError, "layer is of type MUT1; ONNX has RNN, LSTM, PeepholeLSTM, GRU alone"),
        (
            ("PeepholeLSTM", {"forget_gate": False}),
            ValueError,
            "layer has forget_gate = False; it should be True, since ONNX has no other",
        ),
        (
            ("PeepholeLSTM", {"output_activation": "identity"}),
            ValueError,
            "layer has output_activation = 'identity'; it should be 'tanh'",
        ),
        (("PeepholeLSTM", {"full_gate_recurrence": True}), ValueError, "layer has full_gate_recurrence = True"),
    ],
)
def test_what_onnx_has_not_is_named(case, error, message):
    with pytest.raises(error, match=message):
        to_onnx(make(case, (T, B, D, H))[0])


def test_directions_that_differ_are_named():
    rng = np.random.default_rng(0)
    ways = [rnnlib.GRU(D, H, rng=rng, reset=reset) for reset in ("before", "after")]
    with pytest.raises(ValueError, match="layers differ in reset: 'before' and 'after'; ONNX has one for all"):
        to_onnx(rnnlib.Bidirectional(*ways))
