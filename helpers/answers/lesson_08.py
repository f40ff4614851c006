"""Answer keys of lesson 08, two groups before and after."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import statsmodels.formula.api as smf
from scipy import stats

from helpers.datasets import load
from helpers.feedback import Exercise, Slip

GAINS, SES = (4.0, 2.0), (1.5, 1.5)  # of the two groups in 8.1
R = 0.5  # correlation of before and after in 8.3


@cache
def _changes(treatment: str) -> np.ndarray:
    """The weight changes of one group of the anorexia data, in pounds."""
    table = load("anorexia")
    changes = table["Postwt"] - table["Prewt"]
    return changes[table["Treat"] == treatment].to_numpy()


def _t(first: str, second: str, equal_var: bool = True) -> float:
    """t of the difference between two groups' changes."""
    result = stats.ttest_ind(_changes(first), _changes(second), equal_var=equal_var)
    return float(result.statistic)


def _p() -> float:
    """p of the difference between the changes of CBT and control."""
    return float(stats.ttest_ind(_changes("CBT"), _changes("Cont")).pvalue)


def _after_only() -> float:
    """t of CBT minus control in the weights after."""
    weights = load("anorexia").groupby("Treat")["Postwt"]
    return float(stats.ttest_ind(weights.get_group("CBT"), weights.get_group("Cont")).statistic)


def _regression_t(formula: str, groups: tuple[str, ...] = ("Cont", "CBT", "FT")) -> float:
    """t of CBT minus control in a regression of these groups."""
    table = load("anorexia").assign(change=lambda data: data["Postwt"] - data["Prewt"])
    model = smf.ols(formula + " + C(Treat, Treatment('Cont'))", table[table["Treat"].isin(groups)])
    return float(model.fit().tvalues["C(Treat, Treatment('Cont'))[T.CBT]"])


def _gap() -> float:
    """How far the means of the weaker and the stronger 20 of 40 lie apart before, in SDs.

    A person with score x is in the stronger half if at most 19 of the 39 others lie above. The mean of that half is an
    integral over x, and by symmetry the halves lie twice as far apart.
    """
    x = np.linspace(-8, 8, 4001)
    stronger = stats.binom.cdf(19, 39, stats.norm.sf(x))
    return float(2 * np.trapezoid(x * stats.norm.pdf(x) * stronger, x) / 0.5)


EXERCISES = {
    "8.1": Exercise(
        key=lambda: (GAINS[0] - GAINS[1]) / math.hypot(*SES),
        places=2,
        right="{key}: far from significant. Two verdicts that differ are not a difference.",
        hints=(
            "The difference is 2.0. Which standard error does a difference of two independent gains have?",
            "Squares add up: np.sqrt(1.5**2 + 1.5**2).",
        ),
        slips=(
            Slip(
                lambda: (GAINS[0] - GAINS[1]) / SES[0],
                "That is the standard error of one gain. The difference has the luck of both groups in it.",
            ),
            Slip(
                lambda: (GAINS[0] - GAINS[1]) / sum(SES),
                "Standard errors do not add up; their squares do.",
            ),
            Slip(
                lambda: (GAINS[1] - GAINS[0]) / math.hypot(*SES),
                "The sign is turned round: take training minus control.",
            ),
            Slip(
                lambda: GAINS[0] / SES[0],
                "That tests the training group alone. The question is about the difference of the gains.",
            ),
        ),
    ),
    "8.2": Exercise(
        key=lambda: _t("CBT", "Cont"),
        places=2,
        right="{key}: p is 0.10. The gain of CBT alone has p = 0.04: significant here, not there.",
        hints=(
            "You need two columns of changes: those of CBT, and those of Cont.",
            'change = Postwt - Prewt, then stats.ttest_ind(change of "CBT", change of "Cont").statistic.',
        ),
        slips=(
            Slip(lambda: -_t("CBT", "Cont"), "The sign is turned round: take CBT minus control."),
            Slip(
                lambda: float(stats.ttest_1samp(_changes("CBT"), 0).statistic),
                "That tests the CBT group alone. Compare its changes with the control group's.",
            ),
            Slip(lambda: _t("FT", "Cont"), "That is family treatment. CBT is the third group."),
            Slip(
                _after_only,
                "That compares the weights after only. Take each patient's change: after minus before.",
            ),
            Slip(_p, "That is the p-value. The t was asked for: .statistic instead of .pvalue."),
            Slip(
                lambda: _regression_t("change ~ 1"),
                "That takes the scatter of all three groups: sound, but compare CBT and Cont alone here.",
            ),
            Slip(
                lambda: _regression_t("Postwt ~ Prewt"),
                "That is ANCOVA, with all three groups. Here the difference of the changes was asked for.",
            ),
            Slip(
                lambda: _regression_t("Postwt ~ Prewt", ("Cont", "CBT")),
                "That is ANCOVA. Here the difference of the changes was asked for.",
            ),
            Slip(lambda: _t("CBT", "FT"), "That compares two treatments. Take the control group."),
            Slip(
                lambda: _t("CBT", "Cont", equal_var=False),
                "That is Welch's t, which allows for unequal scatter: sound, but leave equal_var out here.",
            ),
        ),
    ),
    "8.3": Exercise(
        key=lambda: (1 - R) * _gap(),
        places=1,
        right="About {key} SDs, made by regression to the mean alone. A control group drawn by lot would show it.",
        hints=(
            "Who is in the weaker half? before < np.median(before, axis=1, keepdims=True).",
            "Average after - before over the weaker people of all studies, then over the others (~weaker).",
        ),
        slips=(
            Slip(
                lambda: (1 - R) * _gap() / 2,
                "That is the gain of the weaker half. The stronger half falls back by as much.",
            ),
            Slip(
                lambda: -(1 - R) * _gap(),
                "The sign is turned round: take the weaker half minus the stronger.",
            ),
            Slip(
                _gap, "That is how far the halves lie apart before. How much of it is gone after?"
            ),
        ),
    ),
}
