"""A fitted model in words: on one screen, its printout line by line, with cautions, and as a paper reports it."""

import platform
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from itertools import groupby
from string import ascii_uppercase
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from fewgroups import words
from fewgroups.arguments import check_choice, confidence_level, true_or_false
from fewgroups.checks import REFIT
from fewgroups.comparison import FEW
from fewgroups.ddf import METHODS, KenwardRoger
from fewgroups.facts import FittedModel, WholeTerm
from fewgroups.fixed_effects import judged
from fewgroups.likelihood import optimum
from fewgroups.structure import random_design
from fewgroups.wording import (
    Passage,
    Readable,
    Remark,
    ScreenRow,
    as_text,
    code,
    counted,
    degrees,
    joined,
    journal_p,
    listed,
    rounded,
    say,
    sentences,
    signed,
    three,
    two,
)

SCREEN = 45  # lines of text
LETTERS = [a + b for a in ("", *ascii_uppercase) for b in ascii_uppercase]  # A, …, Z, AA, …
MOST_CAUTIONS = 3
MOST_SPREADS = 7  # variances, that of single rows included, and correlations
PILED = 0.05  # share of the rows at one end of the scale from which a ceiling or floor is said,
LEAST = 5  # if they are at least so many, and more than at the value next to it
DISTINCT = 7  # values of an outcome up to which it is a count or a rating rather than a measurement
UNEQUAL = 5  # largest group over smallest
LONGER = 1.1  # interval with a random slope over the one without
PACKAGES = ("statsmodels", "numpy", "scipy", "pandas")
GRAVEST = (
    *("not converged", "not at its optimum", "few different values", "zero is outside the data"),
    *("no random intercept", "random slope left out", "singular", "no interaction asked"),
    *("few groups", "few levels", "scores at the ceiling", "scores at the floor"),
    *("one occasion per condition", "unequal groups", "printed standard error"),
)


@dataclass(frozen=True)
class Caution:
    """Something that this fit gives reason to beware of, with the numbers that earn it; kind: a few words by which it
    can be found; label: the line of the printout where it belongs."""

    kind: str
    text: str
    label: str


class Explanation(Readable):
    """A printout in words. Printed it is text, in a notebook HTML; `explanation["Scale"]` is one line of it."""

    def __init__(self, facts: FittedModel, full: bool, chosen: tuple[str, ...] = ()) -> None:
        self._facts, self._full, self._chosen = facts, full, chosen

    @cached_property
    def cautions(self) -> tuple[Caution, ...]:
        """All that this fit gives reason to beware of, the gravest first."""
        return cautions(self._facts)

    def _parts(self) -> list[str | Passage]:
        facts = self._facts
        if self._chosen:
            slopes = any(one.name in self._chosen for one in facts.coefficients)
            return [*lines(facts, cautions(facts, slopes), self._chosen)]
        if not self._full:
            return screen(facts, self.cautions)
        outlook = []
        if facts.finished:
            r2 = {x: facts.spreads.attrs[f"r2_{x}"] for x in ("marginal", "conditional")}
            shares = {x: f"{100 * share:.0f}" for x, share in r2.items()}
            outlook = [say("outlook.text", facts.shared, **shares)]
        return [*opening(facts), *lines(facts, self.cautions), *outlook]

    def __getitem__(self, label: str) -> "Explanation":
        facts, rows = self._facts, [str(name) for name in self._facts.rows.index]
        labels = [*facts.header, *map(str, facts.rows.columns), *rows]
        ones = list(zip(rows, facts.coefficients, strict=False))
        chosen = tuple(row for row, one in ones if one.parts and one.term == label)
        if label in labels:
            chosen = (label,)
        elif label == "Group Var" and facts.model.k_re:
            chosen = (rows[len(ones)],)
        elif not chosen:
            blocks = [x for x in screen(facts, self.cautions) if isinstance(x, Passage)]
            marked = [row for block in blocks for row in block.rows if row.mark == label]
            if not marked:
                known = ", ".join(map(repr, labels))
                raise KeyError(f"no line of this printout is called {label!r}; there are {known}")
            chosen = marked[0].lines
        return Explanation(facts, False, chosen)


