"""Interactive figures: a directive whose still picture a small ES module makes movable.

The directive ``interactive`` takes the name of a module of ``book/_static/interactive`` and gives a figure like any
other: a still picture with its alt text, and a caption. In HTML it also leaves an empty place, which the module fills.
Only then does the still step aside, so that it stays without JavaScript, in print and in every other format.
"""

from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.directives.patches import Figure

MODULES = Path(__file__).parents[1] / "_static" / "interactive"


class Place(nodes.General, nodes.Element):
    """Where the module named in ``slug`` puts its figure."""


class Interactive(Figure):
    """A figure of the still picture, with a place for the interactive one above the caption."""

    option_spec: ClassVar[dict] = {
        "name": directives.unchanged,
        "alt": directives.unchanged_required,
        "still": directives.uri,
        "width": directives.length_or_percentage_or_unitless,
    }

    def run(self):
        slug = self.arguments[0]
        if not (MODULES / f"{slug}.js").is_file():
            raise self.error(f"there is no module {slug}.js in book/_static/interactive")
        for option in ("alt", "still"):
            if option not in self.options:
                raise self.error(f"the interactive figure {slug} needs the option :{option}:")
        if not self.content:
            raise self.error(f"the interactive figure {slug} needs a caption")
        self.arguments[0] = self.options.pop("still")
        self.options["figclass"] = ["interactive"]
        (figure,) = super().run()
        figure.insert(1, Place(slug=slug))
        return [figure]


def visit_place(translator, node):
    """Write the empty place, which stays hidden until its module runs."""
    translator.body.append(f'<div class="interactive-place" data-interactive="{node["slug"]}" hidden></div>\n')


def skip(translator, node):
    """Leave the place out of a format that runs no modules."""
    raise nodes.SkipNode


def add_modules(app, page, template, context, doctree):
    """Load the modules and their style sheet on the pages that have such a figure."""
    slugs = sorted({place["slug"] for place in doctree.findall(Place)}) if doctree else []
    for slug in slugs:
        app.add_js_file(f"interactive/{slug}.js", type="module")
    if slugs:
        app.add_css_file("interactive/interactive.css")


def setup(app):
    app.add_node(
        Place,
        html=(visit_place, lambda translator, node: None),
        **dict.fromkeys(("latex", "text", "man", "texinfo"), (skip, None)),
    )
    app.add_directive("interactive", Interactive)
    app.connect("html-page-context", add_modules)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
