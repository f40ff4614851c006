"""Pages in a real browser: started once, network off; what the tests ask of a page, and of a server of this machine."""

import json
import os
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

TOKEN = "class"
NO_PACKAGES = "browser tests need the packages of requirements-dev.txt, which are not installed"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
QUIET = "--disable-gpu --disable-background-networking --disable-component-update --no-first-run"
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)


def found_browser(own: str) -> str | None:
    """Playwright's own Chromium, or one that is installed."""
    names = "chromium chromium-browser google-chrome google-chrome-stable microsoft-edge"
    candidates = [own, *map(shutil.which, names.split()), *PLACES]
    return next((path for path in candidates if path and Path(path).exists()), None)


@contextmanager
def started() -> Iterator[Any]:
    """A browser; the test is skipped, and says so, where there is none."""
    sync_api = pytest.importorskip("playwright.sync_api", reason=NO_PACKAGES)
    with sync_api.sync_playwright() as playwright:
        path = found_browser(playwright.chromium.executable_path)
        if path is None:
            pytest.skip(
                "no Chromium, Chrome or Edge was found, so the pages were NOT tested in a browser; "
                "`python -m playwright install chromium` brings one"
            )
        root = sys.platform == "linux" and os.geteuid() == 0  # Chromium has no sandbox for root
        browser = playwright.chromium.launch(
            executable_path=path, args=[*QUIET.split(), *["--no-sandbox"] * root]
        )
        yield browser
        browser.close()


def opened(browser: Any, path: Path, width: int = 1280, **options: Any) -> Any:
    """A page in a window of its own, network off; `asked` holds what it requested, data in the page left out."""
    context = browser.new_context(viewport={"width": width, "height": 800}, **options)
    page = context.new_page()
    page.asked = []

    def remember(request: Any) -> None:
        if not request.url.startswith("data:"):
            page.asked.append(request.url)

    page.on("request", remember)
    context.set_offline(True)
    page.goto(path.as_uri())
    return page


def violations(page: Any, rules: list[str] = RULES) -> list[str]:
    """What axe-core finds by these rules or groups of rules, all folds open."""
    axe = pytest.importorskip("axe_playwright_python", reason=NO_PACKAGES)
    page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
    page.evaluate(Path(axe.__file__).with_name("axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate(
        "rules => axe.run(document, {runOnly: rules}).then(result => result.violations)", rules
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
    seen = "s => document.querySelector(s).checkVisibility({contentVisibilityAuto: true})"
    return bool(page.evaluate(seen, selector))


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def fetch(address: str, content: Any = None) -> tuple[str, bytes]:
    """Where a server of this machine leads to, and what it answers; it is given two minutes to start.

    With `content`, that is posted as JSON; the server's token must be TOKEN.
    """
    data = json.dumps(content).encode() if content else None
    request = urllib.request.Request(address, data, {"Authorization": f"token {TOKEN}"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(1200):
        try:
            with opener.open(request, timeout=120) as answer:
                return answer.geturl(), answer.read()
        except urllib.error.HTTPError:
            raise
        except OSError:  # nobody listens yet
            time.sleep(0.1)
    raise AssertionError(f"nobody listens at {address}")
