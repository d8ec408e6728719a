"""Grades in the files that Moodle and Canvas import, matched by id to a list that the platform itself has exported.

What was read for it: Moodle's page "Grade import" (docs.moodle.org) and the code behind its import page
(moodle/moodle, grade/import/csv/classes/load_data.php); the code of Canvas's import (instructure/canvas-lms,
lib/gradebook_importer.rb) and the instructions that Ohio State and Virginia Commonwealth University give for it. What
could not be tried: no file made here has been imported into a running Moodle or Canvas.
"""

import csv
import io
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.api import MissingEntry
from nbgrader.plugins import ExportPlugin
from traitlets import Dict, Unicode

from rnngrader import export

#: Which column of the platform's own list has the ids of submitted/, unless another is named.
ID_COLUMNS = {"moodle": "ID number", "canvas": "SIS Login ID"}
#: Columns of a Moodle list that say who somebody is. Any of them can be chosen there under "Map from".
MOODLE_PEOPLE = ("first name", "last name", "surname", "id number", "email address", "username")
POINTS_ROW = "Points Possible"


@dataclass
class Roster:
    """A list of students that a learning platform has exported."""

    path: Path
    header: list[str]
    rows: list[list[str]]  #: each as long as the header

    def column(self, name):
        """The place of a column.

        Parameters
        ----------
        name : str
            As in the file; letter case and spaces around it do not matter.

        Returns
        -------
        place : int

        Raises
        ------
        ValueError
            When there is none, or more than one.
        """
        places = [k for k, title in enumerate(self.header) if title.strip().casefold() == name.strip().casefold()]
        if len(places) != 1:
            count = "no column" if not places else f"{len(places)} columns"
            raise ValueError(f"{self.path} has {count} {name!r}; its columns are {', '.join(self.header)}")
        return places[0]


@dataclass
class Placed:
    """A table for an import page, and what became of every grade."""

    table: list[list[str]]
    unplaced: list[str] = field(default_factory=list)  #: grades that are in no row of the table, each with the reason
    notes: list[str] = field(default_factory=list)  #: what a person should know besides


def read_roster(path):
    """Reads a list that Moodle or Canvas exported.

    Parameters
    ----------
    path : path
        UTF-8 with or without a mark at the beginning, separated by commas, semicolons or tabs, with a header.

    Returns
    -------
    roster : Roster

    Raises
    ------
    FileNotFoundError
        When there is no such file.
    ValueError
        When it is no text, or has no rows below its header, or a row longer than its header.
    """
    path = Path(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is not UTF-8 text: export it as CSV, not as a spreadsheet") from None
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator) if any(map(str.strip, row))]
    if len(rows) < 2:
        raise ValueError(f"{path} has no rows below a header")
    header = [title.strip() for title in rows[0]]
    for number, row in enumerate(rows[1:], 2):
        if len(row) > len(header):
            raise ValueError(f"{path}: row {number} has {len(row)} cells, the header {len(header)}: {', '.join(row)}")
    return Roster(path, header, [row + [""] * (len(header) - len(row)) for row in rows[1:]])


