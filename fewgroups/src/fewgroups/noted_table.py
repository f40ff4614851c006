"""Numbers, names and tables as people read them: rounded to what matters, remarks below. The values stay exact."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd


class NotedTable(pd.DataFrame):
    """A DataFrame whose display shows `attrs["notes"]` (strings) below and rounds by `attrs["decimals"]`. Only the
    display is rounded: `table.loc["session_high", "p"]` has all digits. Slicing and rounding keep the notes."""

    @property
    def _constructor(self) -> Callable[..., NotedTable]:
        return NotedTable

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks that belong to the numbers: refits, boundary estimates, what a test rests on."""
        return tuple(self.attrs.get("notes", ()))

    def _shown(self) -> dict[str, Any]:
        decimals = self.attrs.get("decimals", {}).items()
        return {
            "na_rep": "",
            "formatters": {k: f"{{:.{d}f}}".format if d >= 0 else show_p for k, d in decimals},
        }

    def __repr__(self) -> str:
        table = pd.DataFrame(self).to_string(**self._shown())
        notes = [textwrap.fill(note, 100, subsequent_indent="  ") for note in self.notes]
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
