"""What a cell prints stays whole: pieces of one stream that follow each other are joined as they came.

myst-nb merges them too, but ends each piece with a line break. A kernel that flushes in the middle of a line, as one on
a busy machine does, would have that line broken on the page.
"""

from myst_nb.core import render
from myst_nb.core.utils import coalesce_streams


def joined(outputs):
    """The outputs of a cell, with each stream's pieces joined, then merged as myst-nb does.

    Parameters
    ----------
    outputs : list of NotebookNode

    Returns
    -------
    outputs : list of NotebookNode
    """
    whole = []
    for output in outputs:
        last = whole[-1] if whole else {}
        if output["output_type"] == "stream" and output["name"] == last.get("name"):
            last["text"] += output["text"]
        else:
            whole.append(output)
    return coalesce_streams(whole)


def setup(app):
    render.coalesce_streams = joined
    return {"parallel_read_safe": True}
