"""What a cell printed in pieces is one text on the page, with no line broken where a piece ended."""

import importlib.util
from pathlib import Path

from myst_nb.core import render
from nbformat.v4 import new_output

PATH = Path(__file__).parents[2] / "book" / "_extensions" / "whole_lines.py"
spec = importlib.util.spec_from_file_location("whole_lines", PATH)
whole_lines = importlib.util.module_from_spec(spec)
spec.loader.exec_module(whole_lines)


def test_pieces_of_a_stream_are_joined_as_they_came():
    pieces = ["lag  1:", "  99 %\n   lag", " 2:  40 %\n", "\nend\n"]
    outputs = [new_output("stream", name="stdout", text=text) for text in pieces]
    picture = new_output("display_data", data={"text/plain": "a picture"})
    joined = whole_lines.joined([*outputs, picture])
    assert [output["output_type"] for output in joined] == ["stream", "display_data"]
    assert joined[0]["text"] == "lag  1:  99 %\n   lag 2:  40 %\n\nend\n"


def test_the_extension_stands_in_the_place_that_is_called(monkeypatch):
    monkeypatch.setattr(render, "coalesce_streams", render.coalesce_streams)  # put back after the test
    whole_lines.setup(None)
    assert render.coalesce_streams is whole_lines.joined
    source = Path(render.__file__).read_text(encoding="utf-8")
    assert "outputs = coalesce_streams(outputs)" in source
