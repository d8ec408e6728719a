"""The heaviest page under Lighthouse, served compressed as a static host does. Run by `make check-book`."""

import gzip
import json
import os
import shutil
import subprocess
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import pytest
from browser import FLAGS, HOW_TO_GET, find_chromium, serve

ROOT = Path(__file__).parents[2]
LIGHTHOUSE = ROOT / "_build" / "node" / "node_modules" / ".bin" / "lighthouse"
AT_LEAST = {"performance": 90, "accessibility": 95, "best-practices": 95, "seo": 95}
TRIES = 5  # a score is the machine's too: other work on it only lowers one, so the best counts


class Compressed(SimpleHTTPRequestHandler):
    """Files as a static host sends them: text compressed, and to be kept for a while."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            return self.send_error(404)
        body, kind = path.read_bytes(), self.guess_type(str(path))
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if not kind.startswith(("image/png", "font/")):
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "max-age=31536000")
        self.end_headers()
        self.wfile.write(body)


def heaviest_chapter(html):
    """The chapter with the largest HTML; equations, code and figures grow with it."""
    chapters = [path for path in html.glob("book/*/*.html")]
    return max(chapters, key=lambda path: path.stat().st_size).relative_to(html).as_posix()


@pytest.fixture(scope="module")
def audit(book, tmp_path_factory):
    """Lighthouse's reports of some pages by category, the best of some tries."""
    if shutil.which("node") is None or not LIGHTHOUSE.exists():
        pytest.fail("needs node and npm (apt-get install nodejs npm), and `make check-book` to install lighthouse with")
    chromium = find_chromium() or pytest.fail(f"needs a browser: {HOW_TO_GET}")
    report = tmp_path_factory.mktemp("lighthouse") / "report.json"

    def run(page):
        best, weight = {}, 0
        with serve(book.html, Compressed) as address:
            for _ in range(TRIES):
                flags = " ".join(["--headless=new", *FLAGS])
                subprocess.run(
                    [LIGHTHOUSE, f"{address}/{page}", "--preset=desktop", "--quiet", f"--chrome-flags={flags}",
                     "--output=json", f"--output-path={report}"],
                    env=os.environ | {"CHROME_PATH": chromium}, check=True, timeout=300,
                )  # fmt: skip
                result = json.loads(report.read_text(encoding="utf-8"))
                scores = {name: round(100 * (c["score"] or 0)) for name, c in result["categories"].items()}
                best = {name: max(score, best.get(name, 0)) for name, score in scores.items()}
                loaded = result["audits"]["network-requests"]["details"]["items"]
                weight = sum(item["transferSize"] for item in loaded)
                if all(best[name] >= score for name, score in AT_LEAST.items()):
                    break
        print(f"\n{page}: {best}, {weight / 1e3:.0f} kB with all that it loads")
        return best, weight

    return run


def test_the_heaviest_chapter_scores(book, audit):
    best, weight = audit(heaviest_chapter(book.html))
    assert {name: best[name] for name, score in AT_LEAST.items() if best[name] < score} == {}
    assert weight < 1_500_000


def test_the_front_page_scores(audit):
    best, _ = audit("book/index.html")
    assert {name: best[name] for name, score in AT_LEAST.items() if best[name] < score} == {}
