"""The class report: what an assignment's gradebook and autograded notebooks say of a class, as a page and as CSV."""

import csv
import statistics
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import jinja2
import nbformat
from markupsafe import Markup
from nbgrader.api import Gradebook, MissingEntry

from rnngrader import export
from rnngrader.feedback import HEADING, split_id
from rnnlib.checks import exercises
from rnnlib.checks.report import MIME, inline

#: The bins of a distribution, as parts of the points that can be had; LABELS are theirs below the bars of a plot.
BINS = ("none", "up to a quarter", "up to a half", "up to three quarters", "less than all", "all")
LABELS = ("0", "≤ ¼", "≤ ½", "≤ ¾", "< all", "all")
STATUSES = (export.GRADED, export.WRITTEN, export.PERSON, export.MISSING, export.WAITING)
COLUMNS = ("section", "item", "measure", "value", "text")


@dataclass
class Part:
    """What a class did in one function or question."""

    name: str
    kinds: dict[str, float]  #: points of each graded cell by what it is: "check", "hidden check", "written answer"
    scores: list[float] = field(default_factory=list)  #: sums of the cells, of those who wait for no person here
    by_kind: dict[str, list[float]] = field(default_factory=dict)  #: the same, cell by cell
    waiting: int = 0  #: students for whom a person must still give these points
    unnamed: int = 0  #: students who lost points here by nothing that the checks have a name for

    @property
    def points(self):
        """The most that can be had."""
        return sum(self.kinds.values())

    @property
    def median(self):
        """Of the scores, None without any."""
        return statistics.median(self.scores) if self.scores else None

    @property
    def counts(self):
        """How many scores are in each of BINS (list of int)."""
        return counts(self.scores, self.points)


@dataclass
class Made:
    """A named mistake, and how many students made it."""

    exercise: str
    name: str
    students: int
    words: list[str]  #: the catalogue's sentences for it, the one said most often first


@dataclass
class Row:
    """One student."""

    id: str
    name: str  #: first and last, as the gradebook has them; empty without
    outcome: export.Outcome
    seconds: float | None = None  #: that the submission's cells ran when it was graded
    late: float = 0.0  #: seconds after the due date
    mistakes: list[str] = field(default_factory=list)


@dataclass
class ClassReport:
    """All that the page and the CSV show."""

    assignment: str
    title: str
    max_score: float
    parts: list[Part]
    mistakes: list[Made]
    rows: list[Row]
    nameless: int  #: submissions whose checks carry no names, as they were graded by an older version

    def having(self, *statuses):
        """The rows of these statuses (list of Row)."""
        return [row for row in self.rows if row.outcome.status in statuses]

    @property
    def scored(self):
        """Those whose score says what they can do: nobody must find out first what was handed in."""
        return self.having(export.GRADED, export.WRITTEN)

    @property
    def late(self):
        """Those who handed in late or lost points for it."""
        return [row for row in self.rows if row.late > 0 or row.outcome.late_penalty > 0]


def counts(scores, points):
    """How many scores fall into each of BINS.

    Parameters
    ----------
    scores : list of float
    points : float
        The most that a score can be; 0 puts every score into the last bin.

    Returns
    -------
    counts : list of int
        As long as BINS. A quarter's upper end belongs to it; more than all (extra credit) is in the last bin.
    """
    found = [0] * len(BINS)
    for score in scores:
        share = score / points if points else 1.0
        if share >= 1 - 1e-9:
            found[5] += 1
        elif share <= 1e-9:
            found[0] += 1
        else:
            found[1 + sum(share > quarter + 1e-9 for quarter in (0.25, 0.5, 0.75))] += 1
    return found


