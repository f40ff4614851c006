"""A DataFrame that is read by people: numbers rounded to what matters, remarks below. The values stay
exact."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

Formatter = Callable[[float], str]


class NotedTable(pd.DataFrame):
    """A DataFrame whose display shows `attrs["notes"]` (strings) below and rounds by `attrs["decimals"]`.

    Only the display is rounded: `table.loc["session_high", "p"]` has all digits. Slicing and rounding keep
    the notes.
    """

    @property
    def _constructor(self) -> Callable[..., NotedTable]:
        return NotedTable

    @property
    def notes(self) -> tuple[str, ...]:
        """Remarks that belong to the numbers: refits, boundary estimates, what a test rests on."""
        return tuple(self.attrs.get("notes", ()))

    def _formatters(self) -> dict[str, Formatter]:
        decimals = self.attrs.get("decimals", {})
        return {name: _formatter(decimals[name]) for name in self.columns if name in decimals}

    def __repr__(self) -> str:
        table = pd.DataFrame(self).to_string(formatters=self._formatters(), na_rep="")
        return "\n".join(
            [table, *(textwrap.fill(note, 100, subsequent_indent="  ") for note in self.notes)]
        )

    def _repr_html_(self) -> str:
        table = pd.DataFrame(self).to_html(formatters=self._formatters(), na_rep="", border=0)
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return table + (f"<ul>{notes}</ul>" if notes else "")


def noted_table(
    columns: dict[str, object], index: pd.Index, notes: Sequence[str], decimals: dict[str, int]
) -> NotedTable:
    """A NotedTable of equally long `columns`; decimals: places per column, −1 for p-values (two digits
    that count)."""
    table = NotedTable(columns, index=index)
    table.attrs["notes"], table.attrs["decimals"] = tuple(notes), dict(decimals)
    return table


def useful_decimals(smallest: float, digits: int = 3) -> int:
    """Decimal places that show `smallest` with so many significant digits; at least 0, at most 12."""
    if not np.isfinite(smallest) or smallest <= 0:
        return 4
    return int(np.clip(digits - 1 - np.floor(np.log10(smallest)), 0, 12))


def _formatter(decimals: int) -> Formatter:
    if decimals < 0:
        return show_p
    return lambda value: "" if np.isnan(value) else f"{value:.{decimals}f}"


def show_p(p: float) -> str:
    """A p-value that never reads as zero: 0.034, 0.00016, 1.8e-23."""
    if np.isnan(p):
        return ""
    return f"{p:.3f}" if p >= 0.001 else f"{p:.2g}" if p > 0 else "< 1e-300"


def p_is(p: float) -> str:
    """A p-value in a sentence: "p = 0.034", "p < 1e-300"."""
    shown = show_p(p)
    return f"p {shown}" if shown.startswith("<") else f"p = {shown}"


def joined(phrases: Sequence[str]) -> str:
    """ "one, two and three"."""
    if len(phrases) < 2:
        return "".join(phrases)
    return ", ".join(phrases[:-1]) + f" and {phrases[-1]}"
