"""One lesson in one edition, as a page: what is folded, what stands where, in one self-contained file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bs4 import BeautifulSoup, Tag
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from handouts import cells, explorer, maths, prose
from handouts.editions import Edition, edited
from handouts.source import Cell, Lesson

HERE = Path(__file__).parent
COURSE = "Mixed models with push-ups"


@dataclass(frozen=True)
class Block:
    """A piece of a page: HTML, and what folding must know of it: heading, predict, code, output, happened, text."""

    kind: str
    html: str


@dataclass(frozen=True)
class Outline:
    """What other pages say about a lesson."""

    stem: str
    number: str
    title: str
    promise: str
    minutes: str


def outline(lesson: Lesson) -> Outline:
    """The lesson as lists and neighbours name it; "03 · Simulating data" gives "Simulating data"."""
    title = re.sub(rf"^{lesson.number}\s*[·:–-]\s*", "", lesson.title)
    return Outline(lesson.stem, lesson.number, title, lesson.promise, lesson.minutes)


def lesson_page(lesson: Lesson, edition: Edition, course: Sequence[Outline]) -> str:
    """The page of a lesson; `course` holds all lessons that have a page, in reading order.

    Raises LessonError when the lesson holds what a page cannot show.
    """
    kept = edited(lesson, edition)
    texts = [cell for cell in kept.cells if cell.kind == "markdown"]
    soups = prose.converted([cell.source for cell in texts], lesson.path.name)
    prose.name_headings(soups)
    prose.name_cells([cell.id for cell in texts], soups)
    stems = {entry.stem for entry in course}
    for place, soup in enumerate(soups):
        prose.embed_only(soup, lesson.path.name)
        prose.mark_boxes(soup)
        prose.mark_tables(soup)
        prose.mend_links(soup, stems)
        prose.highlight_blocks(soup, cells.highlighted)
        if place == 0:
            prose.mark_title(soup)
    blocks = folded(_blocks(kept, dict(zip(texts, soups, strict=True))), edition.folds)
    body = "\n".join(block.html for block in blocks)
    if not edition.folds:
        body = re.sub(
            r"<details(| class=\"(?:solution|deeper)\"| id=\"[^\"]*\")>", r"<details\1 open>", body
        )
    used = frozenset().union(*(maths.characters(soup) for soup in soups))
    where = [entry.stem for entry in course].index(lesson.stem)
    contents = [
        (heading["id"], _plain(heading)) for soup in soups for heading in soup.find_all("h2")
    ]
    return _template("page.html.jinja").render(
        course=COURSE,
        edition=edition,
        title=" ".join(_plain(soups[0].h1).split()),
        lesson=outline(lesson),
        body=body,
        contents=contents,
        style=_style() + maths.font_face(used),
        script=_asset("page.js")
        + explorer.script({explorer.explorable(c.source) for c in kept.cells}),
        before=course[where - 1] if where else None,
        after=course[where + 1] if where + 1 < len(course) else None,
    )


def index_page(edition: Edition, course: Sequence[Outline]) -> str:
    """The list of an edition's lessons."""
    return _template("index.html.jinja").render(
        course=COURSE, edition=edition, lessons=course, style=_style()
    )


def folded(blocks: list[Block], folds: bool) -> list[Block]:
    """After a prediction, put its result and the paragraph that says what happened into a fold, and nothing else."""
    if not folds:
        return blocks
    page: list[Block] = []
    inside: list[Block] = []
    waiting = False

    def close() -> None:
        if inside:
            body = "\n".join(block.html for block in inside)
            fold = '<details class="happened"><summary>What happened</summary>'
            page.append(Block("fold", f"{fold}\n{body}\n</details>"))
            inside.clear()

    for block in blocks:
        if waiting and block.kind in ("output", "happened"):
            inside.append(block)
        elif waiting and block.kind == "code" and not inside:
            page.append(block)  # what is run to see the result
        else:
            close()
            waiting = block.kind == "predict"
            page.append(block)
    close()
    return page


def _blocks(lesson: Lesson, soups: dict[Cell, BeautifulSoup]) -> list[Block]:
    blocks: list[Block] = []
    exercise = ""
    deeper: list[Block] = []
    for cell in lesson.cells:
        if "deeper" not in cell.tags and deeper:
            blocks.append(_aside(deeper))
            deeper = []
        where = f"{lesson.path.name}, cell {cell.id!r}"
        if cell.kind == "code":
            # A stub's output says to run the cell again, which a page cannot.
            pieces = [] if "exercise" in cell.tags else cells.outputs(cell, where)
            shown = [Block("output", piece) for piece in pieces]
            new = [Block("code", cells.code_block(cell)), *shown] if cell.source.strip() else shown
            if name := explorer.explorable(cell.source):
                new.append(Block("text", explorer.html(name)))
        elif cell.kind == "markdown":
            elements = soups[cell].find_all(True, recursive=False)
            new = [_text_block(element, cell.tags) for element in elements]
            for heading in soups[cell].find_all(["h2", "h3"]):
                number = re.match(r"Exercise\s+([\d.]+)", heading.get_text())
                exercise = number[1] if number else ""
        else:
            continue
        if "solution" in cell.tags and not _is_one_fold(new):
            name = f"Solution to exercise {exercise}" if exercise else "Solution"
            new = [_details("solution", name, new)]
        if "deeper" in cell.tags:
            deeper += new
        else:
            blocks += new
    return [*blocks, _aside(deeper)] if deeper else blocks


def _aside(blocks: list[Block]) -> Block:
    """What goes deeper, folded as a whole below its heading."""
    heading = [block for block in blocks[:1] if block.kind == "heading"]
    fold = _details("deeper", "For those who want more", blocks[len(heading) :])
    return Block("text", "\n".join(block.html for block in [*heading, fold]))


def _details(kind: str, summary: str, blocks: list[Block]) -> Block:
    inner = "\n".join(block.html for block in blocks)
    head = f'<details class="{kind}"><summary>{summary}</summary>'
    return Block("text", f"{head}\n{inner}\n</details>")


def _text_block(element: Tag, tags: frozenset[str]) -> Block:
    if re.match(r"h[1-6]$", element.name):
        return Block("heading", str(element))
    if "predict" in (element.get("class") or []):
        return Block("predict", str(element))
    return Block("happened" if "happened" in tags else "text", str(element))


def _is_one_fold(blocks: list[Block]) -> bool:
    return all(block.html.startswith("<details") for block in blocks)


def _plain(element: Tag | None) -> str:
    return element.get_text() if element else ""


@cache
def _asset(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _style() -> str:
    return re.sub(r"/\*.*?\*/\s*", "", _asset("style.css"), flags=re.DOTALL)


@cache
def _template(name: str) -> Template:
    loader = FileSystemLoader(HERE, encoding="utf-8")
    return Environment(
        loader=loader,
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    ).get_template(name)
