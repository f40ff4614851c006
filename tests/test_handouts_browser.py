"""Handouts in a browser: no request, no finding of axe-core; phones, paper and keyboards work."""

import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from tests import handout_sample
from tests.notebooks import LESSONS

NO_PACKAGES = "browser tests need the packages of requirements-dev.txt, which are not installed"
pytest.importorskip("pypandoc", reason=NO_PACKAGES)
sync_api = pytest.importorskip("playwright.sync_api", reason=NO_PACKAGES)
axe_package = pytest.importorskip("axe_playwright_python", reason=NO_PACKAGES)

from handouts.build import build  # noqa: E402
from handouts.editions import EDITIONS  # noqa: E402

AXE = Path(axe_package.__file__).with_name("axe.min.js")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
QUIET = ["--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)


def found_browser(own: str) -> str | None:
    """Playwright's own Chromium, or one that is installed."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge")
    candidates = [own, *(shutil.which(name) for name in names), *PLACES]
    return next((path for path in candidates if path and Path(path).exists()), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        path = found_browser(playwright.chromium.executable_path)
        if path is None:
            pytest.skip(
                "no Chromium, Chrome or Edge was found, so the pages were NOT tested in a browser; "
                "`python -m playwright install chromium` brings one"
            )
        root = sys.platform == "linux" and os.geteuid() == 0  # Chromium has no sandbox for root
        started = playwright.chromium.launch(
            executable_path=path, args=[*QUIET, *(["--no-sandbox"] if root else [])]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("browser")
    build(handout_sample.write_course(folder / "notebooks"), folder / "build", say=lambda line: None)
    return folder / "build"


def opened(browser: Any, path: Path, width: int = 1280, **options: Any) -> Any:
    """A page in a window of its own, network off; it remembers every request but that for itself."""
    context = browser.new_context(viewport={"width": width, "height": 800}, **options)
    page = context.new_page()
    page.asked = []
    page.on(
        "request",
        lambda request: page.asked.append(request.url) if not request.url.startswith("data:") else None,
    )
    context.set_offline(True)
    page.goto(path.as_uri())
    return page


def violations(page: Any) -> list[str]:
    """What axe-core finds, all folds open."""
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: rules}).then(result => result.violations)", RULES
    )
    return [
        f"{rule['id']}: {node['html'][:150]} {node['failureSummary'][:200]}"
        for rule in found
        for node in rule["nodes"]
    ]


def sideways(page: Any) -> list[str]:
    """Elements of prose that reach over the window's edge, and the page itself if it scrolls sideways."""
    return page.evaluate("""() => {
        const wide = document.documentElement.clientWidth, out = [];
        if (document.documentElement.scrollWidth > wide) out.push("the page");
        for (const e of document.querySelectorAll("h1, h2, h3, p, li, .box, summary, .code, nav"))
            if (e.getBoundingClientRect().right > wide + 0.5) out.push(e.outerHTML.slice(0, 120));
        return out; }""")


def longest_line(page: Any) -> int:
    """Characters in the longest line of a paragraph."""
    return page.evaluate("""() => { let most = 0;
        const long = [...document.querySelectorAll("main p")].filter(p => p.textContent.length > 160);
        for (const p of long.slice(0, 12)) {
            const walk = document.createTreeWalker(p, NodeFilter.SHOW_TEXT), lines = {};
            const range = document.createRange();
            for (let node; (node = walk.nextNode());)
                for (const m of node.parentElement.closest("math") ? [] : node.data.matchAll(/\\S+/g)) {
                range.setStart(node, m.index); range.setEnd(node, m.index + m[0].length);
                const line = Math.round(range.getBoundingClientRect().bottom / 12);
                lines[line] = (lines[line] || 0) + m[0].length + 1; }
            most = Math.max(most, ...Object.values(lines)); }
        return most; }""")


def shown(page: Any, selector: str) -> bool:
    return bool(
        page.evaluate(
            "s => document.querySelector(s).checkVisibility({contentVisibilityAuto: true})", selector
        )
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_asked_of_the_network(
    browser: Any, sample: Path, scheme: str
) -> None:
    names = {"light": ("self-study/01_first", "student/index"), "dark": ("teacher/01_first",)}[scheme]
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
    page.wait_for_function("document.querySelector('pre.output').scrollLeft > 0")
    page.context.close()


def test_lines_are_shorter_than_80_characters_and_the_contents_stand_beside_the_text(
    browser: Any, sample: Path
) -> None:
    page = opened(browser, sample / "teacher" / "01_first.html")
    assert 40 < longest_line(page) < 80
    contents = page.locator(".contents a").first
    assert contents.is_visible()
    assert contents.bounding_box()["x"] < page.locator("h1").bounding_box()["x"]
    note, main = page.locator(".box.teacher").first.bounding_box(), page.locator("main").bounding_box()
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
        stop = page.evaluate("(e => e.tagName + '|' + e.textContent.slice(0, 30))(document.activeElement)")
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


@pytest.mark.parametrize("size", ["A4", pytest.param("Letter", marks=pytest.mark.full)])
def test_paper_shows_what_follows_a_prediction_and_cuts_nothing(
    browser: Any, sample: Path, size: str
) -> None:
    page = opened(browser, sample / "student" / "01_first.html", width={"A4": 665, "Letter": 688}[size])
    assert not shown(page, ".happened img")
    page.emulate_media(media="print")
    page.wait_for_timeout(50)
    assert shown(page, ".happened img") and not page.locator(".contents").is_visible()
    assert sideways(page) == []
    whole = "figure, pre, .box, table, .equation, h1, h2, h3"
    rules = page.evaluate(
        """whole => [...document.querySelectorAll(whole)].map(
        e => [e.tagName, getComputedStyle(e).breakInside, getComputedStyle(e).breakAfter])""",
        whole,
    )
    assert all(after == "avoid" if tag[0] == "H" else inside == "avoid" for tag, inside, after in rules)
    page.emulate_media(media="screen")
    assert page.pdf(format=size, prefer_css_page_size=False).startswith(b"%PDF")
    page.context.close()


@pytest.mark.full
def test_motion_is_left_out_for_those_who_ask(browser: Any, sample: Path) -> None:
    for motion, behaviour in (("reduce", "auto"), ("no-preference", "smooth")):
        page = opened(browser, sample / "student" / "01_first.html", reduced_motion=motion)
        assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behaviour
        page.context.close()


# Every page of the course


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("course")
    build(LESSONS[0].parent, folder, say=lambda line: None)
    return folder


@pytest.mark.full
@pytest.mark.parametrize("edition", list(EDITIONS))
@pytest.mark.parametrize("name", [*(path.stem for path in LESSONS), "index"])
def test_every_page_passes(browser: Any, course: Path, name: str, edition: str) -> None:
    path = course / edition / f"{name}.html"
    page = opened(browser, path)
    assert page.asked == [path.as_uri()]
    timing = "performance.timing.domContentLoadedEventEnd - performance.timing.navigationStart"
    assert page.evaluate(timing) < 1000
    assert violations(page) == []
    assert longest_line(page) < 80
    alts = page.evaluate("[...document.images].map(image => image.alt)")
    assert all(len(alt) >= 40 and "No description" not in alt for alt in alts)
    assert page.evaluate("[...document.images].every(image => image.naturalWidth >= 2 * image.width - 2)")
    page.emulate_media(color_scheme="dark")
    assert violations(page) == []
    page.emulate_media(media="print", color_scheme="light")
    assert sideways(page) == []
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 320, "height": 700})
    assert sideways(page) == []
    page.context.close()


@pytest.mark.full
def test_pages_are_small(course: Path) -> None:
    sizes = [path.stat().st_size for path in course.rglob("*.html")]
    assert median(sizes) <= 700_000 and max(sizes) <= 1_500_000


@pytest.mark.full
def test_no_page_carries_a_figure_that_paper_would_cut(browser: Any, course: Path) -> None:
    for path in sorted((course / "teacher").glob("0*.html")):
        page = opened(browser, path, width=665)
        page.emulate_media(media="print")
        tallest = page.evaluate(
            "Math.max(0, ...[...document.querySelectorAll('figure, .box, pre')].map(e => e.offsetHeight))"
        )
        assert tallest < 900, f"{path.name}: {tallest} px do not fit on a page"  # Letter: 241 mm, 911 px
        page.context.close()
