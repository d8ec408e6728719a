"""A report in words: plain text in a terminal, HTML in a notebook, the same words in both."""

import html
import re
import sys

MARKS = {"passed": "✓", "failed": "✗", "note": "•"}
#: Of the bar beside a line, readable on light and on dark; the text keeps the page's own colour.
COLOURS = {"passed": "#009E73", "failed": "#D55E00", "note": "#888888"}
#: Under which a notebook keeps a report for programs; no front end shows it.
MIME = "application/vnd.rnnlib.check+json"


def show(report):
    """Display a report in a notebook, print it anywhere else.

    Parameters
    ----------
    report : Report
    """
    text = as_text(report)
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if getattr(shell, "kernel", None) is not None:
        data = {"text/html": as_html(report), "text/plain": text, MIME: as_data(report)}
        ipython.display.display(data, raw=True)
        return
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding))


def as_data(report):
    """A report for programs: verdicts and names, without the words, which may quote numbers of a case.

    Parameters
    ----------
    report : Report

    Returns
    -------
    data : dict
        For JSON: ``exercise``, ``hidden``, ``points``, ``full``, ``mistakes`` (names), and ``lines``, each with
        ``part``, ``verdict`` and ``mistake`` (a name or None).
    """
    return {
        "exercise": report.exercise.name,
        "hidden": report.hidden,
        "points": report.points,
        "full": report.full,
        "mistakes": report.mistakes,
        "lines": [{"part": x.part, "verdict": x.verdict, "mistake": x.mistake} for x in report.lines],
    }


def as_text(report):
    """A report as lines for a terminal.

    Parameters
    ----------
    report : Report

    Returns
    -------
    text : str
    """
    lines = [headline(report)]
    for line in report.lines:
        first, *rest = sentences(line).split("\n")
        lines.append(f"  {MARKS[line.verdict]} {line.verdict}: {line.part}. {first}")
        lines.extend(f"      {paragraph}" for paragraph in rest)
    return "\n".join(lines)


def as_html(report):
    """A report as HTML that takes the page's own colours of text and background.

    Parameters
    ----------
    report : Report

    Returns
    -------
    text : str
    """
    items = []
    for line in report.lines:
        style = f"border-left: 4px solid {COLOURS[line.verdict]}; padding: 0 0 0 0.7em; margin: 0.4em 0"
        head = f"{MARKS[line.verdict]} {line.verdict}: <strong>{line.part}</strong>. "
        items.append(f'<div style="{style}">{head}{paragraphs(sentences(line))}</div>')
    return f'<div class="rnnlib-check"><div><strong>{inline(headline(report))}</strong></div>{"".join(items)}</div>'


def headline(report):
    """The first line: which check, and the points.

    Parameters
    ----------
    report : Report

    Returns
    -------
    words : str
    """
    name = f"{report.exercise.name}, {'hidden check' if report.hidden else 'check'}"
    return f"{name}: {report.points:g} of {report.full:g} point{'' if report.full == 1 else 's'}"


def sentences(line):
    """A line's words, with the name of the mistake at the end of its first paragraph.

    Parameters
    ----------
    line : Line

    Returns
    -------
    words : str
    """
    first, newline, rest = line.words.partition("\n")
    return f"{first} [{line.mistake}]{newline}{rest}" if line.mistake else line.words


def paragraphs(words):
    """Words as HTML: a line that begins with four spaces is code.

    Parameters
    ----------
    words : str

    Returns
    -------
    text : str
    """
    parts = []
    for k, paragraph in enumerate(words.split("\n")):
        if paragraph.startswith("    "):
            parts.append(f'<pre style="margin: 0.2em 0 0.2em 1.5em">{html.escape(paragraph.strip())}</pre>')
        else:
            parts.append(f"<div>{inline(paragraph)}</div>" if k else inline(paragraph))
    return "".join(parts)


def inline(words):
    """Words as HTML, with what stands in backticks as code.

    Parameters
    ----------
    words : str

    Returns
    -------
    text : str
    """
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(words, quote=False))
