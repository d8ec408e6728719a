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
