"""Fits that `explain` and `report` are tested on, made once, and the numbers of a text."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
import statsmodels.formula.api as smf
from public_data import load

from fewgroups import coefficients, explain, fit, report, variances

NUMBER = re.compile(r"(?<![\w.])−?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w])")
CODE = re.compile("\ue000.*?\ue001")


def machines() -> pd.DataFrame:
    data = load("machines")
    return data.assign(x=np.arange(len(data)) % 7 + 1.0)


@cache
def patients() -> pd.DataFrame:
    """24 patients with 6 to 15 rows each, in no order that a session could have."""
    rng = np.random.default_rng(7)
    frames = []
    for number in range(24):
        n = int(rng.integers(6, 16))
        frames.append(
            pd.DataFrame(
                {
                    "id": f"p{number:02}",
                    "arm": ["ctl", "drug <1>", "drug & 2"][number % 3],
                    "cond": np.array(["easy", "hard"])[np.arange(n) % 2],
                    "dose": np.arange(n) % 4 + 0.0,
                    "age": 20.0 + 2 * number,
                    "code": np.arange(n) % 2 * 2 - 1,
                    "late": np.arange(n) % 3 > 1,
                    "y": rng.normal(0, 0.3)
                    + rng.normal(0, 0.15) * (np.arange(n) % 4)
                    + rng.normal(0, 0.4, n),
                }
            )
        )
    data = pd.concat(frames, ignore_index=True)
    return data.assign(y=data["y"] + 0.3 * (data["cond"] == "hard"), rt=np.exp(6 + data["y"]))


def of_patients(formula: str, *more: Any, **others: Any) -> Callable[[], Any]:
    return lambda: fit(formula, patients(), "id", *more, **others)


def pushups(change: Callable[[pd.DataFrame], pd.DataFrame] = lambda data: data, *more: Any) -> Any:
    return fit("correctness ~ session_high", change(load("pushups")), "athlete_id", *more)


def arrays() -> Any:
    """A model of plain arrays, by statsmodels alone."""
    data = load("sleepstudy")
    X = np.column_stack([np.ones(len(data)), data["Days"]])
    return sm.MixedLM(data["Reaction"].to_numpy(), X, groups=data["Subject"].to_numpy()).fit()


FITS: dict[str, Callable[[], Any]] = {
    "push-ups": pushups,
    "push-ups, slopes": lambda: pushups(lambda data: data, "~session_high"),
    "sleepstudy": lambda: fit("Reaction ~ Days", load("sleepstudy"), "Subject", "~Days"),
    "sleepstudy, ML": lambda: fit("Reaction ~ Days", load("sleepstudy"), "Subject", reml=False),
    "arrays": arrays,
    "machines": lambda: fit("score ~ Machine", load("machines"), "Worker"),
    "machines, nested": lambda: fit(
        "score ~ Machine", load("machines"), "Worker", "~1", {"worker_machine": "0 + C(Machine)"}
    ),
    "machines, per machine": lambda: fit(
        "score ~ Machine", load("machines"), "Worker", "~0 + Machine"
    ),
    "pastes": lambda: fit("strength ~ 1", load("pastes"), "batch", "~1", {"cask": "0 + C(cask)"}),
    "penicillin": lambda: fit(
        "diameter ~ 1",
        load("penicillin").assign(one=1),
        "one",
        None,
        {"plate": "0 + C(plate)", "sample": "0 + C(sample)"},
    ),
    "stranger's": lambda: fit(
        "score ~ C(Machine, Sum) * np.log(x) + I(x ** 2)", machines(), "Worker"
    ),
    "three factors": of_patients("y ~ cond * dose * C(arm)", "~dose"),
    "helmert, poly": of_patients("y ~ C(arm, Helmert) + C(dose, Poly)"),
    "no intercept": of_patients("y ~ 0 + C(arm) + C(arm):dose"),
    "codes": of_patients("y ~ code * dose + late"),
    "spline": of_patients("y ~ bs(age, df=4) + late", "~1", {"slope": "0 + I(dose)"}),
    "slopes and sets": of_patients("y ~ dose + cond", "~dose", {"half": "0 + C(cond)"}),
    "logarithm": of_patients("np.log(rt) ~ cond + np.log2(age)"),
}


@cache
def fitted(name: str) -> Any:
    return FITS[name]()


@cache
def judged(name: str, ddf: str = "kenward-roger") -> Any:
    """`coefficients` of a fit."""
    return coefficients(fitted(name), ddf)


@cache
def varied(name: str) -> Any:
    """`variances` of a fit."""
    return variances(fitted(name))


@cache
def explained(name: str) -> Any:
    """`explain` of a fit."""
    return explain(fitted(name))


@cache
def reported(name: str, ddf: str = "kenward-roger") -> Any:
    """`report` of a fit."""
    return report(fitted(name), ddf=ddf)


def printout(result: Any) -> tuple[list[tuple[str, str]], pd.DataFrame]:
    """Header entries and lower table, as statsmodels prints them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        above, below = result.summary().tables[:2]
    cells = [str(cell).strip() for line in above.to_numpy() for cell in line]
    return [(a.rstrip(":"), b) for a, b in zip(cells[::2], cells[1::2], strict=True) if a], below


def unfinished() -> Any:
    """A fit that says itself that it did not converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = smf.mixedlm(
            "correctness ~ session_high",
            load("pushups"),
            groups="athlete_id",
            re_formula="~session_high",
        )
        return model.fit(method="nm", maxiter=1)


def numbers(text: str) -> list[str]:
    """The numbers of a sentence, as written; names of the printout and "where … is 0" left out."""
    return NUMBER.findall(CODE.sub("", text).replace("where  is 0", ""))


def is_rounded(shown: str, value: float) -> bool:
    """Whether a number, as written, is `value` at its own precision."""
    number = shown.replace("−", "-")
    digits, _, power = number.partition("e")
    unit = 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
    return abs(float(number) - value) <= 0.5000001 * unit


def agree(text: str, expected: list[float]) -> bool:
    """Whether the numbers of a text are the expected ones, all of them, in order."""
    shown = numbers(text)
    return len(shown) == len(expected) and all(map(is_rounded, shown, expected))
