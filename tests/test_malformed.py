"""Malformed input: a helpful ValueError or TypeError of our own; never a number, a traceback from below, a hang."""

from __future__ import annotations

import _thread
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import helpers
from helpers import check, fit, fit_many
from helpers.engine import Fits
from helpers.exercises import ids
from helpers.exercises.feedback import exercises
from tests.malformed import Call, malformed
from tests.malformed.anything import things

OURS = Path(helpers.__file__).parent
QUICK = settings(
    max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
MANY = settings(QUICK, max_examples=350)
AT_LEAST = 5000
TOO_LONG = 20  # seconds


@contextmanager
def in_time() -> Iterator[None]:
    """Stops what takes too long, so that it fails and does not stop the tests."""
    # Programs started in the background ignore interrupts, and so would the tests.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(TOO_LONG, _thread.interrupt_main)
    timer.start()
    try:
        yield
    except KeyboardInterrupt:
        if timer.is_alive():
            raise
        pytest.fail(f"no answer in {TOO_LONG} seconds")
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)


def complaint(call: Call) -> str:
    """What is wrong with the answer to a call that must be refused, or nothing."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            with in_time():
                answer = call()
        except Exception as error:
            return _about(error, call) or "".join(f"warns of {warning.message}" for warning in said)
    return f"accepted; the answer is {answer!r:.200}"


def _about(error: Exception, call: Call) -> str:
    innermost = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
    no_file = isinstance(error, FileNotFoundError) and call.name == "read_scores"
    message = str(error)
    if not isinstance(error, ValueError | TypeError) and not no_file:
        return f"raises {error!r}"
    if not innermost.is_relative_to(OURS):
        return f"raises, from {innermost}, {error!r}"
    if len(message) < 20 or not any(word in message for word in call.words):
        return f"speaks of something else: {message}"
    return ""


def throw(name: str, folder: Path, how: settings) -> set[str]:
    """Throws malformed calls at a public name; the distinct ones that were thrown."""
    thrown = set()

    @how
    @given(malformed(name, folder))
    def refused(call: Call) -> None:
        thrown.add(repr(call))
        assert complaint(call) == "", call

    refused()
    return thrown


@pytest.mark.parametrize("name", helpers.__all__)
def test_what_is_malformed_is_refused_and_told_why(name: str, tmp_path: Path) -> None:
    assert len(throw(name, tmp_path, QUICK)) >= 10


@pytest.mark.full
def test_thousands_of_malformed_calls_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    thrown = {
        name: len(throw(name, tmp_path_factory.mktemp(name), MANY)) for name in helpers.__all__
    }
    assert min(thrown.values()) >= 150
    assert sum(thrown.values()) >= AT_LEAST


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: 3, "accepted"),
        (lambda: {"a": 1}["athletes"], "raises KeyError"),
        (lambda: np.linalg.inv(np.zeros((2, 2))), "raises, from"),
        (lambda: helpers.Design(1), "speaks of something else"),
        (lambda: [np.log(-1), helpers.Design(1)], "speaks of something else"),
    ],
)
def test_an_unhelpful_answer_would_be_noticed(call: Any, says: str) -> None:
    class Answer(Call):
        def __call__(self) -> Any:
            return call()

    assert complaint(Answer("Design", {}, ("truth",))).startswith(says)


def test_a_warning_beside_the_error_would_be_noticed() -> None:
    class Answer(Call):
        def __call__(self) -> Any:
            return [np.log(np.array(-1.0)), helpers.Design(1)]

    assert "warns of invalid value" in complaint(Answer("Design", {}, ("athletes",)))


def test_a_call_without_end_would_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.test_malformed.TOO_LONG", 0.2)
    with pytest.raises(pytest.fail.Exception, match="no answer"):
        with in_time():
            while True:
                pass


# An answer to an exercise may be anything: it is kindly told to be wrong


def answers(capsys: pytest.CaptureFixture[str], how: settings) -> None:
    keys = {name: exercises()[name].key() for name in ids()}

    @how
    @given(st.sampled_from(ids()), things())
    def told(exercise: str, answer: Any) -> None:
        key = keys[exercise]
        if (
            answer is ...
            or isinstance(answer, bool | np.bool_)
            and isinstance(key, bool | np.bool_)
        ):
            return
        if not isinstance(key, str | bool | np.bool_) and near(answer, float(key)):
            return
        if (
            isinstance(key, str)
            and isinstance(answer, str)
            and answer.strip().casefold() == key.casefold()
        ):
            return
        with in_time():
            check(exercise, answer)
        assert capsys.readouterr().out.startswith(f"{exercise}: not yet. ")

    told()


def near(answer: Any, key: float) -> bool:
    """Whether an answer might be meant for the key."""
    try:
        return abs(complex(answer) - key) < 1
    except (TypeError, ValueError, OverflowError):
        return False


def test_an_answer_of_any_kind_is_told_to_be_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    answers(capsys, settings(QUICK, max_examples=30))


@pytest.mark.full
def test_thousands_of_answers_are_told_to_be_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    answers(capsys, settings(QUICK, max_examples=1000))


# A small table that nobody looked at: the right numbers, or a refusal


@st.composite
def small_tables(draw: Any) -> pd.DataFrame:
    """Few rows, few different values, any groups: constant scores, empty cells and saturated models among them."""
    rows = draw(st.integers(1, 14))
    whole = st.integers(-2, 2).map(float)
    column = {
        name: draw(st.lists(values, min_size=rows, max_size=rows))
        for name, values in [
            ("y", whole | st.floats(-9, 9)),
            ("x", whole),
            ("g", st.sampled_from(["a", "b", "c", "d"])),
        ]
    }
    return pd.DataFrame(column)


def dense_loglik(
    y: np.ndarray, X: np.ndarray, same: np.ndarray, variance: float, scale: float
) -> tuple[float, Any]:
    """REML log-likelihood of a random-intercept model at its variances, and β̂; dense matrices and textbook formulas."""
    V = scale * np.eye(len(y)) + variance * same
    inverse = np.linalg.inv(V)
    information = X.T @ inverse @ X
    beta = np.linalg.solve(information, X.T @ inverse @ y)
    left = y - X @ beta
    logs = np.linalg.slogdet(V)[1] + np.linalg.slogdet(information)[1]
    constant = (len(y) - X.shape[1]) * np.log(2 * np.pi)
    return float(-(logs + left @ inverse @ left + constant) / 2), beta


def answer_of(found: Any) -> tuple[float, float, float, Any] | None:
    """Variance of the groups, residual variance, log-likelihood and β̂; None where there is no optimum."""
    if isinstance(found, Fits):
        one = found.cov_re[0, 0, 0], found.scale[0], found.loglik[0], found.estimate[0]
        return one if found.converged[0] else None
    assert found.report.converged
    return found.cov_re.iloc[0, 0], found.scale, found.llf, found.fe_params.to_numpy()


def right_or_refused(table: pd.DataFrame, engine: Callable[[], Any]) -> bool:
    """Whether the table was fitted; then the answer must be that of dense matrices, and no other variances better."""
    y, X = table["y"].to_numpy(), np.column_stack([np.ones(len(table)), table["x"]])
    same = (table["g"].to_numpy()[:, None] == table["g"].to_numpy()).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            with in_time():
                answer = answer_of(engine())
        except Exception as error:
            assert _about(error, Call("fit", {}, ("",))) == ""
            return False
    if answer is None:
        return False
    variance, scale, loglik, beta = answer
    expected, beta_expected = dense_loglik(y, X, same, variance, scale)
    assert loglik == pytest.approx(expected, abs=1e-6)
    assert beta == pytest.approx(beta_expected, abs=1e-6)
    for share in (0, 1e-3, 0.03, 0.3, 1, 3, 30, 1e3):
        for factor in (0.5, 1, 2):
            assert dense_loglik(y, X, same, share * scale, factor * scale)[0] <= loglik + 1e-5
    return True


def by_fit(table: pd.DataFrame) -> Any:
    return fit("y ~ x", table, "g")


def by_fit_many(table: pd.DataFrame) -> Any:
    return fit_many(table["y"], np.column_stack([np.ones(len(table)), table["x"]]), table["g"])


@pytest.mark.parametrize("engine", [by_fit, by_fit_many])
def test_a_small_table_gives_the_right_numbers_or_a_refusal(
    engine: Callable[[pd.DataFrame], Any],
) -> None:
    small(engine, QUICK)


@pytest.mark.full
@pytest.mark.parametrize("engine", [by_fit, by_fit_many])
def test_thousands_of_small_tables_give_them_too(engine: Callable[[pd.DataFrame], Any]) -> None:
    assert (
        0.2 < np.mean(small(engine, settings(QUICK, max_examples=1000))) < 0.9
    )  # both ends are met


def small(engine: Callable[[pd.DataFrame], Any], how: settings) -> list[bool]:
    """Throws small tables; which of them were fitted."""
    fitted = []

    @how
    @given(small_tables())
    def thrown(table: pd.DataFrame) -> None:
        fitted.append(right_or_refused(table, lambda: engine(table)))

    thrown()
    return fitted