def moodle(found, roster=None, id_column=None, titles=None):
    """The table for Moodle's *Grades › Import › CSV file*.

    On the page that follows there, choose the id column under "Map from" and what it is under "Map to" (ID number,
    email address or username), then each assignment's column to a grade item, or to a new one. Moodle refuses the
    whole file when it does not know one of the ids, when an item is locked, and when a grade is above 100 (unless its
    administrator raised that limit); an email address must be in the letter case that Moodle has. An empty cell takes
    away the grade that Moodle had, so who has no grade here has no row. Of several assignments a student may lack one:
    export them one by one where Moodle has grades for it already.

    Parameters
    ----------
    found : list of rnngrader.export.Outcome
        Of one assignment or several.
    roster : Roster or None
        A grade export or a participants' list of Moodle: the table then has its names, ids and addresses. Without
        one, a student's id is that of submitted/.
    id_column : str or None
        The column of the ids; None for "ID number".
    titles : dict of str to str or None
        Of an assignment's column, where that is not the assignment's name.

    Returns
    -------
    placed : Placed
        Scores are after the late penalty, with a point and at most 5 decimals, as many as Moodle keeps.

    Raises
    ------
    ValueError
        When the roster has no such column, an id twice, or no student of the class; when two columns have one title.
    """
    id_column = id_column or ID_COLUMNS["moodle"]
    names = _titles(found, titles)
    grades, notes, unplaced = _grades(found)
    if roster is None:
        students = list(dict.fromkeys(student for student, _ in grades))
        table = [[id_column, *names.values()]]
        table += [[s, *(grades.get((s, a), "") for a in names)] for s in students]
        return Placed(_no_title_twice(table, "the table"), unplaced, notes)
    ids = _ids(roster, roster.column(id_column), range(len(roster.rows)))
    _match(roster, id_column, ids, grades, unplaced, notes)
    key = roster.column(id_column)
    kept = [k for k, title in enumerate(roster.header) if k == key or title.casefold() in MOODLE_PEOPLE]
    table = [[*(roster.header[k] for k in kept), *names.values()]]
    graded = {student for student, _ in grades}
    for student, row in ids.items():
        if student in graded:
            table.append([*(roster.rows[row][k] for k in kept), *(grades.get((student, a), "") for a in names)])
    return Placed(_no_title_twice(table, roster.path), unplaced, notes)


def canvas(found, roster, id_column=None, titles=None):
    """The table for Canvas's *Gradebook › Import*.

    Canvas takes a file whose columns begin as those of its own export: Student, ID, those of the SIS, and Section. It
    finds a student by ID, else by SIS User ID, else by SIS Login ID, else by name; an assignment by the number in
    brackets after its title, else by the title, and where there is none it offers to make one. So the table is the
    roster with its rows in order, and of the assignments only those asked for: others stay as they are. A cell for
    which there is no grade here keeps what Canvas had in it, such as EX, as an empty one would delete it.

    Parameters
    ----------
    found : list of rnngrader.export.Outcome
        Of one assignment or several.
    roster : Roster
        *Gradebook › Export* of Canvas, as it came.
    id_column : str or None
        The roster's column of the ids in submitted/; None for "SIS Login ID". An instructor who does not see the SIS
        columns has "ID" and "Student" alone.
    titles : dict of str to str or None
        Of an assignment in Canvas, with or without the number in brackets, where it is not the assignment's name.

    Returns
    -------
    placed : Placed
        Scores are after the late penalty.

    Raises
    ------
    ValueError
        When the roster is no export of Canvas, has no such column, an id twice, no student of the class, two columns
        for one assignment, or another number of points for it: a grade would then mean something else there.
    """
    id_column = id_column or ID_COLUMNS["canvas"]
    header = roster.header
    named = header[:2] == ["LastName", "FirstName"] and header[2:3] == ["ID"]
    if "Section" not in header or not (named or header[:2] == ["Student", "ID"]):
        raise ValueError(
            f"{roster.path} is no export of Canvas's gradebook, which begins with Student, ID and has a Section; its "
            f"columns are {', '.join(header)}"
        )
    people = header.index("Section") + 1
    names = _titles(found, titles)
    grades, notes, unplaced = _grades(found)

    points = next((k for k, row in enumerate(roster.rows) if row[0].strip() == POINTS_ROW), None)
    students = [k for k in range(len(roster.rows)) if k != points and not _is_about_posting(roster.rows[k])]
    key = roster.column(id_column)
    if key >= people:
        raise ValueError(f"{roster.path}: the column {id_column!r} says nothing of who somebody is")
    ids = _ids(roster, key, students)
    _match(roster, id_column, ids, grades, unplaced, notes)

    most = {each.assignment: each.max_score for each in found}
    places, titles = {}, []
    for assignment, name in names.items():
        same = [k for k in range(people, len(header)) if _is_title(header[k], name)]
        if len(same) > 1:
            raise ValueError(
                f"{roster.path} has {len(same)} columns for {name!r}: {', '.join(header[k] for k in same)}"
            )
        places[assignment] = same[0] if same else None
        titles.append(header[same[0]] if same else name)
        if not same:
            notes.append(f"{assignment}: the roster has no assignment {name!r}, so Canvas will offer to make it")
        elif points is not None and (theirs := _float(roster.rows[points][same[0]])) not in (None, most[assignment]):
            raise ValueError(
                f"{assignment} is worth {_score(most[assignment])} points here and {_score(theirs)} in Canvas "
                f"({header[same[0]]}): change one of them, or give the title of another assignment"
            )

    by_row = {row: student for student, row in ids.items()}
    table = [[*header[:people], *titles]]
    if points is None:
        table.append([f"    {POINTS_ROW}", *[""] * (people - 1), *(_score(most[a]) for a in names)])
    for k, row in enumerate(roster.rows):
        cells = []
        for assignment, place in places.items():
            old = row[place] if place is not None else ""
            if k == points:
                cells.append(old.strip() or _score(most[assignment]))
            else:
                cells.append(grades.get((by_row.get(k), assignment), old))
        table.append([*row[:people], *cells])
    return Placed(_no_title_twice(table, roster.path), unplaced, notes)


