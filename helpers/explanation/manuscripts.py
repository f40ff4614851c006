"""`report`: the paragraphs and tables that journals ask for, from a fitted mixed model."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers.inference.checks import REFIT, check_choice, check_level
from helpers.inference.examination import METHODS
from helpers.inference.noted_table import NotedTable

from .effects import meaning
from .facts import Facts, rounded, two
from .markup import code, joined
from .papers import Report, Row, Table, versions_of
from .randomness import random_part, varying

NAMES = {
    "kenward-roger": "t tests with degrees of freedom and standard errors after Kenward and Roger (1997)",
    "satterthwaite": "t tests with Satterthwaite's (1946) degrees of freedom",
    "wald": "Wald z tests, which take the variances as known",
}


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
    interval, standard deviations with profile intervals, R² and ICC.

    Errors
    ------
    As in `explain`; a fit that is not at its optimum is refused with a ValueError that says what would do.

    Source: Meteyard & Davies 2020 (J. Mem. Lang. 112:104092), table of best practice.
    """
    check_choice("ddf", ddf, METHODS)
    level = check_level(level)
    facts = Facts.of(result, unit, names)
    if not facts.finished:
        raise ValueError(f"this fit is not at its optimum, so there is nothing to report: {REFIT}")
    fixed, spreads = facts.table(ddf, level), facts.variances_at(level)
    paragraphs = (_method(facts, fixed, level, versions), _results(facts, fixed, spreads, level))
    tables = (_fixed_table(facts, fixed, level), _random_table(facts, spreads, level))
    return Report(paragraphs, tables, _missing(facts), versions_of())


def p_words(p: float, name: bool = True) -> str:
    """A p-value as journals print it, never zero: "p = 0.034", "p < 0.001"."""
    sign, number = ("<", "0.001") if p < 0.001 else ("=", f"{p:.3f}")
    if name:
        return f"p {sign} {number}"
    return number if sign == "=" else f"< {number}"


def _df(df: float) -> str:
    return "∞" if np.isinf(df) else f"{df:.1f}"


def _percent(level: float) -> str:
    return f"{100 * level:g} %"


def _method(facts: Facts, fixed: NotedTable, level: float, versions: bool) -> str:
    words, formula = facts.words, getattr(facts.model, "formula", None)
    sizes = facts.sizes
    each = f"{sizes.min()} rows each" if sizes.min() == sizes.max() else f"{sizes.min()} to {sizes.max()} rows each"
    sample = f"{facts.rows_used} rows" + (f" of {facts.groups} {words.many} ({each})" if facts.groups > 1 else "")
    fitted = "restricted maximum likelihood (REML)" if facts.reml else "maximum likelihood (ML)"
    software = "the MixedLM class of the Python package statsmodels (Seabold & Perktold 2010)"
    if versions:
        software += "; " + ", ".join(f"{name} {number}" for name, number in versions_of())
    state = (
        f"The fit is singular ({joined(list(facts.boundary)) or 'a variance is zero or a correlation ±1'})"
        if facts.singular
        else "The fit is not singular"
    )
    refit = "; for these the model was refitted by REML" if fixed.attrs["refitted"] else ""
    return (
        f"We analysed {words.outcome} in {sample} with a linear mixed model"
        + (f", {code(formula)}," if formula else "")
        + f" with {random_part(facts)}. It was fitted by {fitted} with {software}. A second search from several starts "
        f"found no higher log-likelihood. {state}. Coefficients were tested by {NAMES[fixed.attrs['method']]}{refit}; "
        f"intervals are {_percent(level)} intervals: t intervals for coefficients, profile-likelihood intervals for "
        "standard deviations."
    ).replace("t intervals for", "z intervals for" if fixed.attrs["method"] == "wald" else "t intervals for")


