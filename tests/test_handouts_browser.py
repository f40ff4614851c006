"""Handouts in a browser: no request, no finding of axe-core; phones and keyboards work."""

import re
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from handouts.editions import EDITIONS
from tests.browsing import longest_line, opened, sideways, violations
from tests.handout_sample import soup_of
from tests.notebooks import LESSONS


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_asked_of_the_network(
    browser: Any, sample: Path, scheme: str
) -> None:
    names = {"light": ("self-study/01_first", "student/index"), "dark": ("teacher/01_first",)}[
        scheme
    ]
    for name in names:
        page = opened(browser, sample / f"{name}.html", color_scheme=scheme)
        assert page.asked == [(sample / f"{name}.html").as_uri()]
        assert violations(page) == []
        page.context.close()


def test_a_phone_shows_prose_without_sideways_scrolling_and_wide_outputs_scroll_by_keyboard(
    browser: Any, sample: Path
) -> None:
    page = opened(browser, sample / "self-study" / "01_first.html", width=320)
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
    page.context.close()


def test_lines_are_shorter_than_80_characters_and_the_contents_stand_beside_the_text(
    browser: Any, sample: Path
) -> None:
    page = opened(browser, sample / "teacher" / "01_first.html")
    assert 40 < longest_line(page) < 80
    contents = page.locator(".contents a").first
    assert contents.is_visible()
    assert contents.bounding_box()["x"] < page.locator("h1").bounding_box()["x"]
    note, main = (
        page.locator(".box.teacher").first.bounding_box(),
        page.locator("main").bounding_box(),
    )
    assert note["x"] > main["x"] + main["width"] and note["x"] + note["width"] <= 1280
    page.context.close()


def test_the_keyboard_skips_to_the_lesson_and_opens_every_fold(browser: Any, sample: Path) -> None:
    page = opened(browser, sample / "self-study" / "01_first.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "lesson"
    stops: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            "(e => e.tagName + '|' + e.textContent.slice(0, 30))(document.activeElement)"
        )
        if stop.startswith("BODY"):
            break
        stops.append(stop)
        if stop.startswith("SUMMARY"):
            page.keyboard.press("Enter")
            page.wait_for_timeout(20)
    assert page.evaluate("[...document.querySelectorAll('main details')].every(fold => fold.open)")
    assert sum(stop.startswith("SUMMARY") for stop in stops) == 4
    # Only what overflows is a stop besides links and folds: here the one wide output.
    assert [stop for stop in stops if not re.match("A|SUMMARY", stop)] == [
        "PRE|session_20  0.846\nwide wide wi"
    ]
    page.context.close()


@pytest.mark.full
def test_without_scripts_everything_can_be_read(browser: Any, sample: Path) -> None:
    page = opened(browser, sample / "self-study" / "01_first.html", java_script_enabled=False)
    page.locator("summary", has_text="Solution to exercise 1.1").click()
    assert page.get_by_text("the kestrel of the solution").last.is_visible()
    page.context.close()


def test_equations_are_drawn_with_the_embedded_font_and_named_for_screen_readers(
    browser: Any, sample: Path
) -> None:
    page = opened(browser, sample / "teacher" / "01_first.html")
    assert page.evaluate(
        "document.fonts.ready.then(() => [...document.fonts].map(f => f.family + ' ' + f.status))"
    ) == ["STIX Two Math loaded"]
    assert page.evaluate(
        "[...document.querySelectorAll('math')].every(m => m.getBoundingClientRect().width > 5 && "
        "m.getAttribute('alttext'))"
    )
    tree = page.locator(".equation").first.aria_snapshot()
    assert "ε" in tree and "\\begin" not in tree, tree
    page.context.close()


# Every page of the course


@pytest.mark.full
@pytest.mark.parametrize("edition", list(EDITIONS))
@pytest.mark.parametrize("name", [*(path.stem for path in LESSONS), "index"])
def test_every_page_passes(browser: Any, course: Path, name: str, edition: str) -> None:
    path = course / edition / f"{name}.html"
    page = opened(browser, path)
    assert page.asked == [path.as_uri()]
    assert violations(page) == []
    assert longest_line(page) < 80
    alts = page.evaluate("[...document.images].map(image => image.alt)")
    assert all(len(alt) >= 40 and "No description" not in alt for alt in alts)
    assert page.evaluate(
        "[...document.querySelectorAll('figure img')].every(i => i.naturalWidth >= 2 * i.width - 2)"
    )
    page.emulate_media(color_scheme="dark")
    assert violations(page, ["color-contrast"]) == []  # nothing else depends on the scheme
    page.emulate_media(media="print", color_scheme="light")
    assert sideways(page) == []
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 320, "height": 700})
    assert sideways(page) == []
    page.context.close()


@pytest.mark.full
@pytest.mark.parametrize("edition", list(EDITIONS))
def test_links_lead_to_places_that_exist_and_no_heading_stands_over_nothing(
    course: Path, edition: str
) -> None:
    pages = {
        path.name: soup_of(course, edition, path.name) for path in (course / edition).glob("*.html")
    }
    ids = {name: {place["id"] for place in page.find_all(id=True)} for name, page in pages.items()}
    for name, page in pages.items():
        for link in page.find_all("a", href=re.compile(r"^(?!https?:|mailto:|notebooks/)")):
            target, _, anchor = link["href"].partition("#")
            assert (target or name) in pages and (not anchor or anchor in ids[target or name]), (
                name,
                link,
            )
        for heading in page.main.find_all(["h2", "h3"]):
            after = heading.find_next_sibling()
            assert after and not (
                after.name in ("h1", "h2", "h3") and after.name <= heading.name
            ), (name, heading)
        assert len(ids[name]) == len(page.find_all(id=True)), f"{name}: an id stands twice"


@pytest.mark.full
def test_pages_are_small(course: Path) -> None:
    sizes = [path.stat().st_size for path in course.rglob("*.html")]
    assert median(sizes) <= 700_000 and max(sizes) <= 1_500_000
