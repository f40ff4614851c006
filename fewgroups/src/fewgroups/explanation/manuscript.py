"""`report`: the paragraphs and tables that journals ask for, from a fitted mixed model."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from fewgroups.arguments import check_choice, confidence_level, true_or_false
from fewgroups.checks import REFIT
from fewgroups.ddf import METHODS
from fewgroups.explanation import words
from fewgroups.explanation.facts import FittedModel
from fewgroups.explanation.predictors import WholeTerm
from fewgroups.explanation.render import Passage, Readable
from fewgroups.noted_table import code, degrees, joined, p_value, rounded, three, two
from fewgroups.templates import say, sentences

PACKAGES = ("statsmodels", "numpy", "scipy", "pandas")


@dataclass(frozen=True, repr=False)
class Report(Readable):
    """Method and results of a mixed model for a paper.

    paragraphs: the text; tables: title → DataFrame of the numbers as a paper prints them, for `.to_latex()`,
    `.to_html()` or `.to_csv()` (exact numbers: `coefficients`, `f_tests`, `variances`); notes: what must be known of
    the tables; references; missing: what a paper needs and the result does not know.
    """

    paragraphs: tuple[str, ...]
    tables: dict[str, pd.DataFrame]
    notes: tuple[str, ...]
    references: tuple[str, ...]
    missing: tuple[str, ...]

    def _parts(self) -> list[str | Passage]:
        tables = [Passage(title, table=table) for title, table in self.tables.items()]
        lists = [
            Passage(say(f"report.{name}"), remarks=[("–", text) for text in texts])
            for name in ("notes", "references", "missing")
            if (texts := getattr(self, name))
        ]
        return [*self.paragraphs, *tables, *lists]


def report(
    result: Any,
    unit: str | None = None,
    names: Any = None,
    ddf: str = "kenward-roger",
    level: float = 0.95,
    terms: Sequence[str] | None = None,
    versions: bool = False,
) -> Report:
    """The paragraphs and the tables for a paper: what Meteyard & Davies ask a report of a mixed model to hold.

    Parameters
    ----------
    result, unit, names:
        as in `explain`.
    ddf:
        "kenward-roger" (the default), "satterthwaite" or "wald", as in `coefficients`.
    level:
        coverage of all intervals, between 0 and 1.
    terms:
        the terms of the formula that the paper is about (["group:time"]): each gets its sentences. None: a handful,
        interactions before the terms that they are made of.
    versions:
        whether the paragraph names the versions of Python and the packages. A paper should; a page whose output is
        compared with another machine's should not.

    Returns
    -------
    A Report: printed as text, in a notebook shown as HTML; `.paragraphs`, `.tables`, `.references` are for the paper,
    `.missing` lists what only you can say. It holds formula, random effects, estimation, software, numbers of rows
    and groups, convergence and singularity, how degrees of freedom were found; coefficients with SE, df, t, p and
    interval; F tests of whole terms; standard deviations with profile intervals; R², and the intraclass correlation
    of a model with nothing but a random intercept. With interactions each term is tested on average over what it
    interacts with (levels counted equally, numbers at their mean), whatever the coding.

    Errors
    ------
    As in `explain`; a fit that is not at its optimum is refused with a ValueError that says what would do, and so are
    terms that the formula does not have.

    Source: Meteyard & Davies 2020 (J. Mem. Lang. 112:104092), table of best practice.
    """
    check_choice("ddf", ddf, tuple(METHODS))
    level = confidence_level(level)
    versions = true_or_false("versions", versions)
    facts = FittedModel(result, unit, names, ddf, level)
    chosen = _chosen(facts, terms)
    if not facts.finished:
        raise ValueError(f"this fit is not at its optimum, so there is nothing to report: {REFIT}")
    unit = facts.unit.strip()
    in_unit = say("report.in_unit", unit=unit) if unit else ""
    tables = {say("report.fixed", unit=in_unit): _fixed_table(facts)}
    if any(term.kind != "single" or term.partners for term in facts.terms):
        tables[say("report.terms")] = _terms_table(facts.tests)
    tables[say("report.random", unit=in_unit)] = _random_table(facts)
    averaged = any(term.partners for term in facts.terms)
    notes = [say("report.note_average")] * averaged + [say("report.note_r")] * facts.reml
    sources = (f"source.{name}" for name in (ddf, "r2", "statsmodels"))
    return Report(
        (_method(facts, versions), " ".join([*_effects(facts, chosen), *_variation(facts)])),
        tables,
        (*notes, *words.nesting(facts).values()),
        tuple(sorted(say(key) for key in sources if key in sentences())),
        _missing(facts),
    )


def _chosen(facts: FittedModel, terms: Any) -> list[WholeTerm]:
    """The terms that get a sentence."""
    if terms is None:
        return facts.terms
    known = [name for term in facts.terms for name in term.terms]
    if isinstance(terms, str) or not isinstance(terms, Sequence):
        raise TypeError(f"terms must be a list of terms of the formula, not {terms!r}")
    unknown = [name for name in terms if name not in known]
    if unknown or not terms:
        given = ", ".join(map(repr, unknown)) or "nothing"
        raise ValueError(f"terms names {given}: the formula has {', '.join(map(repr, known))}")
    return [term for term in facts.terms if set(term.terms) & set(terms)]


def _method(facts: FittedModel, versions: bool) -> str:
    packages = [f"Python {platform.python_version()}", *(f"{x} {version(x)}" for x in PACKAGES)]
    kind = "REML" if facts.reml else "ML"
    given = words.fit_words(facts) | {
        "versions": f"; {', '.join(packages)}" if versions else "",
        "refit": say("report.refit") if facts.fixed.attrs["refitted"] else "",
        "percent": facts.percent,
        "kind": kind,
    }
    search = ["short" if facts.short else "best", "singular" if facts.singular else "interior"]
    keys = [f"model_{kind.lower()}", *search, facts.ddf, "intervals"]
    return " ".join(say(f"report.{key}", given) for key in keys)


def _effects(facts: FittedModel, terms: list[WholeTerm]) -> list[str]:
    """A handful of sentences: the terms in order, each by its coefficients or by its test."""
    found = (
        []
        if facts.terms
        else [words.effect_row(facts, k).text for k in range(len(facts.estimates))]
    )
    for term in terms:
        some = [row.text for row in words.term_rows(facts, term)]
        if found and len(found) + len(some) > words.HANDFUL:
            return [*found, say("report.rest")]
        found += some
    return found


def _variation(facts: FittedModel) -> list[str]:
    """The SDs, R², and the intraclass correlation where there is one."""
    spreads, sds = facts.spreads, []
    for row in words.spread_rows(facts):
        if len(row.things) == 1:
            given = words.sd_words(facts, spreads.iloc[row.at])
            sds.append(say("report.sd", given, of=row.things[0].between))
    residual = facts.with_unit(three(spreads["sd"].iloc[-1]))
    r2 = {x: two(spreads.attrs[f"r2_{x}"]) for x in ("marginal", "conditional")}
    told = say("report.sds", sds="; ".join(sds), residual=residual), say("report.r2", **r2)
    return [text for text in (*told, words.intraclass(facts)) if text]


def _fixed_table(facts: FittedModel) -> pd.DataFrame:
    """Coefficients with SE, df, t, p and interval, each rounded by its standard error."""
    rows = {}
    for name, row in facts.fixed.iterrows():
        se, low, high = (rounded(row[key], row["se"]) for key in ("se", "low", "high"))
        rows[facts.called.get(str(name), str(name))] = {
            "estimate": rounded(row["estimate"], row["se"]),
            "SE": se,
            "df": degrees(row["df"]),
            "z" if facts.ddf == "wald" else "t": two(row["t"]),
            "p": _p_cell(row["p"]),
            f"{facts.percent} CI": f"[{low}, {high}]",
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _p_cell(p: float) -> str:
    return p_value(p).removeprefix("p ").removeprefix("= ")


def _terms_table(tests: pd.DataFrame) -> pd.DataFrame:
    """F tests of the terms; with infinite denominators χ²/q."""
    shown = {
        "F": tests["F"].map(two),
        "df": tests["num_df"].map("{:.0f}".format),
        "denominator df": tests["den_df"].map(degrees),
        "p": tests["p"].map(_p_cell),
    }
    return pd.DataFrame(shown, index=list(tests.index))


def _random_table(facts: FittedModel) -> pd.DataFrame:
    """Standard deviations and correlations with profile intervals, and how many levels each rests on."""
    rows = {}

    def add(label: str, at: int, name: str, show: Callable[[float], str], number: object) -> None:
        value, low, high = (facts.spreads[key].iloc[at] for key in (name, "low", "high"))
        rows[label.replace("`", "")] = {
            "estimate": "" if np.isnan(value) else show(value),
            f"{facts.percent} CI": f"[{show(low)}, {show(high)}]",
            "number": str(number),
        }

    for row in sorted(words.spread_rows(facts), key=lambda row: row.at):
        if len(row.things) == 2:
            one, other = (thing.noun for thing in row.things)
            label = say("report.correlation", one=one, other=other)
            add(label, row.at, "correlation", two, "")
        else:
            (thing,) = row.things
            longer = thing.what if thing.kind == "change" else thing.noun
            label = say("report.sd_label", of=thing.between.replace(longer, thing.noun))
            add(label, row.at, "sd", three, thing.number)
    add(say("report.residual"), -1, "sd", three, len(facts.y))
    return pd.DataFrame.from_dict(rows, orient="index")


def _missing(facts: FittedModel) -> tuple[str, ...]:
    """What a report needs and the result does not know."""
    shared, random = facts.shared, say("missing.random")
    left = sorted(k for where in facts.slopes_left_out for k in where)
    if left:
        terms = dict.fromkeys(code(facts.coefficients[k].term) for k in left)
        random = say("missing.slope", shared, names=joined(list(terms)))
    rest = (say(f"missing.{name}") for name in ("coding", "checks", "data"))
    return (say("missing.rows", shared), random, *rest)
