"""The data sets whose fits by R's lmer are stored in lmer_batch.csv.gz, drawn again from their seeds.

`python -m reference.batch_cases`, from the folder above, makes the stored numbers anew (R with lme4 and jsonlite, about
three minutes). Only lmer's results are kept; `y_sum` and `y_squares` prove that a later run draws the same outcomes.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

HERE = Path(__file__).parent
STORED = HERE / "lmer_batch.csv.gz"


@dataclass(frozen=True)
class Batch:
    """Data sets of one layout under one truth: `counts` is (groups, conditions); SDs are in units of the outcome."""

    name: str
    counts: np.ndarray
    n: int
    group_sd: float
    slope_sd: float
    correlation: float
    slopes: bool
    reml: bool
    seed: int

    @property
    def rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Group (0…) and condition (0…) of every row."""
        cell = np.repeat(np.arange(self.counts.size), self.counts.ravel())
        return cell // self.counts.shape[1], cell % self.counts.shape[1]

    @property
    def X(self) -> np.ndarray:
        """Intercept and a 0/1 column for each condition but the first."""
        _, condition = self.rows
        X = (condition[:, None] == np.arange(self.counts.shape[1])).astype(float)
        X[:, 0] = 1
        return X

    def draw(self) -> np.ndarray:
        """Outcomes (n, rows): mean .85 − .08 × condition, residual SD .05."""
        rng = np.random.default_rng(self.seed)
        group, condition = self.rows
        shape = self.n, len(self.counts)
        level, other = rng.standard_normal(shape), rng.standard_normal(shape)
        slope = self.correlation * level + np.sqrt(1 - self.correlation**2) * other
        noise = rng.standard_normal((self.n, group.size))
        return (
            0.85
            + self.group_sd * level[:, group]
            + (-0.08 + self.slope_sd * slope[:, group]) * condition
            + 0.05 * noise
        )


def unbalanced(groups: int, seed: int, most: int) -> np.ndarray:
    """Random repeats, the first group with one to three rows in a condition, the second without a second condition."""
    counts = np.random.default_rng(seed).integers(2, most + 1, (groups, 2))
    counts[0, seed % 2] = 1 + seed % 3
    counts[1, 1] = 0
    return counts


def batches() -> list[Batch]:
    """Every batch, in stored order."""
    three = np.array([[5, 9, 3], [7, 0, 4], [2, 2, 2], [8, 1, 6], [1, 4, 4], [3, 3, 0]])
    intercepts = [(sd, 0, 0) for sd in (0, 0.01, 0.05)]
    lines = [(0.05, 0, 0), (0.05, 0.02, 0), (0.05, 0.05, 0.5)]
    plan: list[tuple] = []
    for reml in (True, False):
        share = 1 if reml else 4
        for slopes, worlds in ((False, intercepts), (True, lines)):
            for number, world in enumerate(worlds):
                layouts = [
                    (f"balanced {groups}", np.tile([20, 30], (groups, 1)), n)
                    for groups, n in [(4, 200), (20, 60), (200, 16)]
                ]
                layouts += [
                    (f"unbalanced {groups} ({seed})", unbalanced(groups, seed, most), n)
                    for seed in range(10 * number, 10 * number + 5)
                    for groups, most, n in [(4, 30, 48), (20, 12, 32)]
                ]
                plan += [
                    (name, counts, n // share, *world, slopes, reml) for name, counts, n in layouts
                ]
        plan.append(("three conditions", three, 40, 0.03, 0, 0, False, reml))
    return [Batch(*row, seed=1000 + k) for k, row in enumerate(plan)]


def by_r(script: str, given: Iterable[tuple[dict, np.ndarray]], kind: str) -> pd.DataFrame:
    """What R finds in layouts and their outcomes (n, rows), numbered in the column `kind`.

    The script gets a folder and the number of layouts; it reads k.json and k.bin (doubles, a data set after the other)
    and writes k.csv.
    """
    found = {}
    with tempfile.TemporaryDirectory() as name:
        for k, (layout, outcomes) in enumerate(given):
            Path(name, f"{k}.json").write_text(json.dumps(layout))
            outcomes.astype("<f8").tofile(Path(name, f"{k}.bin"))
        subprocess.run(["Rscript", str(HERE / script), name, str(k + 1)], check=True)
        for number in range(k + 1):
            found[number] = pd.read_csv(Path(name, f"{number}.csv"), skipinitialspace=True)
    return pd.concat(found, names=[kind]).reset_index(level=kind)


def store(table: pd.DataFrame, path: Path, digits: int) -> None:
    """Write a table of R's numbers, the same bytes for the same numbers."""
    compression: dict = {"method": "gzip", "mtime": 1}
    table.to_csv(path, index=False, float_format=f"%.{digits}g", compression=compression)


def layout(batch: Batch) -> dict:
    """A batch's layout for R."""
    named = {"athlete": batch.rows[0].tolist(), "X": batch.X.tolist()}
    return {"n": batch.n, "slopes": batch.slopes, "reml": batch.reml} | named


if __name__ == "__main__":
    y = [batch.draw() for batch in batches()]
    found = by_r("lmer_batch.R", zip(map(layout, batches()), y, strict=True), "batch")
    for column, power in (("y_sum", 1), ("y_squares", 2)):
        found[column] = np.concatenate([(outcomes**power).sum(axis=1) for outcomes in y])
    store(found, STORED, 12)
