"""`explain`: every line of a printout is told, every number is the fit's own, cautions appear exactly when earned."""

from __future__ import annotations

import copy
import itertools
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import patsy
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf
from bs4 import BeautifulSoup
from explained_fits import (
    FITS,
    agree,
    explained,
    fitted,
    is_rounded,
    judged,
    numbers,
    of_patients,
    patients,
    printout,
    pushups,
    unfinished,
    varied,
)
from fewgroups.explanation.facts import Facts
from fewgroups.explanation.predictors import read_columns
from public_data import load
from scipy import stats

from fewgroups import coefficients, explain, fit, variances

Z = stats.norm.ppf(0.975)
CONSTANTS = {
    "95",
    "1.96",
    "0.000",
    "1",
    "0",
}  # in sentences that say what a line is, whatever the fit


def caution(result: Any, label: str, kind: str) -> str:
    """The text of one caution; result: a fit, or the name of one."""
    told = explained(result) if isinstance(result, str) else explain(result)
    (text,) = [c.text for line, c in told.cautions if line == label and c.kind == kind]
    return text


def kinds(result: Any, label: str | None = None) -> set[str]:
    """Of all cautions, or of those at one line."""
    return {c.kind for line, c in explain(result).cautions if label in (None, line)}


def kinds_of(name: str, label: str) -> set[str]:
    """As `kinds`, of a fit by its name."""
    return {c.kind for line, c in explained(name).cautions if line == label}


# Every line


@pytest.mark.parametrize("name", FITS)
def test_every_line_of_the_printout_is_told(name: str) -> None:
    header, rows = printout(fitted(name))
    told = {line.label: line for line in explained(name)}
    for label, value in header:
        assert told[label].printed == (("", value),)
        assert told[label].what and told[label].how and told[label].here and told[label].isnt
    for label, row in rows.iterrows():
        line = told[label]
        assert dict(line.printed) == {column: value for column, value in row.items() if value}
        assert line.what and line.how and line.isnt
        assert all(words for _, _, words in line.cells), label
    assert {str(column) for column in rows.columns} <= set(told)
    assert len(explained(name)) == len(header) + len(rows) + len(rows.columns)


@pytest.mark.parametrize("show", [str, lambda e: e._repr_html_(), lambda e: e._repr_markdown_()])
def test_every_line_is_in_every_edition(show: Callable[[Any], str]) -> None:
    header, rows = printout(fitted("machines, nested"))
    text = show(explained("machines, nested"))
    assert all(label in text and value in text for label, value in header)
    assert all(
        str(label) in text and all(value in text for value in row) for label, row in rows.iterrows()
    )


def test_an_entry_that_a_newer_statsmodels_prints_is_told_as_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    facts = Facts.of(fitted("push-ups"))
    facts.header.append(("AIC", "12.3"))
    monkeypatch.setattr(Facts, "of", lambda *given: facts)
    line = next(line for line in explain(fitted("push-ups")) if line.label == "AIC")
    assert "not known here" in line.what


def test_one_line_can_be_asked_for() -> None:
    whole = explained("push-ups")
    assert [line.label for line in whole["session_high"]] == ["session_high"]
    assert str(whole["session_high"]).startswith("session_high\n") and "few groups" not in str(
        whole["Scale"]
    )
    with pytest.raises(KeyError, match="no line .* 'session_low'; there are 'Model'"):
        whole["session_low"]


# Every number: all that a line says of this fit, in order, against the public functions


