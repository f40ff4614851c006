"""What may be said about the fixed effects: coefficients, contrasts and F tests, with honest degrees of
freedom."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from fewgroups.checks import check_choice, check_level, check_result
from fewgroups.contrasts import Rows, read_contrasts, term_rows
from fewgroups.examination import METHODS, examine
from fewgroups.noted_table import NotedTable, noted_table, useful_decimals
from fewgroups.paired import paired_note, paired_tests

Array = np.ndarray


def coefficients(
    result: Any, ddf: str = "kenward-roger", level: float = 0.95, contrasts: Any = None
) -> NotedTable:
    """Coefficients of a mixed model, or contrasts of them, with degrees of freedom that fit the design.

    Parameters
    ----------
    result:
        a fitted MixedLM (smf.mixedlm(...).fit() or fewgroups.fit), any re_formula and vc_formula, REML or ML.
    ddf:
        "kenward-roger" (the default: of the three, the one that is not liberal with few athletes),
        "satterthwaite", or "wald" (z, as statsmodels prints it: the variances taken as known).
    level:
        coverage of the interval, between 0 and 1.
    contrasts:
        None for every coefficient; or weighted sums: {"C against B": {"Machine[T.C]": 1, "Machine[T.B]":
        -1}}, name → p weights, a string ("Machine[T.C] = Machine[T.B]"), an array (p,) or (q, p), a
        DataFrame.

    Returns
    -------
    A DataFrame, one row per term or contrast (index `term`), columns estimate, se, df, t, p, low, high;
    estimates in units of the outcome per unit of the predictor, t and p against zero (or the value in the
    contrast's string). Standard errors are roots of (XᵀV⁻¹X)⁻¹, for Kenward–Roger with its adjustment. The
    values are exact, only the display is rounded. `.notes` holds what must be known besides: a REML refit,
    a singular fit and its price, the paired t-test where the design is balanced. `.attrs`: method,
    singular, refitted, shortfall (log-likelihood below the optimum), level, paired (term → t, df, p).

    Errors and warnings
    -------------------
    TypeError for anything but a fitted MixedLM; ValueError for fits from which nothing can be concluded
    (not converged, one group, groups that are rows), an unknown method, a level outside (0, 1), contrasts
    that do not fit the model. NotAtOptimumWarning when the fit ended below the optimum.

    Sources: Satterthwaite 1946 (Biometrics Bulletin 2:110); Kenward & Roger 1997 (Biometrics 53:983);
    Kuznetsova, Brockhoff & Christensen 2017 (lmerTest, J. Stat. Softw. 82(13)); Halekoh & Højsgaard 2014
    (pbkrtest, J. Stat. Softw. 59(9)), with whose numbers these agree.
    """
    check_choice("ddf", ddf, METHODS)
    check_level(level)
    plain = check_result(result)
    names = [str(name) for name in plain.model.exog_names]
    every = dict(zip(names, np.eye(len(names)), strict=True))
    rows, nulls = _single_rows(read_contrasts(every if contrasts is None else contrasts, names))
    fit = examine(plain, ddf)
    L = np.array(list(rows.values()))
    estimate = L @ fit.beta
    se = np.sqrt(np.einsum("ia,ab,ib->i", L, fit.method.covariance, L))
    df = np.array([fit.method.df(row) for row in L])
    t = (estimate - nulls) / se
    reach = stats.t.ppf((1 + level) / 2, df) * se
    columns = {"estimate": estimate, "se": se, "df": df, "t": t, "p": 2 * stats.t.sf(np.abs(t), df)}
    columns |= {"low": estimate - reach, "high": estimate + reach}
    paired = paired_tests(plain.model, fit.beta, fit.phi) if contrasts is None else {}
    notes = fit.notes + [paired_note(term, *test) for term, test in paired.items()]
    places = useful_decimals(float(se.min()))
    decimals = dict.fromkeys(["estimate", "se", "low", "high"], places) | {"df": 2, "t": 3, "p": -1}
    table = noted_table(columns, pd.Index(rows, name="term"), notes, decimals)
    table.attrs |= fit.facts | {"level": level, "paired": paired}
    return table


def f_tests(result: Any, ddf: str = "kenward-roger", contrasts: Any = None) -> NotedTable:
    """F tests of the terms of a mixed model, or of contrasts with one or several rows each.

    Parameters
    ----------
    result, ddf:
        as in `coefficients`.
    contrasts:
        None for every term of the formula but the intercept, each tested by "all its coefficients are zero"
        given the other terms; or name → (q, p) array or a string ("Machine[T.B] = 0, Machine[T.C] = 0").

    Returns
    -------
    A DataFrame (index `term`), columns F, num_df, den_df, p. Satterthwaite: Fai & Cornelius 1996 (J. Stat.
    Comput. Simul. 54:363). Kenward & Roger 1997: F is scaled as there. Wald: χ²/q, infinite denominator.

    With interactions, what a main effect's row says depends on the coding: with the default (treatment)
    coding it is about the reference level of the other factor, with C(factor, Sum) about the average over
    its levels (R's "type III"). Errors and warnings as in `coefficients`.
    """
    check_choice("ddf", ddf, METHODS)
    plain = check_result(result)
    model = plain.model
    rows = (
        term_rows(model) if contrasts is None else read_contrasts(contrasts, list(model.exog_names))
    )
    if not rows:
        raise ValueError(
            "the formula has no term besides the intercept, so there is nothing to test"
        )
    fit = examine(plain, ddf)
    tests = [fit.method.test(row, row @ fit.beta - null) for row, null in rows.values()]
    statistic = np.array([test.statistic for test in tests])
    num, den = (
        np.array([test.numerator for test in tests]),
        np.array([test.denominator for test in tests]),
    )
    p = np.where(
        np.isinf(den), stats.chi2.sf(statistic * num, num), stats.f.sf(statistic, num, den)
    )
    notes = list(fit.notes)
    if contrasts is None and _has_interaction(rows):
        notes.append(
            "With an interaction, a main effect's row is about the reference level of the other term, unless "
            "factors are coded C(factor, Sum): then it is about the average over the levels."
        )
    columns = {"F": statistic, "num_df": num, "den_df": den, "p": p}
    table = noted_table(columns, pd.Index(rows, name="term"), notes, {"F": 3, "den_df": 2, "p": -1})
    table.attrs |= fit.facts
    return table


def _single_rows(rows: Rows) -> tuple[dict[str, Array], Array]:
    """Each contrast as one row (p,), and the null values; several rows belong to f_tests."""
    for label, (row, _) in rows.items():
        if len(row) != 1:
            raise ValueError(
                f"contrast {label!r} has {len(row)} rows: f_tests(result, contrasts=...) tests them "
                f"together; "
                "coefficients takes one row per name"
            )
    return {label: row[0] for label, (row, _) in rows.items()}, np.array(
        [null[0] for _, null in rows.values()]
    )


def _has_interaction(rows: Rows) -> bool:
    """Whether some term is an interaction of which a part is a term as well."""
    parts = {term: set(term.split(":")) for term in rows}
    return any(parts[a] < parts[b] for a in rows for b in rows)
