"""Handouts on paper: A4 and Letter, nothing cut, nothing shrunk, no heading left alone at the foot of a page."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browsing import opened, shown, sideways
from tests.notebooks import LESSONS

# What `@page` leaves between the margins, in pixels of the style sheet.
SIZES = {"A4": (673, 986), "Letter": (695, 920)}

# Columns as large as pages are filled by the same rules as pages are, and can be looked at.
LAID_OUT = """([width, height]) => {
    const style = document.head.appendChild(document.createElement("style"));
    style.textContent = `body { width: ${width}px; height: ${height}px; columns: ${width}px auto;
        column-gap: 40px; column-fill: auto }`;
    const rects = e => [...e.getClientRects()].filter(r => r.width && r.height);
    const pages = e => rects(e).map(r => Math.floor((r.left + 1) / (width + 40)));
    const foot = document.body.getBoundingClientRect().top + height + 2, faults = [];
    for (const e of document.querySelectorAll("figure, pre, .box, table, .equation, tr, h1, h2, h3, summary")) {
        const own = pages(e);
        if (!own.length) continue;
        if (new Set(own).size > 1 || rects(e)[0].bottom > foot) faults.push("cut: " + e.outerHTML.slice(0, 100));
        if (!/^H/.test(e.tagName)) continue;
        let after = e.nextElementSibling;
        while (after && !rects(after).length) after = after.nextElementSibling;
        if (after && pages(after)[0] !== own.at(-1)) faults.push("alone: " + e.textContent);
    }
    return [faults, 1 + Math.max(...[...document.querySelectorAll("main *, footer *")].flatMap(pages))];
}"""


def faults_on_paper(browser: Any, path: Path, size: str) -> list[str]:
    """What is cut or left alone, once the page is laid out on paper; and whether it had to be shrunk."""
    page = opened(browser, path, width=SIZES[size][0])
    printed = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=size)))
    page.emulate_media(media="print")
    found: list[str] = sideways(page)
    faults, expected = page.evaluate(LAID_OUT, list(SIZES[size]))
    if abs(printed - expected) > 1:
        found.append(f"{printed} pages come out of the printer, and {expected} were laid out")
    page.context.close()
    return found + faults


@pytest.mark.parametrize("size", list(SIZES))
def test_paper_shows_what_follows_a_prediction_and_cuts_nothing(
    browser: Any, sample: Path, size: str
) -> None:
    path = sample / "student" / "01_first.html"
    page = opened(browser, path)
    assert not shown(page, ".happened .output")
    page.emulate_media(media="print")
    page.wait_for_timeout(50)
    assert shown(page, ".happened .output") and not page.locator(".contents").is_visible()
    page.context.close()
    assert faults_on_paper(browser, path, size) == []


def test_faults_on_paper_are_found(browser: Any, sample: Path, tmp_path: Path) -> None:
    text = (sample / "student" / "01_first.html").read_text(encoding="utf-8")
    large = "img { height: 1100px !important; max-height: none !important }"
    alone = "h2 { margin-bottom: 960px !important; break-after: auto !important }"
    spoilt = text.replace("</style>", f"{large} {alone} table {{ width: 1000px }}</style>")
    (tmp_path / "page.html").write_text(spoilt, encoding="utf-8")
    found = " ".join(faults_on_paper(browser, tmp_path / "page.html", "A4"))
    assert all(fault in found for fault in ("cut: <figure", "alone: ", "the page"))


@pytest.mark.full
@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("edition", ["student", "teacher"])  # the least and the most
@pytest.mark.parametrize("name", [path.stem for path in LESSONS])
def test_every_lesson_fits_on_paper(
    browser: Any, course: Path, name: str, edition: str, size: str
) -> None:
    assert faults_on_paper(browser, course / edition / f"{name}.html", size) == []
