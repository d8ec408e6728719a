"""grades.csv: one row for every student and assignment, with a score or a reason."""

import csv
import json
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbgrader.api import MissingEntry
from nbgrader.plugins import ExportPlugin

from rnngrader.course import assignments as course_assignments
from rnngrader.feedback import split_id

COLUMNS = (
    "student_id", "assignment", "score", "max_score", "late_penalty", "needs_manual_grade", "status", "reason",
)  # fmt: skip

GRADED = "graded"
WRITTEN = "written answer to be graded"
PERSON = "a person must look"
MISSING = "not submitted"
WAITING = "not graded"


@dataclass
class Outcome:
    """What is known of one student's assignment: a row of grades.csv."""

    student: str
    assignment: str
    score: float
    max_score: float
    status: str
    reason: str = ""
    late_penalty: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)

    def row(self):
        return {
            "student_id": self.student,
            "assignment": self.assignment,
            "score": f"{self.score:g}",
            "max_score": f"{self.max_score:g}",
            "late_penalty": f"{self.late_penalty:g}",
            "needs_manual_grade": "yes" if self.status in (WRITTEN, PERSON) else "no",
            "status": self.status,
            "reason": self.reason,
            **{part: f"{points:g}" for part, points in self.parts.items()},
        }


def outcome(coursedir, gradebook, assignment, student):
    """What the gradebook and the autograded notebook say of one student's assignment.

    Parameters
    ----------
    coursedir : nbgrader.coursedir.CourseDirectory
    gradebook : nbgrader.api.Gradebook
    assignment, student : str

    Returns
    -------
    outcome : Outcome
        `status` is one of GRADED, WRITTEN, PERSON, MISSING (nothing handed in, or taken away again, which `reason` then
        says) and WAITING (handed in, not graded).
    """
    most = gradebook.find_assignment(assignment).max_score
    try:
        submission = gradebook.find_submission(assignment, student)
    except MissingEntry:
        submission = None
    if lacking := without_notebook(coursedir, assignment, student):
        status, reason = lacking
        if status == MISSING and submission is not None:
            reason = f"The gradebook has a score of {submission.score:g}, but submitted/ has no such folder any more."
        return Outcome(student, assignment, 0.0, most, status, reason)
    folder = Path(coursedir.format_path(coursedir.autograded_directory, student, assignment))
    autograded = sorted(folder.glob("*.ipynb"))
    if submission is None or not autograded:
        return Outcome(student, assignment, 0.0, most, WAITING)

    said = [told(path) for path in autograded]
    person = [line for each in said for line in each.get("person", [])]
    notes = [line for each in said for line in each.get("notes", [])]
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    parts = {}
    for grade in grades:
        part = split_id(grade.name)[0]
        parts[part] = parts.get(part, 0.0) + grade.score
    penalty = submission.late_submission_penalty or 0.0
    waiting = any(grade.needs_manual_grade for grade in grades)
    return Outcome(
        student,
        assignment,
        max(0.0, submission.score - penalty),
        most,
        (PERSON if person else WRITTEN) if waiting else GRADED,
        " ".join([*person, *(f"{note}." for note in notes)]),
        penalty,
        parts,
    )


def told(path):
    """What grading wrote into an autograded notebook: its metadata under "rnngrader", empty where there is none."""
    notebook = json.loads(Path(path).read_text(encoding="utf-8"))  # nbformat would check every cell of it
    return notebook["metadata"].get("rnngrader", {})


def students(coursedir):
    """Everyone who has a folder in submitted/, in order; a hidden folder counts if an assignment is in it."""
    known = course_assignments(coursedir)
    top = Path(coursedir.format_path(coursedir.submitted_directory, "*", "*")).parents[1]
    folders = [path for path in top.glob("*") if path.is_dir()]
    return sorted(f.name for f in folders if f.name[0] != "." or any((f / name).is_dir() for name in known))