def explain(
    result: Any, unit: str | None = None, names: Any = None, full: bool = False
) -> Explanation:
    """A fitted mixed model in plain words, on one screen.

    What was fitted; a sentence for each effect, with interval and test; the standard deviations with their intervals;
    at most three cautions that this fit earns. Every other line of the printout is explained when it is asked for.

    result: a fitted MixedLM (smf.mixedlm(...).fit() or fewgroups.fit).
    unit: the unit of the outcome, as text ("ms"); None: numbers stand alone.
    names: your words, by the names in the printout: the outcome ("reaction time"); the groups, one and many of them
        (("person", "people")); for a number, what one unit of it is ("day without sleep"); for a factor or a number
        with two values, what its levels are ({0: "the session of 20", 1: "the session of 30"}); for a variance
        component, one and many of its levels; for a coefficient, or a variable inside a spline, a few words.
    full: True: every line of the printout, one after the other, in place of the screen.

    Returns an Explanation: text when printed, HTML in a notebook. `explain(result)["Scale"]` is one line of the
    printout, found by its label, the head of a column ("P>|z|"), a term of the formula or a letter of the screen.
    `.cautions` are all cautions. Estimates and standard errors are as printed; degrees of freedom, p and intervals from
    `coefficients` and `f_tests` (Kenward and Roger), standard deviations and their intervals from `variances`. What is
    slow is worked out when it is first shown.

    TypeError for anything but a fitted MixedLM and for arguments of the wrong kind, ValueError for fits from which
    nothing can be concluded and for names that the model does not have. Of a fit that did not converge, or not at its
    optimum, this is said, and no sentence is built on its numbers.
    """
    full = true_or_false("full", full)
    return Explanation(FittedModel(result, unit, names), full)


def opening(facts: FittedModel) -> list[str]:
    """What was fitted to what, and whether the search found the best fit."""
    given, model = words.fit_words(facts), "model_reml" if facts.reml else "model_ml"
    if not facts.finished:
        return [say(f"open.{model}", given), say("open.no_estimates")]
    search = ["short" if facts.short else "best", "singular" if facts.singular else "interior"]
    keys = [model, *search, *["false_alarm"] * facts.false_alarm]
    return [" ".join(say(f"open.{key}", given) for key in keys)]


def screen(facts: FittedModel, earned: tuple[Caution, ...]) -> list[str | Passage]:
    """Opening, averages, variation, cautions and closing, cut to one screen."""
    start, end, warned = opening(facts), say("close.how"), _caution_block(earned)
    if not facts.finished:
        return [*start, warned, end]
    spreads = sorted(words.spread_rows(facts), key=lambda row: row.at)
    if len(spreads) > MOST_SPREADS:  # then without the correlations
        spreads = [row for row in spreads if len(row.things) < 2]
    differing = [
        ScreenRow("", x.label, words.spread_sentence(facts, x), (x.label,)) for x in spreads
    ]
    title = say(f"screen.average{'_refitted' if facts.fixed.attrs['refitted'] else ''}")
    nested = [("", text) for text in words.nesting(facts).values()]
    told = [words.term_rows(facts, term) for term in facts.terms]
    short = [rows[:1] for rows in told]  # a term's test, or its one coefficient
    # When room is short, the intercept goes; then terms are told shortly; then the last, those that interact, go too.
    shorter = (short[:kept] for kept in range(len(told), 0, -1))
    for shown in ([*told, _means(facts)], told, *shorter):
        average = [row for rows in shown for row in rows]
        marked = zip([*average, *differing], LETTERS, strict=False)
        rows = [replace(row, mark=letter) for row, letter in marked]
        left_out = counted(len(told) - len(shown), "term")
        more = [("", say("screen.more", number=left_out))] * (len(shown) < len(told))
        first = Passage(title, rows=rows[: len(average)], remarks=more)
        second = Passage(say("screen.differ"), rows=rows[len(average) :], remarks=nested)
        found: list[str | Passage] = [*start, first, second, warned, end]
        if as_text(found).count("\n") < SCREEN:
            break
    return found


