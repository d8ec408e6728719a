"""Where the course is, and nbgrader set up for it as `nbgrader` itself would be."""

import logging
from pathlib import Path

from nbgrader.apps import NbGrader

CONFIG = "nbgrader_config.py"


def find_root(start="."):
    """The course's root: the nearest folder at or above `start` that holds nbgrader_config.py.

    Parameters
    ----------
    start : path

    Returns
    -------
    root : pathlib.Path

    Raises
    ------
    FileNotFoundError
        When there is no such folder.
    """
    start = Path(start).resolve()
    for folder in (start, *start.parents):
        if (folder / CONFIG).is_file():
            return folder
    raise FileNotFoundError(f"no {CONFIG} in {start} or above it: run this inside the course")


def open_course(root, class_folder=None, db_url=None):
    """An nbgrader application with the course's configuration, quiet but for warnings.

    Parameters
    ----------
    root : path
        The folder of nbgrader_config.py.
    class_folder : path or None
        Where submitted/, autograded/, feedback/ and gradebook.db of a class lie; None for the root itself.
    db_url : str or None
        The gradebook, as SQLAlchemy's URL. None for the one that the configuration sets, and where it sets none, for
        gradebook.db in the class's folder.

    Returns
    -------
    app : nbgrader.apps.NbGrader
        `app.coursedir` knows the folders; converters take `coursedir=app.coursedir, parent=app`.
    """
    app = NbGrader(log_level=logging.ERROR)
    app.load_cwd_config = False
    app.initialize([], root=str(root))
    # Its messages go to whoever captures them; a command of ours says what matters itself.
    app.log.handlers = [logging.NullHandler()]
    app.log.propagate = False
    app.log.setLevel(logging.WARNING)
    if class_folder is not None:
        folder = Path(class_folder).resolve()
        for step in ("submitted", "autograded", "feedback"):
            setattr(app.coursedir, f"{step}_directory", str(folder / step))
        if "db_url" not in app.config.CourseDirectory:
            app.coursedir.db_url = f"sqlite:///{folder / 'gradebook.db'}"
    if db_url is not None:
        app.coursedir.db_url = db_url
    return app


def assignments(coursedir):
    """The names of the assignments in the source folder, in order."""
    source = Path(coursedir.root, coursedir.source_directory)
    return sorted(notebook.parent.name for notebook in source.glob("*/*.ipynb"))