@pytest.mark.parametrize("name", FITS)
def test_the_numbers_of_the_header_are_those_of_the_data(name: str) -> None:
    result = fitted(name)
    told = {line.label: line.here[0][1] for line in explained(name) if line.here}
    y, sizes = result.model.endog, [len(part) for part in result.model.endog_li]
    n, groups = len(y), len(sizes)
    assert agree(told["Dependent Variable"], [y.min(), y.max(), y.mean()])
    assert agree(told["No. Observations"], [n])
    assert agree(told["Mean group size"], [n, groups, n / groups])
    assert is_rounded(numbers(told["No. Groups"])[0], groups)
    assert is_rounded(numbers(told["Min. group size"])[0], min(sizes))
    assert is_rounded(numbers(told["Max. group size"])[0], max(sizes))
    last = varied(name).iloc[-1]
    assert agree(told["Scale"], [last["sd"], last["low"], last["high"], 95])
    likelihood = [float(result.llf)] + (
        [] if result.reml else [float(result.aic), float(result.bic)]
    )
    assert agree(told["Log-Likelihood"], likelihood)


def odd(column: Any) -> bool:
    """Whether a coefficient is told in other units than its own, or beside other numbers."""
    return column.gap != 1 or len(column.places) > 0


@pytest.mark.parametrize("name", FITS)
def test_the_numbers_of_a_coefficient_are_those_of_the_printout(name: str) -> None:
    result, told = fitted(name), explained(name)
    columns = read_columns(result.model)[0]
    for k, term in enumerate(result.model.exog_names):
        cells = {column: words for column, _, words in next(iter(told[term])).cells}
        b, se = np.asarray(result.fe_params)[k], np.asarray(result.bse_fe)[k]
        names = list(cells)
        sign = 1 if columns[k].is_mean or not columns[k].is_plain else np.sign(b)
        shown = [
            word for word in numbers(cells["Coef."]) if is_rounded(word, sign * b * columns[k].gap)
        ]
        assert shown or "e-" in f"{b:.1g}", cells["Coef."]
        if columns[k].is_plain and not columns[k].is_mean:
            assert ("higher" in cells["Coef."]) == (b >= 0) and ("lower" in cells["Coef."]) == (
                b < 0
            )
        assert agree(cells["Std.Err."], [se])
        assert agree(cells["z"], [abs(b / se)]) and ("above" if b > 0 else "below") in cells["z"]
        p = 2 * stats.norm.sf(abs(b / se))
        assert is_rounded(numbers(cells["P>|z|"])[-1], p) or p < 1e-300
        assert "probability of an estimate at least this far" in cells["P>|z|"]
        assert agree(cells[names[4]], [b - Z * se])
        assert agree(cells[names[5]], [b + Z * se])
        assert ("zero is among" in cells[names[5]]) == (abs(b) <= Z * se)


