"""The simulated studies whose tests in R are stored in studies.csv.gz, drawn again from their seeds.

`python -m reference.studies_cases`, from the folder above, makes the stored numbers anew (R with lmerTest, pbkrtest,
clubSandwich and jsonlite, some minutes). Only R's answers are kept; the tests draw the outcomes again.
"""

from __future__ import annotations

from pathlib import Path

from reference.batch_cases import by_r, store

from fewgroups import Design, Truth, simulate_many

STORED = Path(__file__).with_name("studies.csv.gz")
SHORT_LONG = {"short": 20, "long": 30}


def world(slope_sd: float = 0.0, group_sd: float = 0.05, effect: float = -0.02) -> Truth:
    """The truth of the reference studies."""
    return Truth(0.85, effect, group_sd, slope_sd, residual_sd=0.05)


def uneven(*counts: tuple[int, int]) -> Design:
    """A design in which every group has its own numbers of repeats."""
    return Design(len(counts), [{"short": a, "long": b} for a, b in counts])


BALANCED = Design(4, SHORT_LONG)
MISSED = uneven((20, 30), (8, 0), (12, 14), (0, 9), (5, 5), (2, 2))
CASES = {  # design, truth, number of data sets, seed
    "balanced 4, alike": (BALANCED, world(), 40, 1),
    "balanced 4, slopes .02": (BALANCED, world(0.02), 60, 2),
    "balanced 4, slopes .05": (BALANCED, world(0.05), 30, 3),
    "balanced 4, no spread of groups": (BALANCED, world(0, 0), 20, 4),
    "balanced 10, slopes .02": (Design(10, SHORT_LONG), world(0.02), 30, 5),
    "unequal 4": (uneven((20, 30), (3, 25), (12, 4), (18, 9)), world(0.02), 50, 6),
    "unequal 6, a condition missed": (MISSED, world(0.03), 50, 7),
    "unequal 10": (uneven(*[(20 - k, 3 * k + 1) for k in range(10)]), world(0.02), 30, 8),
    "three conditions": (Design(5, {"a": 6, "b": 3, "c": 4}), world(0.05), 30, 11),
    "between 4": (Design(4, SHORT_LONG, between=True), world(), 40, 9),
    "between 10": (Design(10, SHORT_LONG, between=True), world(0, 0.02), 20, 10),
}


def layout(design: Design, n: int) -> dict:
    """A design's layout for R."""
    group, high = design.row_index[0].tolist(), design.table()["treated"].tolist()
    return {"n": n, "between": design.between, "group": group, "high": high}


if __name__ == "__main__":
    drawn = (
        (layout(design, n), simulate_many(design, truth, n, seed))
        for design, truth, n, seed in CASES.values()
    )
    store(by_r("studies.R", drawn, "case"), STORED, 9)
