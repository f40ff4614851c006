"""The methods by name: what each does, and which designs it allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from fewgroups.studies import classics
from fewgroups.studies.answers import MOST_FLIPPED, Answer, FlipAnswer
from fewgroups.studies.mixed_models import Analyses
from fewgroups.studies.reduction import Layout


@dataclass(frozen=True)
class Method:
    """`answer` does it; `needs` says what a design lacks for it, or nothing."""

    answer: Callable[[Analyses], Answer | FlipAnswer]
    needs: Callable[[Layout], str]


TWO_ATHLETES = "three athletes or more in two groups; the design has 2, one per group"


def _scores(layout: Layout) -> str:
    return "" if layout.rows > 2 else f"three scores or more; the design has {layout.rows}"


def _two_per_session(layout: Layout) -> str:
    fewest = layout.counts.sum(axis=0).min()
    return (
        ""
        if fewest > 1
        else "two scores or more in each session; the design has a session with one"
    )


def _pairs(layout: Layout) -> str:
    found = int(layout.complete.sum())
    return (
        ""
        if found > 1
        else f"two athletes or more with scores in both sessions; the design has {found}"
    )


def _flips(layout: Layout) -> str:
    found = int(layout.complete.sum())
    if found > MOST_FLIPPED:
        return f"at most {MOST_FLIPPED} athletes, for it tries every pattern of signs; the design has {found}"
    return _pairs(layout)


def _groups(layout: Layout) -> str:
    if not layout.between:
        return "two groups of athletes, each in one session (between=True); this design is within athletes"
    return "" if layout.athletes > 2 else TWO_ATHLETES


def _clusters(layout: Layout) -> str:
    fewest = int((layout.counts > 0).sum(axis=0).min())
    return (
        ""
        if fewest > 1
        else "two athletes or more in each session; the design has a session with one"
    )


def _intercepts(layout: Layout) -> str:
    if layout.between and layout.athletes < 3:
        return TWO_ATHLETES
    # A session effect that shows within athletes takes one of the differences within them.
    left = layout.rows - layout.athletes - (not layout.between)
    return "" if left > 0 else "repeats: nothing is left to estimate the residual variance from"


def _slopes(layout: Layout) -> str:
    if layout.within_df < 1:
        return "repeats within sessions: with one score each, slopes and residuals cannot be told apart"
    return _pairs(layout)


METHODS: dict[str, Method] = {
    "pooled t": Method(lambda a: classics.pooled_t(a.cells), _scores),
    "Welch t": Method(lambda a: classics.welch_t(a.cells), _two_per_session),
    "paired t": Method(lambda a: classics.paired_t(a.cells), _pairs),
    "t on means": Method(lambda a: classics.t_on_means(a.cells), _groups),
    "sign flips": Method(lambda a: classics.sign_flips(a.cells), _flips),
    "cluster-robust z": Method(lambda a: classics.cluster_robust_z(a.cells), _clusters),
    "cluster-robust t": Method(lambda a: classics.cluster_robust_t(a.cells), _clusters),
    "intercept z": Method(lambda a: a.intercept.z(), _intercepts),
    "intercept Satterthwaite": Method(lambda a: a.intercept.satterthwaite(), _intercepts),
    "intercept Kenward–Roger": Method(lambda a: a.intercept.kenward_roger(), _intercepts),
    "slope z": Method(lambda a: a.slope.z(), _slopes),
    "slope Satterthwaite": Method(lambda a: a.slope.satterthwaite(), _slopes),
    "slope Kenward–Roger": Method(lambda a: a.slope.kenward_roger(), _slopes),
}


def chosen_methods(methods: Any, layout: Layout) -> tuple[str, ...]:
    """The names asked for, spelt as in `METHODS`; all that the design allows when `methods` is None.

    Raises
    ------
    TypeError, ValueError
        Not a list of names, unknown or repeated names, methods that the design does not allow.
    """
    if methods is None:
        return tuple(name for name, method in METHODS.items() if not method.needs(layout))
    listed = isinstance(methods, Sequence) and not isinstance(methods, str)
    if not listed or not all(isinstance(name, str) for name in methods):
        raise TypeError(f'methods must be a list of names such as ["paired t"]; given {methods!r}')
    if not methods:
        raise ValueError(
            "methods must name one method or more; given an empty list: leave it out for all"
        )
    known = {_plain(name): name for name in METHODS}
    unknown = [name for name in methods if _plain(name) not in known]
    if unknown:
        raise ValueError(
            f"methods does not know {', '.join(map(repr, unknown))}; it knows {', '.join(METHODS)}"
        )
    names = tuple(known[_plain(name)] for name in methods)
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"methods names {', '.join(twice)} more than once")
    for name in names:
        lacking = METHODS[name].needs(layout)
        if lacking:
            raise ValueError(f"method {name!r} needs {lacking}")
    return names


def _plain(name: str) -> str:
    return " ".join(name.replace("–", "-").casefold().split())