@pytest.mark.parametrize("name", FITS)
def test_the_numbers_of_a_variance_are_those_of_variances(name: str) -> None:
    result, told = fitted(name), explained(name)
    table, q, p = varied(name), result.model.k_re, len(result.model.exog_names)
    rows = printout(result)[1]
    pairs = [(i, j) for i in range(q) for j in range(i + 1)] + [
        (q + c, q + c) for c in range(result.model.k_vc)
    ]
    for at, (i, j) in enumerate(pairs):
        line = next(iter(told[rows.index[p + at]]))
        cells = {column: words for column, _, words in line.cells}
        correlations = q * (q - 1) // 2
        row = (
            table.iloc[i + correlations * (i >= q)]
            if i == j
            else table.iloc[q + i * (i - 1) // 2 + j]
        )
        if i != j:
            assert agree(cells["Coef."], [row["correlation"], row["low"], row["high"], 95])
            continue
        share = [100 * row["share"]] if row["sd"] > 0 else []
        assert agree(cells["Coef."], [row["sd"], row["low"], row["high"], 95, *share])
        if "not the standard error" in cells.get("Std.Err.", ""):
            assert agree(cells["Std.Err."], [row["se"]])
        bands = [text for lead, text in line.here if not lead]
        for text in bands:
            name = text.rpartition("around the \ue000")[2].partition("\ue001")[0]
            centre = np.asarray(result.fe_params)[result.model.exog_names.index(name)]
            assert agree(text, [95, 100, centre - Z * row["sd"], centre + Z * row["sd"], centre]), (
                text
            )
        assert not bands or row["low"] > 0


@pytest.mark.parametrize("name", FITS)
def test_every_sentence_comes_to_its_end(name: str) -> None:
    for line in explained(name):
        for lead, text in line.remarks:
            assert text.strip().endswith((".", "?", "!", ".)")), (line.label, lead, text)


@pytest.mark.parametrize("name", FITS)
def test_what_is_said_of_every_fit_holds_no_number_but_constants_and_counts(name: str) -> None:
    result = fitted(name)
    counts = {str(result.model.n_groups), str(len(result.model.endog))}
    for line in explained(name):
        weights = re.findall(r"[\d.]+ × ", line.how) + [line.how] * ("basis" in line.how)
        shown = set(numbers(line.what + line.isnt)) | (set() if weights else set(numbers(line.how)))
        levels = re.findall(r"rests on (\d+)", line.isnt) + re.findall(
            r"One of the (\d+) columns", line.what
        )
        levels += re.findall(r"about the (\d+) ", line.isnt) + re.findall(
            r"component for (\d+) ", line.how
        )
        assert shown <= CONSTANTS | counts | set(levels), line.label


@pytest.mark.parametrize("name", ["push-ups", "sleepstudy", "machines, nested"])
def test_a_changed_digit_is_caught(name: str) -> None:
    """The comparison that the tests above rest on notices any digit of the words that is changed."""
    for line in explained(name):
        for _, text in line.here:
            shown = numbers(text)
            values = [float(number.replace("−", "-")) for number in shown]
            assert agree(text, values)
            for match in re.finditer(r"\d", text):
                changed = (
                    text[: match.start()] + str((int(match[0]) + 1) % 10) + text[match.end() :]
                )
                assert "\ue000" in text or not agree(changed, values), changed


@pytest.mark.parametrize("name", FITS)
def test_what_the_printout_leaves_out_is_told_with_its_numbers(name: str) -> None:
    (text,), facts = explained(name).closing, varied(name).attrs
    assert agree(text, [100 * facts["r2_marginal"], 100 * facts["r2_conditional"]])
    assert flat(text.replace("\ue000", "`").replace("\ue001", "`")) in flat(str(explained(name)))


# Cautions: numbers


@pytest.mark.parametrize(
    "name", ["push-ups", "push-ups, slopes", "sleepstudy", "sleepstudy, ML", "machines, nested"]
)
def test_z_for_t_gives_the_numbers_of_coefficients(name: str) -> None:
    result = fitted(name)
    honest, other = judged(name), judged(name, "satterthwaite")
    for k, (term, row) in enumerate(honest.iterrows()):
        longer = (row["high"] - row["low"]) / (2 * Z * np.asarray(result.bse_fe)[k])
        assert ("z for t" in kinds_of(name, str(term))) == (longer >= 1.05)
        if longer >= 1.05:
            singular = bool(honest.attrs["singular"])
            expected = [
                row["df"],
                *([] if singular else [other.loc[term, "df"]]),
                row["t"],
                row["p"],
                95,
            ]
            expected += [row["low"], row["high"], longer]
            text = caution(name, str(term), "z for t").partition(" The paired")[0]
            assert agree(text, expected), text


def test_a_random_slope_left_out_is_put_in() -> None:
    for name, terms, slopes in [
        ("push-ups", ["session_high"], fitted("push-ups, slopes")),
        (
            "machines",
            ["Machine[T.B]", "Machine[T.C]"],
            fit("score ~ Machine", load("machines"), "Worker", "~Machine"),
        ),
        ("sleepstudy, ML", ["Days"], fitted("sleepstudy")),
    ]:
        table = coefficients(slopes)
        for term in terms:
            row = table.loc[term]
            expected = [
                row["estimate"],
                row["se"],
                row["df"],
                row["t"],
                row["p"],
                95,
                row["low"],
                row["high"],
            ]
            text, _, paired = caution(name, term, "random slope left out").partition(" The paired")
            assert agree(text, expected), text
            assert ("singular fit" in text) == bool(table.attrs["singular"])
            test = judged(name).attrs["paired"].get(term)
            assert agree(paired, [test[1], test[0], test[2]]) if test else not paired


def test_the_standard_error_of_a_variance_is_put_right() -> None:
    result = fitted("push-ups")
    right = variances(result).loc["athlete_id", "se"]
    printed = float(np.sqrt(result.scale) * result.bse["athlete_id Var"])
    text = caution(result, "athlete_id Var", "standard error of a variance")
    assert agree(text, [printed, right, printed / right]) and "too large" in text
    smaller = caution("sleepstudy", "Days Var", "standard error of a variance")
    assert "too small" in smaller


def test_few_groups_gives_the_size_of_z() -> None:
    text = caution("push-ups", "No. Groups", "few groups")
    assert agree(text, [4, 100 * 2 * stats.t.sf(1.96, 3), 5, 4]) and "14 %" in text


# Cautions: earned, and not earned


def near_one(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(correctness=0.99 - np.abs(data["correctness"] - 0.85))


def clipped(data: pd.DataFrame) -> pd.DataFrame:
    return data.assign(correctness=np.minimum(data["correctness"], 0.88))


def interleaved(data: pd.DataFrame) -> pd.DataFrame:
    return data.sort_values(["athlete_id", "repeat_id", "session_high"]).reset_index(drop=True)


def in_units(factor: float) -> Any:
    return pushups(lambda data: data.assign(correctness=factor * data["correctness"]))


def units_in_which_the_error_is_right() -> float:
    result = fitted("push-ups")
    printed = float(np.sqrt(result.scale) * result.bse["athlete_id Var"])
    return printed / float(variances(result).loc["athlete_id", "se"])


def missed() -> Any:
    data = load("pushups")
    kept = ~((data["athlete_id"] == "maya_03") & (data["session_high"] == 1))
    return pushups(lambda data: data[kept].reset_index(drop=True), "~session_high")


EARNED: list[tuple[str, str, Callable[[], Any], Callable[[], Any]]] = [
    ("few groups", "No. Groups", lambda: fitted("push-ups"), lambda: fitted("helmert, poly")),
    (
        "unequal groups",
        "Min. group size",
        lambda: fitted("helmert, poly"),
        lambda: fitted("push-ups"),
    ),
    (
        "REML comparisons",
        "Log-Likelihood",
        lambda: fitted("push-ups"),
        lambda: fitted("sleepstudy, ML"),
    ),
    ("false boundary warning", "Converged", lambda: fitted("push-ups"), lambda: in_units(100)),
    ("singular", "Converged", lambda: fitted("push-ups, slopes"), lambda: fitted("sleepstudy")),
    ("z for t", "Intercept", lambda: fitted("push-ups"), lambda: fitted("no intercept")),
    (
        "random slope left out",
        "session_high",
        lambda: fitted("push-ups"),
        lambda: fitted("push-ups, slopes"),
    ),
    (
        "random slope left out",
        "Machine[T.B]",
        lambda: fitted("machines"),
        lambda: fitted("machines, nested"),
    ),
    (
        "one occasion per condition",
        "session_high",
        lambda: fitted("push-ups"),
        lambda: pushups(interleaved),
    ),
    (
        "zero is outside the data",
        "Intercept",
        lambda: fitted("logarithm"),
        of_patients("y ~ I(age - 40)"),
    ),
    (
        "standard error of a variance",
        "athlete_id Var",
        lambda: fitted("push-ups"),
        lambda: in_units(units_in_which_the_error_is_right()),
    ),
    (
        "scores at the ceiling",
        "Dependent Variable",
        lambda: pushups(clipped),
        lambda: fitted("push-ups"),
    ),
    (
        "scores have a bound",
        "Dependent Variable",
        lambda: pushups(near_one),
        lambda: fitted("push-ups"),
    ),
    (
        "few different values",
        "Dependent Variable",
        lambda: pushups(
            lambda data: data.assign(correctness=(10 * data["correctness"]).round() / 1)
        ),
        lambda: fitted("push-ups"),
    ),
    ("printed standard error", "session_high", missed, lambda: fitted("push-ups, slopes")),
]


@pytest.mark.parametrize(
    "kind, label, earns, does_not", EARNED, ids=[f"{row[0]}, {row[1]}" for row in EARNED]
)
def test_a_caution_appears_exactly_when_it_is_earned(
    kind: str, label: str, earns: Callable[[], Any], does_not: Callable[[], Any]
) -> None:
    assert kind in kinds(earns(), label)
    result = does_not()
    labels = {line.label for line in explain(result)}
    assert kind not in kinds(result, label if label in labels else None)


def test_a_singular_fit_is_not_called_a_false_alarm() -> None:
    assert kinds_of("push-ups, slopes", "Converged") == {"singular"}


def test_one_row_per_condition_is_no_occasion_with_several_rows() -> None:
    means = load("machines").groupby(["Worker", "Machine"], as_index=False)["score"].mean()
    result = fit("score ~ Machine", means, "Worker")
    assert not {"one occasion per condition", "random slope left out"} & kinds(result)


def test_few_levels_of_a_crossed_factor_are_told_where_they_vary() -> None:
    assert "6 levels" in caution("penicillin", "sample Var", "few groups")
    assert "few groups" not in kinds(fitted("penicillin"), "plate Var") | kinds(
        fitted("penicillin"), "No. Groups"
    )


def test_scores_at_the_floor_and_negative_scores() -> None:
    floor = pushups(lambda data: data.assign(correctness=np.maximum(data["correctness"], 0.75)))
    assert {"scores at the floor"} <= kinds(floor, "Dependent Variable")
    shifted = pushups(lambda data: data.assign(correctness=data["correctness"] - 0.95))
    assert kinds(shifted, "Dependent Variable") == set()


def test_an_effect_between_groups_has_no_slope_to_leave_out() -> None:
    result = fitted("helmert, poly")
    for term in result.model.exog_names[1:3]:
        assert "random slope left out" not in kinds(result, term)


def test_one_slope_per_group_is_found_however_it_is_coded() -> None:
    slope = of_patients("y ~ 0 + C(arm) + C(arm):dose", "~dose")()
    row = coefficients(slope).loc["C(arm)[ctl]:dose"]
    text = caution("no intercept", "C(arm)[ctl]:dose", "random slope left out")
    assert agree(text, [*row[["estimate", "se", "df", "t", "p"]], 95, row["low"], row["high"]])
    assert "random slope left out" not in kinds(slope)


# Fits that are no estimates


def test_an_unfinished_fit_is_told_and_its_numbers_are_not_put_into_sentences() -> None:
    result = unfinished()
    header, rows = printout(result)
    told = explain(result)
    assert len(told) == len(header) + len(rows) + len(rows.columns)
    assert kinds(result) & {"not converged", "few groups"} == {"not converged", "few groups"}
    assert "not estimates" in told.opening[1] and "fewgroups.fit" in str(told["Converged"])
    for label in [*rows.index, "Scale", "Log-Likelihood"]:
        line = next(iter(told[label]))
        assert line.here == () and line.cautions == () and "not an estimate" in line.isnt


def changed(result: Any, **values: Any) -> Any:
    """A result with other values, as after a search that stopped elsewhere."""
    other = copy.copy(result._results)
    for name, value in values.items():
        setattr(other, name, value)
    return other


def test_a_fit_below_its_optimum_is_told() -> None:
    result = fitted("push-ups")
    far = changed(result, cov_re=20 * np.asarray(result.cov_re))
    assert "not at its optimum" in kinds(far, "Converged")
    assert "not an estimate" in flat(str(explain(far)["session_high"]))
    near = changed(result, cov_re=1.05 * np.asarray(result.cov_re))
    text = caution(near, "Converged", "not at its optimum")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert agree(text, [coefficients(near).attrs["shortfall"]])
    assert "not an estimate" not in flat(str(explain(near)["session_high"]))
    astray = changed(result, fe_params=np.array([0.0, *np.asarray(result.fe_params)[1:]]))
    assert "went astray" in caution(astray, "Converged", "not at its optimum")
    assert "not at its optimum" not in kinds(result)


# What a coefficient compares


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ C(arm)",
        "y ~ C(arm, Sum)",
        "y ~ C(arm, Helmert)",
        "y ~ C(arm, Diff)",
        "y ~ C(arm, Poly)",
        "y ~ C(arm, Treatment('drug & 2'))",
        "y ~ 0 + C(arm)",
        "y ~ code",
        "y ~ late",
    ],
)
def test_the_weights_of_levels_give_the_coefficient_back(formula: str) -> None:
    result = of_patients(formula)()
    columns = read_columns(result.model)[0]
    predicted = result.model.exog @ np.asarray(result.fe_params)
    factor = next(name for name in ("arm", "code", "late") if name in formula)
    means = {
        level: predicted[patients()[factor] == level].mean()
        for level in patients()[factor].unique()
    }
    for column, estimate in zip(columns, np.asarray(result.fe_params), strict=True):
        weights = column.parts[0].weights if column.parts else column.places[0].weights
        assert sum(w * means[level] for level, w in weights) == pytest.approx(estimate, abs=1e-10)


