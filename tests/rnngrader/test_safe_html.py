"""What a student wrote, on a page: honest HTML stays as it is, and what would act is text or gone."""

import html
import re

import pytest
from nbconvert.filters.markdown_mistune import markdown2html_mistune

from rnngrader.safe_html import TAGS, clean, markdown
from rnnlib.checks import exercises
from rnnlib.checks.battery import judge
from rnnlib.checks.report import as_html

PIXEL = "data:image/png;base64,iVBORw0KGgo="


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("<img src=x onerror=alert(1)>", "<img>"),
        ('<img src="https://example.org/who-reads-this.png" alt="a">', '<img alt="a">'),
        ('<a href="javascript:alert(1)">here</a>', "<a>here</a>"),
        ('<a href="java&#115;cript:alert(1)">here</a>', "<a>here</a>"),
        ('<a href="data:text/html,<script>alert(1)</script>">here</a>', "<a>here</a>"),
        ("<svg onload=alert(1)></svg>", "&lt;svg onload=alert(1)&gt;&lt;/svg&gt;"),
        ("<iframe srcdoc='a'></iframe>", "&lt;iframe srcdoc='a'&gt;&lt;/iframe&gt;"),
        ("<form><input name=a></form>", "&lt;form&gt;&lt;input name=a&gt;&lt;/form&gt;"),
        ('<div style="position: fixed; top: 0; color: red">a</div>', '<div style="color: red;">a</div>'),
        ('<div style="background: url(https://example.org)">a</div>', '<div style="">a</div>'),
        ('<div id="softmax-check" class="score btn">a</div>', "<div>a</div>"),
        ("<style>body { display: none }</style><b>a</b>", "<b>a</b>"),
        ("<b onclick='alert(1)'>a</b>", "<b>a</b>"),
    ],
)
def test_what_would_act_is_text_or_gone(written, shown):
    assert clean(written) == shown
    assert markdown({}, written).strip().removeprefix("<p>").removesuffix("</p>") == shown


def tidy(text):
    """HTML as a browser reads it: without the spaces, quotes and semicolons that make no difference."""
    text = re.sub(r"<span></span>|(?<=>)\s+(?=<)", "", text)
    return html.unescape(re.sub(r'\s*/>|;(?=">)', lambda m: ">" if ">" in m[0] else "", text)).strip()


def test_a_report_is_left_as_it_is():
    exercise = next(each for each in exercises() if each.name == "softmax")
    report = as_html(judge(lambda logits: logits, exercise))
    assert "border-left: 4px solid #D55E00" in report and "<code>" in report
    assert tidy(clean(report)) == tidy(report)


@pytest.mark.parametrize(
    "written",
    [
        "# Title\n\nA *text*, `a < b` and $h_t < \\tanh(x)$:\n\n$$\\begin{aligned} a&= b \\\\ c &< d\\end{aligned}$$",
        "| a | b |\n|---|--:|\n| 1 | 2 |\n\n> quoted\n\n1. one\n2. two\n\n[link](https://example.org) ~~no~~",
        "```python\ndef f(n):\n    return n < 2 and 'a'  # why\n```",
        f"![dot]({PIXEL})",
    ],
)
def test_markdown_is_that_of_nbconvert(written):
    plain = re.sub(r' id="[^"]*"|<a class="anchor-link".*?</a>', "", markdown2html_mistune(written))
    assert tidy(markdown({}, written)) == tidy(plain)


def test_a_data_frame_is_a_table():
    frame = '<style scoped>.dataframe {}</style><table border="1" class="dataframe"><tr><th>a</th></tr></table>'
    assert clean(frame) == '<table class="dataframe"><tbody><tr><th>a</th></tr></tbody></table>'


def test_an_attached_picture_is_shown_and_a_missing_one_named():
    cell = {"attachments": {"a.png": {"image/png": "iVBORw0KGgo="}}}
    assert f'src="{PIXEL}"' in markdown({"cell": cell}, "![my figure](attachment:a.png)")
    assert "[The picture b.png is not in the notebook.]" in markdown({"cell": cell}, "![x](attachment:b.png)")


def test_no_tag_that_acts_is_allowed():
    acting = {"script", "style", "iframe", "object", "embed", "form", "input", "button", "svg", "link", "meta", "base"}
    assert not acting & TAGS
