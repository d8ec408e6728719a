"""A line of a report."""

from dataclasses import dataclass


@dataclass
class Line:
    """The verdict on one part."""

    part: str
    verdict: str  #: "passed", "failed" or "note"
    words: str  #: paragraphs; a line that begins with four spaces is code
    mistake: str | None = None  #: name of the mistake that was recognised