def named_mistakes(cell):
    """The names of mistakes in a graded cell's report, and their sentences.

    Only what the catalogue has is read, since a student's code may display what it likes beside the report: an
    exercise that is the cell's own, names of its mistakes, and the catalogue's sentence for each.

    Parameters
    ----------
    cell : NotebookNode
        An executed cell that nbgrader marks as a grade cell.

    Returns
    -------
    found : dict of str to str, or None
        Sentence by name; None where the cell has no report for programs.
    """
    part, kind = split_id(cell.metadata.nbgrader.grade_id)
    known = {}
    for exercise in exercises():
        if exercise.name == part:
            for mistake in exercise.mistakes:
                known.setdefault(mistake.name, []).append(mistake.words)
    for output in reversed(cell.get("outputs", [])):  # the report comes last
        data = output.get("data", {})
        report = data.get(MIME)
        if not isinstance(report, dict) or report.get("exercise") != part:
            continue
        if report.get("hidden") is not (kind == "hidden check"):
            continue
        names = report.get("mistakes")
        names = [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
        text = str(data.get("text/plain", ""))
        return {n: next((w for w in known[n] if w in text), known[n][0]) for n in names if n in known}
    return None


def run_time(notebook):
    """Seconds that an autograded notebook's cells ran, by the times that nbclient leaves in them; None without any."""
    spans = []
    for cell in notebook.cells:
        times = cell.metadata.get("execution", {})
        try:
            start, end = (datetime.fromisoformat(times[k]) for k in ("iopub.execute_input", "shell.execute_reply"))
        except (KeyError, TypeError, ValueError):
            continue
        spans.append(max(0.0, (end - start).total_seconds()))
    return sum(spans) if spans else None


def collect(app, assignment):
    """Reads the report of a class from its gradebook and its autograded notebooks.

    Parameters
    ----------
    app : nbgrader.apps.NbGrader
        From `rnngrader.course.open_course`, with the class's folder.
    assignment : str

    Returns
    -------
    report : ClassReport

    Raises
    ------
    ValueError
        When the gradebook does not know the assignment.
    """
    coursedir = app.coursedir
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        try:
            known = gradebook.find_assignment(assignment)
        except MissingEntry:
            names = ", ".join(sorted(a.name for a in gradebook.assignments)) or "nothing yet"
            raise ValueError(f"{assignment} is not in the gradebook, which holds {names}: grade it first") from None
        parts, order = {}, export.order(coursedir, assignment)
        cells = [cell for notebook in known.notebooks for cell in notebook.grade_cells]
        for cell in sorted(cells, key=lambda c: order.get(c.name, len(order))):
            part, kind = split_id(cell.name)
            parts.setdefault(part, Part(part, {})).kinds[kind] = cell.max_score
        names = {s.id: " ".join(filter(None, (s.first_name, s.last_name))) for s in gradebook.students}
        rows, said, nameless = [], {}, 0  # said: of each mistake, which of its sentences to how many students
        for outcome in export.outcomes(coursedir, gradebook, [assignment]):
            row = Row(outcome.student, names.get(outcome.student, ""), outcome)
            rows.append(row)
            if not outcome.parts:
                continue
            submission = gradebook.find_submission(assignment, outcome.student)
            row.late = submission.total_seconds_late
            found, row.seconds, unnamed = _read(coursedir, assignment, outcome.student)
            nameless += unnamed
            row.mistakes = sorted({name for names in found.values() for name in names})
            for part, sentences in found.items():
                for name, words in sentences.items():
                    said.setdefault((part, name), Counter())[words] += 1
            _add(parts, submission, found, unnamed)
    mistakes = [
        Made(part, name, sentences.total(), [words for words, _ in sentences.most_common()])
        for (part, name), sentences in said.items()
    ]
    place = list(parts)
    mistakes.sort(key=lambda m: (-m.students, place.index(m.exercise) if m.exercise in place else 0, m.name))
    return ClassReport(
        assignment, _title(coursedir, assignment), known.max_score, list(parts.values()), mistakes, rows, nameless
    )


def _add(parts, submission, found, unnamed):
    """Adds one submission's scores to the parts."""
    grades = {}
    for notebook in submission.notebooks:
        for grade in notebook.grades:
            part, kind = split_id(grade.name)
            grades.setdefault(part, {})[kind] = grade
    for name, of in grades.items():
        part = parts[name]
        if any(grade.needs_manual_grade for grade in of.values()):
            part.waiting += 1
            continue
        score = sum(grade.score for grade in of.values())
        part.scores.append(score)
        for kind, grade in of.items():
            part.by_kind.setdefault(kind, []).append(grade.score)
        if score < part.points - 1e-9 and not found.get(name) and "check" in of and not unnamed:
            part.unnamed += 1


def _read(coursedir, assignment, student):
    """Of one student's autograded notebooks: sentences of mistakes by part and name, seconds, whether names lack."""
    found, seconds, lacking = {}, [], False
    folder = Path(coursedir.format_path(coursedir.autograded_directory, student, assignment))
    for path in sorted(folder.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        seconds.append(run_time(notebook))
        ran, named = 0, 0
        for cell in notebook.cells:
            marks = cell.metadata.get("nbgrader", {})
            if cell.cell_type != "code" or not marks.get("grade"):
                continue
            names = named_mistakes(cell)
            ran += any(output.output_type == "execute_result" for output in cell.outputs)
            named += names is not None
            if names:
                found.setdefault(split_id(marks.grade_id)[0], {}).update(names)
        lacking |= ran > 0 and named == 0
    known = [s for s in seconds if s is not None]
    return found, sum(known) if known else None, lacking


def _title(coursedir, assignment):
    """The heading of the released notebook, or the assignment's name."""
    for notebook in export.released(coursedir, assignment):
        for cell in notebook.cells:
            if cell.cell_type == "markdown" and (found := HEADING.findall(cell.source)):
                return found[0].lstrip("# ")
    return assignment


def _median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def _number(value):
    return "" if value is None else f"{round(value, 3):g}"


def table(report, anonymous=False):
    """The report as rows of a table that a spreadsheet can filter.

    Parameters
    ----------
    report : ClassReport
    anonymous : bool
        Whether to leave out all rows of single students, and the reasons, which may name their files.

    Returns
    -------
    rows : list of tuple of str
        As COLUMNS: the section ("class", "function", "mistake", "student"), what it is about (a function, a mistake
        or a student's id), what is measured, its value, and words. Points are points, times are seconds.
    """
    rows = []

    def add(section, item, measure, value, text=""):
        rows.append((section, item, measure, value if isinstance(value, str) else _number(value), text))

    scores = [row.outcome.score for row in report.scored]
    add("class", report.assignment, "points", report.max_score, report.title)
    add("class", report.assignment, "students", len(report.rows))
    for status in STATUSES:
        add("class", report.assignment, f"students: {status}", len(report.having(status)))
    add("class", report.assignment, "students: late", len(report.late))
    add("class", report.assignment, "median score", _median(scores))
    add("class", report.assignment, "median seconds", _median(row.seconds for row in report.scored))
    for label, number in zip(BINS, counts(scores, report.max_score), strict=True):
        add("class", report.assignment, f"scores: {label}", number)
    for part in report.parts:
        add("function", part.name, "points", part.points)
        add("function", part.name, "median", part.median)
        for kind, most in part.kinds.items():
            if len(part.kinds) > 1:
                add("function", part.name, f"{kind}: points", most)
                add("function", part.name, f"{kind}: median", _median(part.by_kind.get(kind, [])))
        for label, number in zip(BINS, part.counts, strict=True):
            add("function", part.name, f"scores: {label}", number)
        add("function", part.name, "students: waiting for a person", part.waiting)
        add("function", part.name, "students: points lost without a named mistake", part.unnamed)
    for made in report.mistakes:
        add("mistake", made.name, "students", made.students, f"{made.exercise}: {' Or: '.join(made.words)}")
    if anonymous:
        return rows
    for row in report.rows:
        add("student", row.id, "name", row.name)
        add("student", row.id, "status", row.outcome.status, row.outcome.reason)
        add("student", row.id, "score", row.outcome.score if row.outcome.parts else None)
        for part, points in row.outcome.parts.items():
            add("student", row.id, f"points: {part}", points)
        add("student", row.id, "late penalty", row.outcome.late_penalty)
        add("student", row.id, "seconds late", row.late)
        add("student", row.id, "seconds", row.seconds)
        for name in row.mistakes:
            add("student", row.id, "mistake", name)
    return rows


def page(report, anonymous=False):
    """The report as one HTML page that loads nothing and runs nothing.

    Parameters
    ----------
    report : ClassReport
    anonymous : bool
        For showing in class: no student's id, name or reason is anywhere in the file.

    Returns
    -------
    text : str
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates" / "class_report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(number=_number, clock=clock, code=_code, middle=_median)
    scores = [row.outcome.score for row in report.scored]
    times = [row.seconds for row in report.scored if row.seconds is not None]
    return environment.get_template("page.html.j2").render(
        assignment=report.assignment,
        title=report.title,
        max_score=report.max_score,
        parts=report.parts,
        mistakes=report.mistakes,
        nameless=report.nameless,
        bins=BINS,
        labels=LABELS,
        students=len(report.rows),
        scored=len(report.scored),
        handed_in=len(report.rows) - len(report.having(export.MISSING)),
        statuses=[(status, len(report.having(status))) for status in STATUSES],
        median=_median(scores),
        total=counts(scores, report.max_score),
        provisional=len(report.having(export.WRITTEN)),
        late=len(report.late),
        median_seconds=_median(times),
        longest=max(times, default=None),
        people=None if anonymous else People(report),  # the template of the anonymous page has nothing to show
    )


class People:
    """What only the instructor's version shows."""

    def __init__(self, report):
        self.person = report.having(export.PERSON)
        self.written = report.having(export.WRITTEN)
        self.missing = report.having(export.MISSING)
        self.waiting = report.having(export.WAITING)
        self.late = report.late
        self.rows = report.rows


def clock(seconds):
    """Seconds as words.

    Parameters
    ----------
    seconds : float or None

    Returns
    -------
    words : str
        "2.5 s", "3 min 20 s", "5 h 10 min", "2 d 3 h"; "not known" for None.
    """
    if seconds is None:
        return "not known"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def _code(words):
    """Words as HTML, with what stands in backticks as code."""
    return Markup(inline(words))


def write(app, assignment, home, anonymous=False):
    """Writes the report: HOME/report/ASSIGNMENT.html and .csv, with "-for-class" in the names of the anonymous ones.

    Parameters
    ----------
    app : nbgrader.apps.NbGrader
        From `rnngrader.course.open_course`, with the class's folder.
    assignment : str
    home : path
        The class's folder.
    anonymous : bool
        See `page`.

    Returns
    -------
    paths : list of pathlib.Path
        The page and the table.

    Raises
    ------
    ValueError
        See `collect`.
    """
    report = collect(app, assignment)
    folder = Path(home) / "report"
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{assignment}-for-class" if anonymous else assignment
    paths = [folder / f"{stem}.html", folder / f"{stem}.csv"]
    paths[0].write_text(page(report, anonymous), encoding="utf-8")
    with open(paths[1], "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *table(report, anonymous)])
    return paths
