"""What a reader of files finds: notes on what it repaired, and problems with the rows they stand in."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

MOST_RUNS = 5000
"""Runs of rows that one problem's line may list; a longer list would hide the other problems."""


@dataclass(frozen=True)
class Problem:
    """One kind of problem, in words, and every row that has it (as a spreadsheet numbers them: header = row
    1)."""

    text: str
    rows: tuple[int, ...] = ()
    named: bool = False
    """The text names the rows itself."""

    def __str__(self) -> str:
        return f"{self.text} ({numbered(self.rows)})" if self.rows and not self.named else self.text


class ScoreSheetError(ValueError):
    """A file that cannot be used as it is. `problems` holds every problem, each with all of its rows."""

    def __init__(self, source: str, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [
            f"{source} cannot be used as it is: "
            f"{counted(len(self.problems), 'problem')} (row 1 is the header).",
            *(f"- {problem}" for problem in self.problems),
            "Nothing was read. Correct the file, then read it again.",
        ]
        super().__init__("\n".join(lines))


@dataclass
class Findings:
    """Collects, while a file is read, what was repaired (`notes`) and what must be refused (`problems`)."""

    source: str
    notes: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def tell(self, text: str) -> None:
        """Note a repair or a choice that the reader of the table should know."""
        self.notes.append(text)

    def refuse(self, text: str, rows: Iterable[int] = (), named: bool = False) -> None:
        """Note a problem, with the rows it stands in; `named` if the text says already which."""
        self.problems.append(Problem(text, tuple(int(row) for row in rows), named))

    def stop_if_refused(self) -> None:
        """Raise `ScoreSheetError` with all problems so far, if there is one."""
        if self.problems:
            raise ScoreSheetError(self.source, self.problems)


def numbered(rows: Iterable[int]) -> str:
    """Rows in words, runs drawn together: "row 3", "rows 3–7, 9, 12–14"."""
    ordered = np.unique(np.fromiter(rows, dtype=np.int64))
    runs = np.split(ordered, np.flatnonzero(np.diff(ordered) > 1) + 1)
    words = [str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs[:MOST_RUNS]]
    rest = sum(map(len, runs[MOST_RUNS:]))
    more = f" and {rest} more rows: all of them in the error's .problems" if rest else ""
    return f"row{'s' if len(ordered) > 1 else ''} {', '.join(words)}{more}"


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 row", "3 rows"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint at the name that was probably meant, or nothing."""
    folded = {other.casefold(): other for other in names}
    close = difflib.get_close_matches(name.casefold(), folded, n=1)
    return f' (perhaps "{folded[close[0]]}")' if close else ""


def quoted(values: Iterable[str], most: int = 5) -> str:
    """The first few values in quotes, "…" for the others."""
    listed = [f'"{value}"' if len(value) <= 60 else f'"{value[:60]}…"' for value in values]
    return ", ".join(listed[:most] + ["…"] * (len(listed) > most))