MEANS = [
    "y ~ cond * dose * C(arm)",
    "y ~ C(cond):C(late)",
    "y ~ arm / dose",
    "y ~ dose / arm",
    "y ~ 0 + arm * dose + late",
    "y ~ C(arm, Sum) * code",
    "y ~ arm * C(dose)",
    "y ~ code * dose + age * late",
    "y ~ C(arm, Helmert):dose + late",
    "y ~ cond + late",
]


@pytest.mark.parametrize("formula", MEANS)
def test_what_is_compared_and_where_gives_the_coefficient_back(formula: str) -> None:
    """Predictions weighted as the parts and places say are the coefficient, whatever the other predictors are."""
    result, data = of_patients(formula)(), patients()
    columns, factors = read_columns(result.model)
    rng = np.random.default_rng(3)
    for column, estimate in zip(columns, np.asarray(result.fe_params), strict=True):
        used: dict[str, list[tuple[Any, float]]] = {}
        for name, factor in factors.items():
            start = rng.normal()
            used[name] = [
                (
                    rng.choice(np.asarray(factor.levels, dtype=object)) if factor.levels else start,
                    1.0,
                )
            ]
            for place in (place for place in column.places if place.factor == name):
                used[name] = list(place.weights) or [(0.0, 1.0)]
            for part in (part for part in column.parts if part.factor == name):
                used[name] = list(part.weights) or [(start + 1, 1.0), (start, -1.0)]
        cells = list(itertools.product(*used.values()))
        rows = pd.DataFrame(
            [[value for value, _ in cell] for cell in cells],
            columns=[factors[n].variable for n in used],
        )
        rows = rows.astype({name: data[name].dtype for name in rows if data[name].dtype != "int64"})
        X = np.asarray(patsy.build_design_matrices([result.model.data.model_spec], rows)[0])
        weights = [np.prod([weight for _, weight in cell]) for cell in cells]
        assert weights @ (X @ np.asarray(result.fe_params)) == pytest.approx(estimate, abs=1e-9), (
            column.name
        )


