"""Models of many shapes that `explain` and `report` are tested on, made once, and the numbers of a text."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from public_data import load

from fewgroups import coefficients, explain, fit, report, variances

NUMBER = re.compile(r"(?<![\w.`])−?\d+(?:\.\d+)?(?:e[-+−]?\d+)?(?![\w])")
CODE = re.compile("`.*?`")


@cache
def patients() -> pd.DataFrame:
    """24 patients with 6 to 15 rows each, in no order that a session could have."""
    rng = np.random.default_rng(7)
    frames = []
    for number in range(24):
        n = int(rng.integers(6, 16))
        row = np.arange(n)
        frame = {
            "id": f"p{number:02}",
            "arm": ["ctl", "drug <1>", "drug & 2"][number % 3],
            "cond": np.array(["easy", "hard"])[row % 2],
            "dose": row % 4 + 0.0,
            "age": 20.0 + 2 * number,
            "code": row % 2 * 2 - 1,
            "late": row % 3 > 1,
            "y": rng.normal(0, 0.3) + rng.normal(0, 0.15) * (row % 4) + rng.normal(0, 0.4, n),
        }
        frames.append(pd.DataFrame(frame))
    data = pd.concat(frames, ignore_index=True)
    return data.assign(y=data["y"] + 0.3 * (data["cond"] == "hard"), rt=np.exp(6 + data["y"]))


def of_patients(formula: str, *more: Any) -> Callable[[], Any]:
    return lambda: fit(formula, patients(), "id", *more)


def grouped(groups: int, rows: int, seed: int = 5) -> pd.DataFrame:
    """Columns g (group), x (0, 1, …), kind (of the group), time (before, after), y."""
    rng = np.random.default_rng(seed)
    g, x = np.repeat(np.arange(groups), rows), np.tile(np.arange(rows), groups)
    late = x % 2 == 1
    change = rng.normal(1, 2, groups)[g] + 3 * (g % 2)
    y = 50 + rng.normal(0, 3, groups)[g] + late * change + 0.3 * x + rng.normal(0, 2, len(g))
    time = pd.Categorical(np.where(late, "after", "before"), ["before", "after"])
    kind = np.where(g % 2, "training", "control")
    return pd.DataFrame({"g": [f"s{i}" for i in g], "x": x, "kind": kind, "time": time, "y": y})


def split_plot() -> Any:
    data = grouped(6, 12, 7).assign(variety=lambda d: (d["x"] // 4).map({0: "A", 1: "B", 2: "C"}))
    data = data.assign(nitrogen=data["x"] % 4 / 5)
    vc = {"plot": "0 + C(variety)"}
    return fit("y ~ variety * nitrogen + I(nitrogen**2)", data, "g", "~1", vc)


def crossed() -> Any:
    data = grouped(12, 10, 8).assign(all=1, primed=lambda d: d["x"] % 2 - 0.5)
    vc = {"subject": "0 + C(g)", "item": "0 + C(x)", "change": "0 + C(g):primed"}
    return fit("y ~ primed", data, "all", None, vc)


def pushups(change: Callable[[pd.DataFrame], pd.DataFrame] = lambda data: data, *more: Any) -> Any:
    return fit("correctness ~ session_high", change(load("pushups")), "athlete_id", *more)


def arrays() -> Any:
    """A model of plain arrays, by statsmodels alone."""
    data = load("sleepstudy")
    X = np.column_stack([np.ones(len(data)), data["Days"]])
    return sm.MixedLM(data["Reaction"].to_numpy(), X, groups=data["Subject"].to_numpy()).fit()


def binary() -> Any:
    data = grouped(25, 12)
    return fit("won ~ x", data.assign(won=(data["y"] > data["y"].median()).astype(int)), "g")


def missed() -> Any:
    """An athlete who missed a session, with slopes."""
    data = load("pushups").query("athlete_id != 'maya_03' or session_high == 0")
    return pushups(lambda _: data.reset_index(drop=True), "~session_high")


def clipped(rows: int) -> Any:
    """80 rows of which so many have the highest value."""
    data = grouped(8, 10)
    top = data["y"].nlargest(rows).index
    return fit("y ~ x", data.assign(y=data["y"].where(~data.index.isin(top), 99.0)), "g")


def pastes(re_formula: str | None, labels: str = "cask") -> Any:
    """Casks in batches, by statsmodels alone."""
    vc = {"cask": f"0 + C({labels})"}
    model = smf.mixedlm("strength ~ 1", load("pastes"), re_formula, vc, groups="batch")
    return model.fit()


def machines(formula: str = "score ~ Machine", *more: Any) -> Callable[[], Any]:
    data = load("machines").assign(x=np.arange(54) % 7 + 1.0)
    return lambda: fit(formula, data, "Worker", *more)


def of_groups(formula: str, groups: int, rows: int, *more: Any) -> Callable[[], Any]:
    return lambda: fit(formula, grouped(groups, rows), "g", *more)


def rounded(step: float) -> Any:
    return pushups(lambda d: d.assign(correctness=(d["correctness"] / step).round() * step))


def unequal() -> Any:
    data = grouped(11, 60)
    kept = data["x"] < 3 + 5 * data["g"].str[1:].astype(int)
    return fit("y ~ x", data[kept].reset_index(drop=True), "g")


SLEEP = ("Reaction ~ Days", load("sleepstudy"), "Subject")
FITS: dict[str, Callable[[], Any]] = {
    "push-ups": pushups,
    "push-ups, slopes": lambda: pushups(lambda data: data, "~session_high"),
    "growth": lambda: fit(*SLEEP, "~Days"),
    "growth, ML": lambda: fit(*SLEEP, reml=False),
    "arrays": arrays,
    "three levels": machines(),
    "nested": machines("score ~ Machine", "~1", {"worker_machine": "0 + C(Machine)"}),
    "a level per machine": machines("score ~ Machine", "~0 + Machine"),
    "no predictor": lambda: pastes("~1"),
    "crossed": crossed,
    "split-plot": split_plot,
    "groups × time": of_groups("y ~ kind * time", 24, 6, "~time"),
    "groups and time": of_groups("y ~ kind + time", 24, 6, "~time"),
    "dose": of_patients("y ~ dose + cond", "~dose", {"half": "0 + C(cond)"}),
    "sums and logarithms": machines("score ~ C(Machine, Sum) * np.log(x) + I(x ** 2)"),
    "three-way interaction": of_patients("y ~ cond * dose * C(arm)", "~dose"),
    "helmert, poly": of_patients("y ~ C(arm, Helmert) + C(dose, Poly)"),
    "no intercept": of_patients("y ~ 0 + C(arm) + C(arm):dose"),
    "codes": of_patients("y ~ code * dose + late"),
    "spline": of_patients("y ~ bs(age, df=4) + late", "~1", {"slope": "0 + I(dose)"}),
    "logarithm": of_patients("np.log(rt) ~ cond + np.log2(age)"),
    "binary outcome": binary,
    "two groups": of_groups("y ~ x", 2, 30),
    "twenty rows": of_groups("y ~ x", 5, 4),
    "7 000 rows": of_groups("y ~ x + time * kind", 350, 20, "~time"),
    "unequal groups": unequal,
}
SLOW = {"a level per machine", "7 000 rows", "groups and time", "three-way interaction", "dose"}
SLOW |= {"growth, ML", "arrays", "no predictor", "logarithm", "unequal groups", "two groups"}
SHAPES = [pytest.param(name, marks=[pytest.mark.full] * (name in SLOW)) for name in FITS]
NEIGHBOURS: dict[str, Callable[[], Any]] = {  # for cautions only
    "19 groups": of_groups("y ~ x", 19, 4),
    "20 groups": of_groups("y ~ x", 20, 4),
    "nested slopes": of_patients("y ~ 0 + C(arm) + C(arm):dose", "~dose"),
    "one row a condition": of_groups("y ~ kind * time", 24, 2),
    "interleaved": lambda: pushups(
        lambda d: d.sort_values(["athlete_id", "repeat_id"], ignore_index=True)
    ),
    "zero far away": of_patients("y ~ age * cond"),
    "zero in the middle": of_patients("y ~ I(age - 40) * cond"),
    "square far from zero": of_patients("y ~ I(age ** 2) * cond"),
    "centred square": of_patients("y ~ I((age - 41) ** 2) * cond + I(age - 41)"),
    "6 at the top": lambda: clipped(6),
    "1 at the top": lambda: clipped(1),
    "tenths": lambda: rounded(0.1),
    "fiftieths": lambda: rounded(0.02),
    "missed": missed,
    "casks alone": lambda: pastes(None),
    "casks with names of their own": lambda: pastes(None, "sample"),
}


@cache
def fitted(name: str) -> Any:
    return (FITS | NEIGHBOURS)[name]()


@cache
def judged(name: str, ddf: str = "kenward-roger") -> Any:
    return coefficients(fitted(name), ddf)


@cache
def varied(name: str) -> Any:
    return variances(fitted(name))


@cache
def explained(name: str) -> Any:
    return explain(fitted(name))


@cache
def whole(name: str) -> str:
    """All of `explain`, on one line."""
    return flat(explain(fitted(name), full=True))


@cache
def reported(name: str, ddf: str = "kenward-roger") -> Any:
    return report(fitted(name), ddf=ddf)


def printout(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Header and lower table, as statsmodels prints them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header, rows = fitted(name).summary().tables[:2]
    return header, rows


def unfinished() -> Any:
    """A fit that says itself that it did not converge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = load("pushups")
        formula, slopes = "correctness ~ session_high", "~session_high"
        model = smf.mixedlm(formula, data, groups="athlete_id", re_formula=slopes)
        return model.fit(method="nm", maxiter=1)


def flat(text: object) -> str:
    """A text on one line."""
    return " ".join(str(text).split())


def is_rounded(shown: str, value: float) -> bool:
    """Whether a number, as written, is `value` at its own precision."""
    digits, _, power = shown.replace("−", "-").partition("e")
    unit = 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
    return abs(float(shown.replace("−", "-")) - value) <= 0.5000001 * unit


def agree(text: object, expected: list[float]) -> bool:
    """Whether the numbers of a text are the expected ones, in order; not those in names, "x is 0" and "95 %"."""
    shown = NUMBER.findall(re.sub(r"\b[\d.]+ %|`? is 0(?![.\d])", "", CODE.sub("", flat(text))))
    return len(shown) == len(expected) and all(map(is_rounded, shown, expected))
