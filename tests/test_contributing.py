"""The page about adding a cell does what it says."""

import re
from pathlib import Path

import numpy as np

from rnnlib.gradcheck import relative_error

TEXT = (Path(__file__).resolve().parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGE = TEXT.partition("## Add a cell\n")[2].partition("\n## ")[0]


def test_the_code_of_the_page_is_a_cell_with_right_gradients(capsys):
    names = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(code, "CONTRIBUTING.md", "exec"), names)
    errors = names["errors"]
    assert errors.keys() == {"xs", "W_x", "W_h", "b"}
    assert max(errors.values()) < 1e-6
    printed = capsys.readouterr().out
    assert "W_h" in printed
    assert float(printed.split()[-1]) < 1e-14
    module = names["module"]
    assert {name: tuple(p.shape) for name, p in module.named_parameters()} == {
        name: p.shape for name, p in names["layer"].params.items()
    }
    for name, p in module.named_parameters():
        assert relative_error(names["layer"].grads[name], p.grad.numpy()) < 1e-10, name

    # The equations as the page displays them.
    layer, xs, H = names["layer"], names["xs"], 4
    W_x, W_h, b = layer.params.values()
    h = np.zeros((2, H))
    for t in range(5):
        f = 1 / (1 + np.exp(-(xs[t] @ W_x[:, :H] + h @ W_h[:, :H] + b[:H])))
        n = np.tanh(xs[t] @ W_x[:, H:] + (f * h) @ W_h[:, H:] + b[H:])
        h = (1 - f) * h + f * n
        assert relative_error(names["hs"][t], h) < 1e-14


def test_what_a_new_layer_is_asked_for_is_on_the_page():
    """The tests that fail until a new layer is there, each by what they look into."""
    for word in ("PARAMETERS", "README.md", "rnnlib/torch_models.py", "tests/test_readme.py", "book/api.md"):
        assert f"`{word}`" in PAGE, word


def test_the_files_that_the_page_names_are_there():
    named = set(re.findall(r"`((?:rnnlib|tests|book)/[\w/]+\.\w+)`", PAGE))
    assert len(named) >= 8
    missing = [name for name in sorted(named) if not (Path(__file__).parents[1] / name).is_file()]
    assert not missing, missing
