"""Answer keys of lesson 09, more than one grouping."""

from __future__ import annotations

import math
from functools import cache

from helpers.datasets import load
from helpers.feedback import Exercise, Slip

CHANGES, CLIPS, LUCK = 20.0, 54.0, 80.0  # SDs of exercise 9.3, in ms


@cache
def _machines() -> dict[str, float]:
    """SDs of the nested model by REML: from mean squares, since the design is balanced (3 × 3 scores a worker)."""
    table = load("machines")
    scores = table["score"]
    worker = scores.groupby(table["Worker"]).transform("mean")
    machine = scores.groupby(table["Machine"]).transform("mean")
    cell = scores.groupby([table["Worker"], table["Machine"]]).transform("mean")
    within = ((scores - cell) ** 2).sum() / 36
    own_way = ((cell - worker - machine + scores.mean()) ** 2).sum() / 10
    between = ((worker - scores.mean()) ** 2).sum() / 5
    without_levels = ((cell - machine) ** 2).sum() / 15  # where workers have no level
    without_machines = ((cell - worker) ** 2).sum() / 12  # where machines are no fixed effects
    return {
        "own way": math.sqrt((own_way - within) / 3),
        "worker": math.sqrt((between - own_way) / 9),
        "residual": math.sqrt(within),
        "levels left out": math.sqrt((without_levels - within) / 3),
        "machines left out": math.sqrt((without_machines - within) / 3),
    }


def _se(keepers: int, clips: int, conditions: int = 4) -> float:
    """Standard error of the effect, each clip in one condition."""
    scores = keepers * clips
    return math.sqrt(CHANGES**2 / keepers + conditions * (CLIPS**2 / clips + LUCK**2 / scores))


EXERCISES = {
    "9.1": Exercise(
        key=lambda: "b",
        right="Every judge meets every diver: crossed, so one large group and a component for each.",
        hints=(
            "Does a judge meet more than one diver? And a diver more than one judge?",
            "Crossed groups: one large group, re_formula=None, and each kind as a component (design E).",
        ),
        slips=(
            Slip(
                lambda: "a",
                "That nests judges in divers: judge 1 of one diver would be another person than judge 1 of the next. "
                "With one score for each pair, the component cannot even be told from the residual.",
            ),
            Slip(
                lambda: "c",
                "That compares the judges, as fixed effects and as groups at once, and leaves out the divers.",
            ),
        ),
    ),
    "9.2": Exercise(
        key=lambda: _machines()["own way"],
        places=1,
        right="{key} points: nearly as much as workers differ in level (4.8).",
        hints=(
            "A worker–machine pair belongs to one worker, so pairs are nested in workers: design C. "
            "Workers are the groups, with re_formula='~1', and machines are fixed effects, too.",
            'vc_formula={"own way": "0 + C(Machine)"}, then np.sqrt(result.vcomp[0]).',
        ),
        slips=(
            Slip(lambda: _machines()["own way"] ** 2, "That is the variance. Take its root."),
            Slip(
                lambda: _machines()["levels left out"],
                'The workers\' own levels are not in this model: write re_formula="~1" beside vc_formula.',
            ),
            Slip(
                lambda: _machines()["machines left out"],
                'Machines are not fixed effects in your model: the formula is "score ~ Machine".',
            ),
            Slip(
                lambda: _machines()["worker"],
                "That is how much workers differ in level. Take the row of the component in variances(result).",
            ),
            Slip(
                lambda: _machines()["residual"],
                "That is the residual SD: how one worker's scores on one machine scatter.",
            ),
        ),
    ),
    "9.3": Exercise(
        key=lambda: _se(24, 32),
        places=1,
        right="{key} ms with 32 clips; 48 keepers would bring it down to 27.8 only, from 28.5.",
        hints=(
            "Use the formula with three parts, once with each plan's numbers of keepers, clips and scores.",
            "For 24 keepers and 32 clips: 20**2 / 24 + 4 * 54**2 / 32 + 4 * 80**2 / (24 * 32), then the root.",
        ),
        slips=(
            Slip(
                lambda: _se(48, 16),
                "That is the plan with 48 keepers. The other one does better.",
            ),
            Slip(lambda: _se(24, 16), "That is the study as it was, with 24 keepers and 16 clips."),
            Slip(
                lambda: math.sqrt(_se(24, 32) ** 2 + 4 * LUCK**2 * (1 / 384 - 1 / 768)),
                "With 32 clips there are more scores: 24 · 32 of them, not 384.",
            ),
            Slip(lambda: _se(24, 32) ** 2, "That is the square. Take its root."),
            Slip(
                lambda: _se(24, 32, conditions=1),
                "The effect is a difference of two halves of the clips: the parts of clips and of luck count four "
                "times.",
            ),
            Slip(
                lambda: _se(24, 16) / math.sqrt(2),
                "Twice the clips halve only the parts that are divided by the number of clips.",
            ),
        ),
    ),
}
