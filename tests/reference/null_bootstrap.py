"""How often the null-fit bootstrap of lesson 07 rejects: python -m tests.reference.null_bootstrap (some minutes).

In each simulated study of the course's four athletes the slope model is fitted without an average change (REML); DRAWS
studies are drawn from that fit; p is the share of them, the study itself counted, whose |t| of the session is at least
as large. null_bootstrap.csv holds the counts of p ≤ .05 in STUDIES studies, and in the first FIRST of them, which a
test counts again.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from fewgroups import fit, fit_many
from helpers import Design, Truth, simulate_many

STORED = Path(__file__).with_suffix(".csv")
STUDIES, DRAWS, FIRST, SEED = 2_000, 399, 100, 7
TABLE = Design().table()
ROWS = len(TABLE) // 4  # of each athlete, who all have the same sessions
HIGH = TABLE["session_high"].to_numpy(dtype=float)[:ROWS]


def size_of_t(scores: np.ndarray) -> np.ndarray:
    """|t| of the session in the slope model, (n,)."""
    fits = fit_many(scores, Design(), slopes=True)
    return np.abs(fits.estimate[:, 1] / fits.se[:, 1])


def p_value(study: int, scores: np.ndarray) -> float:
    """p of the bootstrap for the scores (200,) of one study."""
    table, rng = TABLE.assign(correctness=scores), np.random.default_rng([SEED, study])
    null = fit("correctness ~ 1", table, "athlete_id", re_formula="~session_high")
    factor = np.linalg.cholesky(null.cov_re + 1e-12 * np.eye(2))  # it may be singular
    u = rng.normal(size=(DRAWS, 4, 2)) @ factor.T
    luck = np.sqrt(null.scale) * rng.normal(size=(DRAWS, 4, ROWS))
    drawn = null.fe_params.iloc[0] + u[:, :, :1] + u[:, :, 1:] * HIGH + luck
    larger = np.sum(size_of_t(drawn.reshape(DRAWS, -1)) >= size_of_t(scores[None]))
    return float((1 + larger) / (DRAWS + 1))


def rejects(effect: float, slope_sd: float, n: int) -> np.ndarray:
    """Whether p ≤ .05 in the first n studies of a world, (n,)."""
    truth = Truth(effect=effect, slope_sd=slope_sd, clip=False)
    studies = simulate_many(Design(), truth, n, seed=SEED)
    return np.array([p_value(k, scores) for k, scores in enumerate(studies)]) <= 0.05


def make() -> None:
    """Count and store."""
    rows = []
    for effect in (0.0, -0.02):
        for slope_sd in (0.0, 0.02, 0.05):
            found = rejects(effect, slope_sd, STUDIES)
            rows.append((effect, slope_sd, STUDIES, found.sum(), found[:FIRST].sum()))
            print(*rows[-1], flush=True)
    columns = ["effect", "slope_sd", "studies", "rejected", "of_first"]
    pd.DataFrame(rows, columns=columns).to_csv(STORED, index=False)


if __name__ == "__main__":
    make()
