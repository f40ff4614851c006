"""Handouts in a browser: no request, no finding of axe-core; phones, keyboards and paper, on which nothing is cut,
nothing shrunk, and no heading left alone at the foot of a page."""

import re
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from handouts.editions import EDITIONS
from tests.browsing import longest_line, shown, sideways, violations
from tests.notebooks import LESSONS


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_asked_of_the_network(
    open_page: Any, sample: Path, scheme: str
) -> None:
    light, dark = ("self-study/01_first", "student/index"), ("teacher/01_first",)
    for name in light if scheme == "light" else dark:
        page = open_page(sample / f"{name}.html", color_scheme=scheme)
        assert page.asked == [(sample / f"{name}.html").as_uri()]
        assert violations(page) == []


def test_a_phone_shows_prose_without_sideways_scrolling_and_wide_outputs_scroll_by_keyboard(
    open_page: Any, sample: Path
) -> None:
    page = open_page(sample / "self-study" / "01_first.html", width=320)
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.wait_for_timeout(50)
    assert sideways(page) == []
    output = page.locator("pre.output").first
    assert output.get_attribute("role") == "region" and output.get_attribute("aria-label")
    output.focus()
    page.keyboard.press("ArrowRight")
    # Waiting for a condition in the page would need its script to be evaluated there, which the page forbids.
    place = "document.querySelector('pre.output').scrollLeft"
    assert any(page.evaluate(place) or page.wait_for_timeout(50) for _ in range(60))


def test_lines_are_shorter_than_80_characters_and_the_contents_stand_beside_the_text(
    open_page: Any, sample: Path
) -> None:
    page = open_page(sample / "teacher" / "01_first.html")
    assert 40 < longest_line(page) < 80
    contents = page.locator(".contents a").first
    assert contents.is_visible()
    assert contents.bounding_box()["x"] < page.locator("h1").bounding_box()["x"]
    note = page.locator(".box.teacher").first.bounding_box()
    main = page.locator("main").bounding_box()
    assert note["x"] > main["x"] + main["width"] and note["x"] + note["width"] <= 1280


def test_the_keyboard_skips_to_the_lesson_and_opens_every_fold(
    open_page: Any, sample: Path
) -> None:
    page = open_page(sample / "self-study" / "01_first.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "lesson"
    stops: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        active = "(e => e.tagName + '|' + e.textContent.slice(0, 30))(document.activeElement)"
        stop = page.evaluate(active)
        if stop.startswith("BODY"):
            break
        stops.append(stop)
        if stop.startswith("SUMMARY"):
            page.keyboard.press("Enter")
            page.wait_for_timeout(20)
    assert page.evaluate("[...document.querySelectorAll('main details')].every(fold => fold.open)")
    assert sum(stop.startswith("SUMMARY") for stop in stops) == 4
    # Only what overflows is a stop besides links and folds: here the one wide output.
    others = [stop for stop in stops if not re.match("A|SUMMARY", stop)]
    assert others == ["PRE|session_20  0.846\nwide wide wi"]


@pytest.mark.full
def test_without_scripts_everything_can_be_read(open_page: Any, sample: Path) -> None:
    page = open_page(sample / "self-study" / "01_first.html", java_script_enabled=False)
    page.locator("summary", has_text="Solution to exercise 1.1").click()
    assert page.get_by_text("the kestrel of the solution").last.is_visible()


def test_equations_are_drawn_with_the_embedded_font_and_named_for_screen_readers(
    open_page: Any, sample: Path
) -> None:
    page = open_page(sample / "teacher" / "01_first.html")
    fonts = "document.fonts.ready.then(() => [...document.fonts].map(f => [f.family, f.status]))"
    assert page.evaluate(fonts) == [["STIX Two Math", "loaded"]]
    wide_and_named = "m => m.getBoundingClientRect().width > 5 && m.getAttribute('alttext')"
    assert page.evaluate(f"[...document.querySelectorAll('math')].every({wide_and_named})")
    tree = page.locator(".equation").first.aria_snapshot()
    assert "ε" in tree and "\\begin" not in tree, tree


# Paper

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


def faults_on_paper(open_page: Any, path: Path, size: str) -> list[str]:
    """What is cut or left alone, once the page is laid out on paper; and whether it had to be shrunk."""
    page = open_page(path, width=SIZES[size][0])
    printed = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=size)))
    page.emulate_media(media="print")
    found: list[str] = sideways(page)
    faults, expected = page.evaluate(LAID_OUT, list(SIZES[size]))
    if abs(printed - expected) > 1:
        found.append(f"{printed} pages come out of the printer, and {expected} were laid out")
    return found + faults


@pytest.mark.parametrize("size", SIZES)
def test_paper_shows_what_follows_a_prediction_and_cuts_nothing(
    open_page: Any, sample: Path, size: str
) -> None:
    path = sample / "student" / "01_first.html"
    page = open_page(path)
    assert not shown(page, ".happened .output")
    page.emulate_media(media="print")
    page.wait_for_timeout(50)
    assert shown(page, ".happened .output") and not page.locator(".contents").is_visible()
    assert faults_on_paper(open_page, path, size) == []


def test_faults_on_paper_are_found(open_page: Any, sample: Path, tmp_path: Path) -> None:
    text = (sample / "student" / "01_first.html").read_text(encoding="utf-8")
    large = "img { height: 1100px !important; max-height: none !important }"
    alone = "h2 { margin-bottom: 960px !important; break-after: auto !important }"
    spoilt = text.replace("</style>", f"{large} {alone} table {{ width: 1000px }}</style>")
    (tmp_path / "page.html").write_text(spoilt, encoding="utf-8")
    found = " ".join(faults_on_paper(open_page, tmp_path / "page.html", "A4"))
    assert all(fault in found for fault in ("cut: <figure", "alone: ", "the page"))


# Every page of the course


@pytest.mark.full
@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("name", [*(path.stem for path in LESSONS), "index"])
def test_every_page_passes(open_page: Any, course: Path, name: str, edition: str) -> None:
    path = course / edition / f"{name}.html"
    page = open_page(path)
    assert page.asked == [path.as_uri()]
    assert violations(page) == []
    assert longest_line(page) < 80
    alts = page.evaluate("[...document.images].map(image => image.alt)")
    assert all(len(alt) >= 40 and "No description" not in alt for alt in alts)
    sharp = "i => i.naturalWidth >= 2 * i.width - 2"
    assert page.evaluate(f"[...document.querySelectorAll('figure img')].every({sharp})")
    page.emulate_media(color_scheme="dark")
    assert violations(page, ["color-contrast"]) == []  # nothing else depends on the scheme
    page.emulate_media(media="print", color_scheme="light")
    assert sideways(page) == []
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 320, "height": 700})
    assert sideways(page) == []


@pytest.mark.full
def test_pages_are_small(course: Path) -> None:
    sizes = [path.stat().st_size for path in course.rglob("*.html")]
    assert median(sizes) <= 700_000 and max(sizes) <= 1_500_000


@pytest.mark.full
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("edition", ["student", "teacher"])  # the least and the most
@pytest.mark.parametrize("name", [path.stem for path in LESSONS])
def test_every_lesson_fits_on_paper(
    open_page: Any, course: Path, name: str, edition: str, size: str
) -> None:
    assert faults_on_paper(open_page, course / edition / f"{name}.html", size) == []
