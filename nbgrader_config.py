"""nbgrader's configuration: every nbgrader command, the formgrader and `rnngrader` read this file."""

import os
import sys
from pathlib import Path

import rnngrader
from rnngrader.database import hide_passwords

# The hidden checks draw their cases from this word. Change it every term, and grade a term with one word.
HIDDEN_SEED = "first term"

ROOT = Path(__file__).resolve().parent
c = get_config()  # noqa: F821  (traitlets defines it)

# nbgrader calls `alembic` through PATH; with this no command needs an activated environment. The formgrader reads this
# file again and again.
PROGRAMS, PATH = str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)
if PATH.split(os.pathsep)[0] != PROGRAMS:
    os.environ["PATH"] = os.pathsep.join([PROGRAMS, PATH])
# The tests draw from the word. One set from outside goes before the one here, a changed one here before its last.
if os.environ.get("RNNLIB_HIDDEN_SEED") in (None, os.environ.get("RNNGRADER_SEED_OF_CONFIG")):
    os.environ["RNNLIB_HIDDEN_SEED"] = os.environ["RNNGRADER_SEED_OF_CONFIG"] = HIDDEN_SEED
# For the small matrices of the checks one thread is the fastest, most of all on a busy machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

c.CourseDirectory.root = str(ROOT)
c.CourseDirectory.course_id = "rnn"
# The gradebook is gradebook.db beside this file, or in a class's own folder. To have it on a PostgreSQL server instead,
# make an empty database (`createdb rnn`), install the driver (`pip install 'rnnlib[postgresql]'`) and set its URL here.
# Leave the password to ~/.pgpass or PGPASSWORD, where the driver looks; one in the URL is kept out of all messages.
# c.CourseDirectory.db_url = "postgresql+psycopg://user@host/rnn"
hide_passwords()
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
# Left behind whenever nbgrader copies a folder (release, submit, collect). It must not match timestamp.txt.
c.CourseDirectory.ignore = [".*", "*~", "*.pyc", "__pycache__", "feedback"]

c.ClearSolutions.code_stub = {"python": 'raise NotImplementedError("write this function, then run the check below")'}
c.ClearSolutions.text_stub = "*Write your answer here, in place of this line.*"

# A cell that runs longer is interrupted and costs its own points; the cells after it still run.
c.Execute.timeout = 60
c.Execute.interrupt_on_timeout = True

# What a student's code may use, in a sandbox (bubblewrap) without network and without the course's files. These are the
# defaults; `rnngrader/sandbox.py` says what each is.
c.Sandbox.wall_seconds = 600.0  # for a whole submission; what has not run then is for a person
c.Sandbox.cpu_seconds = 300  # of one process
c.Sandbox.call_seconds = 5.0  # for one call of a function by a check
c.Sandbox.memory_bytes = 2 * 2**30  # of all processes of a submission
c.Sandbox.address_bytes = 16 * 2**30  # of one process; PyTorch takes much that it never uses
c.Sandbox.processes = 64  # and threads, at a time
c.Sandbox.open_files = 256
c.Sandbox.file_bytes = 64 * 2**20  # a file, and all files in a folder that can be written
c.Sandbox.output_bytes = 4 * 2**20  # all that the cells show
c.Sandbox.answer_bytes = 16 * 2**20  # what a function gives back
c.Sandbox.idle_seconds = 300.0  # without a submission; then what waits for the next one in the formgrader's server ends
# Without a sandbox what students wrote runs with your rights, and can write its own points. Every outcome then says so.
c.Sandbox.unsafe = False
c.Execute.extra_arguments = [  # of the kernel that runs all cells then
    "--IPKernelApp.log_level=ERROR",
    # A file handed in beside the notebook, such as an rnnlib.py, must not stand in for a package.
    "--InteractiveShellApp.ignore_cwd=True",
    # IPython's exit() ends the process a moment later, in whichever cell is then running; Python's ends its cell.
    "--InteractiveShellApp.exec_lines=globals().update(dict.fromkeys(('exit', 'quit'), __import__('sys').exit))",
]

c.Autograde.pre_convert_hook = "rnngrader.submission.before_grading"
c.Autograde.exporter_class = "rnngrader.pipeline.SubmissionExporter"
c.Autograde.sanitize_preprocessors = [
    "rnngrader.pipeline.Rebuild",
    "rnngrader.pipeline.RestoreHiddenTests",
]
c.Autograde.autograde_preprocessors = [
    "rnngrader.pipeline.Run",
    "nbgrader.preprocessors.LimitOutput",
    "rnngrader.pipeline.Record",
    "nbgrader.preprocessors.AssignLatePenalties",
]

# On a page, the formgrader's or a student's, what a student wrote only shows and never runs.
c.HTMLExporter.sanitize_html = True
c.HTMLExporter.filters = {"markdown2html": "rnngrader.safe_html.markdown", "clean_html": "rnngrader.safe_html.clean"}

c.GenerateFeedback.exporter_class = "rnngrader.feedback.PageExporter"
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    "rnngrader.feedback.Page",
]
c.GenerateFeedback.HTMLExporter.template_name = "rnn_feedback"
c.GenerateFeedback.HTMLExporter.extra_template_basedirs = [str(Path(rnngrader.__file__).parent / "templates")]

# `nbgrader export` and `rnngrader grade` write the same grades.csv.
c.ExportApp.plugin_class = "rnngrader.export.Grades"