def without_notebook(coursedir, assignment, student):
    """Why there is nothing of a student that can be graded.

    Parameters
    ----------
    coursedir : nbgrader.coursedir.CourseDirectory
    assignment, student : str

    Returns
    -------
    status, reason : str
        MISSING and nothing, or PERSON and a sentence that says what there is instead; None, not a tuple, where all
        released notebooks were handed in.
    """
    release = Path(coursedir.format_path(coursedir.release_directory, ".", assignment))
    wanted = sorted(path.name for path in release.glob("*.ipynb"))
    folder = Path(coursedir.format_path(coursedir.submitted_directory, student, assignment))
    if folder.is_dir():
        names = _visible(folder)
        missing = [name for name in wanted if name not in names]
        if not missing:
            return None
        return PERSON, f"The submission has no {', '.join(missing)}; it holds {', '.join(names) or 'nothing'}."
    top, known = folder.parent, course_assignments(coursedir)
    if all(name in known and (top / name).is_dir() for name in _visible(top)):
        return MISSING, ""
    expected = ", ".join(f"{assignment}/{name}" for name in wanted)
    return PERSON, f"The folder holds {', '.join(_visible(top))}; expected {expected}."


def _visible(folder):
    """The names in a folder, in order, without hidden ones; none where there is no folder."""
    return sorted(path.name for path in folder.glob("*") if path.name[0] != ".")


def outcomes(coursedir, gradebook, assignments):
    """One Outcome for each assignment and student: those of the gradebook and those with a folder in submitted/."""
    everyone = sorted({*students(coursedir), *(student.id for student in gradebook.students)})
    found = []
    for assignment in assignments:
        place = {}
        for grade_id in order(coursedir, assignment):
            place.setdefault(split_id(grade_id)[0], len(place))
        for student in everyone:
            each = outcome(coursedir, gradebook, assignment, student)
            each.parts = dict(sorted(each.parts.items(), key=lambda part: (place.get(part[0], len(place)), part[0])))
            found.append(each)
    return found


def order(coursedir, assignment):
    """The place of each graded cell in the release, by grade_id. What a gradebook gives has no order of its own."""
    marks = [c.metadata.get("nbgrader", {}) for nb in released(coursedir, assignment) for c in nb.cells]
    return {each["grade_id"]: place for place, each in enumerate(marks) if each.get("grade")}


def released(coursedir, assignment):
    """The notebooks of an assignment's release."""
    folder = Path(coursedir.format_path(coursedir.release_directory, ".", assignment))
    return [nbformat.read(path, as_version=4) for path in sorted(folder.glob("*.ipynb"))]


def write_csv(path, found):
    """Writes outcomes as CSV; points per function stand in columns after the fixed ones.

    Parameters
    ----------
    path : path
    found : list of Outcome
    """
    parts = list(dict.fromkeys(part for each in found for part in each.parts))
    temporary = Path(path).with_suffix(".part")
    with open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*COLUMNS, *parts], restval="")
        writer.writeheader()
        writer.writerows(each.row() for each in found)
    temporary.replace(path)


def chosen(plugin, gradebook):
    """The outcomes that an export plug-in is asked for.

    Parameters
    ----------
    plugin : nbgrader.plugins.ExportPlugin
        Its `assignment` and `student` name which; empty for all. They may be numbers, which nbgrader makes of digits.
    gradebook : nbgrader.api.Gradebook

    Returns
    -------
    outcomes : list of Outcome
    """
    names = [str(name) for name in plugin.assignment] or [a.name for a in gradebook.assignments]
    found = outcomes(plugin.parent.coursedir, gradebook, sorted(names))
    wanted = set(map(str, plugin.student))
    return [each for each in found if each.student in wanted] if wanted else found


class Grades(ExportPlugin):
    """`nbgrader export`: the same grades.csv that `rnngrader grade` writes."""

    def export(self, gradebook):
        """Writes grades.csv, or the file that --to names."""
        found = chosen(self, gradebook)
        write_csv(self.to or "grades.csv", found)
        self.log.info("Wrote %d rows to %s", len(found), self.to or "grades.csv")
