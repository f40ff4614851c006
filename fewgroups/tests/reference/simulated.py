"""The simulated data sets behind coefficients_simulated.csv, made again from their seeds.

`python simulated.py responses.csv` writes all of them for coefficients.R; the tests call `data_set` instead,
so that only R's answers need to be stored.
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd

N_DATA_SETS = 500


def data_set(k: int) -> tuple[pd.DataFrame, bool, bool]:
    """Data set number k (rows: athlete, session_high, score), whether slopes vary in its model, whether REML.

    The push-up design with 4 to 12 athletes, balanced for even k // 4, else with 2 to 30 repeats per session.
    """
    rng = np.random.default_rng([4, k])
    slopes, reml, balanced = k % 2 == 1, k % 4 < 3, (k // 4) % 2 == 0
    athletes = int(rng.integers(4, 13))
    counts = (
        np.tile([20, 30], (athletes, 1)) if balanced else rng.integers(2, 31, size=(athletes, 2))
    )
    slope_sd = rng.choice([0.0, 0.02, 0.05])
    athlete_sd = rng.choice([0.0, 0.02, 0.05, 0.1])
    intercepts = rng.normal(0.85, athlete_sd, athletes)
    effects = rng.normal(-0.05, slope_sd, athletes)
    athlete = np.repeat(np.repeat(np.arange(athletes), 2), counts.ravel())
    high = np.repeat(np.tile([0, 1], athletes), counts.ravel())
    score = intercepts[athlete] + effects[athlete] * high + rng.normal(0, 0.05, athlete.size)
    table = pd.DataFrame({"athlete": athlete, "session_high": high, "score": score})
    return table, bool(slopes), bool(reml)


def all_data_sets() -> pd.DataFrame:
    """Every data set, one below the other, with the columns data_set, slopes and reml in front."""
    tables = []
    for k in range(N_DATA_SETS):
        table, slopes, reml = data_set(k)
        table.insert(0, "data_set", k)
        table.insert(1, "slopes", int(slopes))
        table.insert(2, "reml", int(reml))
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


if __name__ == "__main__":
    all_data_sets().to_csv(sys.argv[1], index=False)
