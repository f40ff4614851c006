"""`explain`: a fitted model on one screen of words, and every line of its printout on request."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Any

from fewgroups.arguments import true_or_false
from fewgroups.explanation.cautions import Caution, cautions
from fewgroups.explanation.effects import effect_sentence, term_sentence, worded
from fewgroups.explanation.facts import FittedModel
from fewgroups.explanation.lines import fit_words, lines
from fewgroups.explanation.numbers import code, counted
from fewgroups.explanation.predictors import WholeTerm
from fewgroups.explanation.random_effects import (
    nesting,
    sd_sentence,
    spread_rows,
    spread_sentence,
)
from fewgroups.explanation.render import Passage, ScreenRow, as_html, as_text, row_lines
from fewgroups.noted_table import joined
from fewgroups.templates import say

SCREEN = 45  # lines of text
MOST_CAUTIONS = 3
Screen = tuple[list[str], list[Passage], list[str]]  # opening, blocks, closing


def explain(
    result: Any, unit: str | None = None, names: Any = None, full: bool = False
) -> Explanation:
    """A fitted mixed model in plain words, on one screen.

    What was fitted; a sentence for each effect, with interval and test; the standard deviations with their intervals;
    at most three cautions that this fit earns. Every other line of the printout is explained when it is asked for.

    Parameters
    ----------
    result:
        a fitted MixedLM (smf.mixedlm(...).fit() or fewgroups.fit).
    unit:
        the unit of the outcome, as text ("ms"); None: numbers stand alone.
    names:
        your words, by the names in the printout: the outcome ("reaction time"); the groups, one and many of them
        (("person", "people")); for a number, what one unit of it is ("day without sleep"); for a factor or a number
        with two values, what its levels are ({0: "the session of 20", 1: "the session of 30"}); for a variance
        component, one and many of its levels; for a coefficient, or a variable inside a spline, a few words.
    full:
        True: every line of the printout, one after the other, in place of the screen.

    Returns
    -------
    An Explanation: printed as text, shown as HTML in a notebook. `explain(result)["Scale"]` is one line of the
    printout; its names are the labels of the printout, the heads of its columns ("P>|z|"), the terms of the formula
    and the letters of the screen. `.cautions` are all cautions. Every number is the fit's: estimates and standard
    errors as printed; degrees of freedom, p and intervals from `coefficients` and `f_tests` (Kenward and Roger),
    standard deviations and their intervals from `variances`. What is slow is worked out when it is first shown.

    Errors
    ------
    TypeError for anything but a fitted MixedLM and for arguments of the wrong kind, ValueError for fits from which
    nothing can be concluded and for names that the model does not have. A fit that did not converge, or not at its
    optimum, is explained as such, and no sentence is built on its numbers.
    """
    full = true_or_false("full", full)
    facts = FittedModel(result, unit, names)
    _ = facts.finished  # what cannot be examined is refused here, not when it is shown
    return Explanation(facts, full)


class Explanation:
    """A printout in words. Printed it is text, in a notebook HTML; `explanation["Scale"]` is one line of it."""

    def __init__(self, facts: FittedModel, full: bool, chosen: tuple[str, ...] = ()) -> None:
        self._facts, self._full, self._chosen = facts, full, chosen

    @cached_property
    def cautions(self) -> tuple[Caution, ...]:
        """All that this fit gives reason to beware of, the gravest first."""
        return cautions(self._facts)

    @cached_property
    def _shown(self) -> Screen:
        facts = self._facts
        if self._chosen:
            earned = cautions(facts, self._chosen)
            alone = [replace(line, section="") for line in lines(facts, earned, self._chosen)]
            return [], alone, []
        if self._full:
            return opening(facts), lines(facts, self.cautions), _outlook(facts)
        return screen(facts, self.cautions)

    def __getitem__(self, label: str) -> Explanation:
        facts = self._facts
        rows = [str(name) for name in facts.rows.index]
        labels = [*facts.header, *map(str, facts.rows.columns), *rows]
        terms = [one.term if one.parts else "" for one in facts.coefficients]
        if label in labels:
            chosen: tuple[str, ...] = (label,)
        elif label in terms:
            chosen = tuple(row for row, term in zip(rows, terms, strict=False) if term == label)
        elif label == "Group Var" and facts.model.k_re:
            chosen = (rows[len(facts.coefficients)],)
        else:
            blocks = screen(facts, self.cautions)[1]
            marked = (row for block in blocks for row in block.rows if row.mark == label)
            chosen = next((row.lines for row in marked), ())
        if not chosen:
            known = ", ".join(map(repr, labels))
            raise KeyError(f"no line of this printout is called {label!r}; there are {known}")
        return Explanation(facts, False, chosen)

    def __str__(self) -> str:
        return as_text(*self._shown)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return as_html(*self._shown)


def opening(facts: FittedModel) -> list[str]:
    """What was fitted to what, and whether the search found the best fit."""
    words, model = fit_words(facts), "model_reml" if facts.reml else "model_ml"
    if not facts.finished:
        return [say(f"open.{model}", words), say("open.no_estimates")]
    words["boundary"] = facts.boundary
    keys = [model, "short" if facts.short else "best"]
    keys += ["singular" if facts.singular else "interior", *["false_alarm"] * facts.false_alarm]
    return [" ".join(say(f"open.{key}", words) for key in keys)]


def _outlook(facts: FittedModel) -> list[str]:
    """What the printout leaves out."""
    if not facts.finished:
        return []
    attrs = facts.spreads().attrs
    shares = {x: f"{100 * attrs[f'r2_{x}']:.0f}" for x in ("marginal", "conditional")}
    return [say("outlook.text", facts.words.shared, **shares)]


def screen(facts: FittedModel, earned: tuple[Caution, ...]) -> Screen:
    """Opening, blocks and closing, cut to one screen."""
    start, end = opening(facts), [say("close.how")]
    warned = _caution_block(earned)
    if not facts.finished:
        return start, [warned], end
    differing = _differing(facts, True)
    if _height(differing) > SCREEN // 3:
        differing = _differing(facts, False)
    refitted = facts.coefficients_by().attrs["refitted"]
    average_title = say("screen.average_refitted" if refitted else "screen.average")
    nested = tuple(("", text) for text in nesting(facts).values())
    second = Passage(say("screen.differ"), rows=tuple(differing), remarks=nested)
    room = SCREEN - len(as_text(start, [Passage(average_title), second, warned], end).splitlines())
    average, left = _fitting(facts, room)
    more = [("", say("screen.more", number=counted(left, "term", "terms")))] if left else []
    rows = [replace(row, mark=_letter(k)) for k, row in enumerate([*average, *differing])]
    first = Passage(average_title, rows=tuple(rows[: len(average)]), remarks=tuple(more))
    second = replace(second, rows=tuple(rows[len(average) :]))
    return start, [first, second, warned], end


def _letter(number: int) -> str:
    """A, B, …, Z, AA, AB, …"""
    more, last = divmod(number, 26)
    return (chr(64 + more) if more else "") + chr(65 + last)


def _height(rows: list[ScreenRow]) -> int:
    return sum(len(row_lines(row)) for row in rows)


def _fitting(facts: FittedModel, room: int) -> tuple[list[ScreenRow], int]:
    """The rows of the averages that fit into so many lines, and how many terms are left out.

    Terms that are part of no interaction come first. When room is short, first the others, then all of several
    coefficients, then all are told by their test alone; then the last are left out.
    """
    terms = facts.terms
    long = [_sentences(facts, term) for term in terms]
    tests = [[_test(facts, term)] for term in terms]
    mixed = [tests[k] if term.partners else long[k] for k, term in enumerate(terms)]
    short = [long[k] if term.kind == "single" else tests[k] for k, term in enumerate(terms)]
    for chosen in ([*long, _means(facts)], long, mixed, short, tests):
        rows = [row for some in chosen for row in some]
        if _height(rows) <= room:
            return rows, 0
    kept = [row for some in tests for row in some]
    while _height(kept) > room - 1 and len(kept) > 1:
        kept.pop()
    return kept, len(tests) - len(kept)


def _test(facts: FittedModel, term: WholeTerm) -> ScreenRow:
    lines = tuple(str(facts.rows.index[k]) for k in term.coefficients)
    text = term_sentence(facts, term, facts.tests_by().loc[term.name])
    return ScreenRow("A", term.name, text, lines)


def _sentences(facts: FittedModel, term: WholeTerm) -> list[ScreenRow]:
    """A term told by its coefficients, where sentences can say what it is about."""
    coefficients = [_coefficient(facts, k) for k in term.coefficients if worded(facts, term)]
    alone = coefficients and term.kind == "single"
    return coefficients if alone else [_test(facts, term), *coefficients]


def _coefficient(facts: FittedModel, k: int) -> ScreenRow:
    label = str(facts.rows.index[k])
    text = effect_sentence(facts, k, facts.coefficients_by().iloc[k])
    return ScreenRow("A", label, text, (label,))


def _means(facts: FittedModel) -> list[ScreenRow]:
    """The intercept, unless it is read where there are no data, or where nothing can be (log(x) and x² both 0)."""
    rows = []
    for k, one in enumerate(facts.coefficients):
        factors = [place.factor for place in one.places]
        inside = [v for factor in factors if not factor.variable for v in sorted(factor.variables)]
        there = all(factor.reaches_zero and factor.columns == 1 for factor in factors)
        if not one.parts and there and len(inside) == len(set(inside)):
            rows.append(_coefficient(facts, k))
    return rows


def _differing(facts: FittedModel, correlations: bool) -> list[ScreenRow]:
    """The standard deviations, the correlations among them, and the residual one."""
    shown = [row for row in spread_rows(facts, read=True) if correlations or row.other is None]
    rows = [ScreenRow("A", x.label, spread_sentence(facts, x), (x.label,)) for x in shown]
    residual = sd_sentence(facts, say("spread.residual"), facts.spread(-1))
    return [*rows, ScreenRow("A", "Scale", residual, ("Scale",))]


def _caution_block(earned: tuple[Caution, ...]) -> Passage:
    """The first three kinds, each once."""
    kinds: dict[str, list[Caution]] = {}
    for caution in earned:
        kinds.setdefault(caution.kind, []).append(caution)
    rows = []
    for number, (kind, some) in enumerate(list(kinds.items())[:MOST_CAUTIONS], start=1):
        others = [code(c.label) for c in some[1:] if c.text != some[0].text]
        also = [say("screen.also", names=joined(others))] if others else []
        rows.append(ScreenRow(str(number), kind, " ".join([some[0].text, *also]), (some[0].label,)))
    note = "" if rows else say("screen.none")
    if len(kinds) > MOST_CAUTIONS:
        note = say("screen.more_cautions", kinds=joined(list(kinds)[MOST_CAUTIONS:]))
    return Passage(say("screen.cautions"), rows=tuple(rows), remarks=(("", note),) if note else ())
