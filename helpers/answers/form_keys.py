"""The two parallel forms of ten questions: for each its concept, its key, and what each wrong option shows.

The questions themselves stand in the lessons (form A in before_you_begin and 14, form B in 14), with the reasons in 14.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Question:
    """One question of a form.

    Parameters
    ----------
    concept : str
    lessons : tuple of str
        Where to return to, such as ("01",).
    key : str
        The letter of the right option.
    slips : dict of str to str
        For the letter of each wrong option, the misconception that it shows.
    """

    concept: str
    lessons: tuple[str, ...]
    key: str
    slips: dict[str, str]


CONCEPTS = (
    ("independence", ("01", "02")),
    ("pseudo-replication", ("01",)),
    ("fixed and random", ("02",)),
    ("partial pooling", ("02",)),
    ("variance and SD", ("05",)),
    ("few groups", ("03", "07")),
    ("p and interval", ("05",)),
    ("REML and ML", ("05", "11")),
    ("slopes", ("01", "06")),
    ("design", ("01", "12")),
)

A = {
    1: ("c", {
        "a": "takes the random choice of people for independence of their repeats",
        "b": "takes separate measurements for independent ones",
        "d": "takes independence for a matter of the normal curve",
    }),
    2: ("d", {
        "a": "expects equal numbers to correct what counting seedlings as pots does",
        "b": "expects a large number of rows to correct it",
        "c": "sees that many seedlings make a mean precise, but not that they all share their pots",
    }),
    3: ("b", {
        "a": "takes 'random' for random assignment",
        "c": "takes a random effect for noise",
        "d": "takes 'random' for changing from day to day",
    }),
    4: ("a", {
        "b": "takes the share by which a mean is pulled in to be the same for all (it depends on the number of scores)",
        "c": "pools nothing: takes a mean of three as it stands",
        "d": "pools everything: gives up on a group with few scores",
    }),
    5: ("c", {
        "a": "halves a variance to get an SD",
        "b": "reads a variance as an SD",
        "d": "takes a spread of people for a standard error, which depends on how many there are",
    }),
    6: ("d", {
        "a": "counts ratings where judges count",
        "b": "expects REML to make up for few groups",
        "c": "expects more ratings to replace more judges",
    }),
    7: ("b", {
        "a": "takes p for the probability that there is no effect",
        "c": "takes 1 − p for the chance that a repeat of the study succeeds",
        "d": "takes an interval for the average to be about single people",
    }),
    8: ("a", {
        "b": "takes REML's allowance for the fixed effects to make it fit for comparing them",
        "c": "compares numbers that come from two methods",
        "d": "holds that the same method on both sides is enough",
    }),
    9: ("d", {
        "a": "expects the random intercept to take care of everything about the therapists",
        "b": "expects a bias where the certainty is what suffers",
        "c": "has the direction wrong: what is left out of a standard error makes it too small",
    }),
    10: ("b", {
        "a": "buys repeats where people are what is missing",
        "c": "compares different people where each could be compared with themselves",
        "d": "lets the diet and the passing of time change together",
    }),
}  # fmt: skip

B = {
    1: ("d", {
        "a": "takes people who do not influence each other for independence of their repeats",
        "b": "takes separate measurements for independent ones",
        "c": "takes independence for a matter of the normal curve",
    }),
    2: ("a", {
        "b": "expects the choice of schools by lot to make pupils independent",
        "c": "takes the 5 % to hold whatever the data are",
        "d": "expects a large number of rows to correct it",
    }),
    3: ("b", {
        "a": "thinks that nothing about the groups is estimated",
        "c": "takes fixed effects for certain and random ones for noise",
        "d": "takes 'random' for changing from visit to visit",
    }),
    4: ("c", {
        "a": "pools nothing: the same mean, so the same prediction",
        "b": "pools everything: a random effect is taken for noise around zero",
        "d": "sees that small samples are extreme, and forgets that the model allows for it",
    }),
    5: ("c", {
        "a": "reads variances as SDs",
        "b": "halves variances to get SDs",
        "d": "takes a ratio of variances for a ratio of spreads",
    }),
    6: ("b", {
        "a": "expects more stays to replace more hospitals",
        "c": "expects resampling to add information",
        "d": "expects REML to make up for few groups",
    }),
    7: ("d", {
        "a": "takes an interval for the average to be about single fields",
        "b": "takes 1 − p for the probability that the effect is real",
        "c": "takes the interval to predict the estimates of other studies",
    }),
    8: ("c", {
        "a": "takes REML's log-likelihood to be fit for comparing fixed effects",
        "b": "takes `nan` for a failed fit",
        "d": "takes any fall of the residual variance for evidence",
    }),
    9: ("a", {
        "b": "expects the random intercept to take care of everything about the pianists",
        "c": "expects equal numbers to take care of it",
        "d": "has the direction wrong: what is left out of a standard error makes it too small",
    }),
    10: ("d", {
        "a": "compares different people where each could be compared with themselves",
        "b": "lets the shoes and the passing of time change together",
        "c": "buys repeats where people are what is missing",
    }),
}  # fmt: skip


@cache
def questions(form: str) -> dict[int, Question]:
    """The ten questions of form "A" or "B" by number.

    Raises
    ------
    ValueError
        If there is no such form.
    """
    if form not in ("A", "B"):
        raise ValueError(f'form must be "A" or "B"; given {form!r}')
    rows = A if form == "A" else B
    return {
        number: Question(concept, lessons, *rows[number])
        for number, (concept, lessons) in enumerate(CONCEPTS, start=1)
    }
