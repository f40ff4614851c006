"""Passages as plain text, and as HTML for notebooks. Names in backticks become code."""

import html
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

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
    """A line of the printout in words, or a part of the screen or the report. section: the title that begins here;
    remarks: (lead, text) in reading order."""

    title: str
    section: str = ""
    rows: Sequence[ScreenRow] = ()
    remarks: Sequence[Remark] = ()
    table: pd.DataFrame | None = None


class Readable:
    """Paragraphs and passages: text when printed, HTML in a notebook."""

    def _parts(self) -> Sequence[str | Passage]:
        raise NotImplementedError

    def __str__(self) -> str:
        return as_text(self._parts())

    __repr__ = __str__

    def _repr_html_(self) -> str:
        shown = ['<div class="explanation">']
        for part in self._parts():
            if isinstance(part, str):
                shown.append(f"<p>{marked(part)}</p>")
                continue
            shown += [f"<h3>{marked(part.section)}</h3>"] if part.section else []
            shown.append(f"<p><strong>{marked(part.title)}</strong></p>")
            shown += [part.table.to_html(border=0)] if part.table is not None else []
            rows = "".join(
                f'<tr><th scope="row" style="{LEFT}">{html.escape(row.mark)}</th>'
                f'<td style="{LEFT};overflow-wrap:break-word"><code>{html.escape(row.label.strip())}</code></td>'
                f'<td style="{LEFT}">{marked(row.text)}</td></tr>'
                for row in part.rows
            )
            shown += [f"<table><tbody>{rows}</tbody></table>"] if rows else []
            shown += [
                f"<p><em>{marked(lead)}</em> {marked(text)}</p>" for lead, text in part.remarks
            ]
        return "\n".join([*shown, "</div>"])


def as_text(parts: Sequence[str | Passage]) -> str:
    """Lines of at most 96 columns, an empty one between parts."""
    shown = []
    for part in parts:
        if isinstance(part, str):
            shown.append("\n".join(wrapped(part)))
            continue
        if part.section:
            shown.append(f"{part.section}\n{'=' * len(part.section)}")
        lines = wrapped(part.title)
        lines += [part.table.to_string()] if part.table is not None else []
        width = max([len(row.mark) for row in part.rows], default=0)
        for row in part.rows:
            text = f"{row.label}: {row.text}" if row.text else row.label
            lines += wrapped(text, f"{row.mark:{width}}  ", " " * (width + 2))
        for lead, text in part.remarks:
            lines += wrapped(f"{lead} {text}".strip(), "  ", "    ")
        shown.append("\n".join(lines))
    return "\n\n".join(shown)


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


def marked(text: str) -> str:
    """A text as HTML: escaped, names in backticks as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))
