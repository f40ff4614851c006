"""Makes the two files of lesson 13, as a coach's spreadsheet program would save them.

    python data/coach_file.py

`coach_file_first_try.csv` is the sheet as it was typed, with five faults that `read_scores` refuses;
`coach_file.csv` is the same sheet, mended. Nobody was measured: the scores are simulated from `TRUTH`.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np

TRUTH = {
    "intercept": 0.85,  # an average athlete's first session, with 20 repeats planned
    "per_ten_repeats": -0.04,
    "per_earlier_session": 0.01,
    "athlete_sd": 0.05,
    "slope_sd": 0.03,  # of the change per ten repeats
    "session_sd": 0.02,  # a good or a bad day
    "residual_sd": 0.05,
}
ATHLETES = ["Ana R.", "Bo", "Carla M.", "Dana", "Emil", "Finn", "Gül", "Hugo"]
PLANNED = [10, 15, 20, 25, 30]
MISSED = {("Bo", 30), ("Gül", 10), ("Gül", 25)}
STOPPED = {("Emil", 30): 22}  # repeats done of those planned
NO_SLEEP = {("Dana", 15), ("Finn", 20), ("Hugo", 30)}
HEADER = ["Athlete ", "Date", "Session", "Planned", "Repeat", " Score", "Sleep"]


def scores(seed: int = 8) -> list[list[str]]:
    """Rows of the tidy sheet, as text: athlete, date, session, planned, repeat, score, hours of sleep."""
    rng = np.random.default_rng(seed)
    rows = []
    for athlete in ATHLETES:
        level = TRUTH["intercept"] + rng.normal(0, TRUTH["athlete_sd"])
        slope = TRUTH["per_ten_repeats"] + rng.normal(0, TRUTH["slope_sd"])
        day = date(2026, 3, 2) + timedelta(days=int(rng.integers(0, 3)))
        earlier = 0
        for planned in rng.permutation(PLANNED):  # lots are drawn for the order
            luck = rng.normal(0, TRUTH["session_sd"])
            sleep = f"{rng.uniform(5.5, 9):.1f}"
            gap = int(rng.integers(2, 6))
            noise = rng.normal(0, TRUTH["residual_sd"], planned)
            if (athlete, planned) not in MISSED:
                mean = (
                    level
                    + slope * (planned - 20) / 10
                    + TRUTH["per_earlier_session"] * earlier
                    + luck
                )
                done = STOPPED.get((athlete, planned), planned)
                earlier += 1
                hours = "" if (athlete, planned) in NO_SLEEP else sleep
                for repeat, score in enumerate(np.clip(mean + noise[:done], 0, 1), 1):
                    cells = [
                        athlete,
                        f"{day:%d/%m/%Y}",
                        earlier,
                        planned,
                        repeat,
                        f"{score:.2f}",
                        hours,
                    ]
                    rows.append([str(cell) for cell in cells])
            day += timedelta(days=gap)
    return rows


def mended(rows: list[list[str]]) -> list[str]:
    """Lines of the sheet: semicolons, decimal commas, spaces and empty cells where a spreadsheet leaves them."""
    lines = [";".join(HEADER) + ";;"]
    for number, row in enumerate(rows):
        athlete, when, session, planned, repeat, score, sleep = row
        name = f" {athlete} " if number % 97 == 0 else athlete
        lines.append(
            ";".join(
                [
                    name,
                    when,
                    session,
                    planned,
                    repeat,
                    score.replace(".", ","),
                    sleep.replace(".", ","),
                ]
            )
            + ";;"
        )
    lines.insert(1 + len(rows) // 2, ";" * (len(HEADER) + 1))
    return lines


def first_try(lines: list[str]) -> list[str]:
    """The same lines with what was typed wrong: a name in small letters, a percentage, a remark, a row twice,
    and a score that the camera missed."""
    wrong = list(lines)

    def cell(row: int, column: int, text: str) -> None:  # row as the spreadsheet numbers it
        cells = wrong[row - 1].split(";")
        cells[column] = text
        wrong[row - 1] = ";".join(cells)

    bo = [number for number, line in enumerate(lines, 1) if line.startswith("Bo;")]
    for row in bo[20:23]:
        cell(row, 0, "bo")
    cell(244, 5, "83")
    cell(301, 5, "?")
    cell(302, 5, "")
    wrong.insert(402, wrong[401])
    return wrong


def write(folder: Path) -> None:
    """Both files, with a byte-order mark and Windows line ends."""
    lines = mended(scores())
    for name, content in [("coach_file", lines), ("coach_file_first_try", first_try(lines))]:
        text = "\r\n".join(content) + "\r\n"
        (folder / f"{name}.csv").write_bytes(text.encode("utf-8-sig"))


if __name__ == "__main__":
    write(Path(__file__).parent)
