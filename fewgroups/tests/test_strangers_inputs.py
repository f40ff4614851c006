"""What strangers bring, as tables: unusual columns, names and formulas, each with the right value or a refusal.

A row is a name, a request (a function without arguments) and what is right:

    numbers             the request's value; `R[...]` are lme4's, see reference/strangers.R
    another request     whose value is the same: what differs between the two must not matter
    "words"             the request's text contains these words
    Refuses("words")    the request raises ValueError or TypeError, in one line that contains these words

The value of a fit is its fixed effects and log-likelihood, that of a table its estimate, se and df. No row may warn.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from public_data import load
from statsmodels.regression.mixed_linear_model import MixedLM

from fewgroups import bootstrap, coefficients, compare, f_tests, fit, predictions, variances

R = json.loads((Path(__file__).parent / "reference" / "strangers.json").read_text("utf-8"))
Request = Callable[[], Any]


class Refuses(str):
    """Words of the error that the request raises."""


SLEEP, PASTES, PENICILLIN = load("sleepstudy"), load("pastes"), load("penicillin")
DAYS, TIMES = SLEEP["Days"], SLEEP["Reaction"]
SUBJECT = SLEEP["Subject"].astype(int)
TWO_ROWS = SLEEP[(DAYS == SUBJECT % 5) | (DAYS == 9 - SUBJECT % 4)]
UNEVEN = SLEEP[DAYS < SUBJECT % 9 + 2]
MEAN = UNEVEN["Days"].mean()
CENTRED = UNEVEN.assign(c=UNEVEN["Days"] - MEAN)
LATE, EITHER = SLEEP[DAYS > 1], (DAYS > 7) | (DAYS < 2)
TWO_LEVELS = SLEEP.set_axis(pd.MultiIndex.from_product([["a"], ["y", "x", "g"]]), axis=1)
CASK = {"cask": "0 + C(cask)"}
MACHINES = load("machines").assign(
    shift=np.arange(1, 55) % 2,
    late=np.arange(54) % 3 == 1,
    number=lambda d: d["Machine"].map({"A": 1, "B": 2, "C": 3}),
)


def sleep(formula: str = "Reaction ~ Days", re_formula: str = "~1", **columns: Any) -> Request:
    """A fit of sleepstudy with other columns."""
    return lambda: fit(formula, SLEEP.assign(**columns), "Subject", re_formula)


def renamed(formula: str, old: str, new: str) -> Request:
    """A fit of sleepstudy in which one column has another name."""
    return lambda: fit(formula, SLEEP.rename(columns={old: new}), "Subject")


def machines(formula: str = "score ~ Machine", data: Any = MACHINES, **components: str) -> Request:
    """A fit of Machines, with components within workers."""
    return lambda: fit(formula, data, "Worker", "~1", components or None)


def component(code: str, formula: str = "Reaction ~ Days", data: Any = SLEEP) -> Request:
    """A fit of sleepstudy with an uncorrelated slope."""
    return lambda: fit(formula, data, "Subject", "~1", {"s": f"0 + {code}"})


def batches(**arguments: Any) -> Request:
    """A fit of Pastes: casks a, b, c in each of ten batches."""
    return lambda: fit("strength ~ 1", PASTES, **arguments)


def new(made: Request, who: str = "new", **columns: Any) -> Request:
    """Predictions for rows of these columns."""
    return lambda: predictions(made(), pd.DataFrame(columns), who)


SLOPES, ALONE = sleep(re_formula="~Days"), sleep("Reaction ~ 1", "~Days")
AROUND = component("center(Days)", data=UNEVEN)
DEPENDING = component("I(Days - Days.mean())", data=UNEVEN)
QUOTED: Request = lambda: fit(  # noqa: E731
    "Q('a b') ~ Q('class')", SLEEP.set_axis(["a b", "class", "g"], axis=1), "g", "~Q('class')"
)
CROSSED: Request = lambda: fit(  # noqa: E731
    "diameter ~ 1", PENICILLIN, np.ones(144), None, {"plate": "0 + plate", "sample": "0 + sample"}
)


def removed() -> Any:
    result = sleep()()
    result.remove_data()
    return result


def shadowed() -> Any:
    C, I, Q, center = 3, np.eye(2), "text", None  # noqa: E741, F841
    return fit("Q('score') ~ C(Machine) + I(late * 1.0) + center(shift)", MACHINES, "Worker")


SQUARES, SMALL = np.arange(10) ** 2, DAYS.to_numpy().astype("uint8")


def triple(values: Any) -> Any:
    return 3 * values


TYPES: dict[str, tuple[Request, Any]] = {
    **{f"{kind}, squared": (sleep("Reaction ~ I(Days**2)", Days=DAYS.astype(kind)), R["quadratic"])
       for kind in ("int8", "uint16", "float16", "float32", "Int8", "UInt8", "Float32", "object", "Sparse[int]")},
    "uint8 less 20": (sleep("Reaction ~ I(Days - 20)", Days=DAYS.astype("uint8")), R["below_20"]),
    "a power beyond int64": (lambda: sleep("Reaction ~ I(Days**4)", Days=10**6 * DAYS)().fittedvalues,
                             lambda: sleep("Reaction ~ I(Days**4)")().fittedvalues),
    "int8 in a component": (component("I(Days * 50)", data=SLEEP.astype({"Days": "int8"})), R["uncorrelated"]),
    "Decimal outcome": (sleep(Reaction=TIMES.map(str).map(Decimal)), sleep()),
    "0 and 1 as outcome": (sleep("slow ~ Days", slow=(TIMES > 300) * 1), R["slow"]),
    "true and false as outcome": (sleep("slow ~ Days", slow=TIMES > 300), Refuses(".astype(float)")),
    "nullable truth values": (sleep("Reaction ~ either", either=EITHER.astype("boolean")), R["either"]),
    "numbers as text": (sleep(Days=(DAYS / 2).map(str)), Refuses(".astype(float), or write C(Days)")),
    "whole numbers as text": (sleep(Days=DAYS.map(str)), "Days holds whole numbers as text, which are taken"),
    "decimal commas": (sleep(Reaction=TIMES.map(str).str.replace(".", ",")), Refuses("(',', '.').astype(float)")),
    "one word among numbers": (sleep(Reaction=TIMES.astype(object).where(SLEEP.index != 7, "n/a")),
                               Refuses("repair 'n/a' in row 7")),
    "dates": (sleep(Days=pd.Timestamp("2026-01-01") + pd.to_timedelta(DAYS, unit="D")), Refuses("days since")),
    "complex": (sleep(Days=DAYS * 1j), Refuses("data['Days'] holds complex")),
    "columns of two levels": (lambda: fit("y ~ x", TWO_LEVELS, "g"), Refuses("several levels")),
}  # fmt: skip
ROWS: dict[str, tuple[Request, Any]] = {
    "filtered, in another order": (lambda: fit("Reaction ~ Days", LATE.iloc[::-1, ::-1], "Subject"), R["from_day_2"]),
    "categories without rows in groups and a component": (
        machines(data=MACHINES.astype({"Machine": "category", "Worker": "category"})[MACHINES["Worker"] != "3"],
                 machine="0 + Machine"), R["without_worker_3"]),
    "as many effects as rows": (lambda: fit("Reaction ~ Days", TWO_ROWS, "Subject", "~Days"), R["two_rows_each"]),
    "each row a group": (lambda: fit("Reaction ~ Days", SLEEP, range(180)), Refuses("each row is a group of its own")),
    "an empty cell of three factors": (
        machines("score ~ Machine * C(shift) * Q('late')",
                 MACHINES[(MACHINES["Machine"] != "C") | (MACHINES["shift"] == 0) | ~MACHINES["late"]]),
        Refuses("no row has Machine = 'C' and shift = 1 and late = True")),
    "a label left alone": (machines(data=MACHINES[MACHINES["Machine"] == "A"]), Refuses("has one level only, 'A'")),
    "values outside all classes": (sleep("Reaction ~ pd.cut(Days, [0, 3, 9])"), Refuses("18 of 180 rows have no")),
    "groups in the index": (
        lambda: fit("Reaction ~ 1", SLEEP.set_index("Subject"), "Subject"), Refuses("with data.reset_index()")),
    "data removed": (lambda: coefficients(removed()), Refuses("remove_data")),
}  # fmt: skip
BARS = Refuses("(x | a) is groups='a', re_formula='~x'")
FORMULAS: dict[str, tuple[Request, Any]] = {
    "R's intercepts": (sleep("Reaction ~ Days + (1|Subject)"), BARS),
    "R's slopes without correlation": (sleep("Reaction ~ Days + (Days || Subject)"), BARS),
    "R's nesting": (machines("score ~ Machine + (1 | Worker/Machine)"), BARS),
    "R's bar in re_formula": (sleep(re_formula="Days|Subject"), BARS),
    "R's power of whole numbers": (sleep("Reaction ~ I(Days^2)"), Refuses("I(x**2)")),
    "R's power of a term": (sleep("Reaction ~ Days^2"), Refuses("I(x**2)")),
    "R's power of a sum": (machines("score ~ (Machine + shift)^2"), Refuses("(a + b)**2")),
    "bits of whole numbers": (sleep("Reaction ~ I(Days & 1)"), Refuses("bit by bit")),
    "one condition or another": (sleep("Reaction ~ I((Days > 7) | (Days < 2))"), R["either"]),
    "one true column or another": (sleep("Reaction ~ I(late | early)", late=DAYS > 7, early=DAYS < 2), R["either"]),
    "a sum of conditions": (sleep("Reaction ~ I((Days > 7) + (Days > 3))"), Refuses("adds truth values")),
    "a typeset tilde": (sleep("Reaction ∼ Days"), Refuses("'∼' is none of Python's signs")),
    "no outcome": (sleep("~ Days"), Refuses("'outcome ~ predictors'")),
    "an equals sign": (sleep("Reaction = Days"), Refuses("cannot be read")),
    "an outcome for the groups": (sleep(re_formula="Reaction ~ Days"), Refuses("re_formula 'Reaction ~ Days' must")),
    "two outcomes": (sleep("Reaction + Days ~ 1"), Refuses("I(a + b) for a sum")),
    "a component with an intercept": (machines(machine="C(Machine)"), Refuses("such as '0 + C(Machine)'")),
    "a component of two slopes": (machines(slopes="0 + shift + late"), Refuses("'0 + shift' or '0 + late'")),
    "a component with a contrast": (machines(machine="0 + C(Machine, Sum)"), Refuses("has a contrast")),
    "a component over a number that names": (machines(machine="0 + number"), Refuses("write C(number), one effect")),
    "a component over a number as labels": (machines(machine="0 + C(number)"), R["nested"]),
    "a slope over a predictor": (component("Days"), R["uncorrelated"]),
    "a slope that is meant": (component("I(Days)", "Reaction ~ I(Days + 0)"), R["uncorrelated"]),
    "a component in another order": (component("Days.sort_values()"), Refuses("has another index than data")),
    "a component of an interaction": (machines(cell="0 + C(Machine):C(shift)"), R["within_shifts"]),
    **{f"a component of {code}": (component(code, data=UNEVEN), R["centred"])
       for code in ("center(Days)", "I(Days - Days.mean())", "standardize(Days, rescale=False)")},
    "casks within batches": (batches(groups="batch", vc_formula=CASK), R["casks_nested"]),
    "the same casks in all batches": (
        batches(groups=np.ones(60), re_formula=None, vc_formula=CASK | {"batch": "0 + C(batch)"}), R["casks_crossed"]),
    "nesting is told": (batches(groups="batch", vc_formula=CASK), "and add 'batch': '0 + C(batch)' to vc_formula"),
    "an own intercept is told": (batches(groups="batch", vc_formula={"cask": "0 + C(sample)"}),
                                 "leaves it out beside vc_formula unless re_formula='~1' is written"),
}  # fmt: skip
NAMES: dict[str, tuple[Request, Any]] = {
    **{f"{name}, unquoted": (renamed(f"{name} ~ Days", "Reaction", name), Refuses(f"write Q({name!r})"))
       for name in ("reaction time", "score.1", "yield", "class", "µV", "2nd", "a+b")},
    **{f"{name}, quoted": (renamed(f"Q({name!r}) ~ Days", "Reaction", name), sleep())
       for name in ("reaction time", "score.1", "yield", "class", "µV", "2nd", "a+b", "C")},
    "missing under a quoted name": (
        lambda: fit("Q('a b') ~ 1", SLEEP.assign(**{"a b": DAYS.where(SLEEP.index != 4)}), "Subject"),
        Refuses("1 of 180 rows have missing values: rows 4")),
    "variables named C, I, Q and center": (shadowed, machines("score ~ Machine + I(late * 1.0) + center(shift)")),
    "groups residual": (lambda: fit("y ~ x", SLEEP.set_axis(["y", "x", "residual"], axis=1), "residual"),
                        Refuses("'residual' would be the name of two parts")),
    "an own small array": (sleep("Reaction ~ I(SMALL - 20)"), R["below_20"]),
    "an own table to look up": (lambda: fit("Reaction ~ SQUARES[Days]", SLEEP, "Subject"), R["quadratic"]),
    "an own function": (sleep("Reaction ~ I(triple(Days) / 3)"), sleep()),
    "a column C beside C(...)": (machines("score ~ C + C(Machine)", MACHINES.assign(C=1.0)), Refuses("data['C'] has")),
    "a column C that is not used": (machines("score ~ C(Machine)", MACHINES.assign(C=1.0)), machines()),
    "a column Intercept": (sleep("Reaction ~ Intercept + Days", Intercept=1.0), Refuses("data['Intercept']")),
    "a component residual": (machines(residual="0 + C(Machine)"), Refuses("'residual' would be the name of two parts")),
}  # fmt: skip
PREDICTIONS: dict[str, tuple[Request, Any]] = {
    "quoted names": (new(QUOTED, **{"class": [3, 20]}), new(SLOPES, Days=[3, 20])),
    "quoted names of a known group": (new(QUOTED, "known", **{"class": [3], "g": ["308"]}),
                                      new(SLOPES, "known", Days=[3], Subject=["308"])),
    "a cell of a component": (
        new(machines(cell="0 + C(Machine):C(shift)"), "known", Machine=["A", "C"], shift=[0, 1], Worker=["1", "2"]),
        new(machines(data=MACHINES.assign(cell=MACHINES["Machine"] + MACHINES["shift"].map(str)), cell="0 + cell"),
            "known", Machine=["A", "C"], cell=["A0", "C1"], Worker=["1", "2"])),
    "true for 1": (new(machines("score ~ shift"), shift=[True]), new(machines("score ~ shift"), shift=[1])),
    "2 for a truth value": (new(machines("score ~ late"), late=[2]), Refuses("data['late'] must hold true or false")),
    "text for numbers": (new(SLOPES, Days=["3"]), Refuses("data['Days'] must hold numbers")),
    "small integers": (new(sleep("Reaction ~ I(Days**2)"), Days=np.array([100], dtype="int8")),
                       new(sleep("Reaction ~ I(Days**2)"), Days=[100.0])),
    "a label that was not fitted": (new(machines(), Machine=["D"]), Refuses("value 'D' does not match")),
    "crossed groups": (lambda: predictions(CROSSED(), PENICILLIN, "known")["estimate"], lambda: CROSSED().fittedvalues),
    "slopes that are no fixed effect": (new(ALONE, Days=[4]), Refuses("re_formula: 'Subject', 'Days' vary between")),
    "the average beside slopes that are no fixed effect": (
        new(ALONE, "average", Days=[4]), lambda: predictions(ALONE())),
    "slopes in another coding": (
        new(lambda: fit("score ~ C(shift)", MACHINES, "Worker", "~0 + C(shift)"), shift=[1]),
        new(lambda: fit("score ~ shift", MACHINES, "Worker", "~shift"), shift=[1])),
    "a centred component": (
        new(AROUND, Days=[4]), new(component("I(c)", data=CENTRED), Days=[4], c=[4 - MEAN])),
    "a component that depends on other rows": (
        new(DEPENDING, Days=[4]), Refuses("vc_formula['s']: nothing says what 'I(Days - Days.mean())' is")),
    "a predictor that depends on other rows": (
        new(sleep("Reaction ~ I(Days - Days.mean())"), Days=[4]), Refuses("formula: nothing says what 'Intercept', ")),
    "no formula": (new(lambda: MixedLM(TIMES, np.ones(180), SLEEP["Subject"]).fit()), Refuses("not fitted by a form")),
    "groups that are no column": (
        new(lambda: fit("Reaction ~ Days", SLEEP, SLEEP["Subject"] + "!"), "known"), Refuses("no column of its data")),
    "the average beside such a component": (new(DEPENDING, "average", Days=[4]), new(AROUND, "average", Days=[4])),
    "columns of two levels": (lambda: predictions(SLOPES(), TWO_LEVELS), Refuses("several levels")),
    "columns of one name": (lambda: predictions(SLOPES(), SLEEP[["Days", "Days"]]), Refuses("of the same name")),
    "who: no choice": (lambda: predictions(SLOPES(), who="308"), Refuses("who must be one of 'average', 'known'")),
    "of: no choice": (lambda: predictions(SLOPES(), of="level"), Refuses("of must be one of 'mean', 'score'")),
    "of: a score of the average": (lambda: predictions(SLOPES(), of="score"), Refuses('of="score" needs a group')),
    "level: in percent": (lambda: predictions(SLOPES(), level=95), Refuses("level must be a number between 0 and 1")),
    "data: no table": (lambda: predictions(SLOPES(), {"Days": 1}), Refuses("data must be a DataFrame with")),
    "data: no rows": (new(SLOPES, Days=[]), Refuses("data has no rows")),
    "data: another column": (new(SLOPES, days=[1]), Refuses("data lacks 'Days', which the model needs")),
    "data: no groups": (new(SLOPES, "known", Days=[1]), Refuses("data lacks 'Subject', which the model needs;")),
    "data: an unknown group": (new(SLOPES, "known", Days=[1], Subject=["eve"]),
                               Refuses("has 'eve', which the model has not seen; it knows '308'")),
    "data: missing": (new(SLOPES, Days=[1, None]), Refuses("1 of 2 rows have missing values: rows 1")),
    "data: infinite": (new(SLOPES, Days=[np.inf, 1]), Refuses("are infinite in 'Days': rows 0")),
}  # fmt: skip
WIDE = MACHINES.set_axis(["who?", "machine type", "units / h", "shift", "late", "number"], axis=1)
SPARE = MACHINES.astype({"Machine": pd.CategoricalDtype([*"ABCDEFGH"])})


def plain(formula: str, data: pd.DataFrame, groups: str, **options: Any) -> Any:
    """statsmodels' own fit; of its warnings lessons speak, here they say nothing new."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return smf.mixedlm(formula, data, groups=groups, **options).fit()


