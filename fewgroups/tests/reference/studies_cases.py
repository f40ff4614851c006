"""The simulated studies whose tests in R are stored in studies.csv.gz, drawn again from their seeds.

To make the stored numbers anew (R with lmerTest, pbkrtest and jsonlite, some minutes):

    python -m tests.reference.studies_cases

Only R's answers are kept; the tests draw the scores again with `helpers.simulate_many`.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from fewgroups.designs import Design, Truth
from fewgroups.simulation import simulate_many

HERE = Path(__file__).parent
STORED = HERE / "studies.csv.gz"


@dataclass(frozen=True)
class Case:
    """n data sets of one design and truth; no slope models where each athlete does one session only."""

    name: str
    design: Design
    truth: Truth
    n: int
    seed: int


def own(*counts: tuple[int, int]) -> Design:
    """A design in which every athlete has a number of repeats of his or her own."""
    return Design(len(counts), [{"low": low, "high": high} for low, high in counts])


def cases() -> list[Case]:
    """Every case, in stored order."""

    def world(slope_sd: float, athlete_sd: float = 0.05) -> Truth:
        return Truth(effect=-0.02, athlete_sd=athlete_sd, slope_sd=slope_sd, clip=False)

    missed = own((20, 30), (8, 0), (12, 14), (0, 9), (5, 5), (2, 2))
    return [
        Case("balanced 4, alike", Design(), world(0), 40, 1),
        Case("balanced 4, slopes .02", Design(), world(0.02), 60, 2),
        Case("balanced 4, slopes .05", Design(), world(0.05), 30, 3),
        Case("balanced 4, no athletes", Design(), world(0, 0), 20, 4),
        Case("balanced 10, slopes .02", Design(10), world(0.02), 30, 5),
        Case("unequal 4", own((20, 30), (3, 25), (12, 4), (18, 9)), world(0.02), 50, 6),
        Case("unequal 6, a session missed", missed, world(0.03), 50, 7),
        Case("unequal 10", own(*[(20 - k, 3 * k + 1) for k in range(10)]), world(0.02), 30, 8),
        Case("between 4", Design(between=True), world(0), 40, 9),
        Case("between 10", Design(10, between=True), world(0, 0.02), 20, 10),
    ]


def make() -> None:
    """Draw, test in R, store."""
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for k, case in enumerate(cases()):
            athlete, session, _ = case.design.row_index
            (Path(folder) / f"{k}.json").write_text(
                json.dumps(
                    {
                        "n": case.n,
                        "between": case.design.between,
                        "athlete": athlete.tolist(),
                        "high": (session > 0).astype(int).tolist(),
                    }
                )
            )
            scores = simulate_many(case.design, case.truth, case.n, case.seed)
            scores.astype("<f8").tofile(Path(folder) / f"{k}.bin")
        subprocess.run(["Rscript", str(HERE / "studies.R"), folder, str(len(cases()))], check=True)
        for k in range(len(cases())):
            table = pd.read_csv(Path(folder) / f"{k}.csv", skipinitialspace=True)
            table.insert(0, "case", k)
            tables.append(table)
    stored = pd.concat(tables, ignore_index=True)
    stored.to_csv(
        STORED, index=False, float_format="%.9g", compression={"method": "gzip", "mtime": 1}
    )
    print(f"{len(stored)} tests in R stored in {STORED.name}")


if __name__ == "__main__":
    make()
