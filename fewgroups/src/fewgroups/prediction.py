"""What the next outcome may be: of the average group, of a group that was measured, of one that was not."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups.arguments import check_choice, confidence_level
from fewgroups.checks import check_result
from fewgroups.ddf import Information
from fewgroups.examination import Examination, examine
from fewgroups.new_rows import NewRows
from fewgroups.noted_table import NotedTable, noted_table, useful_decimals
from fewgroups.targets import Group, Target, average, prior

Array = np.ndarray
WHO, OF = ("average", "known", "new"), ("mean", "score")
LONG_RUN = "the mean of endlessly many outcomes"
ABOUT = {
    "average mean": "confidence interval of the mean over all groups; a single group, or an outcome, may lie far "
    "outside",
    "known mean": f"prediction interval of the level of that group, {LONG_RUN}",
    "known score": "prediction interval of one new outcome of that group",
    "new mean": f"prediction interval of the level of a group that was not measured, {LONG_RUN}",
    "new score": "prediction interval of one outcome of a group that was not measured",
}
LEAST_DF = 1.0
"""Below, t has no quantiles that mean anything; a variance estimated near zero leads there."""


def predictions(
    result: Any,
    data: pd.DataFrame | None = None,
    who: str = "average",
    of: str = "mean",
    level: float = 0.95,
) -> NotedTable:
    """Predictions with intervals that hold what they are about: an average, a group, or a single outcome.

    Parameters
    ----------
    result:
        a MixedLM fitted by a formula (smf.mixedlm(...).fit() or fewgroups.fit), REML or ML (an ML fit is refitted by
        REML, and says so).
    data:
        DataFrame, one row per prediction, with the predictors and, for who="known", the group. None: every distinct
        row of predictors (and group) in the data that were fitted.
    who:
        "average": the mean over all groups, random effects zero; a confidence interval. "known": a group of the data,
        from its outcomes and what the others say (BLUP). "new": a group that was not measured. The other two are
        prediction intervals.
    of:
        "mean": the level, the mean of endlessly many repeats. "score": one new repeat, with its residual; not for the
        average, which is no group.
    level:
        coverage of the interval, between 0 and 1.

    Returns
    -------
    A DataFrame, one row per row of data (its index): the predictors, then estimate, se, df, low, high; the interval
    is estimate ± t(df) se. Values are exact, only the display is rounded; `.notes` says the rest in words, `.attrs`
    holds who, of, level, singular, refitted, shortfall.

    se² is, with x, z the row's fixed and random-effect columns and Φ = (XᵀV⁻¹X)⁻¹ with Kenward–Roger's addition,

    - average: xᵀΦx, as in `coefficients`;
    - new: xᵀΦx + zᵀΨz, and every level of a variance component counts as new;
    - known: Henderson's (1975) mean squared error of xᵀβ̂ + zᵀû, which counts that β is estimated but takes the
      variances at their estimates; levels of a component that were not seen count as new;
    - of="score": + σ².

    df: Satterthwaite's (1946) 2 se⁴ / var(se²), at least 1; there the uncertainty of all estimated variances is
    counted, for "known" too. An interval knows of no bounds: an outcome that cannot pass 1 may have one that does.

    How well these intervals hold, simulated, is in the library's README. All this is for a model that is right: one
    that lets groups differ in level only, where they differ in slope, is too sure of every group.

    ValueError or TypeError as in `coefficients`, and naming `data` for what it lacks or what was not fitted.

    Sources: Henderson 1975 (Biometrics 31:423); Satterthwaite 1946 (Biometrics Bulletin 2:110); Kenward & Roger 1997
    (Biometrics 53:983). Prasad & Rao's (1990, J. Am. Stat. Assoc. 85:163) addition to Henderson's error is left out:
    on top of these df, "known" would be covered .97 to .99 in the rows of slopes with 4 groups.
    """
    check_choice("who", who, WHO)
    check_choice("of", of, OF)
    if (who, of) == ("average", "score"):
        raise ValueError(
            'of="score" needs a group that gives it: who="known" for a measured group, who="new" for another; the '
            'average is a mean, of="mean"'
        )
    confidence_level(level)
    plain = check_result(result)
    rows = NewRows.of(plain.model, data, who)
    fit = examine(plain, "kenward-roger")
    found, method = fit.found, fit.method
    X, Z = found.rows(rows.X), rows.Z @ found.random
    if who == "average":
        targets = [average(found, x) for x in X]
    else:
        targets = _targets(plain.model, found, rows, X, Z)
    if of == "score":
        unit = np.eye(len(method.spread))[-1]
        targets = [target.with_variance(float(found.scale), unit) for target in targets]
    raw = np.array([target.df(method.spread) for target in targets])
    df = np.maximum(raw, LEAST_DF)
    estimate = np.array([target.estimate for target in targets])
    variance = np.array([target.error for target in targets])
    if who != "known":
        variance = variance + np.einsum("ia,ab,ib->i", X, method.covariance - method.phi, X)
    se = np.sqrt(variance)
    half_width = stats.t.ppf((1 + level) / 2, df) * se
    limits = {"low": estimate - half_width, "high": estimate + half_width}
    predicted = {"estimate": estimate, "se": se, "df": df, **limits}
    columns: dict[str, Any] = {
        f"{name} (data)" if name in predicted else name: rows.shown[name].array
        for name in rows.shown.columns
    }
    places = useful_decimals(float(se.min()))
    decimals = dict.fromkeys(["estimate", "se", "low", "high"], places) | {"df": 2}
    kept = [note for note in fit.notes if who == "average" or not note.startswith("Singular fit")]
    notes = [
        f"low, high: {100 * level:g} % {ABOUT[f'{who} {of}']}.",
        *_limits(plain.model, who, fit, bool(np.any(raw < LEAST_DF))),
        *kept,
    ]
    table = noted_table(columns | predicted, rows.shown.index, notes, decimals)
    table.attrs |= {name: fit.facts[name] for name in ("singular", "refitted", "shortfall")}
    table.attrs |= {"who": who, "of": of, "level": level}
    return table


def _targets(model: MixedLM, found: Information, rows: NewRows, X: Array, Z: Array) -> list[Target]:
    """Each row's mean, before any residual, in its own group or a new one; X (n, p), Z (n, q) orthonormal columns."""
    numbers = [] if rows.groups is None else rows.groups.tolist()
    measured = {number: Group.of(model, number, found) for number in set(numbers)}
    targets = []
    for k, (x, z) in enumerate(zip(X, Z, strict=True)):
        values = [of_rows[k] for of_rows in rows.components]
        if numbers:
            seen = [names[numbers[k]] for names in model.exog_vc.colnames]
            pairs = zip(values, seen, strict=True)
            known = [made.get(name, 0.0) for made, names in pairs for name in names]
            target = measured[numbers[k]].target(found, x, np.concatenate([z, known]))
            z = np.zeros(len(z))
        else:
            seen, target = [[] for _ in values], average(found, x)
        pairs = zip(values, seen, strict=True)
        new = [sum(v**2 for name, v in made.items() if name not in names) for made, names in pairs]
        targets.append(target.with_variance(*prior(z, np.array(new), found)))
    return targets


def _limits(model: MixedLM, who: str, fit: Examination, floored: bool) -> list[str]:
    """Where intervals lean on what the model takes for granted."""
    notes = []
    level_only = model.k_re == 1 and not model.k_vc and np.ptp(np.asarray(model.exog_re)) == 0
    within = any(np.ptp(x, axis=0).any() for x in model.exog_li)
    if who != "average" and level_only and within:
        notes.append(
            "The model lets groups differ in level only: if the predictors do not act on all alike, intervals for one "
            "group are too short."
        )
    if who != "average" and fit.facts["singular"]:
        notes.append(
            "Singular fit: a variance is estimated as zero or a correlation as ±1. Predictions use that value; "
            "that it is uncertain is counted in df only."
        )
    if floored:
        notes.append(
            "A variance is estimated as zero or nearly so, which says almost nothing: df are set to 1 where less comes "
            "out."
        )
    return notes
