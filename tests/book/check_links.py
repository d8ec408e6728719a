"""Every link and fragment of the served book under LinkChecker, which reads pages as a visitor's browser would get them.

`test_pages.py` follows the links in the files within a second, for `make test`; this reads them through a server and
with a parser that is not ours, for `make check-book`.
"""

import csv
import io
import subprocess
import sys
from pathlib import Path

CONFIG = """[AnchorCheck]
[filtering]
checkextern=0
[output]
status=0
"""


def test_linkchecker_finds_no_dead_link_and_no_dead_fragment(book, address, tmp_path):
    (tmp_path / "linkcheckerrc").write_text(CONFIG)
    # The first page leads on at once; the search's and the index's pages are asked for by name.
    starts = [f"{address}/{page}" for page in ("book/index.html", "search.html", "genindex.html")]
    program = [str(Path(sys.executable).with_name("linkchecker")), "-f", str(tmp_path / "linkcheckerrc")]
    done = subprocess.run(
        [*program, "--no-robots", "--verbose", "--threads=4", "-o", "csv", *starts],
        capture_output=True,
        text=True,
        timeout=900,
    )
    lines = [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
    links = list(csv.DictReader(io.StringIO("\n".join(lines)), delimiter=";"))
    assert len(links) > 500, done.stderr
    bad = [(link["parentname"], link["urlname"], link["result"], link["warningstring"]) for link in links
           if link["valid"] == "False" or "Anchor" in link["warningstring"]]  # fmt: skip
    assert bad == []
    assert done.returncode == 0, done.stderr