def said(name: str, term: str) -> str:
    return dict((column, words) for column, _, words in next(iter(explained(name)[term])).cells)[
        "Coef."
    ]


def test_sentences_say_what_is_compared_and_where() -> None:
    text = said("stranger's", "C(Machine, Sum)[S.A]")
    assert (
        "than on average over the levels of \ue000Machine\ue001, where \ue000np.log(x)\ue001 is 0"
        in text
    )
    assert said("stranger's", "np.log(x)").startswith(
        "with each further unit of \ue000np.log(x)\ue001"
    )
    text = said("three factors", "cond[T.hard]:dose:C(arm)[T.drug & 2]")
    assert text.startswith(
        "the difference “\ue000cond = hard\ue001 minus \ue000cond = easy\ue001” in the change per"
    )
    assert "half-way between \ue000code = -1\ue001 and \ue000code = 1\ue001" in said(
        "codes", "dose"
    )
    assert "2 times the coefficient" in said("codes", "code")
    assert "alone it says little" in said("helmert, poly", "C(arm, Helmert)[H.drug & 2]")
    factor = np.exp(np.asarray(fitted("logarithm").fe_params)[1])
    assert f"multiplied by {factor:.3f}" in said("logarithm", "cond[T.hard]")
    assert "each further doubling of \ue000age\ue001" in said("logarithm", "np.log2(age)")
    isnt = next(iter(explained("stranger's")["np.log(x)"])).isnt
    assert "\ue000np.log(x)\ue001 and \ue000I(x ** 2)\ue001 are made of the same variable" in isnt