def _titles(found, titles):
    """Of each assignment in order, the title of its column."""
    names = dict.fromkeys(each.assignment for each in found)
    if unknown := set(titles or {}).difference(names):
        raise ValueError(f"a title is given for {', '.join(sorted(unknown))}, which is not exported")
    return {name: (titles or {}).get(name, name) for name in names}


def _grades(found):
    """Scores as text by student and assignment, notes on what is provisional or left out, and what has no grade yet."""
    grades, notes, unplaced = {}, [], []
    said = {}
    for each in found:
        if each.status in (export.GRADED, export.WRITTEN) or (each.status == export.PERSON and each.parts):
            grades[each.student, each.assignment] = _score(each.score)
        if each.status == export.PERSON and not each.parts:
            unplaced.append(f"{each.student}, {each.assignment}: no grade, as a person must look. {each.reason}")
        elif each.status == export.MISSING and each.reason:
            unplaced.append(f"{each.student}, {each.assignment}: no grade. {each.reason}")
        elif each.status == export.WAITING:
            unplaced.append(f"{each.student}, {each.assignment}: handed in and not graded yet")
        elif each.status != export.GRADED:
            said.setdefault((each.assignment, each.status), []).append(each.student)
    for (assignment, status), students in said.items():
        what = "no grade in the table" if status == export.MISSING else "the score is not final"
        notes.append(f"{assignment}, {status}: {what} for {', '.join(students)}")
    return grades, notes, unplaced


def _ids(roster, key, rows):
    """The row of each id, of those rows that have one.

    Raises
    ------
    ValueError
        When an id stands in two rows.
    """
    ids, twice = {}, []
    for row in rows:
        value = roster.rows[row][key].strip()
        if value in ids:
            twice.append(value)
        elif value:
            ids[value] = row
    if twice:
        raise ValueError(f"{roster.path} has more than one row for {', '.join(sorted(set(twice)))}")
    return ids


def _match(roster, id_column, ids, grades, unplaced, notes):
    """Says of each grade whose student is not in the roster that it is in no row, and who of the roster has none."""
    students = dict.fromkeys(student for student, _ in grades)
    if students and not set(students).intersection(ids):
        raise ValueError(
            f"none of the {len(students)} students with a grade is in the column {id_column!r} of {roster.path}, which "
            f"has {', '.join(list(ids)[:3]) or 'nothing'}: name another column with --id-column"
        )
    alike = {_loosely(each): each for each in ids}
    for (student, assignment), score in grades.items():
        if student not in ids:
            near = alike.get(_loosely(student))
            hint = f" (it has {near}, which is not the same)" if near else ""
            unplaced.append(f"{student}, {assignment}: {score} points, not in {roster.path}{hint}")
    if without := [each for each in ids if each not in students]:
        notes.append(f"in {roster.path} and without a grade here: {', '.join(without)}")


