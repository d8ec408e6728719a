"""What all tests share: who may be left out, and why."""

import pytest


def pytest_collection_modifyitems(items):
    """Leave the tests marked `gpu` out where torch sees no GPU, and say so."""
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device: none is seen by torch here"))
