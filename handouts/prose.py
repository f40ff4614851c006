"""Markdown to HTML: one run of pandoc for all cells of a lesson, then what a page adds to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from urllib.parse import unquote

import pypandoc
from bs4 import BeautifulSoup, NavigableString, Tag

from handouts import maths
from handouts.source import LessonError

_READER = "commonmark+tex_math_dollars+pipe_tables+strikeout+smart+raw_html"
_OPTIONS = [
    "--mathml",
    "--wrap=preserve",
    "--columns=10000",
    "--syntax-highlighting=none",
    "--quiet",
]
_MARK = "<!--next cell-->"
_BOXES = {
    "Predict first": "predict",
    "Common misreading": "misreading",
    "Check yourself": "check",
    "For the teacher": "teacher",
}


def converted(sources: list[str], where: str) -> list[BeautifulSoup]:
    """Markdown texts as HTML trees, one each.

    Raises LessonError for a text that swallows the next (an open code fence) or a formula that cannot be set.
    """
    html = pypandoc.convert_text(
        f"\n\n{_MARK}\n\n".join(sources), "html", format=_READER, extra_args=_OPTIONS
    )
    parts = html.split(_MARK)
    if len(parts) != len(sources):
        raise LessonError(f"{where}: a code fence or an HTML block in the text is not closed")
    soups = [BeautifulSoup(part, "html.parser") for part in parts]
    for soup in soups:
        maths.tidy(soup, where)
        keep_together(soup)
    return soups


_TOGETHER = re.compile(
    r"\d[\d,.]* %|\bp (?:[<>=]|&[lg]t;) 0\.\d+|\b[tzpF]-(?:tests?|values?|statistics?)\b"
)
_LONGEST_WHOLE = 30  # characters of code that a phone has room for in one line


def keep_together(soup: BeautifulSoup) -> None:
    """No line ends inside "5 %", "p < 0.05", "t-test" or a name in code, nor between a symbol and the stop after it."""
    for math in soup.select("math:not([display])"):
        after = math.next_sibling
        if isinstance(after, NavigableString) and after[:1] in set(".,;:)?"):
            held = math.wrap(soup.new_tag("span", attrs={"class": "whole"}))
            held.append(after[0])
            after.replace_with(after[1:])
    for text in soup.find_all(string=_TOGETHER):
        if text.find_parent(["code", "pre", "math", "title"]) is None:
            whole = _TOGETHER.sub(
                lambda found: f'<span class="whole">{found[0]}</span>', escape(text)
            )
            text.replace_with(BeautifulSoup(whole, "html.parser"))
    for code in soup.find_all("code"):
        if code.find_parent("pre") is None and len(code.get_text()) <= _LONGEST_WHOLE:
            code["class"] = "whole"


def slug(text: str) -> str:
    """A heading as the end of an address: "The `Std.Err.` column" -> "the-std-err-column"."""
    return re.sub(r"[\W_]+", "-", unquote(text).lower()).strip("-") or "section"


def name_headings(soups: list[BeautifulSoup]) -> None:
    """Give every heading an id, unique in the lesson; ids that a text gives itself follow the same rule."""
    used: set[str] = set()
    for soup in soups:
        for place in soup.find_all(id=True):
            place["id"] = slug(str(place["id"]))
            used.add(str(place["id"]))
    for soup in soups:
        for heading in soup.find_all(re.compile(r"^h[2-6]$")):
            base = name = slug(heading.get_text())
            count = 1
            while name in used:
                count += 1
                name = f"{base}-{count}"
            used.add(name)
            heading["id"] = name


def name_cells(names: list[str], soups: list[BeautifulSoup]) -> None:
    """Give the start of every cell an id, which links such as `05_reading.ipynb#cell-id=summary` lead to."""
    for name, soup in zip(names, soups, strict=True):
        first = soup.find(True, recursive=False)
        if not isinstance(first, Tag):
            continue
        if first.get("id"):
            first.insert(0, soup.new_tag("span", attrs={"id": f"cell-{name}"}))
        else:
            first["id"] = f"cell-{name}"


def mark_boxes(soup: BeautifulSoup) -> None:
    """Block quotes that start with a bold lead become boxes of that kind; teachers' notes lose their fold."""
    for quote in soup.find_all("blockquote"):
        lead = quote.find("strong")
        kind = _BOXES.get(lead.get_text().rstrip(".:?! ")) if lead else None
        if not kind or not lead:
            continue
        quote.name = "div"
        quote["class"] = f"box {kind}"
        lead["class"] = "lead"
        if kind == "teacher":
            quote["role"] = "note"
            quote["aria-label"] = "For the teacher"
    for fold in soup.find_all("details"):
        summary = fold.find("summary")
        if summary and summary.get_text(strip=True).startswith("For the teacher"):
            if fold.find(role="note"):
                summary.decompose()
                fold.unwrap()
            else:
                fold.name = "div"
                fold["class"] = "box teacher"
                fold["role"] = "note"
                fold["aria-label"] = "For the teacher"
                summary.name = "p"


