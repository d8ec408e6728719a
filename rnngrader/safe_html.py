"""What a student wrote, as HTML that only shows: no script, no form, no request to another host.

The formgrader shows notebooks on pages of the Jupyter server, where a script could do all that the instructor may: give
points, and run commands. nbgrader and nbconvert let HTML through as it is; `nbgrader_config.py` puts these two filters
in the place of theirs.
"""

import re
from html import escape

import bleach
from bleach.css_sanitizer import CSSSanitizer
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

TAGS = {
    *bleach.ALLOWED_TAGS, "br", "caption", "dd", "del", "details", "div", "dl", "dt", "figcaption", "figure", "h1",
    "h2", "h3", "h4", "h5", "h6", "hr", "img", "kbd", "mark", "p", "pre", "s", "small", "span", "sub", "summary", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u", "var",
}  # fmt: skip
STYLES = CSSSanitizer(
    allowed_css_properties=[
        "background-color", "border", "border-left", "color", "font-style", "font-weight", "margin", "padding",
        "text-align", "white-space", "width",
    ]
)  # fmt: skip
#: A report's, a data frame's, and those of highlighted code; any other could look or act as a part of the page.
CLASSES = re.compile(r"rnnlib-check|dataframe|highlight|hl-\w+|[a-z]{1,2}\d?|err")
ATTRIBUTES = {
    "img": {"alt", "width", "height"}, "ol": {"start"},
    "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"},
}  # fmt: skip
ADDRESS = re.compile(r"https?:|mailto:|#", re.IGNORECASE)
PICTURE = re.compile(r"data:image/(png|jpeg|gif|svg\+xml);base64,[\w+/=\s]*")
#: That of a data frame is not needed, and its text would be shown.
STYLE_SHEET = re.compile(r"<style\b.*?</style\s*>", re.IGNORECASE | re.DOTALL)


def _keep(tag, name, value):
    """Whether an attribute stays; one named `id` could be taken for another cell's."""
    if name == "class":
        return all(CLASSES.fullmatch(word) for word in value.split())
    if name == "href":
        return tag == "a" and ADDRESS.match(value) is not None
    if name == "src":
        return tag == "img" and PICTURE.fullmatch(value) is not None
    return name in {"style", "title", *ATTRIBUTES.get(tag, ())}


def clean(html):
    """HTML in which all that does more than show is text.

    Parameters
    ----------
    html : str

    Returns
    -------
    html : str
        With the tags of `TAGS`; pictures only where they are in the text itself.
    """
    return bleach.clean(
        STYLE_SHEET.sub("", str(html)), tags=TAGS, attributes=_keep, css_sanitizer=STYLES,
        protocols={"http", "https", "mailto", "data"},
    )  # fmt: skip


class Renderer(IPythonRenderer):
    """Markdown's pieces as HTML; a picture that is not there is named, where nbconvert would stop."""

    def image(self, text, url, title=None):
        """A picture, which may be attached to the cell."""
        attached, _, name = url.partition(":")
        if attached == "attachment" and not self.attachments.get(name):
            return f"[The picture {escape(name)} is not in the notebook.]"
        return super().image(text, url, title)


@pass_context
def markdown(context, source):
    """Markdown as HTML that only shows; formulas stay as they are written, between their dollars.

    Parameters
    ----------
    context : jinja2.runtime.Context
        Of a template; its `cell` may have pictures attached.
    source : str

    Returns
    -------
    html : str
    """
    attachments = (context.get("cell") or {}).get("attachments", {})
    renderer = Renderer(escape=False, attachments=attachments, exclude_anchor_links=True)
    return clean(MarkdownWithMath(renderer=renderer).render(source))
