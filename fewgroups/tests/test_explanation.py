"""`explain` and `report`: true sentences, every line on request, cautions exactly when earned, tables for a paper."""

from __future__ import annotations

import copy
import itertools
import re
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import patsy
import pytest
import statsmodels
import statsmodels.api as sm
import statsmodels.formula.api as smf
from bs4 import BeautifulSoup
from fewgroups.facts import FittedModel, read_coefficients
from public_data import load

from fewgroups import coefficients, explain, f_tests, fit, report, variances

# Models of many shapes, made once, and the numbers of a text


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


def clipped(rows: int) -> Any:
    """80 rows of which so many have the highest value."""
    data = grouped(8, 10)
    top = data["y"].nlargest(rows).index
    return fit("y ~ x", data.assign(y=data["y"].where(~data.index.isin(top), 99.0)), "g")


def pastes(re_formula: str | None, labels: str = "cask") -> Any:
    """Casks in batches, by statsmodels alone."""
    vc = {"cask": f"0 + C({labels})"}
    return smf.mixedlm("strength ~ 1", load("pastes"), re_formula, vc, groups="batch").fit()


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
    "fifteen terms": of_patients(
        "y ~ (cond + dose + late + age + C(arm)) ** 2", "~dose + late + cond"
    ),
}
SLOW = {"a level per machine", "7 000 rows", "groups and time", "three-way interaction", "dose"}
SLOW |= {"fifteen terms", "growth, ML", "arrays", "no predictor", "logarithm"}
SLOW |= {"unequal groups", "two groups"}
SHAPES = [pytest.param(name, marks=[pytest.mark.full] * (name in SLOW)) for name in FITS]
MISSED = "athlete_id != 'maya_03' or session_high == 0"  # she missed a session
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
    "missed": lambda: pushups(lambda d: d.query(MISSED).reset_index(drop=True), "~session_high"),
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


