"""`report`: the paragraphs and tables that journals ask for, from a fitted mixed model."""

from __future__ import annotations

from typing import Any

import numpy as np

from fewgroups.checks import REFIT, check_choice, check_level
from fewgroups.examination import METHODS
from fewgroups.explanation.facts import Facts, rounded, signed, three, two, visible
from fewgroups.explanation.markup import code, joined
from fewgroups.explanation.paper_tables import (
    fixed_table,
    interval,
    p_words,
    percent,
    random_table,
    terms_table,
)
from fewgroups.explanation.papers import Report, versions_of
from fewgroups.explanation.randomness import random_part, varying
from fewgroups.explanation.row_cautions import degrees
from fewgroups.explanation.sentences import meaning
from fewgroups.noted_table import NotedTable

METHOD = {
    "kenward-roger": (
        "t tests with standard errors and degrees of freedom after Kenward and Roger (1997)",
        "t intervals",
        "Kenward, M. G. & Roger, J. H. (1997). Small sample inference for fixed effects from restricted maximum "
        "likelihood. Biometrics, 53, 983–997.",
    ),
    "satterthwaite": (
        "t tests with Satterthwaite's (1946) degrees of freedom",
        "t intervals",
        "Satterthwaite, F. E. (1946). An approximate distribution of estimates of variance components. Biometrics "
        "Bulletin, 2, 110–114.",
    ),
    "wald": ("z tests, which take the variances as known", "z intervals", ""),
}
"""Per method: how it is named, its intervals, its source."""
SOURCES = (
    "Nakagawa, S., Johnson, P. C. D. & Schielzeth, H. (2017). The coefficient of determination R² and intra-class "
    "correlation coefficient from generalized linear mixed-effects models revisited and expanded. Journal of the Royal "
    "Society Interface, 14, 20170213.",
    "Seabold, S. & Perktold, J. (2010). statsmodels: econometric and statistical modeling with Python. Proceedings of "
    "the 9th Python in Science Conference, 92–96.",
)


def report(
    result: Any,
    unit: str | None = None,
    names: Any = None,
    ddf: str = "kenward-roger",
    level: float = 0.95,
    versions: bool = False,
) -> Report:
    """The paragraphs and the table for a paper: what Meteyard & Davies ask a report of a mixed model to hold.

    Parameters
    ----------
    result, unit, names:
        as in `explain`.
    ddf:
        "kenward-roger" (the default), "satterthwaite" or "wald", as in `coefficients`.
    level:
        coverage of all intervals, between 0 and 1.
    versions:
        whether the paragraph names the versions of Python and the packages. A paper should; a page whose output is
        compared with another machine's should not. They are in `.software` in any case.

    Returns
    -------
    A Report: `.markdown()`, `.html()`, `.latex()`, `.csv()` are for the paper; printed, or shown in a notebook, it
    also lists what only you can say (`.missing`). It holds formula, random effects, estimation, software, numbers of
    rows and groups, convergence and singularity, how degrees of freedom were found, estimates with SE, df, t, p and
    interval (F tests for terms of several coefficients), standard deviations with profile intervals, R² and ICC.

    Errors
    ------
    As in `explain`; a fit that is not at its optimum is refused with a ValueError that says what would do.

    Source: Meteyard & Davies 2020 (J. Mem. Lang. 112:104092), table of best practice.
    """
    check_choice("ddf", ddf, METHODS)
    level = check_level(level)
    if not isinstance(versions, bool | np.bool_):
        raise TypeError(f"versions must be True or False; given {versions!r}")
    facts = Facts.of(result, unit, names)
    if not facts.finished:
        raise ValueError(f"this fit is not at its optimum, so there is nothing to report: {REFIT}")
    fixed, spreads = facts.table(ddf, level), facts.variances_at(level)
    paragraphs = (_method(facts, fixed, level, versions), _results(facts, fixed, spreads, level))
    terms = terms_table(facts, ddf)
    tables = (
        fixed_table(facts, fixed, level),
        *([terms] if terms else []),
        random_table(facts, spreads, level),
    )
    references = tuple(sorted(filter(None, (*SOURCES, METHOD[ddf][2]))))
    return Report(paragraphs, tables, references, _missing(facts), versions_of())


