"""The picture language: a kind of thing is known by its shape, not by its colour alone."""

import sys
from itertools import combinations
from pathlib import Path

import matplotlib.colors
import pytest
from matplotlib.patches import FancyArrowPatch


@pytest.fixture(scope="module")
def language():
    """The module, which stands beside the figures' scripts rather than in a package."""
    folder = str(Path(__file__).resolve().parents[2] / "book" / "figures")
    sys.path.insert(0, folder)
    try:
        import language
    finally:
        sys.path.remove(folder)
    return language


def test_no_two_kinds_differ_in_colour_alone(language):
    for (name, kind), (other_name, other) in combinations(language.KINDS.items(), 2):
        bigger, smaller = max(kind.radius, other.radius), min(kind.radius, other.radius)
        assert kind.shape != other.shape or bigger > 1.5 * smaller, f"{name} and {other_name} have the same outline"


def test_every_kind_is_drawn_in_its_colour_with_its_text(language):
    _, ax = language.canvas(height=100)
    for kind, look in language.KINDS.items():
        drawn = language.node(ax, 50, 40, "$h$", kind)
        assert matplotlib.colors.to_hex(drawn.outline.get_edgecolor()) == look.colour.lower()
        low, high = drawn.outline.get_window_extent().min, drawn.outline.get_window_extent().max
        middle = ax.transData.inverted().transform((low + high) / 2)
        assert middle == pytest.approx((50, 40), abs=1)
        assert ax.texts[-1].get_text() == "$h$"
        assert ax.texts[-1].get_position() == (50, 40 + (language.LIFT if look.sign else 0))
        assert not look.sign or ax.texts[-2].get_text() == look.sign


def test_what_arrives_later_is_dashed_and_a_weight_sits_on_its_arrow(language):
    _, ax = language.canvas(height=100)
    a, b = language.node(ax, 20, 50, "$x$", "input"), language.node(ax, 220, 50, "$h$", "state")
    language.arrow(ax, a, b)
    language.arrow(ax, a, b, later=True, weight="$W_h$")
    now, later = (patch for patch in ax.patches if isinstance(patch, FancyArrowPatch))
    assert now.get_linestyle() in ("-", "solid")
    assert later.get_linestyle() not in ("-", "solid")
    assert ax.texts[-1].get_text() == "$W_h$"
    assert ax.texts[-1].get_position() == (120, 50)


def test_a_wire_ends_at_the_outlines_and_bows_where_it_crosses(language):
    _, ax = language.canvas(height=200)
    a, b = language.node(ax, 40, 40, "$x$", "input"), language.node(ax, 200, 160, "$h$", "state")
    assert language.course(a, b, [(200, 40)]) == [pytest.approx(p, abs=0.01) for p in ((57, 40), (200, 40), (200, 140))]
    line = language.bowed([(200, 40), (200, 140)], [(200, 90)])
    assert line.contains_point((202, 90)) and not line.contains_point((202, 70))
    assert not language.bowed([(200, 40), (200, 140)], [(150, 90)]).contains_point((202, 90))


def test_wires_of_different_meaning_differ_in_more_than_colour(language):
    looks = set()
    for look in ({}, {"later": True}, {"peephole": True}, {"gradient": True}, {"width": language.THICK["memory"]}):
        _, ax = language.canvas(height=100)
        language.wire(ax, (20, 50), (220, 50), **look)
        line = ax.patches[-1]
        looks.add((line.get_linestyle(), line.get_linewidth(), type(ax.patches[0].get_arrowstyle()).__name__))
    assert len(looks) == 5


def test_a_faint_thing_has_the_same_outline_and_a_paler_look(language):
    _, ax = language.canvas(height=100)
    for kind in language.KINDS:
        plain, faint = (language.node(ax, 50, 50, "$h$", kind, faint=pale).outline for pale in (False, True))
        assert type(plain) is type(faint)
        assert sum(faint.get_edgecolor()[:3]) > sum(plain.get_edgecolor()[:3])


def test_texts_that_overlap_are_refused(language, tmp_path):
    fig, ax = language.canvas(height=100)
    language.words(ax, 100, 50, "forget")
    language.words(ax, 110, 55, "gate")
    with pytest.raises(ValueError, match=r"'forget'.*'gate'.* overlap"):
        sys.modules["style"].save(fig, tmp_path / "two.py")
