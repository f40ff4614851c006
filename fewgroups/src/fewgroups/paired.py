"""The paired t-test on group means, where the design is balanced: the plain answer beside the model's."""

from __future__ import annotations

import numpy as np
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.noted_table import show_p

Array = np.ndarray
PairedTests = dict[str, tuple[float, int, float]]


def paired_tests(model: MixedLM, beta: Array, phi: Array) -> PairedTests:
    """Term → (t, df, p) of the paired t-test on group means, for each two-level predictor of a balanced
    design.

    Balanced: both levels within every group, each equally often in all groups, and the mean difference of
    the groups' means is the model's estimate. Then t has one degree of freedom less than there are groups,
    exactly, whether or not the effect varies between groups. beta (p,), phi (p, p): the estimates.
    """
    tests: PairedTests = {}
    for column, term in enumerate(model.exog_names):
        levels = np.unique(model.exog[:, column])
        if len(levels) != 2 or model.n_groups < 2:
            continue
        high = [x[:, column] == levels[1] for x in model.exog_li]
        counts = {(int(h.sum()), int((~h).sum())) for h in high}
        if len(counts) != 1 or 0 in next(iter(counts)):
            continue
        scores = zip(model.endog_li, high, strict=True)
        differences = np.array([y[h].mean() - y[~h].mean() for y, h in scores]) / np.ptp(levels)
        error = differences.std(ddof=1) / np.sqrt(len(differences))
        gap = abs(differences.mean() - beta[column]) / np.sqrt(phi[column, column])
        if error > 0 and gap < 1e-6:
            t, df = differences.mean() / error, len(differences) - 1
            tests[str(term)] = (float(t), df, float(2 * stats.t.sf(abs(t), df)))
    return tests


def paired_note(term: str, t: float, df: int, p: float) -> str:
    """One paired test in a sentence."""
    return (
        f"{term}: the design is balanced; the paired t-test on group means gives t({df}) = {t:.3f}, "
        f"p = {show_p(p)}."
    )
