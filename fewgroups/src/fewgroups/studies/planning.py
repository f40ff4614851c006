"""Planning a study: power and precision over a grid of designs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fewgroups.designs import Design, Truth
from fewgroups.simulation import check_request
from fewgroups.studies.catalogue import chosen_methods
from fewgroups.studies.experiments import (
    Study,
    check_spread,
    checked_level,
    checked_n,
    run_studies,
)
from fewgroups.studies.reduction import Layout

FIGURES = [
    "power",
    "power_error",
    "type_s",
    "type_s_error",
    "type_m",
    "type_m_error",
    "sd",
    "sd_error",
    "se",
    "se_error",
    "half_width",
    "half_width_error",
    "singular",
    "undefined",
]


def power(
    designs: Mapping[str, Design] | Sequence[Design] | Design,
    truth: Truth,
    methods: Sequence[str] | None = None,
    n: int = 10_000,
    *,
    seed: int,
    level: float = 0.95,
    workers: int = 1,
) -> pd.DataFrame:
    """Power and precision of each design, by simulation.

    Parameters
    ----------
    designs : mapping of label to Design, list of Design, or one Design
        A list gets labels such as "4 athletes, 20 + 30 repeats"; `design_grid` makes a mapping.
    truth : Truth
        With an effect other than 0: the smallest one of interest.
    methods : list of str, optional
        As in `monte_carlo`; left out, all that each design allows.
    n, seed, level, workers
        As in `monte_carlo`. Every design is simulated from the same seed: its figures are those that
        `monte_carlo(design, truth, methods, n, seed=seed)` gives, whatever else is in the grid.

    Returns
    -------
    DataFrame
        A row per design and method: design, method, athletes, rows (scores in the whole study), then with their
        Monte-Carlo errors power, type_s, type_m, sd (the true standard error), se, half_width, and singular,
        undefined; see `monte_carlo`.

    Raises
    ------
    TypeError, ValueError
        As `monte_carlo`; an effect of 0; no design, or two of the same label.
    """
    labelled = _labelled(designs)
    tables = []
    studies = []
    for label, design in labelled.items():
        check_request(design, truth, seed)
        try:
            names = chosen_methods(methods, Layout.of(design))
        except ValueError as error:
            raise ValueError(f"design {label!r}: {error}") from None
        studies.append(Study(design, truth, names, checked_n(n), int(seed), checked_level(level)))
    check_spread(truth)
    if truth.effect == 0:
        raise ValueError(
            "truth.effect must not be 0: power is the chance to find an effect that is there; "
            "monte_carlo gives the rate of false positives"
        )
    for (label, design), table in zip(labelled.items(), run_studies(studies, workers), strict=True):
        table = table.rename(columns={"rejection": "power", "rejection_error": "power_error"})
        table = table[FIGURES].reset_index()
        table.insert(0, "design", label)
        table.insert(2, "athletes", len(design.names))
        table.insert(3, "rows", design.rows)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def design_grid(
    athletes: Sequence[int], repeats: Sequence[int | Mapping[str, int]], between: bool = False
) -> dict[str, Design]:
    """Designs of every number of athletes with every number of repeats, by label, for `power`.

    Parameters
    ----------
    athletes : list of int
    repeats : list of int or of mappings
        A mapping of session to repeats, as in `Design`; a number k stands for k in each of two sessions.
    between : bool
        Whether each athlete does one session only.
    """
    for name, values in (("athletes", athletes), ("repeats", repeats)):
        if (
            isinstance(values, (str, bytes, bytearray, Mapping))
            or not isinstance(values, Sequence)
            or not len(values)
        ):
            raise TypeError(f"{name} must be a list with one entry or more; given {values!r}")
    per_session = [
        entry if isinstance(entry, Mapping) else {"session_low": entry, "session_high": entry}
        for entry in repeats
    ]
    return _labelled([Design(m, sessions, between) for m in athletes for sessions in per_session])


def _labelled(designs: Any) -> dict[str, Design]:
    if isinstance(designs, Mapping):
        found = dict(designs)
        if not all(isinstance(label, str) for label in found):
            raise TypeError(f"designs must have labels that are text; given {list(found)!r}")
    else:
        listed = [designs] if isinstance(designs, Design) else designs
        if isinstance(listed, str) or not isinstance(listed, Sequence):
            raise TypeError(
                f"designs must be a Design, a list of them or a mapping of label to Design; "
                f"given {type(designs).__name__}"
            )
        found = {}
        for design in listed:
            label = _label(design)
            if label in found:
                raise ValueError(
                    f"designs holds two that are both called {label!r}; "
                    "give a mapping with labels of your own"
                )
            found[label] = design
    if not found:
        raise ValueError("designs must hold one design or more; given none")
    return found


def _label(design: Any) -> str:
    if not isinstance(design, Design):
        raise TypeError(f"designs must hold Design(...)s; given {type(design).__name__}")
    athletes = f"{len(design.names)} athletes"
    if not isinstance(design.repeats, Mapping):
        return f"{athletes}, {design.rows} repeats in all"
    joint = " or " if design.between else " + "
    return f"{athletes}, {joint.join(str(number) for number in design.repeats.values())} repeats"
