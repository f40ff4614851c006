"""Equations as MathML, and the part of STIX Two Math that draws them, to be embedded in the page."""

from __future__ import annotations

import base64
import io
import unicodedata
from functools import cache
from importlib.resources import files

from bs4 import BeautifulSoup, Tag
from fontTools import subset

from handouts.source import LessonError

FONT = "STIX Two Math"
# Browsers draw a one-letter <mi> in italics, from Unicode's italic letters; the font must have those.
_ITALIC = {
    unicodedata.normalize("NFKC", letter): letter
    for letter in map(chr, [*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C)])
    if unicodedata.category(letter) != "Cn"
} | {"h": "\u210e"}
_DRAWN_INSTEAD = {"-": "\u2212", "'": "\u2032", "^": "\u0302", "~": "\u0303"}


def tidy(soup: BeautifulSoup, where: str) -> None:
    """Make pandoc's MathML lean: no wrappers, TeX as its name; display equations in a box of their own.

    Raises LessonError for a formula that pandoc could not convert.
    """
    for failed in soup.select("span.math"):
        formula = failed.get_text()
        raise LessonError(
            f"{where}: the formula {formula} cannot be converted to MathML; use plainer TeX"
        )
    for math in soup.find_all("math"):
        annotation = math.find("annotation")
        if isinstance(annotation, Tag):
            math["alttext"] = annotation.get_text()
            annotation.decompose()
        if isinstance(math.semantics, Tag):
            math.semantics.unwrap()
        del math["xmlns"]
        if math.get("display") == "inline":
            del math["display"]
        for text in math.find_all("mtext", mathvariant="normal"):
            del text["mathvariant"]
        for brace in math.find_all("mo", string="\u23df"):
            if brace.parent and brace.parent.name == "munder":
                # Drawn by the style sheet, since Chromium paints only a part of a wide one.
                brace.parent["class"] = "brace"
        for cell in math.find_all("mtd"):
            del cell[
                "style"
            ]  # the style sheet aligns by `columnalign`, in words that Chromium heeds
            first = cell.find(True, recursive=False)
            is_relation = first and first.name == "mo" and first.get_text() in "=≈∼≤≥+−"
            if first and is_relation and cell.find_previous_sibling("mtd"):
                first["form"] = (
                    "infix"  # its left side stands in the cell before; else it loses its space
                )
        paragraph = math.parent
        alone = paragraph and paragraph.name == "p" and len(paragraph.contents) == 1
        if paragraph and alone and math.get("display") == "block":
            paragraph.name = "div"
            paragraph["class"] = "equation scroll"
            paragraph["data-name"] = "Equation"


def characters(soup: BeautifulSoup) -> frozenset[str]:
    """Every character that the equations may need."""
    plain = {character for math in soup.find_all("math") for character in math.get_text()} - {"\n"}
    plain |= {"\u221a"} if soup.find(["msqrt", "mroot"]) else set()
    return frozenset(
        plain
        | {_ITALIC[character] for character in plain if character in _ITALIC}
        | {_DRAWN_INSTEAD[character] for character in plain if character in _DRAWN_INSTEAD}
    )


@cache
def font_face(needed: frozenset[str]) -> str:
    """CSS that embeds the font with the characters needed (and the parts that braces and roots grow from).

    The same characters give the same bytes. Empty when nothing is needed.
    """
    if not needed:
        return ""
    options = subset.Options(
        flavor="woff2",
        layout_features=["*"],
        hinting=False,
        recalc_timestamp=False,
        name_IDs=[0, 1, 2, 13, 14],
    )
    with files("ziamath").joinpath("fonts/STIXTwoMath-Regular.ttf").open("rb") as file:
        font = subset.load_font(io.BytesIO(file.read()), options)
    subsetter = subset.Subsetter(options)
    subsetter.populate(text="".join(needed))
    subsetter.subset(font)
    out = io.BytesIO()
    subset.save_font(font, out, options)
    data = base64.b64encode(out.getvalue()).decode("ascii")
    return (
        f'@font-face{{font-family:"{FONT}";src:url(data:font/woff2;base64,{data}) format("woff2")}}'
    )
