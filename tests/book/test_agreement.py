"""Chapters, notation page and glossary agree; every label is referred to; every equation is tested or says why not."""

import importlib.util
import re
from pathlib import Path

import pytest
from equations import BOOK, displayed

ROOT = BOOK.parent
TEXTS = {path.relative_to(BOOK).with_suffix("").as_posix(): path.read_text("utf-8") for path in BOOK.rglob("*.md")}
CHAPTERS = sorted(name for name in TEXTS if "/" in name)
ALL = "\n".join(TEXTS.values())


def prose(text):
    """The page without its front matter, code and comments."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S)
    text = re.sub(r"^```\{code-cell\}.*?^```$", "", text, flags=re.M | re.S)
    return re.sub(r"^%.*$", "", text, flags=re.M)


# ---- equations ---------------------------------------------------------------------------------------------------


def module_of(page):
    """The test of a page's equations, as a module and as text."""
    path = Path(__file__).with_name(f"test_equations_{page.rpartition('/')[2].replace('-', '_')}.py")
    if not path.exists():
        return None, ""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module, path.read_text("utf-8")


@pytest.mark.parametrize("page", CHAPTERS)
def test_every_numbered_equation_is_computed_or_says_why_not(page):
    labels = displayed(page)
    if not labels:
        return
    module, text = module_of(page)
    assert module, f"{page} has equations and no test"
    excused = module.NOT_COMPUTED
    assert set(excused) <= set(labels), "an excuse for an equation that is not there"
    named = {label for label in labels if re.search(rf"\b{re.escape(label)}(?![\w-])", text)}
    assert set(labels) - named == set(), "neither computed nor excused"
    assert all(len(reason.split()) >= 3 for reason in excused.values())


# ---- labels ------------------------------------------------------------------------------------------------------


def test_every_label_is_referred_to():
    defined = re.findall(r"^:(?:label|name): (\S+)$|^\(([\w-]+)\)=$", ALL, flags=re.M)
    labels = {label or target for label, target in defined}
    assert len(labels) > 50
    referred = set(re.findall(r"\{(?:eq|numref|ref)\}`(?:[^`<]*<)?([\w-]+)>?`", ALL))
    referred |= set(re.findall(r"\]\(#?([\w-]+)\)", ALL))
    referred |= set(re.findall(r"\{solution\} ([\w-]+)", ALL))
    figures = {label for label in labels if label.startswith(("fig-", "tab-"))}
    assert labels - referred - figures == set()
    # A figure or table stands where its text does; from elsewhere it is referred to by an existing label.
    assert {label for label in referred if label.startswith(("fig-", "tab-", "eq-", "ex-"))} <= labels


# ---- symbols -----------------------------------------------------------------------------------------------------

LETTER = r"(?:\\(?:tilde|hat|bar)\s?\{?[A-Za-z]\}?|\\[a-zA-Z]+|[A-Za-z])"
STRUCTURE = set(
    r"""\frac \sum \prod \begin \end \quad \qquad \bigl \bigr \Bigl \Bigr \left \right \text \mathrm \operatorname \cdot
    \cdots \ldots \vdots \dots \times \le \ge \lt \gt \leq \geq \approx \ne \neq \to \in \ll \gg \sim \mid \infty
    \partial
    \log \exp \ln \max \min \lim \sqrt \lVert \rVert \lvert \rvert \lfloor \rfloor \pm \mathbf \mathbb \mapsto \equiv
    \underbrace \overbrace \dfrac \tfrac \propto \Leftrightarrow \iff \implies \langle \rangle \circ \mathcal \star \ast
    \notin \cup \cap \subset \forall \exists \quad \hspace \phantom \cos \sin \gtrsim \lesssim \det \dim
    \leftarrow \rightarrow \Rightarrow \displaystyle \xrightarrow \mathit \mathsf \overset \underset \big""".split()
)


def symbols(text):
    """The letters of a page's mathematics, without indices, names of functions and words."""
    text = prose(text)
    maths = re.findall(r"^```+\{math\}.*?\n((?:^(?!```).*\n)*)^```", text, flags=re.M)
    text = re.sub(r"`[^`\n]*`", "", re.sub(r"^```+\{math\}.*?^```+$", "", text, flags=re.M | re.S))
    maths += re.findall(r"\$\$(.+?)\$\$", text, flags=re.S)
    maths += re.findall(r"(?<![\\$])\$([^$]+)\$", re.sub(r"\$\$.+?\$\$", "", text, flags=re.S))
    found = set()
    for latex in maths:
        latex = re.sub(r"^:\w+:.*$", "", latex, flags=re.M)
        latex = re.sub(r"\\(?:text|operatorname\*?|begin|end|mathit|mathsf)\s*\{[^{}]*\}", " ", latex)
        latex = re.sub(r"\\mathrm\s*\{d\}", " ", latex)
        latex = re.sub(r"\\(?:log|exp|tanh|max|min|cos|sin|ln)(?![a-z])", " ", latex)
        found |= {re.sub(r"[{}\s]+", " ", s).strip() for s in re.findall(LETTER, latex)} - STRUCTURE
    return found


def noted():
    """The symbols that the tables of the notation page explain."""
    rows = re.findall(r"^\|.*\|$", TEXTS["notation"], flags=re.M)
    return set().union(*(symbols(row) for row in rows)) | {"e", r"\top"}


@pytest.mark.parametrize("page", CHAPTERS)
def test_every_symbol_of_a_page_is_on_the_notation_page(page):
    assert symbols(TEXTS[page]) - noted() == set()


# ---- terms -------------------------------------------------------------------------------------------------------


def terms():
    """The terms of the glossary, each a list of synonyms."""
    block = re.search(r"^```\{glossary\}\n(.*?)^```$", TEXTS["glossary"], flags=re.M | re.S)[1]
    return [entry.split("\n  ")[0].strip().splitlines() for entry in block.split("\n\n") if entry.strip()]


def test_every_term_of_the_glossary_is_used():
    assert len(terms()) > 50
    linked = {match.lower() for match in re.findall(r"\{term\}`(?:[^`<]*<)?([^`<>]+)>?`", ALL.replace("\n", " "))}
    used = {" ".join(term.split()) for term in linked}
    assert [names for names in terms() if not any(name.lower() in used for name in names)] == []