def _means(facts: FittedModel) -> list[ScreenRow]:
    """The intercept, unless it is read where there are no data, or where nothing can be (log(x) and x² both 0)."""
    rows = []
    for k, one in enumerate(facts.coefficients):
        factors = [place.factor for place in one.places]
        inside = [v for factor in factors if not factor.variable for v in factor.variables]
        there = all(factor.reaches_zero and factor.columns == 1 for factor in factors)
        if not one.parts and there and len(inside) == len(set(inside)):
            rows.append(words.effect_row(facts, k))
    return rows


def _caution_block(earned: tuple[Caution, ...]) -> Passage:
    """The first three kinds, each once."""
    kinds = {kind: list(some) for kind, some in groupby(earned, lambda caution: caution.kind)}
    rows = []
    for number, (kind, some) in enumerate(list(kinds.items())[:MOST_CAUTIONS], start=1):
        text, label = some[0].text, some[0].label
        others = [code(caution.label) for caution in some if caution.text != text]
        text += f" {say('screen.also', names=joined(others))}" if others else ""
        rows.append(ScreenRow(str(number), kind, text, (label,)))
    note = "" if rows else say("screen.none")
    if len(kinds) > MOST_CAUTIONS:
        note = say("screen.more_cautions", kinds=joined(list(kinds)[MOST_CAUTIONS:]))
    return Passage(say("screen.cautions"), rows=rows, remarks=[("", note)] * bool(note))


def lines(
    facts: FittedModel, earned: Collection[Caution], wanted: Collection[str] = ()
) -> list[Passage]:
    """The lines of the printout with the labels `wanted`, or all: the header, the columns of the lower table, its
    coefficients, its variances; of each what it is, how it came, what it says here and does not mean, and cautions."""
    p, rows = len(facts.coefficients), list(map(str, facts.rows.index))
    sections: dict[str, Sequence[str]] = {
        "header": list(facts.header),
        "columns": list(map(str, facts.rows.columns)),
        "average": rows[:p],
        "differences": rows[p:],
    }
    found: list[Passage] = []
    once, before = {say("lead.how"), say("lead.isnt")}, set[Remark]()
    for section, labels in sections.items():
        for k, label in enumerate(labels):
            if wanted and label not in wanted:
                continue
            if section in ("header", "columns"):
                line = words.labelled_line(facts, label)
            else:
                line = words.row_line(facts, k if section == "average" else p + k)
            # What a line is not, and how it came, is said of the first that it is true of, and not repeated.
            remarks = [r for r in line.remarks if r[0] not in once or r not in before]
            before |= set(line.remarks)
            mine = [caution for caution in earned if caution.label == label]
            remarks += [(say("lead.caution", kind=caution.kind), caution.text) for caution in mine]
            title = "" if wanted or k else say(f"section.{section}")
            found.append(replace(line, section=title, remarks=remarks))
    return found


def cautions(facts: FittedModel, slopes: bool = True) -> tuple[Caution, ...]:
    """The cautions that a fit earns, the gravest first; slopes: whether left-out slopes are tried, which is slow."""
    found = [*_search(facts)]
    if facts.finished:
        tried = _slopes_left_out(facts) if slopes else ()
        found += [*_outcome(facts), *_coefficients(facts), *_random_part(facts), *tried]
    return tuple(sorted(found, key=lambda caution: GRAVEST.index(caution.kind)))


def _earned(facts: FittedModel, kind: str, label: str, key: str = "", /, **given: Any) -> Caution:
    """The caution of sentence `key` (by default that of its kind)."""
    text = say(f"caution.{key or kind.replace(' ', '_')}", facts.shared, **given)
    return Caution(kind, text, label)


