"""Sentences, numbers, names, tables and passages as people read them: as text, and as HTML for notebooks."""

import html
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from textwrap import TextWrapper, fill
from typing import Any

import numpy as np
import pandas as pd

PLACE = re.compile(r"{([a-z_]+)}")
NOTHING: Mapping[str, object] = {}
WIDTH = 96
LEFT = "text-align:left;vertical-align:top"
Remark = tuple[str, str]  # lead, text


class TemplateError(LookupError):
    """A sentence that does not exist or is malformed, or that was given other words than it has places for."""


def say(key: str, shared: Mapping[str, object] = NOTHING, /, **words: object) -> str:
    """The sentence `key` ("section.name") with `words`, and where they have none `shared`, in its places. TemplateError
    when there is no such sentence, a place has no word, or one of `words` has no place. Words are put in as they are: a
    brace in somebody's name is not read again."""
    if key not in sentences():
        raise TemplateError(f"there is no sentence {key!r}")
    template = sentences()[key]
    places = set(PLACE.findall(template))
    wrong = [f"no word for {name}" for name in sorted(places - set(words) - set(shared))]
    wrong += [f"no place for {name}" for name in sorted(set(words) - places)]
    if wrong:
        raise TemplateError(f"sentence {key!r}: {', '.join(wrong)}")
    return template.format_map({**shared, **words})


@cache
def sentences() -> dict[str, str]:
    """All templates, "section.name" → text, white space made single; TemplateError if a brace is left over."""
    text = files("fewgroups").joinpath("sentences.toml").read_text(encoding="utf-8")
    found = {
        f"{section}.{name}": " ".join(template.split())
        for section, entries in tomllib.loads(text).items()
        for name, template in entries.items()
    }
    for key, template in found.items():
        if re.search("[{}]", PLACE.sub("", template)):
            raise TemplateError(f"sentence {key!r}: a brace is no {{place}}: {template!r}")
    return found


class NotedTable(pd.DataFrame):
    """A DataFrame whose display shows `attrs["notes"]` (strings) below and rounds by `attrs["decimals"]`. Only the
    display is rounded: `table.loc["session_high", "p"]` has all digits. Slicing and rounding keep the notes."""

    @property
    def _constructor(self) -> Callable[..., "NotedTable"]:
        return NotedTable

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks that belong to the numbers: refits, boundary estimates, what a test rests on."""
        return tuple(self.attrs.get("notes", ()))

    def _shown(self) -> dict[str, Any]:
        decimals = self.attrs.get("decimals", {}).items()
        formatters = {k: f"{{:.{d}f}}".format if d >= 0 else show_p for k, d in decimals}
        return {"na_rep": "", "formatters": formatters}

    def __repr__(self) -> str:
        table = pd.DataFrame(self).to_string(**self._shown())
        notes = [fill(note, 100, subsequent_indent="  ") for note in self.notes]
        return "\n".join([table, *notes])

    def _repr_html_(self) -> str:
        table = pd.DataFrame(self).to_html(border=0, **self._shown())
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return table + (f"<ul>{notes}</ul>" if notes else "")


def noted_table(
    columns: dict[str, object], index: pd.Index, notes: Sequence[str], decimals: dict[str, int]
) -> NotedTable:
    """A NotedTable of equally long `columns`; decimals: places per column, −1 for p-values (two digits that count)."""
    table = NotedTable(columns, index=index)
    table.attrs["notes"], table.attrs["decimals"] = tuple(notes), dict(decimals)
    return table


def useful_decimals(smallest: float, digits: int = 3) -> int:
    """Decimal places that show `smallest` with so many significant digits; at least 0, at most 12."""
    if not np.isfinite(smallest) or smallest <= 0:
        return 4
    return int(np.clip(digits - 1 - np.floor(np.log10(smallest)), 0, 12))


def show_p(p: float) -> str:
    """A p-value that never reads as zero: 0.034, 0.00016, 1.8e-23."""
    if np.isnan(p):
        return ""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.2g}" if p > 0 else "< 1e-300"


def journal_p(p: float) -> str:
    """A p-value as journals print it: 0.034, 0.0015, < 0.001."""
    return "< 0.001" if p < 0.001 else f"{p:.{3 if p >= 0.01 else 4}f}"


def p_is(p: float, show: Callable[[float], str] = show_p) -> str:
    """A p-value in a sentence: "p = 0.034", "p < 1e-300"."""
    shown = show(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def signed(number: str) -> str:
    """A formatted number with a minus sign in place of the hyphen, and no negative zero."""
    if any(digit in number for digit in "123456789"):
        return number.replace("-", "−")
    return number.removeprefix("-")


def rounded(value: float, se: float) -> str:
    """`value` with the decimals that give `se` two digits; or one digit of its own where that leaves only zeros."""
    decimals = useful_decimals(abs(se), 2)
    if value and abs(value) < 0.5 * 10**-decimals:
        decimals = useful_decimals(abs(value), 1)
    return signed(f"{value:.{decimals}f}")


def three(value: float) -> str:
    """Three digits that count; zero is 0."""
    if np.isinf(value):
        return "∞"
    return signed(f"{value:.{useful_decimals(abs(value), 3)}f}") if value else "0"


def two(number: float) -> str:
    """Two decimals, as t, F and correlations are written."""
    return signed(f"{number:.2f}")


def degrees(df: float) -> str:
    """Degrees of freedom."""
    return "∞" if np.isinf(df) else f"{df:.{1 if df < 1000 else 0}f}"


def joined(phrases: Sequence[str]) -> str:
    """ "one, two and three"."""
    if len(phrases) < 2:
        return "".join(phrases)
    return ", ".join(phrases[:-1]) + f" and {phrases[-1]}"


def counted(number: int, one: str) -> str:
    """ "1 row", "2 rows"."""
    return f"{number} {one}{'s' * (number != 1)}"


def listed(names: Sequence[object], most: int) -> str:
    """The first of the names, as code, and how many more there are."""
    more = [f"{len(names) - most} more"] if len(names) > most else []
    return joined([code(name) for name in names[:most]] + more)


def clean(text: object) -> str:
    """What a user named something, on one line and without the backticks that mark names."""
    return " ".join(str(text).replace("`", "'").split())


def code(name: object) -> str:
    """A name of the printout or of the formula, in backticks."""
    return f"`{clean(name)}`"


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
            for lead, text in part.remarks:
                shown.append(f"<p><em>{marked(lead)}</em> {marked(text)}</p>")
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
    whole = TextWrapper(WIDTH, first, later, break_long_words=False, break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in whole.wrap(kept)]


def marked(text: str) -> str:
    """A text as HTML: escaped, names in backticks as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", html.escape(text))