def quietly(make: Callable[..., Any], **how: Any) -> Any:
    """What statsmodels makes, without its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(**how)


def printout(name: str) -> list[pd.DataFrame]:
    """Header and lower table, as statsmodels prints them."""
    return list(quietly(fitted(name).summary).tables[:2])


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


UNREADABLE = re.compile(
    r"[{}]|\bnan\b|\bNone\b|\binf\b|\b([A-Za-z]{2,}) \1\b|(?<![\d.])1 (?:rows|groups|terms|levels)\b"
    r"|unit of (?!`|the logarithm|the outcome|this column)|\S  +\S| [.,;:)]|\(\)|``|`\(|\d%"
)


# Whole outputs


@pytest.mark.parametrize("name", SHAPES)
def test_no_output_shows_what_no_reader_should_see(name: str) -> None:
    paper = reported(name)
    texts = [str(explained(name)), whole(name)]
    texts += [*paper.paragraphs, *paper.notes, *paper.missing]
    pages = [explained(name)._repr_html_(), paper._repr_html_()]
    texts += [BeautifulSoup(page, "html.parser").get_text(" ") for page in pages]
    for text in texts[:-2]:
        plain = re.sub("`[^`]*`", "`x`", flat(text))
        assert not UNREADABLE.search(plain), plain[UNREADABLE.search(plain).start() - 60 :][:120]
    for text in texts:
        assert not re.search(r"[{}`]{2}|\bnan\b|\bNone\b", text.replace("=None", ""))


@pytest.mark.parametrize("name", SHAPES)
def test_one_screen_by_default_and_every_line_on_request_general_text_once(name: str) -> None:
    lines = str(explained(name)).splitlines()
    assert len(lines) <= 45 and max(map(len, lines)) <= 96
    assert sum(bool(re.match(r"[1-9]  ", line)) for line in lines) <= 3
    header, rows = printout(name)
    labels = [str(x).rstrip(":") for x in header.to_numpy()[:, [0, 2]].ravel() if str(x)]
    for label in [*labels, *map(str, rows.columns), *map(str, rows.index)]:
        assert flat(label) in whole(name)
        assert flat(explained(name)[label]).startswith(flat(label))
    for once in ("Not a standard deviation: take", "A statement about", "R's confint"):
        assert whole(name).count(once) <= 1


# Numbers: all that a sentence says of this fit, in order, against the public functions


ENDS = r"\(95 % interval (?:from )?([^\s;]+)(?: \w+)? to ([^\s;]+)(?: \w+)?"
SAID = re.compile(r"(−?[\d.]+) (?:(higher|lower)|\(95|for one unit)")
TEST = re.compile(ENDS + r"; t\(([\d.]+)\) = (\S+), p ([=<]) ([\d.]+)\)")


@pytest.mark.parametrize("name", SHAPES)
def test_coefficients_are_told_with_the_numbers_of_coefficients(name: str) -> None:
    for one in read_coefficients(fitted(name).model)[0]:
        row, text = judged(name).loc[one.name], flat(explained(name)[one.name]).split(" Here. ")[1]
        b, *exact = row[["estimate", "low", "high"]] * one.gap
        signed = not one.is_mean and one.is_plain
        shown, word = SAID.search(text).groups()
        assert is_rounded(shown, abs(b) if signed else b)
        assert not signed or (word or "(") in ("(", "higher" if b >= 0 else "lower")
        ends = [shown.strip("−).;") for shown in re.search(ENDS, text).groups()]
        assert all(map(is_rounded, sorted(ends, key=float), sorted(np.abs(exact))))
        if not one.is_mean:
            *_, df, t, sign, p = TEST.search(text).groups()
            assert is_rounded(df, row["df"]) and is_rounded(t, row["t"])
            assert row["p"] < 0.001 if sign == "<" else is_rounded(p, row["p"])


@pytest.mark.parametrize("name", SHAPES)
def test_standard_deviations_are_told_with_the_numbers_of_variances(name: str) -> None:
    model, table = fitted(name).model, varied(name)
    q, labels = model.k_re, list(printout(name)[1].index)[len(model.exog_names) :]
    pairs = [(i, j) for i in range(q) for j in range(i + 1)]
    places = [i if i == j else q + i * (i - 1) // 2 + j for i, j in pairs]
    places += range(len(pairs), len(labels))
    for label, at in [*zip(labels, places, strict=True), ("Scale", len(table) - 1)]:
        row, text = table.iloc[at], flat(explained(name)[str(label)])
        exact = row["sd"] if np.isfinite(row["sd"]) else row["correlation"]
        if np.isfinite(exact):
            shown = re.search(r"(?:SD|correlation|root is) (−?[\d.]+)", text)[1]
            low, high = re.search(r"\(95 % (?:profile )?interval (\S+) to (\S+)\)", text).groups()
            assert all(map(is_rounded, (shown, low, high), (exact, row["low"], row["high"])))


# Whole terms


def test_whole_terms_are_told_with_the_numbers_of_f_tests_and_a_curve_is_one_term() -> None:
    result = fitted("three-way interaction")
    table = FittedModel(result, None, None).tests
    np.testing.assert_allclose(table, f_tests(result).loc[table.index])
    assert len(table) == 7
    for formula, words in [
        (
            "y ~ cond:late",
            "difference in the mean `y` between the levels of `cond` and `late` gives F(3",
        ),
        ("y ~ late + arm + cond:late:arm", "the mean `y` that the other terms leave gives F(8"),
    ]:
        assert words in flat(explain(of_patients(formula)()))
    curve = FittedModel(fitted("split-plot"), None, None).tests.loc["nitrogen and I(nitrogen ** 2)"]
    text = flat(explained("split-plot"))
    assert f"F(2, {curve['den_df']:.1f}) = {curve['F']:.2f}" in text
    for name in ("split-plot", "spline"):
        for words in (flat(explained(name)), " ".join(reported(name).paragraphs)):
            assert "enters as a curve" in words
            assert not re.search(r"further [^,]*(bs\(|\*\* 2)", words)


def test_groups_by_time_is_a_difference_between_groups_in_a_change() -> None:
    change = "The difference “`time = after` minus `time = before`” in the mean `y` is"
    for formula in ("y ~ kind * time", "y ~ time * kind"):
        first = explain(fit(formula, grouped(24, 6), "g", "~time"))["A"]
        assert flat(first).count(change) and "for `kind = training` than for" in flat(first)
    assert "For `kind = control`, the mean `y` is" in flat(explained("groups × time"))


# What a coefficient compares


MEANS = [
    "y ~ C(arm)",
    "y ~ C(arm, Helmert)",
    "y ~ C(arm, Poly) + late",
    "y ~ C(arm, Treatment('drug & 2'))",
    "y ~ cond * dose * C(arm)",
    "y ~ C(cond):C(late)",
    "y ~ arm / dose",
    "y ~ dose / arm",
    "y ~ 0 + arm * dose + late",
    "y ~ C(arm, Sum) * code",
    "y ~ arm * C(dose)",
    "y ~ code * dose + age * late",
    "y ~ C(arm, Helmert):dose + late",
]


@pytest.mark.parametrize("formula", MEANS)
def test_what_is_compared_and_where_gives_the_coefficient_back(formula: str) -> None:
    """Predictions weighted as the parts and places say are the coefficient, whatever the other predictors are."""
    result, data = of_patients(formula)(), patients()
    found, factors = read_coefficients(result.model)
    rng = np.random.default_rng(3)
    for one, estimate in zip(found, np.asarray(result.fe_params), strict=True):
        used: dict[str, list[tuple[Any, float]]] = {}
        for name, factor in factors.items():
            levels = np.array(list(factor.levels), object)
            start = rng.choice(levels) if len(levels) else rng.normal()
            used[name] = [(start, 1.0)]
            for place in (place for place in one.places if place.factor == factor):
                used[name] = list(place.weights.items()) or [(0.0, 1.0)]
            for part in (part for part in one.parts if part.factor == factor):
                used[name] = list(part.weights.items()) or [(start + 1, 1.0), (start, -1.0)]
        cells = list(itertools.product(*used.values()))
        columns = [factors[name].variable for name in used]
        rows = pd.DataFrame([[value for value, _ in cell] for cell in cells], columns=columns)
        rows = rows.astype({name: data[name].dtype for name in rows if data[name].dtype != "int64"})
        X = np.asarray(patsy.build_design_matrices([result.model.data.model_spec], rows)[0])
        weights = [np.prod([weight for _, weight in cell]) for cell in cells]
        predicted = weights @ (X @ np.asarray(result.fe_params))
        assert predicted == pytest.approx(estimate, abs=1e-9), one.name


def test_one_correlation_of_rows_is_told_only_where_there_is_one() -> None:
    variance = varied("push-ups")["variance"]
    text = f"correlate {variance.iloc[0] / variance.sum():.2f} in what the coefficients leave"
    assert text in reported("push-ups").paragraphs[1]
    for name in ("growth", "nested", "crossed", "push-ups, slopes"):
        assert "intraclass" not in whole(name) + reported(name).paragraphs[1]


def test_it_is_told_where_labels_occur_in_several_groups_and_only_there() -> None:
    told = r"has an effect of its own in each of them \(nested\).*`re_formula=None`, and add `'"
    for name, label in [("casks alone", "cask"), ("nested", "worker_machine")]:
        for text in (explained(name), explained(name)[f"{label} Var"], reported(name)):
            assert re.search(told, flat(text))
    for name in ("casks with names of their own", "spline", "crossed"):
        assert "(nested)" not in whole(name) + str(explained(name)) + str(reported(name))


def test_a_line_is_found_by_label_column_term_and_letter() -> None:
    whole = explained("three levels")
    assert str(whole["Machine[T.B]"]) == str(whole["B"]) != str(whole["A"])
    assert str(whole["A"]) == str(whole["Machine"]) and "Machine[T.C]" in str(whole["Machine"])
    assert str(whole["Group Var"]) == str(whole["Worker Var"])
    assert "few groups" not in str(whole["P>|z|"]) and "few groups" in str(whole["No. Groups"])


# Cautions: when they fire, and a neighbour where they must not


def kinds(told: Any) -> set[str]:
    return {caution.kind for caution in told.cautions}


EARNED = [
    ("few groups", "19 groups", "20 groups"),
    ("few levels", "crossed", "growth"),
    ("unequal groups", "unequal groups", "dose"),
    ("singular", "push-ups, slopes", "growth"),
    ("random slope left out", "push-ups", "push-ups, slopes"),
    ("random slope left out", "three levels", "nested"),
    ("random slope left out", "no intercept", "nested slopes"),
    ("random slope left out", "growth, ML", "one row a condition"),
    ("one occasion per condition", "push-ups", "interleaved"),
    ("zero is outside the data", "zero far away", "zero in the middle"),
    ("zero is outside the data", "square far from zero", "centred square"),
    ("scores at the ceiling", "6 at the top", "1 at the top"),
    ("scores at the ceiling", "6 at the top", "push-ups"),
    ("few different values", "tenths", "fiftieths"),
    ("few different values", "binary outcome", "twenty rows"),
    ("printed standard error", "missed", "push-ups, slopes"),
    ("no interaction asked", "groups and time", "groups × time"),
    ("no random intercept", "casks alone", "no predictor"),
]


@pytest.mark.parametrize("kind, earns, does_not", EARNED)
def test_a_caution_appears_exactly_when_it_is_earned(kind: str, earns: str, does_not: str) -> None:
    assert kind in kinds(explained(earns)) and kind not in kinds(explained(does_not))


def test_one_short_group_does_not_hide_that_each_condition_was_one_occasion() -> None:
    mine = "athlete_id == athlete_id[0] and session_high == 1"
    found = flat(explain(pushups(lambda data: data.drop(index=data.query(mine).index[1:]))))
    assert "Most groups with more than one condition have several rows in each, and they" in found


def in_units(factor: float, noise: float = 0) -> Any:
    """sleepstudy in another unit, by statsmodels alone; noise: SD of scatter added to the rows."""
    scatter = np.random.default_rng(1).normal(0, noise, 180)
    data = load("sleepstudy").assign(Reaction=lambda d: factor * (d["Reaction"] + scatter))
    return quietly(smf.mixedlm("Reaction ~ Days", data, groups="Subject").fit)


def test_the_boundary_warning_is_judged_by_variance_over_residual_not_by_the_unit() -> None:
    alarm, small = "boundary is a false alarm", in_units(0.0001)
    assert alarm in flat(explain(small)) and "may ignore" in flat(explain(small)["Converged"])
    for no_alarm in (in_units(1), in_units(0.0001, noise=250)):
        assert alarm not in flat(explain(no_alarm))
    assert alarm not in flat(explained("push-ups"))  # fewgroups.fit held the warning back


def test_cautions_are_told_with_the_numbers_of_the_slopes() -> None:
    def text(name: str, kind: str) -> str:
        (found,) = [caution.text for caution in explained(name).cautions if caution.kind == kind]
        return found

    for name, slopes in [("push-ups", "push-ups, slopes"), ("growth, ML", "growth")]:
        row, before = judged(slopes).iloc[1], judged(name).iloc[1]
        ends = [sorted(np.abs([x["low"], x["high"]])) for x in (row, before)]
        expected = [*ends[0], row["df"], row["t"], max(row["p"], 0.001), *ends[1]]
        assert agree(text(name, "random slope left out"), expected)
    told = text("push-ups, slopes", "singular").partition("intervals: ")[2]
    assert agree(told, varied("push-ups, slopes").loc["session_high", ["sd", "low", "high"]])


# Fits that are no estimates


def changed(result: Any, **values: Any) -> Any:
    """A result with other values, as after a search that stopped elsewhere."""
    other = copy.copy(result._results)
    for name, value in values.items():
        setattr(other, name, value)
    return other


def test_numbers_that_are_no_estimates_are_not_put_into_sentences() -> None:
    result, slopes = fitted("push-ups"), "~session_high"
    model = smf.mixedlm("correctness ~ session_high", load("pushups"), slopes, groups="athlete_id")
    unfinished = quietly(model.fit, method="nm", maxiter=1)
    far = changed(result, cov_re=20 * np.asarray(result.cov_re))
    astray = changed(result, fe_params=np.array([0.0, *np.asarray(result.fe_params)[1:]]))
    for wrong, kind, words in [
        (unfinished, "not converged", "gave up"),
        (far, "not at its optimum", "below the best"),
        (astray, "not at its optimum", "went wrong"),
    ]:
        assert kind in kinds(explain(wrong)) and words in flat(explain(wrong)["Converged"])
        assert "not estimates" in flat(explain(wrong)) and "fewgroups.fit" in str(explain(wrong))
        for label in ("Intercept", "session_high", "Scale", "Log-Likelihood"):
            line = flat(explain(wrong)[label])
            assert "not an estimate" in line and "Kenward" not in line
        with pytest.raises(ValueError, match="not at its optimum.*fewgroups.fit"):
            report(wrong)
    near = changed(result, cov_re=1.05 * np.asarray(result.cov_re))
    assert "The difference is small" in flat(explain(near)["Converged"])
    assert "not at its optimum" not in kinds(explain(result))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "0.0015 below the best" in report(near).paragraphs[0]


# The reader's words


def test_words_and_units_of_the_reader_are_used() -> None:
    people = ("person", "people")
    words = {"Reaction": "reaction time", "Days": "a day without sleep", "Subject": people}
    paper, text = (ask(fitted("growth"), "ms", words) for ask in (report, explain))
    assert "Coefficients (fixed effects), in ms" in paper.tables
    assert "SD between people, where Days is 0" in table(paper, "Variation").index
    text = flat(text)
    assert "each further day without sleep, the mean reaction time is 10.5 ms higher" in text
    assert "18 people" in text and "24.7 ms between people" in text
    assert "groups" not in text.replace("few groups", "")
    levels = {"session_high": {0: "the short session", 1: "the long one"}, "athlete_id": "athlete"}
    text = flat(explain(fitted("push-ups"), names=levels))
    assert "lower for the long one than for the short session" in text and "4 athletes" in text
    one_set = explain(fitted("nested"), names={"worker_machine": ("pair", "pairs")})
    assert "How much pairs (18 of them here) differ" in str(one_set["worker_machine Var"])
    paper = report(fitted("crossed"), names={"change": ("subject", "subjects")})
    assert "minus primed = -0.5” for 12 subjects" in flat(paper.paragraphs[0]).replace("`", "")
    row = table(paper, "Variation").filter(like="between subjects", axis=0)
    assert row["number"].tolist() == ["12"]
    alike = report(fitted("three levels"), names={f"Machine[T.{x}]": "new" for x in "BC"})
    assert list(table(alike, "Coefficients").index) == ["Intercept", "new", "new"]


OLS = smf.ols("correctness ~ session_high", load("pushups"))
NOT_FITTED = smf.mixedlm("correctness ~ session_high", load("pushups"), groups="athlete_id")
WRONG: list[tuple[Any, type[Exception], str]] = [
    (lambda r: explain(r, names={"session": "x", 3: "y"}), ValueError, "'session', '3': this model has.*'correctness'"),
    (lambda r: explain(r, names={"session_high": "long"}), TypeError, "as a mapping: {0: ..., 1: ...}"),
    (lambda r: explain(r, names={"session_high": {2: "x"}}), ValueError, "no level 2: its levels are 0, 1"),
    (lambda r: explain(r, names={"correctness": ""}), TypeError, "few words of text"),
    (lambda r: explain(r, names={"athlete_id": ("a", "b", "c")}), TypeError, "one and many"),
    (lambda r: explain(r, names=["session_high"]), TypeError, "names must be a mapping"),
    (lambda _: explain(fitted("growth"), names={"Days": {0: "x"}}), TypeError, "what one unit of it is"),
    (lambda r: explain(r, unit=3), TypeError, "unit must be"),
    (lambda r: explain(r, full="yes"), TypeError, "full must be"),
    (lambda _: explain(OLS.fit()), TypeError, "OLS"),
    (lambda _: explain(NOT_FITTED), TypeError, "not fitted yet"),
    (lambda _: explain(None), TypeError, "NoneType"),
    (lambda r: explain(r)["session_low"], KeyError, "'session_low'; there are 'Model'"),
    (lambda r: report(r, ddf="none"), ValueError, "ddf must be one of"),
    (lambda r: report(r, level=95), ValueError, "level must be"),
    (lambda r: report(r, versions="yes"), TypeError, "versions must be"),
    (lambda r: report(r, terms="session_high"), TypeError, "terms must be a list"),
    (lambda r: report(r, terms=["session"]), ValueError, "'session': the formula has 'session_high'"),
    (lambda r: report(r, terms=[]), ValueError, "nothing: the formula has"),
    (lambda r: report(r, unit=3), TypeError, "unit must be"),
]  # fmt: skip


@pytest.mark.parametrize("ask, error, words", WRONG)
def test_what_cannot_be_answered_gets_one_clear_sentence(
    ask: Any, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        ask(fitted("push-ups"))


# The report


def table(paper: Any, title: str) -> pd.DataFrame:
    """The table whose title starts so."""
    (found,) = [shown for name, shown in paper.tables.items() if name.startswith(title)]
    return found


def ends(shown: str) -> list[str]:
    return shown.strip("[]").split(", ")


@pytest.mark.parametrize("ddf", ["kenward-roger", "satterthwaite", "wald"])
@pytest.mark.parametrize("name", ["push-ups", "growth", "split-plot", "three levels", "spline"])
def test_the_table_of_coefficients_holds_what_coefficients_gives(name: str, ddf: str) -> None:
    expected, shown = judged(name, ddf), table(reported(name, ddf), "Coefficients")
    assert list(shown.index) == list(expected.index)
    assert ("z" in shown) == (ddf == "wald")
    for (_, row), (_, cells) in zip(expected.iterrows(), shown.iterrows(), strict=True):
        b, se, df, t, p, interval = cells
        assert df == "∞" if np.isinf(row["df"]) else is_rounded(df, row["df"])
        assert row["p"] < 0.001 if p == "< 0.001" else is_rounded(p, row["p"])
        exact = row[["estimate", "se", "t", "low", "high"]]
        assert all(map(is_rounded, [b, se, t, *ends(interval)], exact))


@pytest.mark.parametrize("name", SHAPES)
def test_the_table_of_variation_holds_what_variances_gives(name: str) -> None:
    expected, shown = varied(name), table(reported(name), "Variation")
    assert len(shown) == len(expected)
    exact = expected["sd"].fillna(expected.get("correlation", np.nan)).fillna(0)
    rows = list(zip(exact, expected["low"], expected["high"], strict=True))
    for _, cells in shown.iterrows():
        given = [cells["estimate"] or "0", *ends(cells["95 % CI"])]
        assert any(all(map(is_rounded, given, row)) for row in rows)


@pytest.mark.parametrize("name", SHAPES)
def test_the_paragraphs_say_what_was_fitted_and_a_handful_of_sentences(name: str) -> None:
    result, (method, results) = fitted(name), reported(name).paragraphs
    sizes = [len(part) for part in result.model.endog_li]
    assert f"{len(result.model.endog)} rows" in method
    assert ("restricted maximum" in method) == bool(result.reml)
    assert ("The fit is singular:" in method) == bool(judged(name).attrs["singular"])
    assert len(sizes) == 1 or f"of {len(sizes)} groups" in method
    assert str(getattr(result.model, "formula", "")) in method
    told = results.partition("The standard deviations")[0]
    assert told.count(" p = ") + told.count(" p < ") <= 7
    assert f"Marginal R² (fixed effects) is {varied(name).attrs['r2_marginal']:.2f}" in results


def test_only_the_terms_that_are_asked_for_are_worded() -> None:
    result = fitted("groups × time")
    said = report(result, terms=["kind:time"]).paragraphs[1].partition("The standard")[0]
    assert said.startswith("The difference “") and said.count(" t(") == 1
    row = judged("groups × time").iloc[-1]
    assert f"t({row['df']:.1f}) = {row['t']:.2f}" in said
    everything = report(result).paragraphs[1]
    assert everything.startswith(said) and everything.count(" t(") == 3


def test_what_was_averaged_refitted_or_left_out_is_said_where_it_is_so_and_only_there() -> None:
    paper = reported("groups × time")
    assert "on average over what they interact with" in paper.notes[0]
    alone = judged("groups × time").loc["time[T.after]", "t"] ** 2
    assert float(table(paper, "Tests").loc["time", "F"]) != pytest.approx(alone, rel=0.2)
    assert not any(name.startswith("Tests") for name in reported("growth").tables)
    assert "on average" not in " ".join(reported("growth").notes)
    assert "refitted by REML" in reported("growth, ML").paragraphs[0]
    assert "refitted" not in reported("growth, ML", "satterthwaite").paragraphs[0]
    assert "take the variances as known" in reported("push-ups", "wald").paragraphs[0]
    same = "effect of `session_high` is taken as the same"
    assert any(same in missing for missing in reported("push-ups").missing)
    assert not any("taken as the same" in missing for missing in reported("growth").missing)
    told = report(fitted("push-ups"), versions=True).paragraphs[0]
    assert f"statsmodels {statsmodels.__version__}" in told
    assert statsmodels.__version__ not in str(reported("push-ups"))


def test_levels_of_confidence_reach_text_and_tables() -> None:
    paper = report(fitted("growth"), level=0.8)
    assert "(80 % interval " in paper.paragraphs[1] and "95" not in str(paper).partition("Notes")[0]
    for ask, title in ((coefficients, "Coefficients"), (variances, "Variation")):
        row = ask(fitted("growth"), level=0.8).iloc[0]
        shown = ends(table(paper, title)["80 % CI"].iloc[0])
        assert all(map(is_rounded, shown, row[["low", "high"]]))


# Pages


NASTY = """<b>50 & "more"</b> *x* `z` | {a} $5 #1 [q] 10% ~ ^ \\"""


def test_html_is_escaped_and_aligned_to_the_left() -> None:
    levels = {0: f"low {NASTY}", 1: f"high {NASTY}"}
    names = {"correctness": NASTY, "session_high": levels, "athlete_id": (NASTY, NASTY)}
    told, paper = (ask(fitted("push-ups"), NASTY, names) for ask in (explain, report))
    for shown in (told, told["session_high"], paper):
        page = BeautifulSoup(shown._repr_html_(), "html.parser")
        assert page.find("b") is None and flat(NASTY.replace("`", "'")) in flat(page.get_text())
        cells = page.find_all(["td", "th"])
        assert cells and (shown is paper or all("text-align:left" in x["style"] for x in cells))
        assert not re.search("http|<script|color", shown._repr_html_())