def named() -> Any:
    component = {"m c": "0 + Q('machine type')"}
    formula = "Q('units / h') ~ Q('machine type') * shift"
    return fit(formula, WIDE, "who?", "~1", component)


def with_machines(data: pd.DataFrame) -> Any:
    component = {"m": "0 + C(Machine)"}
    return plain("score ~ shift", data, "Worker", re_formula="1", vc_formula=component)


INFERENCE: dict[str, tuple[Request, Any]] = {
    **{f"a plain fit of {name}": (lambda data=data: coefficients(plain("Reaction ~ Days", data, "Subject")),
                                  lambda: coefficients(fit("Reaction ~ Days", LATE, "Subject")))
       for name, data in {"filtered rows": LATE, "other order": LATE.iloc[::-1, ::-1],
                          "repeated labels": LATE.set_axis(np.arange(len(LATE)) % 7)}.items()},
    "a plain fit with categories without rows": (
        lambda: coefficients(with_machines(SPARE)), lambda: coefficients(with_machines(MACHINES))),
    "few groups with categories without rows": (
        lambda: " ".join(compare(plain("score ~ shift", SPARE, "Worker"), with_machines(SPARE)).notes), "groups (6)"),
    "a contrast in quoted names": (
        lambda: coefficients(named(), contrasts="Q('machine type')[T.B] = 0"),
        lambda: coefficients(named()).loc[["Q('machine type')[T.B]"]]),
    "nested or crossed is told of a plain fit": (
        lambda: variances(plain("strength ~ 1", PASTES, "batch", vc_formula=CASK)),
        "each of them (nested), as have all labels. If a label means the same in all groups (crossed), write"),
    "whole terms in quoted names": (
        lambda: f_tests(named()).to_numpy(),
        lambda: f_tests(machines("score ~ Machine * shift", m="0 + Machine")()).to_numpy()),
    "whole terms of truth values": (
        lambda: f_tests(machines("score ~ Machine * late")()).to_numpy(),
        lambda: f_tests(machines("score ~ C(Machine, Sum) * C(late, Sum)")()).to_numpy()),
    "two groups": (
        lambda: coefficients(fit("score ~ Machine", MACHINES[MACHINES["Worker"] < "3"], "Worker"))["df"][1:], [14, 14]),
    "a bootstrap in quoted names": (lambda: " ".join(bootstrap(named(), 3, seed=1).draws), "sd(m c)"),
}  # fmt: skip
TABLES = {
    f"{kind}: {name}": row
    for kind, table in {
        "types": TYPES, "rows": ROWS, "formulas": FORMULAS, "names": NAMES, "predictions": PREDICTIONS,
        "inference": INFERENCE,
    }.items()
    for name, row in table.items()
}  # fmt: skip


def value(made: Any) -> np.ndarray:
    """The numbers of a fit, a table or an array."""
    if hasattr(made, "fe_params"):
        assert made.converged
        return np.array([*made.fe_params, made.llf])
    if isinstance(made, pd.DataFrame):
        return made[["estimate", "se", "df"]].to_numpy(dtype=float)
    return np.asarray(made, dtype=float)


@pytest.mark.parametrize("name", TABLES)
def test_a_strangers_input_gives_the_right_value_or_says_what_to_do(name: str) -> None:
    request, right = TABLES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if isinstance(right, Refuses):
            with pytest.raises((ValueError, TypeError)) as error:
                request()
            assert right in str(error.value) and "\n" not in str(error.value)
            return
        made = request()
        if isinstance(right, str):
            said = made.notes if isinstance(made, pd.DataFrame) else [getattr(made, "report", made)]
            assert right in " ".join(" ".join(map(str, said)).split())
        else:
            same = right() if callable(right) else right
            np.testing.assert_allclose(value(made), value(same), rtol=2e-5, atol=1e-7)
