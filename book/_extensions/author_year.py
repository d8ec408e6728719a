"""Bibliography style with author-year labels, so that a list entry looks as the text cites it."""

from collections import Counter
from string import ascii_lowercase

from pybtex.plugin import register_plugin
from pybtex.richtext import Text
from pybtex.style.formatting.unsrt import Style as Unsrt
from pybtex.style.labels import BaseLabelStyle
from pybtex.style.template import field, sentence


class AuthorYearLabels(BaseLabelStyle):
    """Hochreiter and Schmidhuber, 1997; with letters where two entries would get the same label."""

    def format_labels(self, sorted_entries):
        labels = [f"{names(entry)}, {entry.fields.get('year', 'n.d.')}" for entry in sorted_entries]
        total, seen = Counter(labels), Counter()
        for label in labels:
            seen[label] += 1
            yield label + (ascii_lowercase[seen[label] - 1] if total[label] > 1 else "")


def names(entry):
    """Who wrote it, as the citation in the text says it: one name, two, or the first and et al.; else the title."""
    persons = entry.persons.get("author") or entry.persons.get("editor")
    if not persons:
        return str(Text.from_latex(entry.fields["title"]))
    family = [" ".join(str(name) for name in p.rich_prelast_names + p.rich_last_names) for p in persons]
    return " and ".join(family) if len(family) < 3 else f"{family[0]} et al."


class AuthorYear(Unsrt):
    """pybtex's plain entries, by author and year, with titles in the case that the bib file gives them."""

    default_sorting_style = "author_year_title"
    default_label_style = AuthorYearLabels

    def format_title(self, e, which_field, as_sentence=True):
        title = field(which_field)
        return sentence[title] if as_sentence else title


def setup(app):
    register_plugin("pybtex.style.formatting", "author_year", AuthorYear)
    return {"parallel_read_safe": True}
