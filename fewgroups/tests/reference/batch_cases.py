"""The data sets whose fits by R's lmer are stored in lmer_batch.csv.gz, drawn again from their seeds.

To make the stored numbers anew (R with lme4 and jsonlite, about three minutes):

    python -m tests.reference.batch_cases

which draws every batch, hands it to lmer_batch.R in a temporary directory and stores what lmer finds. Only lmer's
results are kept; `y_sum` and `y_squares` in the stored table prove that a later run draws the same scores.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
STORED = HERE / "lmer_batch.csv.gz"


@dataclass(frozen=True)
class Batch:
    """Data sets of one layout under one truth: `counts` is (athletes, sessions); SDs are in units of the score."""

    name: str
    counts: np.ndarray
    n: int
    athlete_sd: float
    slope_sd: float
    correlation: float
    slopes: bool
    reml: bool
    seed: int

    @property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Athlete (0…) and session (0…) of every row."""
        cells = self.counts.ravel()
        cell = np.repeat(np.arange(cells.size), cells)
        return cell // self.counts.shape[1], cell % self.counts.shape[1]

    @property
    def X(self) -> np.ndarray:
        """Intercept and a 0/1 column for each session but the first."""
        _, session = self.rows
        columns = [np.ones(session.size)] + [session == k for k in range(1, self.counts.shape[1])]
        return np.column_stack(columns).astype(float)

    def draw(self) -> np.ndarray:
        """Scores (n, rows): mean .85 − .08 × session, residual SD .05."""
        rng = np.random.default_rng(self.seed)
        athlete, session = self.rows
        athletes = self.counts.shape[0]
        base = rng.standard_normal((self.n, athletes))
        own = self.correlation * base + np.sqrt(1 - self.correlation**2) * rng.standard_normal(
            (self.n, athletes)
        )
        noise = rng.standard_normal((self.n, athlete.size))
        return (
            0.85
            + self.athlete_sd * base[:, athlete]
            + (-0.08 + self.slope_sd * own[:, athlete]) * session
            + 0.05 * noise
        )


def balanced(athletes: int) -> np.ndarray:
    """The running design: 20 and 30 repeats for everybody."""
    return np.tile([20, 30], (athletes, 1))


def unbalanced(athletes: int, seed: int, most: int) -> np.ndarray:
    """Random repeats, the first athlete with one to three rows in a session, the second without a second session."""
    counts = np.random.default_rng(seed).integers(2, most + 1, (athletes, 2))
    counts[0, seed % 2] = 1 + seed % 3
    counts[1, 1] = 0
    return counts


def batches() -> list[Batch]:
    """Every batch, in stored order."""
    plan = []
    for reml in (True, False):
        share = 1 if reml else 4
        for slopes in (False, True):
            worlds = (
                [(0.05, sd, r) for sd, r in [(0, 0), (0.02, 0), (0.05, 0.5)]]
                if slopes
                else [(sd, 0, 0) for sd in (0, 0.01, 0.05)]
            )
            for number, world in enumerate(worlds):
                for athletes, n in [(4, 200), (20, 60), (200, 16)]:
                    plan.append(
                        (
                            f"balanced {athletes}",
                            balanced(athletes),
                            n // share,
                            *world,
                            slopes,
                            reml,
                        )
                    )
                for layout in range(5):
                    seed = 10 * number + layout
                    for athletes, most, n in [(4, 30, 48), (20, 12, 32)]:
                        plan.append(
                            (
                                f"unbalanced {athletes} ({seed})",
                                unbalanced(athletes, seed, most),
                                n // share,
                                *world,
                                slopes,
                                reml,
                            )
                        )
        plan.append(
            (
                "three sessions",
                np.array([[5, 9, 3], [7, 0, 4], [2, 2, 2], [8, 1, 6], [1, 4, 4], [3, 3, 0]]),
                40,
                0.03,
                0,
                0,
                False,
                reml,
            )
        )
    return [Batch(*row, seed=1000 + k) for k, row in enumerate(plan)]


def make() -> None:
    """Draw, fit with lmer, store."""
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for k, batch in enumerate(batches()):
            y = batch.draw()
            athlete, _ = batch.rows
            (Path(folder) / f"{k}.json").write_text(
                json.dumps(
                    {
                        "n": batch.n,
                        "slopes": batch.slopes,
                        "reml": batch.reml,
                        "athlete": athlete.tolist(),
                        "X": batch.X.tolist(),
                    }
                )
            )
            y.astype("<f8").tofile(Path(folder) / f"{k}.bin")
        subprocess.run(
            ["Rscript", str(HERE / "lmer_batch.R"), folder, str(len(batches()))], check=True
        )
        for k, batch in enumerate(batches()):
            y = batch.draw()
            table = pd.read_csv(Path(folder) / f"{k}.csv")
            table.insert(0, "batch", k)
            table["y_sum"], table["y_squares"] = y.sum(axis=1), (y**2).sum(axis=1)
            tables.append(table)
    stored = pd.concat(tables, ignore_index=True)
    stored.to_csv(
        STORED, index=False, float_format="%.12g", compression={"method": "gzip", "mtime": 1}
    )
    print(f"{len(stored)} fits by lmer stored in {STORED.name}")


if __name__ == "__main__":
    make()
