"""Answer keys of lesson 01, why t-tests fail."""

from __future__ import annotations

from functools import cache

from fewgroups.studies import monte_carlo

from helpers.feedback import Exercise, Slip
from helpers.pushups import Design, Truth


def _design_effect(scores: int, icc: float) -> float:
    """Kish (1965): variance of a mean of clusters over that of independent scores."""
    return 1 + (scores - 1) * icc


@cache
def _false_positives(low: int, high: int) -> float:
    """Rate of the random-intercept z when athletes tire differently."""
    design = Design(repeats={"low": low, "high": high})
    rates = monte_carlo(
        design,
        Truth(effect=0, slope_sd=0.05, clip=False),
        methods=["intercept z"],
        n=20_000,
        seed=4,
    )
    return float(rates.loc["intercept z", "rejection"])


EXERCISES = {
    "1.1": Exercise(
        key=lambda: 800 / _design_effect(40, 0.25),
        places=1,
        right="{key}: the group means are as uncertain as those of so many independent laps.",
        hints=(
            "The design effect is 1 + (n − 1) times the intraclass correlation. What is n?",
            "n is the laps of one runner, 40. Divide all laps by the design effect.",
        ),
        slips=(
            Slip(
                lambda: _design_effect(40, 0.25),
                "That is the design effect. Divide the number of laps by it.",
            ),
            Slip(
                lambda: 800 / (1 + 40 * 0.25),
                "The formula has n − 1: a lap is not correlated with itself.",
            ),
            Slip(
                lambda: 800 / 40,
                "That is the number of runners: right only if all laps of a runner were identical.",
            ),
            Slip(lambda: 800, "That counts laps as if they were people: pseudo-replication."),
            Slip(
                lambda: 800 * 0.25,
                "The ICC alone is not a discount; it acts through the number of laps per runner.",
            ),
        ),
    ),
    "1.2": Exercise(
        key=lambda: 0.05**2 / (0.05**2 + 0.10**2),
        places=2,
        right="{key}, below 1: too timid. The more athletes differ, the more the pooled test misses.",
        hints=(
            "Within athletes the levels cancel. Which variance is truly left in the difference?",
            "True over believed: 0.05**2 / (0.05**2 + 0.10**2).",
        ),
        slips=(
            Slip(
                lambda: _design_effect(50, 0.8),
                "That formula is for a comparison *between* athletes.",
            ),
            Slip(
                lambda: 0.8,
                "That is the intraclass correlation, the share between athletes. The other share is left.",
            ),
            Slip(lambda: 5, "That is believed over true. The design effect is true over believed."),
            Slip(lambda: 0.05 / (0.05 + 0.10), "Variances add, SDs do not: square them first."),
        ),
    ),
    "1.3": Exercise(
        key=lambda: _false_positives(200, 300),
        places=1,
        right="About {key}: worse than with 20 and 30 repeats. Repeats cannot stand in for athletes.",
        hints=(
            'Design(repeats={"session_200": 200, "session_300": 300}), then monte_carlo(..., methods=["intercept z"]).',
            'The truth is Truth(effect=0, slope_sd=0.05, clip=False); the rate is .loc["intercept z", "rejection"].',
        ),
        slips=(
            Slip(
                lambda: _false_positives(20, 30),
                "That is the rate with 20 and 30 repeats. Did the new design go in?",
            ),
            Slip(
                lambda: 0.05,
                "That is what the test promises, or the rate in a world where all tire alike (slope_sd=0).",
            ),
        ),
    ),
}