def _search(facts: FittedModel) -> Iterator[Caution]:
    kind, label, cure = "not at its optimum", "Converged", say("caution.cure")
    if not facts.result.converged:
        yield _earned(facts, "not converged", label, cure=cure)
    elif not np.isfinite(facts.result.llf):
        yield _earned(facts, kind, label, "infinite", cure=cure)
    elif facts.astray:
        yield _earned(facts, kind, label, "astray", cure=cure)
    elif facts.short:
        rest = say("caution.little") if facts.finished else cure
        yield _earned(facts, kind, label, "short", shortfall=f"{facts.shortfall:.2g}", cure=rest)


def _outcome(facts: FittedModel) -> Iterator[Caution]:
    """Of an outcome that is no measurement, or whose scores pile up at one end, more than at the value next to it."""
    label, rows = "Dependent Variable", len(facts.y)
    values, counts = np.unique(facts.y, return_counts=True)
    if len(values) <= DISTINCT and rows >= 3 * len(values):
        key = "two_values" if len(values) == 2 else "few_values"
        shown = signed(joined([f"{value:g}" for value in values]))
        yield _earned(facts, "few different values", label, key, values=shown)
    for end, beside, word, name in ((-1, -2, "ceiling", "highest"), (0, 1, "floor", "lowest")):
        count = int(counts[end])
        if len(values) > DISTINCT and count >= max(LEAST, PILED * rows) and count > counts[beside]:
            given = {"count": count, "rows": rows, "percent": f"{100 * count / rows:.0f}"}
            given |= {"name": name, "value": signed(f"{values[end]:g}")}
            yield _earned(facts, f"scores at the {word}", label, "pile", **given)


def _coefficients(facts: FittedModel) -> Iterator[Caution]:
    for k, one in enumerate(facts.coefficients):
        # An effect that is read where there are no data, because what it interacts with has its zero there.
        for factor in (place.factor for place in one.places if not one.is_mean):
            if not factor.reaches_zero and factor.columns == 1:
                given = {"low": signed(f"{factor.low:g}"), "high": signed(f"{factor.high:g}")}
                given |= {"name": code(one.name), "factor": code(factor.name)}
                yield _earned(facts, "zero is outside the data", one.name, **given)
        # A printed standard error that the boundary or an unbalanced design has distorted.
        printed, right = facts.printed_errors[k], facts.right_errors[k]
        if not abs(printed / right - 1) <= words.OFF:
            shown = f"{printed:.3g}" if np.isfinite(printed) else say("caution.none_printed")
            given = {"name": code(one.name), "printed": shown, "right": f"{right:.3g}"}
            yield _earned(facts, "printed standard error", one.name, **given)
        # Conditions that may have been measured on one occasion each, judged by most of the groups that have several.
        # Variance components speak of occasions, or of items, themselves.
        levels = len(one.parts) == 1 and one.parts[0].factor.levels
        if levels and facts.groups > 1 and not facts.model.k_vc:
            x, groups = pd.Series(facts.model.exog[:, k]), np.asarray(facts.model.groups)
            by_group = x.groupby(groups)
            counts = by_group.value_counts().groupby(level=0)
            runs = by_group.shift().ne(x).groupby(groups).sum()
            blocked = (counts.min() > 1) & (runs == counts.size())  # each value's rows, 2 or more
            blocked = blocked[counts.size() > 1]
            if 2 * sum(blocked) > len(blocked):
                who = "each" if sum(blocked) == facts.groups else "most"
                rows = say(f"caution.{who}_in_blocks", facts.shared)
                yield _earned(facts, "one occasion per condition", one.name, rows=rows)
    # A condition within groups and a kind of group in one formula, without their interaction.
    used = [one.factors for one in facts.coefficients]
    alone = dict.fromkeys(parts[0] for parts in used if len(parts) == 1 and parts[0].levels)
    within = [factor for factor in alone if facts.varies_within(factor)]
    between = [factor for factor in alone if factor not in within]
    interact = any({*within, *between} <= {*factors} for factors in used)
    if len(within) == 1 and len(between) == 1 and not interact:
        given = {"within": words.names_of(within), "between": words.names_of(between)}
        given["term"] = code(f"{within[0].name}:{between[0].name}")
        label = facts.coefficients[used.index(within)].name
        yield _earned(facts, "no interaction asked", label, **given)


