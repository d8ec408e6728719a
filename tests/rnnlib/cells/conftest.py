"""What the tests of single cells share."""

import numpy as np
import pytest

from rnnlib.gradcheck import gradient_errors


@pytest.fixture
def differences():
    """A function that compares all gradients of a layer of float64 with central differences."""

    def compare(layer, T=4, B=3, seed=0):
        """Relative errors by name: of xs, of each initial state, of each parameter."""
        rng = np.random.default_rng(seed)
        names = layer.cell.states

        def state():
            drawn = tuple(0.6 * rng.standard_normal((B, layer.hidden_size)) for _ in names)
            return drawn if len(names) > 1 else drawn[0]

        def by_name(state):
            return dict(zip(names, state if len(names) > 1 else (state,), strict=True))

        xs, state0, dstate = rng.standard_normal((T, B, layer.input_size)), state(), state()
        dhs = rng.standard_normal((T, B, layer.hidden_size))

        def loss():
            hs, last = layer.forward(xs, state0)
            ends = zip(by_name(last).values(), by_name(dstate).values(), strict=True)
            return (hs * dhs).sum() + sum((s * d).sum() for s, d in ends)

        loss()
        dxs, dstate0 = layer.backward(dhs, dstate)
        grads = {"xs": dxs, **by_name(dstate0), **layer.grads}
        return gradient_errors(loss, {"xs": xs, **by_name(state0), **layer.params}, grads)

    return compare
