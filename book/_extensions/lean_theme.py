"""Of the theme's 1900 icons a page loads those that the book shows, as a font of a few kilobytes."""

import re
from pathlib import Path

import pydata_sphinx_theme
from fontTools import subset
from sphinx.errors import ExtensionError

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
SHEET = "styles/pydata-sphinx-theme.css"
FONT = "vendor/fontawesome/webfonts/fa-solid-900"
RULE = re.compile(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([\w ]+)"\}')


def trim(app, exception):
    """Write the theme's style sheet and icon font again, without the icons that no page and no script names."""
    if exception or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    named = set()
    for path in (*Path(app.outdir).rglob("*.html"), *(static / "scripts").glob("*theme.js")):
        named.update(re.findall(r"\bfa-[\w-]+", path.read_text(encoding="utf-8")))
    characters = set()

    def keep(rule):
        if named.isdisjoint(re.findall(r"fa-[\w-]+", rule[1])):
            return ""
        characters.add(int(rule[2], 16))
        return rule[0]

    sheet, rules = RULE.subn(keep, (THEME / SHEET).read_text(encoding="utf-8"))
    sheet, fonts = re.subn(rf"url\(\.\./{FONT}\.woff2\) format\(\"woff2\"\),url\([^)]*\) format\(\"truetype\"\)",
                           f'url(../{FONT}.woff) format("woff")', sheet)  # fmt: skip
    if rules < 1000 or fonts != 1 or not characters:
        raise ExtensionError(f"the theme's icons are not as they were: {rules} rules, {fonts} fonts, {named} used")
    (static / SHEET).write_text(sheet, encoding="utf-8")

    # The theme's own rules name an icon by its character, in the range of Unicode for private use.
    characters.update(ord(c) for c in re.findall("[\ue000-\uf8ff]", sheet))
    options = subset.Options(flavor="woff", notdef_outline=True, recalc_timestamp=False)
    font = subset.load_font(THEME / f"{FONT}.ttf", options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=characters)
    subsetter.subset(font)
    subset.save_font(font, static / f"{FONT}.woff", options)


def setup(app):
    app.connect("build-finished", trim)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
