"""`report`: the paragraphs and tables that journals ask for, from a fitted mixed model."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from fewgroups.arguments import check_choice, confidence_level, true_or_false
from fewgroups.checks import REFIT
from fewgroups.ddf import METHODS
from fewgroups.explanation import words
from fewgroups.explanation.facts import FittedModel, WholeTerm
from fewgroups.explanation.render import Passage, Readable
from fewgroups.noted_table import code, degrees, joined, journal_p, rounded, three, two
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
    """The paragraphs and the tables for a paper: what Meteyard & Davies (2020, J. Mem. Lang. 112:104092, table of best
    practice) ask a report of a mixed model to hold.

    result, unit, names: as in `explain`.
    ddf: "kenward-roger" (the default), "satterthwaite" or "wald", as in `coefficients`.
    level: coverage of all intervals, between 0 and 1.
    terms: the terms of the formula that the paper is about (["group:time"]): each gets its sentences. None: a handful,
        interactions before the terms that they are made of.
    versions: whether the paragraph names the versions of Python and the packages. A paper should; a page whose output
        is compared with another machine's should not.

    Returns a Report: printed as text, in a notebook shown as HTML; `.paragraphs`, `.tables`, `.references` are for the
    paper, `.missing` lists what only you can say. It holds formula, random effects, estimation, software, numbers of
    rows and groups, convergence and singularity, how degrees of freedom were found; coefficients with SE, df, t, p and
    interval; F tests of whole terms; standard deviations with profile intervals; R², and the intraclass correlation of
    a model with nothing but a random intercept. With interactions each term is tested on average over what it interacts
    with (levels counted equally, numbers at their mean), whatever the coding.

    Errors as in `explain`; a fit that is not at its optimum is refused with a ValueError that says what would do, and
    so are terms that the formula does not have.
    """
    check_choice("ddf", ddf, tuple(METHODS))
    level = confidence_level(level)
    versions = true_or_false("versions", versions)
    facts = FittedModel(result, unit, names, ddf, level)
    known = [name for term in facts.terms for name in term.terms]
    wanted = known if terms is None else terms
    if isinstance(wanted, str) or not isinstance(wanted, Sequence):
        raise TypeError(f"terms must be a list of terms of the formula, not {terms!r}")
    unknown = [name for name in wanted if name not in known]
    if unknown or (terms is not None and not wanted):
        given = ", ".join(map(repr, unknown)) or "nothing"
        raise ValueError(f"terms names {given}: the formula has {', '.join(map(repr, known))}")
    told = [term for term in facts.terms if set(term.terms) & set(wanted)]
    if not facts.finished:
        raise ValueError(f"this fit is not at its optimum, so there is nothing to report: {REFIT}")
    averaged = any(term.partners for term in facts.terms)
    notes = [say("report.note_average")] * averaged + [say("report.note_r")] * facts.reml
    sources = (f"source.{name}" for name in (ddf, "r2", "statsmodels"))
    left = sorted(k for where in facts.slopes_left_out for k in where)
    slopes = joined(list(dict.fromkeys(code(facts.coefficients[k].term) for k in left)))
    random = say("missing.slope" if left else "missing.random", {**facts.shared, "names": slopes})
    rest = (say(f"missing.{name}") for name in ("coding", "checks", "data"))
    return Report(
        (_method(facts, versions), _results(facts, told)),
        _tables(facts),
        (*notes, *words.nesting(facts).values()),
        tuple(sorted(say(key) for key in sources if key in sentences())),
        (say("missing.rows", facts.shared), random, *rest),
    )


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


def _results(facts: FittedModel, terms: list[WholeTerm]) -> str:
    """A handful of sentences on the terms, in order; the SDs, R², and the intraclass correlation where there is one."""
    found: list[str] = []
    means = range(len(facts.estimates)) if not facts.terms else ()
    alone = [words.effect_row(facts, k) for k in means]
    for rows in [alone, *(words.term_rows(facts, term) for term in terms)]:
        if found and len(found) + len(rows) > words.HANDFUL:
            found.append(say("report.rest"))
            break
        found += [row.text for row in rows]
    spreads, sds = facts.spreads, []
    for row in words.spread_rows(facts):
        if len(row.things) == 1:
            given = words.sd_words(facts, spreads.iloc[row.at])
            sds.append(say("report.sd", given, of=row.things[0].between))
    residual = three(spreads["sd"].iloc[-1]) + facts.unit
    r2 = {x: two(spreads.attrs[f"r2_{x}"]) for x in ("marginal", "conditional")}
    found += [say("report.sds", sds="; ".join(sds), residual=residual), say("report.r2", **r2)]
    return " ".join([*found, words.intraclass(facts)]).strip()


def _tables(facts: FittedModel) -> dict[str, pd.DataFrame]:
    """Coefficients, each rounded by its standard error; F tests (with infinite denominators χ²/q), if a term is more
    than a coefficient; SDs and correlations with profile intervals, and how many levels each rests on."""
    unit, interval = facts.unit.strip(), f"{facts.percent} CI"
    in_unit = say("report.in_unit", unit=unit) if unit else ""
    rows: list[tuple[str, dict[str, str]]] = []
    for name, row in facts.fixed.iterrows():
        b, se, low, high = (rounded(row[x], row["se"]) for x in ("estimate", "se", "low", "high"))
        cells = {"estimate": b, "SE": se, "df": degrees(row["df"])}
        cells |= {"z" if facts.ddf == "wald" else "t": two(row["t"]), "p": journal_p(row["p"])}
        cells[interval] = f"[{low}, {high}]"
        rows.append((facts.called.get(str(name), str(name)), cells))
    tables = {say("report.fixed", unit=in_unit): rows}
    if any(term.kind != "single" or term.partners for term in facts.terms):
        rows = tables[say("report.terms")] = []
        for name, row in facts.tests.iterrows():
            df = {"df": f"{row['num_df']:.0f}", "denominator df": degrees(row["den_df"])}
            rows.append((str(name), {"F": two(row["F"]), **df, "p": journal_p(row["p"])}))
    rows = tables[say("report.random", unit=in_unit)] = []
    spreads = sorted(words.spread_rows(facts), key=lambda spread: spread.at)
    for spread, (_, row) in zip(spreads, facts.spreads.iterrows(), strict=True):
        label, number = say("report.residual"), str(len(facts.y))
        if len(spread.things) == 2:
            one, other = (thing.noun for thing in spread.things)
            label, number = say("report.correlation", one=one, other=other), ""
        elif spread.things:
            (thing,) = spread.things
            of = thing.between
            if thing.kind == "change":
                of = say("random.of", what=thing.noun, many=thing.many)
            label, number = say("report.sd_label", of=of), str(thing.number)
        value, show = (row["sd"], three) if number else (row["correlation"], two)
        ends = f"[{show(row['low'])}, {show(row['high'])}]"
        shown = "" if np.isnan(value) else show(value)
        cells = {"estimate": shown, interval: ends, "number": number}
        rows.append((label.replace("`", ""), cells))
    return {
        title: pd.DataFrame([cells for _, cells in rows], index=[label for label, _ in rows])
        for title, rows in tables.items()
    }
