"""What all tests share: who may be left out, and why; and who runs on which worker."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep a notebook's cells together, and leave the tests marked `gpu` out where torch sees no GPU."""
    for item in items:
        if item.path.suffix == ".ipynb":  # nbval: one kernel runs the cells in their order
            item.add_marker(pytest.mark.xdist_group(item.path.name))
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device: none is seen by torch here"))
