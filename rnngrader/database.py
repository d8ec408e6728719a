"""A gradebook by URL: asked before grading whether it can be used, and never shown with its password."""

import logging
import re
from pathlib import Path

PASSWORDS = re.compile(
    r"\b((?!https?:)[a-z][\w+.-]*://[^\s:/@]*:)[^\n]*@"  # ://user:password@host; a password may have an @ of its own
    r"|([?&]\w*password=)[^&\s'\"]*"
)
FORM = "postgresql+psycopg://USER@HOST/DATABASE"
#: Seconds for a server to answer, where the URL does not say.
PATIENCE = 10


def masked(text):
    """A text with *** in place of every database URL's password.

    Parameters
    ----------
    text : str

    Returns
    -------
    text : str
    """
    return PASSWORDS.sub(lambda found: f"{found[1]}***@" if found[1] else f"{found[2]}***", text)


def hide_passwords():
    """Leaves the passwords of database URLs out of all that this process logs, nbgrader's own messages included."""
    make = logging.getLogRecordFactory()
    if getattr(make, "hides_passwords", False):
        return

    def record(*args, **kwargs):
        made = make(*args, **kwargs)
        made.msg = masked(str(made.msg))
        if isinstance(made.args, tuple):
            made.args = tuple(masked(arg) if isinstance(arg, str) else arg for arg in made.args)
        return made

    record.hides_passwords = True
    logging.setLogRecordFactory(record)


def require(coursedir, filled=False):
    """Makes sure that the gradebook can be used, and makes its tables in an empty database of a server.

    Parameters
    ----------
    coursedir : nbgrader.coursedir.CourseDirectory
    filled : bool
        Whether it must be there already. To open one that is not would make it.

    Raises
    ------
    ValueError
        When its URL cannot be read, or nothing has been graded where `filled` asks for it.
    RuntimeError
        When the driver is missing, the server does not answer or refuses, or its database is no gradebook. No message
        has the password.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    shown = masked(coursedir.db_url)
    try:
        url = make_url(coursedir.db_url)
    except (ArgumentError, ValueError):
        url = None
    if url is None or "@" in (url.host or ""):
        raise ValueError(
            f"the gradebook's URL {shown} cannot be read: wanted is {FORM}, with %40 for an @ in a name or a password"
        )
    if url.get_backend_name() == "sqlite":
        if filled and not (url.database and Path(url.database).is_file()):
            raise ValueError(f"there is no gradebook {url.database}: grade the class first")
        return
    try:
        problem = _problem(url, filled)
    except ImportError as error:
        problem = f"its driver is not installed ({error}): pip install 'rnnlib[postgresql]', and the URL is {FORM}"
    except SQLAlchemyError as error:
        problem = reason(error)
    if problem is not None:
        raise RuntimeError(f"the gradebook {shown} cannot be used: {problem}")


def _problem(url, filled):
    """Why a server's database is of no use as a gradebook, or None; an empty one gets its tables."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from nbgrader.api import Base
    from nbgrader.dbutil import ALEMBIC_DIR
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.exc import NoSuchModuleError

    patience = {"connect_timeout": PATIENCE} if url.get_backend_name() == "postgresql" else {}
    try:
        engine = create_engine(url, connect_args=patience | dict(url.query))
    except NoSuchModuleError:
        return f"SQLAlchemy knows no database {url.drivername!r}; wanted is {FORM}"
    try:
        with engine.begin() as connection:
            tables, migration = set(inspect(connection).get_table_names()), MigrationContext.configure(connection)
            if not tables and filled:
                return "nothing is in it; grade the class first"
            if not tables:  # all at once: nbgrader makes the tables first and some time later says of which version
                Base.metadata.create_all(connection)
                migration.stamp(ScriptDirectory(ALEMBIC_DIR), "head")
            elif not {"alembic_version", "grade", "submitted_assignment"} <= tables:
                some = ", ".join(sorted(tables)[:3])
                return f"its database holds something else (tables {some} …); `createdb NAME` makes an empty one"
            elif migration.get_current_revision() != ScriptDirectory(ALEMBIC_DIR).get_current_head():
                return "another version of nbgrader made it; keep a copy (`pg_dump`), then run `nbgrader db upgrade`"
    finally:
        engine.dispose()
    return None


def reason(error):
    """What a database's exception says, in one line without passwords and without the statement that failed.

    Parameters
    ----------
    error : sqlalchemy.exc.SQLAlchemyError

    Returns
    -------
    reason : str
    """
    words = str(getattr(error, "orig", None) or error)
    return masked(" ".join(words.split()))
