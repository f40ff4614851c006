"""Planning a study: power and precision over a grid of designs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fewgroups.designs import Design, Truth
from fewgroups.simulation import check_request
from fewgroups.studies.experiments import monte_carlo


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
        A list gets labels such as "4 groups, 20 + 30 repeats"; `design_grid` makes a mapping.
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
        A row per design and method: design, method, groups (or the word of the first design for them), rows (outcomes
        in the whole study), then with their Monte-Carlo errors power, type_s, type_m, sd (the true standard error),
        se, half_width, and singular, undefined; see `monte_carlo`.

    TypeError or ValueError as from `monte_carlo`; for an effect of 0; for no design, or two of the same label.
    """
    labelled = _labelled(designs)
    check_request(next(iter(labelled.values())), truth, seed)
    if truth.effect == 0:
        raise ValueError(
            "truth.effect must not be 0: power is the chance to find an effect that is there; "
            "monte_carlo gives the rate of false positives"
        )
    groups = next(iter(labelled.values())).words.groups
    tables = {}
    for label, design in labelled.items():
        try:
            table = monte_carlo(design, truth, methods, n, seed=seed, level=level, workers=workers)
        except ValueError as error:
            raise ValueError(f"design {label!r}: {error}") from None
        table.insert(0, groups, len(design.group_names))
        table.insert(1, "rows", design.rows)
        tables[label] = table.drop(columns=["coverage", "coverage_error", "bias", "bias_error"])
    table = pd.concat(tables, names=["design"]).reset_index()
    return table.rename(columns={"rejection": "power", "rejection_error": "power_error"})


def design_grid(
    groups: Sequence[int],
    repeats: Sequence[int | Mapping[str, int]],
    between: bool = False,
    kind: type[Design] = Design,
) -> dict[str, Design]:
    """Designs of every number of groups with every number of repeats, by label, for `power`.

    groups: list of int; repeats: list of mappings of condition to repeats, as in `Design`, or of numbers k, which stand
    for k in each of two conditions; between: as in `Design`; kind: `Design`, or a subclass with words of its own.

    TypeError or ValueError for what is no list, two designs of the same label, or what `Design` refuses.
    """
    for name, values in ((kind.words.groups, groups), ("repeats", repeats)):
        if isinstance(values, (str, Mapping)) or not isinstance(values, Sequence) or not values:
            raise TypeError(f"{name} must be a list with one entry or more; given {values!r}")
    first, second = (f"{kind.words.condition}_{k}" for k in (1, 2))
    mappings = [row if isinstance(row, Mapping) else {first: row, second: row} for row in repeats]
    return _labelled([kind(m, row, between) for m in groups for row in mappings])


def _labelled(designs: Any) -> dict[str, Design]:
    if isinstance(designs, Design):
        designs = [designs]
    if isinstance(designs, (list, tuple)) and all(isinstance(one, Design) for one in designs):
        labels = [design.label for design in designs]
        for label in labels:
            if labels.count(label) > 1:
                raise ValueError(
                    f"designs holds two that are both called {label!r}; give a mapping with labels of your own"
                )
        designs = dict(zip(labels, designs, strict=True))
    if not isinstance(designs, Mapping) or not all(
        isinstance(label, str) and isinstance(one, Design) for label, one in designs.items()
    ):
        raise TypeError(
            f"designs must be a Design, a list of them or a mapping of text labels to them; given {designs!r}"
        )
    if not designs:
        raise ValueError("designs must hold one design or more; given none")
    return dict(designs)
