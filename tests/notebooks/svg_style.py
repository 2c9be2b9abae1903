"""The one style of all pictures: fonts, sizes and colors, in a light and a dark scheme.

A picture uses these classes and no color of its own. `pictures.py` writes the style into each file, because an
SVG that is shown as an image cannot load a style sheet. The dark scheme follows ``prefers-color-scheme``; a picture
has a background of its own (class ``card``), so both schemes are readable on any page.
"""

import re

SANS = "system-ui,-apple-system,'Segoe UI',sans-serif"
MONO = "ui-monospace,Menlo,Consolas,monospace"

SHAPES = """\
text{{font-family:{sans};fill:{ink}}}
.card{{fill:{page};stroke:{edge}}}
.area{{fill:{area};stroke:{line};stroke-width:1.5}}
.box{{fill:{box};stroke:{line};stroke-width:1.5}}
.lit{{fill:{lit};stroke:{accent};stroke-width:3}}
.dash{{fill:{page};stroke:{line};stroke-width:1.5;stroke-dasharray:6 4}}
.field{{fill:{page};stroke:{line};stroke-width:1.2}}
.no{{fill:{no};stroke:{noline};stroke-width:1.5}}
.yes{{fill:{yes};stroke:{yesline};stroke-width:2}}
.go,.pill,.dot{{fill:{accent}}}
.dark{{fill:{dark}}}
.a{{stroke:{soft};stroke-width:2;fill:none}}
.h{{fill:{soft}}}
.l{{stroke:{edge};stroke-width:1;fill:none}}
.t{{font-size:15px;font-weight:600}}
.s{{font-size:13px}}
.b{{font-size:13px;font-weight:600}}
.row{{font-size:13px;font-weight:600;fill:{soft}}}
.n{{font-size:12px;fill:{soft}}}
.m{{font-family:{mono};font-size:13px}}
.mm{{font-family:{mono};font-size:12px}}
.w{{font-size:13px;font-weight:600;fill:{onaccent}}}
.wd{{font-size:13px;font-weight:600;fill:{ondark}}}
"""

LIGHT = {
    "page": "#fff",
    "ink": "#16202a",
    "soft": "#44515d",
    "edge": "#8a97a3",
    "line": "#5a6874",
    "area": "#f8fafb",
    "box": "#f1f5f8",
    "lit": "#ffedd9",
    "accent": "#9a4a00",
    "onaccent": "#fff",
    "dark": "#34404b",
    "ondark": "#fff",
    "no": "#fbeaea",
    "noline": "#8f1d1d",
    "yes": "#e6f4ea",
    "yesline": "#1d6b34",
}
DARK = {
    "page": "#161b22",
    "ink": "#e8edf2",
    "soft": "#b4c0cb",
    "edge": "#6b7885",
    "line": "#8a97a3",
    "area": "#1b222b",
    "box": "#232c37",
    "lit": "#4a2d0c",
    "accent": "#ffb066",
    "onaccent": "#16202a",
    "dark": "#0c1116",
    "ondark": "#e8edf2",
    "no": "#43191c",
    "noline": "#f08a8a",
    "yes": "#123a22",
    "yesline": "#6fd08f",
}


def css(scheme: dict[str, str]) -> str:
    """The rules of one scheme."""
    return SHAPES.format(sans=SANS, mono=MONO, **scheme)


def style() -> str:
    """The ``<style>`` element: every rule, and for the dark scheme the rules with a color."""
    colors = [rule for rule in css(DARK).splitlines() if "#" in rule]
    dark = [re.sub(r"(font[\w-]*|stroke-(?:width|dasharray)):[^;}]*;?", "", rule) for rule in colors]
    inside = "\n".join(dark).replace(";}", "}")
    return f"<style>\n{css(LIGHT)}@media(prefers-color-scheme:dark){{\n{inside}\n}}\n</style>"


def styled(svg: str) -> str:
    """*svg* with this style in place of its own."""
    return re.sub(r"<style>.*?</style>", lambda _: style(), svg, flags=re.DOTALL)
