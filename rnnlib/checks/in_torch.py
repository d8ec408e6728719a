"""The forward functions of the exercises once more in PyTorch, so that autograd gives the gradients independently.

Where PyTorch has the step itself, it is PyTorch's own. A GPU is used where there is one.
"""

import torch
from torch.nn import functional as F

from rnnlib.torch_models import device


def gradients(name, case):
    """The gradients of an exercise's forward function, by autograd in float64.

    Parameters
    ----------
    name : str
        Of the forward exercise, a key of `FORWARDS`.
    case : Case
        With `forward` and `upstream`.

    Returns
    -------
    gradients : list of arrays
        By each floating-point array of ``case.forward``, in its order.
    where : str
        ``cpu`` or ``cuda``.
    """
    where = device()
    tensors = [torch.as_tensor(value, device=where) for value in case.forward.values()]
    inputs = [t.requires_grad_() for t in tensors if t.is_floating_point()]
    outputs = FORWARDS[name](*tensors)
    pairs = zip(outputs, case.upstream, strict=True)
    loss = sum((out * torch.as_tensor(up, device=where)).sum() for out, up in pairs if up is not None)
    return [gradient.cpu().numpy() for gradient in torch.autograd.grad(loss, inputs)], where.type


def _over_time(step):
    """The sequence function of a step: stacked outputs, one for each state."""

    def run(xs, *arguments):
        states, weights = arguments[: step.states], arguments[step.states :]
        steps = []
        for x in xs:
            states = step(x, *states, *weights)
            steps.append(states)
        return tuple(torch.stack(outputs) for outputs in zip(*steps, strict=True))

    return run


def _rnn_step(x, h_prev, W_x, W_h, b):
    return (torch.rnn_tanh_cell(x, h_prev, W_x.T, W_h.T, b, torch.zeros_like(b)),)


def _lstm_step(x, h_prev, c_prev, W_x, W_h, b):
    return torch.lstm_cell(x, (h_prev, c_prev), W_x.T, W_h.T, b, torch.zeros_like(b))


def _gru_step(x, h_prev, W_x, W_h, b):
    return (torch.gru_cell(x, h_prev, W_x.T, W_h.T, b, torch.zeros_like(b)),)


def _mut1_step(x, h_prev, W_x, W_h, b):
    (W_xr, W_xz), (W_hr, W_hn), (b_r, b_z, b_n) = W_x.chunk(2, 1), W_h.chunk(2, 1), b.chunk(3)
    r, z = torch.sigmoid(F.linear(x, W_xr.T, b_r) + h_prev @ W_hr), torch.sigmoid(F.linear(x, W_xz.T, b_z))
    return (torch.lerp(h_prev, torch.tanh(F.linear(r * h_prev, W_hn.T, b_n) + torch.tanh(x)), z),)


_rnn_step.states = _gru_step.states = _mut1_step.states = 1
_lstm_step.states = 2


def _cross_entropy(logits, targets):
    return (F.cross_entropy(logits.flatten(0, 1), targets.flatten()),)


FORWARDS = {
    "cross_entropy": _cross_entropy,
    "readout": lambda hs, W_y, b_y: (F.linear(hs, W_y.T, b_y),),
    "rnn_step": _rnn_step,
    "rnn_forward": _over_time(_rnn_step),
    "lstm_step": _lstm_step,
    "lstm_forward": _over_time(_lstm_step),
    "gru_step": _gru_step,
    "gru_forward": _over_time(_gru_step),
    "mut1_step": _mut1_step,
}
