"""The tables of a report: coefficients, terms, variation."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fewgroups.checks import NotAtOptimumWarning
from fewgroups.explanation.facts import Facts, rounded, three, two, visible
from fewgroups.explanation.markup import code
from fewgroups.explanation.papers import Row, Table
from fewgroups.explanation.randomness import varying
from fewgroups.explanation.row_cautions import degrees
from fewgroups.fixed_effects import f_tests
from fewgroups.noted_table import NotedTable


def fixed_table(facts: Facts, fixed: NotedTable, level: float) -> Table:
    """Coefficients with SE, df, t, p and interval, each rounded by its own standard error."""
    rows = []
    for name, row in fixed.iterrows():
        se = float(row["se"])
        label = facts.words.said.get(str(name)) or code(name)
        shown = [visible(row["estimate"], se), rounded(se, se), _df(row["df"]), two(row["t"])]
        shown += [p_words(row["p"], False), interval(row)]
        exact = {key: float(row[key]) for key in ("estimate", "se", "df", "t", "p", "low", "high")}
        rows.append(Row("coefficient", label, str(name), tuple(shown), exact))
    statistic = "z" if fixed.attrs["method"] == "wald" else "t"
    heads = ("term", "estimate", "SE", "df", statistic, "p", f"{percent(level)} CI")
    return Table(f"Coefficients (fixed effects){_unit(facts)}", heads, tuple(rows))


def terms_table(facts: Facts, ddf: str) -> Table | None:
    """F tests of the terms, if one of them has several coefficients."""
    terms = [column.term for column in facts.columns if column.parts]
    if len(set(terms)) == len(terms):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotAtOptimumWarning)
        table = f_tests(facts.plain, ddf)
    rows = []
    for name, row in table.iterrows():
        shown = (
            two(row["F"]),
            f"{row['num_df']:.0f}",
            _df(row["den_df"]),
            p_words(row["p"], False),
        )
        exact = {"F": row["F"], "num_df": row["num_df"], "df": row["den_df"], "p": row["p"]}
        rows.append(
            Row(
                "term",
                code(name),
                str(name),
                shown,
                {key: float(value) for key, value in exact.items()},
            )
        )
    return Table("Tests of whole terms", ("term", "F", "df", "denominator df", "p"), tuple(rows))


def random_table(facts: Facts, spreads: NotedTable, level: float) -> Table:
    """Standard deviations and correlations with profile intervals, and how many levels each rests on."""
    things = dict(facts.rows_of_spreads(varying(facts)))
    short = {str(spreads.index[at]): _without_groups(thing.label) for at, thing in things.items()}
    rows = []
    for at, (name, row) in enumerate(spreads.iterrows()):
        key = "correlation" if np.isnan(row["sd"]) else "sd"
        show = two if key == "correlation" else three
        if at in things:
            label, number = f"SD {things[at].label}", str(things[at].number)
        elif key == "correlation":
            one, other = str(name).split(" × ", 1)
            label, number = f"correlation, {short[one]} and {short[other]}", ""
        else:
            label, number = "SD, residual", str(facts.rows_used)
        value = float(row[key])
        shown = (
            "" if np.isnan(value) else show(value),
            f"[{show(row['low'])}, {show(row['high'])}]",
            number,
        )
        exact = {"estimate": value, "low": float(row["low"]), "high": float(row["high"])}
        rows.append(Row("variation", label, str(name), shown, exact))
    heads = ("component", "estimate", f"{percent(level)} CI", "number")
    return Table(f"Variation (random effects){_unit(facts)}", heads, tuple(rows))


def _without_groups(label: str) -> str:
    """ "between people" → "level"; "of the change per day, between people" → "change per day"."""
    return label.partition("between ")[0].removeprefix("of the ").rstrip(" ,") or "level"


def interval(row: Any) -> str:
    """[low, high] of a coefficient, rounded by its standard error."""
    return f"[{rounded(row['low'], row['se'])}, {rounded(row['high'], row['se'])}]"


def p_words(p: float, name: bool = True) -> str:
    """A p-value as journals print it, never zero: "p = 0.034", "p < 0.001"; without its name "0.034", "< 0.001"."""
    sign, number = ("<", "0.001") if p < 0.001 else ("=", f"{p:.3f}")
    return f"p {sign} {number}" if name else number if sign == "=" else f"< {number}"


def percent(level: float) -> str:
    """A confidence level: "95 %"."""
    return f"{100 * level:g} %"


def _df(df: float) -> str:
    return "∞" if np.isinf(df) else degrees(df)


def _unit(facts: Facts) -> str:
    return f", in {facts.words.unit.strip()}" if facts.words.unit else ""
