"""What all tests share: who may be left out, and why; and who runs on which worker."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep together what shares a kernel, a course or the built book; leave tests marked `gpu` out without a GPU."""
    for item in items:
        if item.path.suffix == ".ipynb":  # nbval: one kernel runs the cells in their order
            item.add_marker(pytest.mark.xdist_group(item.path.name))
        elif item.path.parent.name in ("rnngrader", "benchmarks"):  # a course takes long to set up: not on two workers
            item.add_marker(pytest.mark.xdist_group(item.path.name))
        elif "book" in getattr(item, "fixturenames", ()):  # on one worker: no other waits while the book is built
            item.add_marker(pytest.mark.xdist_group("book"))
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if not marked:
        return
    import torch

    if not torch.cuda.is_available():
        for item in marked:
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device: none is seen by torch here"))