def _random_part(facts: FittedModel) -> Iterator[Caution]:
    model, groups = facts.model, facts.groups
    rows = [row for row in words.spread_rows(facts) if len(row.things) == 1]
    if not model.k_re and groups > 1:  # statsmodels then drops the groups' level
        designs = [random_design(model, g)[0] for g in range(groups)]
        if not all(np.any((np.ptp(Z, axis=0) == 0) & (Z[0] != 0)) for Z in designs if len(Z) > 1):
            yield _earned(facts, "no random intercept", "Model")
    if facts.singular:
        zero = [row for row in rows if facts.spreads["sd"].iloc[row.at] == 0]
        sds = []
        for row in zero or [row for row in rows if row.things[0].kind == "change"] or rows:
            given = words.sd_words(facts, facts.spreads.iloc[row.at])
            sds.append(say("caution.sd", given, name=code(row.things[0].name)))
        yield _earned(facts, "singular", "Converged", boundary=facts.boundary, sds=joined(sds))
    if 1 < groups < FEW:
        percent = f"{100 * 2 * stats.t.sf(1.96, groups - 1):.0f}"
        given = {"number": str(groups), "df": str(groups - 1), "percent": percent}
        yield _earned(facts, "few groups", "No. Groups", **given)
    for row in rows if groups == 1 else ():  # crossed factors
        (thing,) = row.things
        if thing.number < FEW:
            yield _earned(facts, "few levels", row.label, number=thing.number, levels=thing.many)
    low, high = int(facts.sizes.min()), int(facts.sizes.max())
    if high >= UNEQUAL * low:
        yield _earned(facts, "unequal groups", "Min. group size", low=low, high=high)


def _slopes_left_out(facts: FittedModel) -> Iterator[Caution]:
    """Of random slopes that were left out although the predictor varies within groups, and what they would change."""
    slopes, longer = dict[int, Any](), dict[int, float]()
    for where, structure in facts.slopes_left_out.items():
        with suppress(ValueError, np.linalg.LinAlgError):  # where the data cannot tell
            found = optimum(structure, True)
            weights, nulls = np.eye(structure.p)[list(where)], np.zeros(len(where))
            rows = pd.DataFrame(judged(found, KenwardRoger.of(found), weights, nulls, 0.95))
            for k, slope in zip(where, rows.to_dict("records"), strict=True):
                before = facts.fixed.iloc[k]
                ratio = (slope["high"] - slope["low"]) / (before["high"] - before["low"])
                if ratio >= LONGER:
                    slopes[k], longer[k] = slope, ratio
    if not slopes:
        return
    worst = max(longer, key=lambda k: longer[k])
    one = facts.coefficients[worst]
    terms = list(dict.fromkeys(facts.coefficients[k].term for k in sorted(slopes)))
    given = {
        "names": listed(terms, 3),
        "verb": "varies" if len(terms) == 1 else "vary",
        "name": code(one.name),
        "interval": words.interval_words(facts, one, slopes[worst]),
        "before": words.interval_words(facts, one, facts.fixed.iloc[worst]),
        "test": words.t_words(slopes[worst]),
    }
    for k in slopes:
        yield _earned(facts, "random slope left out", facts.coefficients[k].name, **given)


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
    means = range(len(facts.estimates)) if not facts.terms else ()
    found = [words.effect_row(facts, k).text for k in means]
    for rows in (words.term_rows(facts, term) for term in terms):
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
