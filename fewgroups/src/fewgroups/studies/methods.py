"""The methods by name: what each does, and which designs it allows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fewgroups.ddf import KenwardRoger, Satterthwaite, Wald
from fewgroups.designs import Design, Words
from fewgroups.studies import t_tests
from fewgroups.studies.cell_means import cell_counts
from fewgroups.studies.mixed_models import Analyses
from fewgroups.studies.t_tests import Answer


@dataclass(frozen=True)
class Method:
    """`answer` does it; `needs` says what cell counts (m, 2) lack for it, or nothing."""

    answer: Callable[[Analyses], Answer]
    needs: Callable[[np.ndarray, Words], str]


def _outcomes(counts: np.ndarray, w: Words) -> str:
    return "" if counts.sum() > 2 else "three outcomes or more; the design has 2"


def _pairs(counts: np.ndarray, w: Words) -> str:
    found = int((counts > 0).all(axis=1).sum())
    if found > 1:
        return ""
    return f"two {w.groups} or more with outcomes in both {w.condition}s; the design has {found}"


def _halves(counts: np.ndarray, w: Words) -> str:
    if (counts > 0).all(axis=1).any():
        return f"every {w.group} in one {w.condition} only, as with between=True"
    return _three(counts, w)


def _three(counts: np.ndarray, w: Words) -> str:
    return "" if len(counts) > 2 else f"three {w.groups} or more, as between=True splits them"


def _clusters(counts: np.ndarray, w: Words) -> str:
    if (counts > 0).sum(axis=0).min() > 1:
        return ""
    return f"two {w.groups} or more in each {w.condition}"


def _intercepts(counts: np.ndarray, w: Words) -> str:
    between = not (counts > 0).all(axis=1).any()
    if between and len(counts) < 3:
        return _three(counts, w)
    # An effect that shows within groups takes one of the differences within them.
    if counts.sum() - len(counts) - (not between) > 0:
        return ""
    return "more repeats: nothing is left to estimate the residual variance from"


def _slopes(counts: np.ndarray, w: Words) -> str:
    if counts.sum() > np.sum(counts > 0):
        return _pairs(counts, w)
    return "more than one repeat in a cell: slopes and residuals cannot be told apart otherwise"


METHODS: dict[str, Method] = {
    "pooled t": Method(lambda a: t_tests.pooled_t(a.cells), _outcomes),
    "paired t": Method(lambda a: t_tests.paired_t(a.cells), _pairs),
    "t on means": Method(lambda a: t_tests.t_on_means(a.cells), _halves),
    "cluster-robust z": Method(lambda a: t_tests.cluster_robust(a.cells, z=True), _clusters),
    "cluster-robust t": Method(lambda a: t_tests.cluster_robust(a.cells, z=False), _clusters),
    "cluster-robust CR2": Method(lambda a: t_tests.cluster_robust_cr2(a.cells), _clusters),
    "intercept z": Method(lambda a: a.intercept.test(Wald), _intercepts),
    "intercept Satterthwaite": Method(lambda a: a.intercept.test(Satterthwaite), _intercepts),
    "intercept Kenward–Roger": Method(lambda a: a.intercept.test(KenwardRoger), _intercepts),
    "slope z": Method(lambda a: a.slope.test(Wald), _slopes),
    "slope Satterthwaite": Method(lambda a: a.slope.test(Satterthwaite), _slopes),
    "slope Kenward–Roger": Method(lambda a: a.slope.test(KenwardRoger), _slopes),
}


def chosen_methods(methods: Any, design: Design) -> tuple[str, ...]:
    """The names asked for, spelt as in `METHODS`; all that the design allows when `methods` is None.

    TypeError or ValueError for no list of names, unknown or repeated ones, methods that the design does not allow.
    """
    lacking = {k: method.needs(cell_counts(design), design.words) for k, method in METHODS.items()}
    if methods is None:
        return tuple(name for name, what in lacking.items() if not what)
    listed = isinstance(methods, Sequence) and not isinstance(methods, str)
    if not listed or not methods or not all(isinstance(name, str) for name in methods):
        raise TypeError(
            f'methods must be a list of one or more names such as ["paired t"], or left out for all '
            f"that the design allows; given {methods!r}"
        )
    known = {_plain(name): name for name in METHODS}
    unknown = [name for name in methods if _plain(name) not in known]
    if unknown:
        raise ValueError(
            f"methods does not know {', '.join(map(repr, unknown))}; it knows {', '.join(METHODS)}"
        )
    names = tuple(known[_plain(name)] for name in methods)
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"methods names {name} more than once")
        if lacking[name]:
            raise ValueError(f"method {name!r} needs {lacking[name]}")
    return names


def _plain(name: str) -> str:
    return " ".join(name.replace("–", "-").casefold().split())