# The reader's own words


def test_own_words_and_units_are_used() -> None:
    words = {
        "Reaction": "reaction time",
        "Days": "a day without sleep",
        "Subject": ("person", "people"),
    }
    text = str(explain(fitted("sleepstudy"), unit="ms", names=words))
    text = " ".join(text.split())
    assert "with each further day without sleep, the mean reaction time is 10.5 ms higher" in text
    assert "18 people" in text and "change per day without sleep" in text and "24.7 ms" in text
    assert "groups" not in re.sub(r"few ?groups|No. Groups|group size|, groups", "", text)
    levels = {"session_high": {0: "the short session", 1: "the long one"}, "athlete_id": "athlete"}
    text = " ".join(str(explain(fitted("push-ups"), names=levels)).split())
    assert "lower for the long one than for the short session" in text and "athletes" in text


def test_names_are_found_by_variable_by_code_and_by_row() -> None:
    levels = {"ctl": "controls", "drug & 2": "drug two", "drug <1>": "drug one"}
    for key in ("arm", "C(arm)"):
        assert "for drug two than for controls" in " ".join(
            str(explain(fitted("three factors"), names={key: levels})).split()
        )
    row = explain(fitted("codes"), names={"late[T.True]": "what the last third changes"})[
        "late[T.True]"
    ]
    assert "What the last third changes." in str(row)
    sets = explain(fitted("machines, nested"), names={"worker_machine": ("pair", "pairs")})
    assert "How much pairs differ" in str(sets["worker_machine Var"])
    quoted = fit(
        'score ~ Q("a b")', load("machines").assign(**{"a b": np.arange(54.0) ** 0.5}), "Worker"
    )
    assert "each further step" in " ".join(str(explain(quoted, names={"a b": "one step"})).split())


