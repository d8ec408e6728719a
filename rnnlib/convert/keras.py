"""Weights to and from the layers SimpleRNN, LSTM and GRU of Keras 3, on its torch backend.

To import this module chooses the backend, unless the environment variable KERAS_BACKEND or an import of Keras has
chosen before.
"""

import os
import sys

import numpy as np

from rnnlib.convert.conventions import Packed, convention_from, convention_to, options_of, pack, unpack


def _keras_on_torch():
    if "keras" in sys.modules:
        backend = sys.modules["keras"].backend.backend()
    else:
        backend = os.environ.setdefault("KERAS_BACKEND", "torch")
    if backend != "torch":
        raise ImportError(
            f"Keras is set to the backend {backend!r}; it should be 'torch': set the environment variable "
            "KERAS_BACKEND to torch before Keras is first imported"
        )
    import keras

    return keras


keras = _keras_on_torch()


def to_keras(layer):
    """Carry the weights of an rnnlib layer over to a layer of Keras.

    Parameters
    ----------
    layer : rnnlib.RNN, LSTM or GRU

    Returns
    -------
    keras_layer : keras.layers.SimpleRNN, LSTM or GRU
        Built, of the layer's dtype; returns the outputs of all steps and then the states. It takes the batch first.

    Raises
    ------
    TypeError, ValueError
        When Keras has no such layer.
    """
    convention = convention_to("Keras", [layer])
    settings = {"return_sequences": True, "return_state": True, "dtype": str(layer.dtype)}
    if convention.operator == "SimpleRNN":
        settings["activation"] = options_of(layer)["nonlinearity"]
    if convention.operator == "GRU":
        settings["reset_after"] = convention.reset == "after"
    keras_layer = getattr(keras.layers, convention.operator)(layer.hidden_size, **settings)
    keras_layer.build((None, None, layer.input_size))
    W_x, W_h, biases, _ = pack(convention, layer)
    keras_layer.set_weights([W_x, W_h, biases if convention.biases > 1 else biases[0]])
    return keras_layer


def from_keras(keras_layer):
    """Carry the weights of a layer of Keras over to rnnlib.

    A GRU's second bias is added to the first, but for the part inside the reset, which becomes ``b_h`` where it is not
    zero throughout.

    Parameters
    ----------
    keras_layer : keras.layers.SimpleRNN, LSTM or GRU
        Built, with Keras' own activations (or relu in a SimpleRNN), forwards, without dropout and not stateful.

    Returns
    -------
    layer : rnnlib.RNN, LSTM or GRU
        Of the layer's dtype. It takes time first.

    Raises
    ------
    TypeError
        When it is none of these.
    ValueError
        When it is not built, or a setting is another.
    """
    operator = type(keras_layer).__name__
    if type(keras_layer) not in (keras.layers.SimpleRNN, keras.layers.LSTM, keras.layers.GRU):
        raise TypeError(f"keras_layer is of type {operator}; it should be a keras.layers.SimpleRNN, LSTM or GRU")
    if not keras_layer.built:
        raise ValueError("keras_layer has no weights yet; call its build, or the layer itself, on an input first")
    simple, config = operator == "SimpleRNN", keras_layer.get_config()
    config["dtype"] = keras_layer.dtype_policy.name
    possible = {
        "dtype": ("float32", "float64"),
        "activation": ("tanh", "relu") if simple else ("tanh",),
        "recurrent_activation": ("sigmoid",),
        "go_backwards": (False,),
        "stateful": (False,),
        "dropout": (0,),
        "recurrent_dropout": (0,),
    }
    for name, values in possible.items():
        if name in config and config[name] not in values:
            wanted = " or ".join(map(repr, values))
            raise ValueError(f"keras_layer has {name} = {config[name]!r}; it should be {wanted}")
    reset = {True: "after", False: "before", None: None}[config.get("reset_after")]
    convention = convention_from("Keras", operator, reset)
    W_x, W_h, *biases = (w.value.detach().cpu().numpy() for w in keras_layer.weights)
    packed = Packed(W_x, W_h, np.array(biases, W_x.dtype).reshape(-1, W_x.shape[1]))
    return unpack(convention, packed, **({"nonlinearity": config["activation"]} if simple else {}))
