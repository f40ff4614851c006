"""`explain`: a statsmodels printout, line by line, in words."""

from __future__ import annotations

from typing import Any

from fewgroups.explanation.documents import Explanation
from fewgroups.explanation.effects import column_lines, effect_lines
from fewgroups.explanation.facts import Facts
from fewgroups.explanation.header import header_lines
from fewgroups.explanation.markup import code
from fewgroups.explanation.randomness import random_part
from fewgroups.explanation.spreads import spread_lines


def explain(result: Any, unit: str | None = None, names: Any = None) -> Explanation:
    """The printout of a mixed model, every line of it, in words, with cautions where this fit earns them.

    Parameters
    ----------
    result:
        a fitted MixedLM (smf.mixedlm(...).fit() or fewgroups.fit).
    unit:
        the unit of the outcome, as text ("ms"); None: "in its units".
    names:
        your words, by the names in the printout: the outcome ("reaction time"); the groups, one and many of them
        (("person", "people")); for a number, what one unit of it is ("day without sleep"); for a factor or a number
        with two values, what its levels are ({0: "the session of 20", 1: "the session of 30"}); for a variance
        component, one and many of its levels; for a coefficient, what it stands for.

    Returns
    -------
    An Explanation: printed as text, in a notebook shown as a page. `explain(result)["Group Var"]` is one line of it,
    `.cautions` what to beware of. Every number is computed from the result: estimates and standard errors as printed;
    degrees of freedom, p and intervals from `coefficients`, standard deviations and their intervals from `variances`.

    Errors
    ------
    TypeError for anything but a fitted MixedLM and for names of the wrong kind, ValueError for fits from which nothing
    can be concluded and for names that the model does not have. A fit that did not converge is told as such, and no
    sentence is built on its numbers.
    """
    facts = Facts.of(result, unit, names)
    lines = [*header_lines(facts), *column_lines(facts), *effect_lines(facts), *spread_lines(facts)]
    return Explanation(_opening(facts), tuple(lines), _closing(facts))


def _opening(facts: Facts) -> tuple[str, ...]:
    words = facts.words
    rows = f"{facts.rows_used} rows" + (
        f" of {facts.groups} {words.many}" if facts.groups > 1 else ""
    )
    formula = getattr(facts.model, "formula", None)
    model = f"The model {code(formula)}" if formula else f"The model of {words.outcome}"
    text = f"{model} with {random_part(facts)}, fitted to {rows}."
    if facts.finished:
        return (text,)
    return (
        text,
        "This fit is not at its best point, so its numbers are not estimates. What they would stand for is said below; "
        "what they are is not. What to do stands at the line Converged.",
    )


def _closing(facts: Facts) -> tuple[str, ...]:
    if not facts.finished:
        return ()
    shares, words = facts.spreads.attrs, facts.words
    return (
        f"Not in the printout. The coefficients account for {100 * shares['r2_marginal']:.0f} % of the variance of "
        f"{words.outcome} (marginal R²), with the random departures it is {100 * shares['r2_conditional']:.0f} % "
        f"(conditional R²): {code('fewgroups.variances')}. What the next score may be, of somebody who was measured or "
        f"of somebody who was not: {code('fewgroups.predictions')}. Whether residuals look as the model says, and "
        f"whether one of the {words.many} alone makes the result: only a look at the data tells.",
    )