def _loosely(text):
    """An id without what spreadsheets and typists change: letter case, spaces, zeros in front, a domain."""
    return text.casefold().replace(" ", "").partition("@")[0].lstrip("0")


def _is_title(column, name):
    """Whether a Canvas column is of the assignment of a title: "Title (123)", or the title itself."""
    return column == name or re.sub(r" \(\d+\)$", "", column) == name


def _is_about_posting(row):
    """Whether a Canvas row is the one that says which assignments are posted by hand."""
    cells = [cell.strip() for cell in row if cell.strip()]
    return all(re.match(r"(?i)muted$|manual posting", cell) for cell in cells)


def _no_title_twice(table, where):
    twice = sorted({title for title in table[0] if table[0].count(title) > 1})
    if twice:
        raise ValueError(f"{where} would have two columns {', '.join(map(repr, twice))}: give another title")
    return table


def _float(text):
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return None


def _score(points):
    return format(round(points, 5), ".10g")


def write_table(path, table):
    """Writes a table as the CSV that both platforms read: UTF-8, commas, a point in numbers.

    Parameters
    ----------
    path : path
    table : list of list of str
    """
    temporary = Path(f"{path}.part")
    with open(temporary, "w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(table)
    temporary.replace(path)


def place(form, found, roster_path=None, id_column=None, titles=None):
    """The table of a form, from a roster's file.

    Parameters
    ----------
    form : str
        "moodle" or "canvas".
    found : list of rnngrader.export.Outcome
    roster_path : path or None
        Needed for Canvas.
    id_column, titles : see `moodle`, `canvas`

    Returns
    -------
    placed : Placed

    Raises
    ------
    ValueError
        See `moodle`, `canvas` and `read_roster`.
    """
    if not found:
        raise ValueError("there are no students to export")
    roster = read_roster(roster_path) if roster_path else None
    if form == "moodle":
        return moodle(found, roster, id_column, titles)
    if roster is None:
        raise ValueError(
            "Canvas takes grades only in rows of its own: export the gradebook there, and give the file as the roster"
        )
    return canvas(found, roster, id_column, titles)


class _Platform(ExportPlugin):
    """`nbgrader export` for a learning platform; exits with status 1 when a grade is in no row."""

    form = ""
    roster = Unicode("", help="CSV that the platform exported, whose rows are filled in.").tag(config=True)
    id_column = Unicode("", help="The column that has the ids of submitted/.").tag(config=True)
    titles = Dict(help="Title of an assignment's column, where it is not the assignment's name.").tag(config=True)

    def export(self, gradebook):
        """Writes the file that --to names, or <platform>.csv."""
        to = self.to or f"{self.form}.csv"
        try:
            found = export.chosen(self, gradebook)
            placed = place(self.form, found, self.roster, self.id_column, dict(self.titles))
        except (ValueError, FileNotFoundError, MissingEntry) as error:
            self.log.error("%s", error)
            sys.exit(2)
        write_table(to, placed.table)
        for note in placed.notes:
            self.log.warning("%s", note)
        for line in placed.unplaced:
            self.log.error("%s", line)
        self.log.info("Wrote %d rows to %s", len(placed.table) - 1, to)
        if placed.unplaced:
            sys.exit(1)


class Moodle(_Platform):
    """`nbgrader export --exporter rnngrader.lms.Moodle`: see `moodle`."""

    form = "moodle"


class Canvas(_Platform):
    """`nbgrader export --exporter rnngrader.lms.Canvas --Canvas.roster=FILE`: see `canvas`."""

    form = "canvas"
