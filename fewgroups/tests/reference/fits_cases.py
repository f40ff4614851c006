"""The 2000 slope fits of the push-up design whose optimum by R's lmer is stored in fits.csv.gz.

`python -m reference.fits_cases`, from the folder above, draws the scores, has fits.R fit them (two minutes; R with
lme4) and stores the log-likelihoods. `y_sum` proves that a later run draws the same scores.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from running_example import Design, Truth, simulate_many

HERE = Path(__file__).parent
STORED = HERE / "fits.csv.gz"
DESIGN, TRUTH = Design(), Truth(slope_sd=0.02)
N, SEED = 2000, 3


def scores() -> np.ndarray:
    """(2000, 200) scores in the row order of `DESIGN.table()`."""
    return simulate_many(DESIGN, TRUTH, N, SEED)


def stored() -> pd.DataFrame:
    """One row a data set: y_sum, loglik (the best of two optimisers of lmer), singular (isSingular there)."""
    return pd.read_csv(STORED)


if __name__ == "__main__":
    y = scores()
    with tempfile.TemporaryDirectory() as folder:
        given, found = Path(folder) / "given.csv", Path(folder) / "found.csv"
        table = DESIGN.table()
        table["athlete_id"] = table["athlete_id"].astype("category").cat.codes
        wide = pd.DataFrame(y.T).add_prefix("y")
        pd.concat([table[["athlete_id", "session_high"]], wide], axis=1).to_csv(given, index=False)
        subprocess.run(["Rscript", str(HERE / "fits.R"), str(given), str(found)], check=True)
        answer = pd.read_csv(found)
    answer.insert(0, "y_sum", y.sum(axis=1).round(8))
    answer.to_csv(STORED, index=False, compression={"method": "gzip", "mtime": 0})
