"""A released notebook as a page: says above its first section what it is, with the file to download."""

import json
import re
from textwrap import dedent

NOTICE = """\
    ```{{admonition}} This page is a notebook
    :class: tip

    It shows the exercise as you get it, without having run it. Work on a copy of your own: {{download}}`{name}` (with
    `make lab` in the course's folder, as [](/book/how-to-use.md) says{launch}).
    ```
"""


def add_notice(app, docname, source):
    """Put the notice after the title of each notebook in exercises/, and describe the page by its first sentence."""
    if not docname.startswith("exercises/"):
        return
    notebook = json.loads(source[0])
    options = app.config.html_theme_options
    launch = ", or in the browser by the rocket above" if options.get("repository_url") else ""
    text = dedent(NOTICE).format(name=f"{docname.rpartition('/')[2]}.ipynb", launch=launch)
    title, first = "".join(notebook["cells"][0]["source"]).split("\n\n")[:2]
    sentence = re.match(r"[^.]*\.", " ".join(first.split()))[0]
    notebook["metadata"]["myst"] = {"html_meta": {"description": f"{title.lstrip('# ')}. {sentence}"}}
    notebook["cells"].insert(1, {"cell_type": "markdown", "id": "as-a-page", "metadata": {}, "source": text})
    source[0] = json.dumps(notebook)


def without_launching(app, config):
    """Leave the launch buttons out where no public repository is named: the theme fails on an empty address."""
    if not config.html_theme_options.get("repository_url"):
        for option in ("repository_url", "launch_buttons"):
            config.html_theme_options.pop(option, None)


def setup(app):
    app.connect("config-inited", without_launching)
    app.connect("source-read", add_notice)
    return {"parallel_read_safe": True}
