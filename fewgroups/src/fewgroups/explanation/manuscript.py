"""`report`: the paragraphs and tables that journals ask for, from a fitted mixed model."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from fewgroups.arguments import check_choice, confidence_level, true_or_false
from fewgroups.checks import REFIT
from fewgroups.ddf import METHODS
from fewgroups.explanation.effects import effect_sentence, term_sentence, worded
from fewgroups.explanation.facts import FittedModel
from fewgroups.explanation.lines import fit_words
from fewgroups.explanation.numbers import code, degrees, estimate, p_value, rounded, three, two
from fewgroups.explanation.predictors import WholeTerm
from fewgroups.explanation.random_effects import intraclass, nesting, sd_words, spread_rows
from fewgroups.explanation.render import Passage, as_html, as_text, marked
from fewgroups.noted_table import NotedTable, joined
from fewgroups.templates import say, sentences

HANDFUL = 6  # sentences on effects
PACKAGES = ("statsmodels", "numpy", "scipy", "pandas")


@dataclass(frozen=True, repr=False)
class Report:
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

    def _lists(self) -> list[Passage]:
        lists = []
        for name in ("notes", "references", "missing"):
            texts = tuple(("–", text) for text in getattr(self, name))
            lists += [Passage(say(f"report.{name}"), remarks=texts)] if texts else []
        return lists

    def __str__(self) -> str:
        tables = [f"{title}\n{table.to_string()}" for title, table in self.tables.items()]
        texts = [as_text(self.paragraphs, [], []), *tables, as_text([], self._lists(), [])]
        return "\n\n".join(texts)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        tables = [
            f"<p><strong>{marked(title)}</strong></p>{table.to_html(border=0)}"
            for title, table in self.tables.items()
        ]
        texts = [as_html(self.paragraphs, [], []), *tables, as_html([], self._lists(), [])]
        return "\n".join(texts)


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
    facts = FittedModel(result, unit, names)
    chosen = _chosen(facts, terms)
    if not facts.finished:
        raise ValueError(f"this fit is not at its optimum, so there is nothing to report: {REFIT}")
    fixed, spreads = facts.coefficients_by(ddf, level), facts.spreads(level)
    tests = facts.tests_by(ddf) if facts.terms else pd.DataFrame()
    percent, unit = f"{100 * level:g} %", facts.words.unit.strip()
    in_unit = say("report.in_unit", unit=unit) if unit else ""
    tables = {say("report.fixed", unit=in_unit): _fixed_table(facts, fixed, percent)}
    if any(term.kind != "single" or term.partners for term in facts.terms):
        tables[say("report.terms")] = _terms_table(tests)
    tables[say("report.random", unit=in_unit)] = _random_table(facts, spreads, percent)
    method = _method(facts, fixed, percent, versions)
    results = [*_effects(facts, chosen, fixed, tests, percent), *_variation(facts, spreads)]
    averaged = any(term.partners for term in facts.terms)
    notes = [say("report.note_average")] * averaged + [say("report.note_r")] * facts.reml
    notes += nesting(facts).values()
    sources = (f"source.{name}" for name in (ddf, "r2", "statsmodels"))
    return Report(
        (method, " ".join(results)),
        tables,
        tuple(notes),
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


def _method(facts: FittedModel, fixed: NotedTable, percent: str, versions: bool) -> str:
    packages = [f"Python {platform.python_version()}", *(f"{x} {version(x)}" for x in PACKAGES)]
    kind = "REML" if facts.reml else "ML"
    words = fit_words(facts) | {
        "versions": f"; {', '.join(packages)}" if versions else "",
        "shortfall": f"{facts.shortfall:.2g}",
        "boundary": facts.boundary,
        "refit": say("report.refit") if fixed.attrs["refitted"] else "",
        "percent": percent,
        "kind": kind,
    }
    keys = (
        *(f"model_{kind.lower()}", "short" if facts.short else "best"),
        *("singular" if facts.singular else "interior", fixed.attrs["method"], "intervals"),
    )
    return " ".join(say(f"report.{key}", words) for key in keys)


def _effects(
    facts: FittedModel, terms: list[WholeTerm], fixed: NotedTable, tests: Any, percent: str
) -> list[str]:
    """A handful of sentences: the terms in order, each by its coefficients or by its test."""
    found: list[str] = []
    for term in terms:
        one_by_one = worded(facts, term) and len(term.coefficients) < HANDFUL
        some = []
        if not one_by_one or term.kind != "single":
            some.append(term_sentence(facts, term, tests.loc[term.name]))
        for k in term.coefficients if one_by_one else ():
            some.append(effect_sentence(facts, k, fixed.iloc[k], percent))
        if found and len(found) + len(some) > HANDFUL:
            return [*found, say("report.rest")]
        found += some
    alone = range(len(facts.coefficients)) if not facts.terms else ()
    return found + [effect_sentence(facts, k, fixed.iloc[k], percent) for k in alone]


def _variation(facts: FittedModel, spreads: NotedTable) -> Iterator[str]:
    """The SDs, R², and the intraclass correlation where there is one."""
    sds = []
    for row in spread_rows(facts, read=True):
        if row.other is None:
            words = sd_words(facts, spreads.iloc[row.at])
            sds.append(say("report.sd", of=row.thing.between, **words))
    residual = facts.words.with_unit(three(spreads["sd"].iloc[-1]))
    yield say("report.sds", sds="; ".join(sds), residual=residual)
    shares = {x: two(spreads.attrs[f"r2_{x}"]) for x in ("marginal", "conditional")}
    yield say("report.r2", **shares)
    yield from filter(None, [intraclass(facts)])


def _fixed_table(facts: FittedModel, fixed: NotedTable, percent: str) -> pd.DataFrame:
    """Coefficients with SE, df, t, p and interval, each rounded by its standard error."""
    statistic = "z" if fixed.attrs["method"] == "wald" else "t"
    rows = {
        facts.words.rows.get(str(name), str(name)): {
            "estimate": estimate(row["estimate"], row["se"]),
            "SE": rounded(row["se"], row["se"]),
            "df": degrees(row["df"]),
            statistic: two(row["t"]),
            "p": _p_cell(row["p"]),
            f"{percent} CI": f"[{rounded(row['low'], row['se'])}, {rounded(row['high'], row['se'])}]",
        }
        for name, row in fixed.iterrows()
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _p_cell(p: float) -> str:
    return p_value(p).removeprefix("p ").removeprefix("= ")


def _terms_table(tests: NotedTable) -> pd.DataFrame:
    """F tests of the terms; with infinite denominators χ²/q."""
    shown = {
        "F": tests["F"].map(two),
        "df": tests["num_df"].map("{:.0f}".format),
        "denominator df": tests["den_df"].map(degrees),
        "p": tests["p"].map(_p_cell),
    }
    return pd.DataFrame(shown, index=list(tests.index))


def _random_table(facts: FittedModel, spreads: NotedTable, percent: str) -> pd.DataFrame:
    """Standard deviations and correlations with profile intervals, and how many levels each rests on."""

    def cells(at: int, number: str) -> dict[str, str]:
        row = spreads.iloc[at]
        value, show = (row["sd"], three) if number else (row["correlation"], two)
        shown, ends = (
            "" if np.isnan(value) else show(value),
            f"[{show(row['low'])}, {show(row['high'])}]",
        )
        return {"estimate": shown, f"{percent} CI": ends, "number": number}

    rows = {}
    for row in spread_rows(facts, read=True):
        thing, number = row.thing, ""
        if row.other is not None:
            label = say("report.correlation", one=thing.noun, other=row.other.noun)
        else:
            longer = thing.what if thing.kind == "change" else thing.noun
            label = say("report.sd_label", of=thing.between.replace(longer, thing.noun))
            number = str(thing.number)
        rows[label.replace("`", "")] = cells(row.at, number)
    rows[say("report.residual")] = cells(-1, str(facts.rows_used))
    return pd.DataFrame.from_dict(rows, orient="index")


def _missing(facts: FittedModel) -> tuple[str, ...]:
    """What a report needs and the result does not know."""
    shared, random = facts.words.shared, say("missing.random")
    left = sorted(k for where in facts.slopes_left_out for k in where)
    if left:
        terms = dict.fromkeys(code(facts.coefficients[k].term) for k in left)
        random = say("missing.slope", shared, names=joined(list(terms)))
    rest = (say(f"missing.{name}") for name in ("coding", "checks", "data"))
    return (say("missing.rows", shared), random, *rest)
