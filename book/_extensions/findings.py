"""What an experiment found, as a table on a page: a directive that takes the experiment's name.

The table comes from the result in ``experiments/results/``, with what it was computed on. The build says so, and under
``-W`` fails, when there is none or when the code that it was found with has changed since.
"""

import sys
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).parents[2]
CERTAINTY = {
    "seen": "was read in a copy of the paper",
    "quoted": "was read in a text that quotes it",
    "recalled": "is given as commonly cited, and was not checked",
}


class Findings(SphinxDirective):
    """The findings of one experiment: what the paper says, what came out here, whether the two agree."""

    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        result = result_of(name, self.get_location())
        if result is None:
            return []
        place = nodes.container(classes=["findings"])
        lines = StringList(markdown(result), source=self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, place)
        return [place]


def result_of(name, location=None):
    """The result of an experiment; None, with a warning, where it cannot be shown.

    Parameters
    ----------
    name : str
    location : str, optional
        Where on a page it is asked for.

    Returns
    -------
    result : dict or None
    """
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from experiments.harness import load, read_result, unlike

    log = logging.getLogger(__name__)
    try:
        experiment = load(name)
    except ValueError as error:
        log.warning("%s", error, location=location)
        return None
    result = read_result(name)
    if result is None:
        log.warning("the experiment %s has no result: run `make experiments`", name, location=location)
        return None
    if stale := unlike(experiment, result):
        log.warning(
            "the result of the experiment %s is of other code or settings (%s): run `make experiments`",
            name, ", ".join(stale), location=location,
        )  # fmt: skip
    return result


def markdown(result):
    """The table and the line below it.

    Parameters
    ----------
    result : dict
        Of `experiments.harness.run`.

    Returns
    -------
    lines : list of str
    """
    lines = ["| the paper | here | agrees |", "|---|---|---|"]
    for found in result["findings"]:
        lines.append(f"| {found['claim']} | {found['here']} | {'yes' if found['agrees'] else 'no'} |")
    runs = sum(map(len, result["trials"].values()))
    machine = result["machine"]
    on = f"{machine['processor']}, Python {machine['Python']}, numpy {machine['numpy']}"
    if elsewhere := sum("machine" in one for found in result["trials"].values() for one in found):
        on += f"; {elsewhere} of them on another"
    said = CERTAINTY[result["published"]["certainty"]]
    return [
        *lines,
        "",
        f"{result['source']}; what the paper says {said}. Here: {runs} runs on {result['date']}, "
        f"{result['seconds'] / 60:.0f} minutes of one core ({on}). `python -m experiments.{result['experiment']}` runs "
        "them again.",
    ]


def setup(app):
    app.add_directive("findings", Findings)
    return {"parallel_read_safe": True}