@pytest.mark.parametrize(
    "unit, names, error, message",
    [
        (
            None,
            {"session": "x"},
            ValueError,
            "'session'.*'correctness', 'athlete_id', 'Group', 'session_high'",
        ),
        (None, {"session_high": "long"}, TypeError, "as a mapping: {0: ..., 1: ...}"),
        (None, {"session_high": {2: "x"}}, ValueError, "no level 2: its levels are 0, 1"),
        (None, {"correctness": ""}, TypeError, "few words of text"),
        (None, {"athlete_id": ("a", "b", "c")}, TypeError, "one and many"),
        (None, ["session_high"], TypeError, "names must be a mapping"),
        (3, None, TypeError, "unit must be"),
    ],
)
def test_wrong_words_are_refused(
    unit: Any, names: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        explain(fitted("push-ups"), unit, names)


def test_words_for_levels_of_a_number_are_refused() -> None:
    with pytest.raises(TypeError, match="what one unit of it is"):
        explain(fitted("sleepstudy"), names={"Days": {0: "before"}})


# Editions


NASTY = """<b>50 & "more"</b> *x* _y_ `z` | {a} $5 #1 [q] 10% ~ ^ \\"""


def nasty() -> Any:
    levels = {0: f"low {NASTY}", 1: f"high {NASTY}"}
    return explain(
        fitted("push-ups"),
        NASTY,
        {"correctness": NASTY, "session_high": levels, "athlete_id": (NASTY, NASTY)},
    )


def flat(text: str) -> str:
    return " ".join(text.split())


def test_html_is_well_formed_escaped_and_accessible() -> None:
    source = nasty()._repr_html_()
    for tag in (
        "dl",
        "dt",
        "dd",
        "p",
        "table",
        "tr",
        "td",
        "th",
        "ul",
        "li",
        "code",
        "strong",
        "h3",
        "div",
        "caption",
    ):
        assert len(re.findall(rf"<{tag}[ >]", source)) == source.count(f"</{tag}>")
    page = BeautifulSoup(source, "html.parser")
    assert page.find("b") is None and flat(f"the mean {NASTY} is") in flat(page.get_text())
    for table in page.find_all("table"):
        assert table.caption and all(
            cell.get("scope") in ("col", "row") for cell in table.find_all("th")
        )
        assert table.tbody and all(row.th for row in table.tbody.find_all("tr"))
    assert [heading.name for heading in page.find_all(re.compile("h[1-6]"))] == ["h3"] * 4
    assert {
        child.name for every in page.find_all("dl") for child in every.find_all(recursive=False)
    } == {"dt", "dd"}
    assert "http" not in source and "<script" not in source and "color" not in source


@pytest.mark.full
def test_markdown_says_the_same_as_html() -> None:
    import pypandoc  # not among a learner's packages

    page = BeautifulSoup(nasty()._repr_html_(), "html.parser").get_text(" ")
    made = pypandoc.convert_text(nasty()._repr_markdown_(), "html", format="gfm")
    text = BeautifulSoup(made, "html.parser").get_text(" ")
    assert BeautifulSoup(made, "html.parser").find("b") is None
    assert flat(f"the mean {NASTY} is") in flat(text)
    assert flat(f"lower for high {NASTY} than for low {NASTY}") in flat(text)
    assert len(flat(page)) == pytest.approx(len(flat(text)), rel=0.05)


def test_signs_that_mark_code_cannot_be_smuggled_in() -> None:
    text = explain(fitted("push-ups"), names={"correctness": "a\ue001<i>\ue000b"})._repr_html_()
    assert "a&lt;i&gt;b" in text


def test_printing_is_the_same_everywhere() -> None:
    whole = explained("push-ups")
    assert (
        repr(whole) == str(whole)
        and "\ue000" not in str(whole) + whole._repr_html_() + whole._repr_markdown_()
    )
    assert "\ue000" not in "".join(str(c) for _, c in whole.cautions)
    assert max(map(len, str(whole).splitlines())) <= 96


# Wrong results


def test_wrong_results_get_one_clear_sentence() -> None:
    data = load("pushups")
    model = smf.mixedlm("correctness ~ session_high", data, groups="athlete_id")
    for wrong, message in [
        (smf.ols("correctness ~ session_high", data).fit(), "OLS"),
        (smf.gee("correctness ~ session_high", "athlete_id", data).fit(), "GEE"),
        (model, "not fitted yet"),
        (None, "NoneType"),
        (data, "DataFrame"),
    ]:
        with pytest.raises(TypeError, match=message):
            explain(wrong)
    X = np.column_stack([np.ones(len(data)), data["session_high"]])
    bare = sm.MixedLM(data["correctness"].to_numpy(), X, groups=data["athlete_id"].to_numpy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        penalised = bare.fit_regularized(alpha=0.1)
    with pytest.raises(ValueError, match="penalised"):
        explain(penalised)
