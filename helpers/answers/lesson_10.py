"""Answer keys of lesson 10, checking the model."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
from fewgroups.batch import fit_many
from fewgroups.fitting import fit

from helpers.datasets import load
from helpers.feedback import Exercise, Slip
from helpers.pushups import Design

STUDIES, RHO = 20_000, 0.5


def _machine_b(table: pd.DataFrame) -> float:
    """How far machine B is ahead of A, random intercepts."""
    return float(fit("score ~ Machine", table, groups="Worker").fe_params["Machine[T.B]"])


@cache
def _without() -> dict[str, float]:
    """The same with each worker left out; "" leaves out nobody."""
    table = load("machines")
    return {
        name: _machine_b(table[table["Worker"] != name]) for name in ["", *table["Worker"].unique()]
    }


def _by_change(place: int) -> float:
    """The coefficient without a worker: 0 for the one who changes it least, −1 for the one who changes it most."""
    found = dict(_without())
    everybody = found.pop("")
    return sorted(found.values(), key=lambda one: abs(one - everybody))[place]


@cache
def _false_alarms(step: int) -> float:
    """Rate of |z| > 1.96 in the lesson's linked studies, of which every `step`-th repeat is kept.

    The draws are those of the lesson: levels first, then luck, from seed 8.
    """
    rng = np.random.default_rng(8)
    levels = 0.85 + 0.05 * rng.standard_normal((STUDIES, 4, 1))
    scores = 0.05 * rng.standard_normal((STUDIES, 4, 50))
    for k in range(1, 50):
        if k != 20:
            scores[:, :, k] = RHO * scores[:, :, k - 1] + np.sqrt(1 - RHO**2) * scores[:, :, k]
    kept = (levels + scores)[:, :, ::step].reshape(STUDIES, -1)
    fits = fit_many(kept, Design(repeats={"short": 20 // step, "long": 30 // step}))
    return float(np.mean(np.abs(fits.estimate[:, 1] / fits.se[:, 1]) > 1.96))


EXERCISES = {
    "10.1": Exercise(
        key=lambda: 0.002 * (20.5 - 5.5),
        places=3,
        right="{key}: the mean repeat number is 20.5 in one session and 5.5 in the other, fifteen repeats apart.",
        hints=(
            "What is the mean repeat number of a session of 10? And of one of 40?",
            "0.002 times the difference of the two mean repeat numbers.",
        ),
        slips=(
            Slip(
                lambda: 0.002 * 30,
                "That is what the last repeats differ by. The means lie half as far apart: each session starts fresh.",
            ),
            Slip(
                lambda: -0.002 * 15,
                "The right size. The question is by how much it is lower, so the sign is in the words.",
            ),
            Slip(
                lambda: 0.0,
                "The session itself does nothing, and its mean is lower all the same: more of its repeats come late.",
            ),
        ),
    ),
    "10.2": Exercise(
        key=lambda: "c",
        right="It multiplies the false alarms of z, and a QQ plot would not show it. Test on athlete means.",
        hints=(
            "Which of them raises the false alarms of z far above one in twenty?",
            "Levels cancel; lost scores cost power; noise where there are more repeats makes z timid.",
        ),
        slips=(
            Slip(
                lambda: "a",
                "Every athlete is in both sessions, so levels cancel, whatever their shape.",
            ),
            Slip(
                lambda: "b",
                "Worth looking up, and it costs power; but false alarms stay where they should be.",
            ),
            Slip(
                lambda: "d",
                "With more noise where there are more repeats z is too timid: an effect that it finds stands.",
            ),
        ),
    ),
    "10.3": Exercise(
        key=lambda: _by_change(-1),
        places=2,
        right="{key} points without worker 6, who did badly on machine B alone.",
        hints=(
            'without_each(machines, "score ~ Machine", "Worker", "Machine[T.B]") gives six estimates.',
            "Compare each with the estimate from everybody, and take the one furthest from it.",
        ),
        slips=(
            Slip(lambda: _without()[""], "That is the coefficient with everybody."),
            Slip(lambda: _by_change(-2), "Somebody else changes it more, in the other direction."),
            Slip(lambda: _by_change(0), "That is the worker who changes it least."),
            Slip(
                lambda: _by_change(-1) - _without()[""],
                "That is the change; the coefficient itself was asked.",
            ),
        ),
    ),
    "10.4": Exercise(
        key=lambda: _false_alarms(2),
        places=2,
        right="About {key} false alarms: less than with all scores, and still far above one in twenty.",
        hints=(
            "linked(0.5)[:, :, ::2] keeps every second repeat.",
            'rejections(linked(0.5)[:, :, ::2], short=10)["z"]',
        ),
        slips=(
            Slip(
                lambda: 0.05,
                "That is what you would get if every second repeat were independent. It is not.",
            ),
            Slip(lambda: _false_alarms(1), "That is the rate with all the scores."),
        ),
    ),
}