def mark_title(soup: BeautifulSoup) -> None:
    """Classes for the parts of a lesson's first cell: promise, facts (minutes, what to know), objectives."""
    for paragraph in soup.find_all("p"):
        first = paragraph.find(True)
        text = paragraph.get_text()
        if first and first.name == "em" and first.get_text() == text.strip():
            paragraph["class"] = "promise"
            first.unwrap()
        elif text.startswith("Minutes:"):
            paragraph["class"] = "facts"
        elif text.startswith("You will be able to"):
            box = soup.new_tag("div", attrs={"class": "objectives"})
            after = paragraph.find_next_sibling()
            paragraph.wrap(box)
            if after is not None and after.name == "ul":
                box.append(after)


def mark_tables(soup: BeautifulSoup) -> None:
    """Scopes for header cells (the first cell with words names its row) and a region that may scroll."""
    for table in soup.find_all("table"):
        for attribute in ("border", "class", "style"):
            del table[attribute]
        for cell in table.select("thead th"):
            cell["scope"] = "col"
            if not cell.get_text(strip=True):
                cell.name = "td"  # a corner that heads nothing
                del cell["scope"]
        for row in table.select("tbody tr"):
            if row.find("th") is None:
                names = [cell for cell in row.find_all("td") if _words(cell)]
                if names:
                    names[0].name = "th"
            for head in row.find_all("th"):
                head["scope"] = "row"
        table.wrap(soup.new_tag("div", attrs={"class": "scroll table", "data-name": "Table"}))


def _words(cell: Tag) -> str:
    """What a table cell says besides formulas, which name no row for everybody."""
    return "".join(
        text for text in cell.find_all(string=True) if not text.find_parent("math")
    ).strip()


def mend_links(soup: BeautifulSoup, lessons: set[str]) -> None:
    """Links to a lesson's notebook lead to its page; links to files that a reader lacks are plain text."""
    for link in soup.find_all("a", href=True):
        target, _, anchor = str(link["href"]).partition("#")
        stem = target.removeprefix("./").removesuffix(".ipynb")
        place = (
            f"#cell-{anchor[8:]}"
            if anchor.startswith("cell-id=")
            else f"#{slug(anchor)}"
            if anchor
            else ""
        )
        if target.endswith(".ipynb") and stem in lessons:
            link["href"] = f"{stem}.html{place}"
        elif not target and place:
            link["href"] = place
        elif not re.match(r"https?:|mailto:", target):
            link.unwrap()


def embed_only(soup: BeautifulSoup, where: str) -> None:
    """Refuse what would be asked for over the network, drop what has no place in a page."""
    for image in soup.find_all(["img", "iframe", "video", "audio", "object", "embed", "source"]):
        if not str(image.get("src", "")).startswith("data:"):
            raise LessonError(
                f"{where}: <{image.name}> in the text is not embedded; draw it in a code cell"
            )
    for element in soup.find_all(["script", "style", "link"]):
        element.decompose()


def highlight_blocks(soup: BeautifulSoup, highlight: Callable[[str], str]) -> None:
    """Colour the fenced code of a text, Python only."""
    for pre in soup.find_all("pre"):
        code = pre.find("code")
        if not isinstance(code, Tag):
            continue
        language = " ".join([*(pre.get("class") or []), *(code.get("class") or [])])
        inner = highlight(code.get_text().strip("\n")) if "python" in language else None
        pre.attrs = {"class": "code", "translate": "no"}
        code.attrs = {}
        if inner is not None:
            # Inside <pre>, where the parser keeps blanks that stand between two elements.
            pre.replace_with(
                BeautifulSoup(
                    f'<pre class="code" translate="no"><code>{inner}</code></pre>', "html.parser"
                )
            )