def _method(facts: Facts, fixed: NotedTable, level: float, versions: bool) -> str:
    words, formula = facts.words, getattr(facts.model, "formula", None)
    sizes = facts.sizes
    each = (
        f"{sizes.min()} rows each"
        if sizes.min() == sizes.max()
        else f"{sizes.min()} to {sizes.max()} rows each"
    )
    sample = f"{facts.rows_used} rows" + (
        f" of {facts.groups} {words.many} ({each})" if facts.groups > 1 else ""
    )
    fitted = "restricted maximum likelihood (REML)" if facts.reml else "maximum likelihood (ML)"
    software = "the MixedLM class of the Python package statsmodels (Seabold & Perktold 2010)"
    if versions:
        software += "; " + ", ".join(f"{name} {number}" for name, number in versions_of())
    boundary = signed(joined(list(facts.boundary))) or "a variance is zero or a correlation ±1"
    state = f"The fit is singular ({boundary})" if facts.singular else "The fit is not singular"
    best = (
        f"Its log-likelihood is {facts.shortfall:.2g} below the best that a second search found"
        if facts.short
        else "A second search, from other starts, found no higher log-likelihood"
    )
    tests, intervals, _ = METHOD[fixed.attrs["method"]]
    refit = ", for which the model was refitted by REML" if fixed.attrs["refitted"] else ""
    return (
        f"We analysed {words.outcome} in {sample} with a linear mixed model"
        + (f", {code(formula)}," if formula else "")
        + f" with {random_part(facts)}. It was fitted by {fitted} with {software}. {best}. {state}. The coefficients "
        f"were tested by {tests}{refit}. Intervals are {percent(level)} intervals: {intervals} for the coefficients, "
        "profile-likelihood intervals for standard deviations and correlations."
    )


def _results(facts: Facts, fixed: NotedTable, spreads: NotedTable, level: float) -> str:
    said = []
    for k, column in enumerate(facts.columns):
        row = fixed.iloc[k]
        if column.is_intercept and len(facts.columns) > 1:
            continue
        sentence = meaning(facts, column, float(row["estimate"]), float(row["se"]))
        statistic = "z" if np.isinf(row["df"]) else f"t({degrees(row['df'])})"
        said.append(
            f"{sentence[0].upper()}{sentence[1:]} ({code(column.name)}: b = {visible(row['estimate'], row['se'])}, "
            f"SE = {rounded(row['se'], row['se'])}, {percent(level)} CI {interval(row)}, {statistic} = "
            f"{two(row['t'])}, {p_words(row['p'])})."
        )
    unit, explained = facts.words.with_unit, spreads.attrs
    sds = [
        f"{unit(three(spreads['sd'].iloc[at]))} ({v.label})"
        for at, v in facts.rows_of_spreads(varying(facts))
    ]
    sds.append(f"{unit(three(spreads['sd'].iloc[-1]))} (residual)")
    said.append(
        f"The standard deviations were {joined(sds)}. Marginal R² (fixed effects) was {explained['r2_marginal']:.3f}, "
        f"conditional R² (fixed and random effects) {explained['r2_conditional']:.3f}; the intraclass correlation was "
        f"{explained['icc']:.3f} (Nakagawa et al. 2017). The {'REML ' if facts.reml else ''}log-likelihood was "
        f"{two(facts.plain.llf)}."
    )
    return " ".join(said)


def _missing(facts: Facts) -> tuple[str, ...]:
    """What a report needs and the result does not know."""
    said = [
        "how many rows and "
        + facts.words.many
        + " were left out before the fit, by which rule, and why"
    ]
    if facts.slopes_left_out:
        names = ", ".join(map(code, facts.slopes_left_out))
        said.append(
            f"why there is no random slope for {names}, though it varies within {facts.words.many}"
        )
    else:
        said.append(
            "how the random effects were chosen: by design, or by comparing models (then: which, and how)"
        )
    said += [
        "how factors were coded and numbers centred or transformed",
        "what was checked of residuals and random effects, and what was seen",
        "where data and code are to be found",
    ]
    return tuple(said)
