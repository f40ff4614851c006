"""An explanation as plain text, and as HTML for notebooks. Names in backticks become code."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace

from fewgroups.templates import say

WIDTH = 96
LEFT = "text-align:left;vertical-align:top"
Remark = tuple[str, str]  # lead, text


@dataclass(frozen=True)
class ScreenRow:
    """A row of a block. mark: a letter, or a column of the printout; label: a line of the printout, or what it prints;
    lines: the labels of the lines that the row stands for."""

    mark: str
    label: str
    text: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Passage:
    """A line of the printout in words, or a part of the screen. section: where a line stands; remarks: (lead, text) in
    reading order."""

    title: str
    section: str = ""
    rows: tuple[ScreenRow, ...] = ()
    remarks: tuple[Remark, ...] = ()


def wrapped(text: str, first: str = "", later: str = "") -> list[str]:
    """Lines of at most 96 columns; names, numbers, "95 %" and "p = 0.03" are not broken."""
    kept = re.sub(r"(?<=\d) (?=%)|(?<=\bp) (?=[=<])|(?<=\bp [=<]) ", "\u00a0", text)
    lines = textwrap.wrap(
        kept,
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [line.replace("\u00a0", " ") for line in lines]


def row_lines(row: ScreenRow, width: int = 1) -> list[str]:
    """A row as lines of text; width: of the marks of its block."""
    text = f": {row.text}" if row.text else ""
    return wrapped(f"{row.label}{text}", f"{row.mark:{width}}  ", " " * (width + 2))


def as_text(opening: Iterable[str], blocks: Iterable[Passage], closing: Iterable[str]) -> str:
    """Paragraphs, blocks (with a title for each section), paragraphs."""
    parts = ["\n".join(wrapped(text)) for text in opening]
    for title, block in _titled(blocks):
        parts += [f"{title}\n{'=' * len(title)}"] if title else []
        width = max([len(row.mark) for row in block.rows], default=0)
        lines = wrapped(block.title)
        for row in block.rows:
            lines += row_lines(row, width)
        for lead, text in block.remarks:
            lines += wrapped(f"{lead} {text}".strip(), "  ", "    ")
        parts.append("\n".join(lines))
    return "\n\n".join([*parts, *("\n".join(wrapped(text)) for text in closing)])


def as_html(opening: Iterable[str], blocks: Iterable[Passage], closing: Iterable[str]) -> str:
    """As `as_text`, as a piece of HTML."""
    parts = ['<div class="explanation">', *(f"<p>{marked(text)}</p>" for text in opening)]
    for title, block in _titled(blocks):
        parts += [f"<h3>{marked(title)}</h3>"] if title else []
        parts.append(f"<p><strong>{marked(block.title)}</strong></p>")
        rows = "".join(
            f'<tr><th scope="row" style="{LEFT}">{html.escape(row.mark)}</th>'
            f'<td style="{LEFT};overflow-wrap:break-word"><code>{html.escape(row.label.strip())}</code></td>'
            f'<td style="{LEFT}">{marked(row.text)}</td></tr>'
            for row in block.rows
        )
        parts += [f"<table><tbody>{rows}</tbody></table>"] if rows else []
        parts += [f"<p><em>{marked(lead)}</em> {marked(text)}</p>" for lead, text in block.remarks]
    return "\n".join([*parts, *(f"<p>{marked(text)}</p>" for text in closing), "</div>"])


def _titled(blocks: Iterable[Passage]) -> Iterable[tuple[str, Passage]]:
    """Each block with the title of its section, where a section begins.

    What a line is not, and how it came, is said of the first line that it is true of, and not repeated.
    """
    section, before = "", set[Remark]()
    once = (say("lead.how"), say("lead.isnt"))
    for block in blocks:
        title = say(f"section.{block.section}") if block.section not in ("", section) else ""
        section = block.section or section
        kept = tuple(r for r in block.remarks if r not in before or r[0] not in once)
        before |= set(block.remarks)
        yield title, replace(block, remarks=kept)


def marked(text: str) -> str:
    """A text as HTML: escaped, names in backticks as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))