def _results(facts: Facts, fixed: NotedTable, spreads: NotedTable, level: float) -> str:
    said = []
    for column in facts.columns:
        row = fixed.loc[column.name]
        if column.is_intercept and len(facts.columns) > 1:
            continue
        sentence = meaning(facts, column, float(row["estimate"]), float(row["se"]))
        statistic = "z" if np.isinf(row["df"]) else f"t({_df(row['df'])})"
        said.append(
            f"{sentence[0].upper()}{sentence[1:]} ({code(column.name)}: b = "
            f"{rounded(row['estimate'], row['se'])}, SE = "
            f"{rounded(row['se'], row['se'])}, {_percent(level)} CI [{rounded(row['low'], row['se'])}, "
            f"{rounded(row['high'], row['se'])}], {statistic} = {two(row['t'])}, {p_words(row['p'])})."
        )
    facts_of = spreads.attrs
    residual = facts.spreads.loc["residual"]
    random = [
        f"{facts.words.with_unit(rounded(spreads.loc[v.name, 'sd'], spreads.loc[v.name, 'sd'] or 1, 3))} "
        f"({v.what} of {v.many})"
        for v in varying(facts)
    ]
    said.append(
        f"Standard deviations were {joined(random)} and "
        f"{facts.words.with_unit(rounded(residual['sd'], residual['sd'], 3))} "
        f"(residual). Marginal R² (coefficients alone) was {facts_of['r2_marginal']:.3f}, conditional R² (with "
        "the random "
        f"effects) {facts_of['r2_conditional']:.3f} (Nakagawa et al. 2017); ICC {facts_of['icc']:.3f}. The "
        f"{'REML ' if facts.reml else ''}log-likelihood was {two(facts.plain.llf)}."
    )
    return " ".join(said)


def _fixed_table(facts: Facts, fixed: NotedTable, level: float) -> Table:
    rows = []
    for name, row in fixed.iterrows():
        se = float(row["se"])
        label = facts.words.said.get(str(name)) or code(name)
        shown = [rounded(row["estimate"], se), rounded(se, se), _df(row["df"]), two(row["t"]), p_words(row["p"], False)]
        shown += [f"[{rounded(row['low'], se)}, {rounded(row['high'], se)}]"]
        exact = {key: float(row[key]) for key in ("estimate", "se", "df", "t", "p", "low", "high")}
        rows.append(Row(label, str(name), tuple(shown), exact))
    statistic = "z" if fixed.attrs["method"] == "wald" else "t"
    heads = ("term", "estimate", "SE", "df", statistic, "p", f"{_percent(level)} CI")
    return Table("Coefficients (fixed effects)" + facts.words.unit.replace(" ", ", in ", 1), heads, tuple(rows))


def _random_table(facts: Facts, spreads: NotedTable, level: float) -> Table:
    rows = []
    things = {v.name: v for v in varying(facts)}
    for name, row in spreads.iterrows():
        correlation = np.isnan(row["sd"])
        value = float(row["correlation"] if correlation else row["sd"])
        beside = 0.01 if correlation else value or float(row["high"])
        digits = 1 if correlation else 3
        value_shown = "" if np.isnan(value) else rounded(value, beside, digits)
        ends = f"[{rounded(row['low'], beside, digits)}, {rounded(row['high'], beside, digits)}]"
        if name in things:
            label, number = f"SD, {things[name].what} of {things[name].many}", str(things[name].number)
        elif correlation:
            one, other = str(name).split(" × ", 1)
            label, number = f"correlation, {code(one)} and {code(other)}", ""
        else:
            label, number = "SD, residual", str(facts.rows_used)
        exact = {"estimate": value, "low": float(row["low"]), "high": float(row["high"])}
        rows.append(Row(label, str(name), (value_shown, ends, number), exact))
    heads = ("component", "estimate", f"{_percent(level)} CI", "number")
    return Table("Variation (random effects)" + facts.words.unit.replace(" ", ", in ", 1), heads, tuple(rows))


def _missing(facts: Facts) -> tuple[str, ...]:
    """What a report needs and the result does not know."""
    said = ["how many rows and " + facts.words.many + " were left out before the fit, by which rule, and why"]
    if facts.slopes_left_out:
        names = ", ".join(map(code, facts.slopes_left_out))
        said.append(f"why there is no random slope for {names}, though it varies within {facts.words.many}")
    else:
        said.append("how the random effects were chosen: by design, or by comparing models (then: which, and how)")
    said += [
        "how factors were coded and numbers centred or transformed",
        "what was checked of residuals and random effects, and what was seen",
        "where data and code are to be found",
    ]
    return tuple(said)
