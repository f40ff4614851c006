"""Random-intercept and random-slope models of many data sets: fits by REML, and what is known of their variances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fewgroups.batch.cells import CellStatistics
from fewgroups.batch.intercepts import intercept_model
from fewgroups.batch.layouts import Layout
from fewgroups.batch.slopes import slope_model
from fewgroups.blocks import GroupBlock, derivatives
from fewgroups.ddf import Information, information
from fewgroups.structure import Structure

Array = np.ndarray


@dataclass(frozen=True)
class MixedModel:
    """REML fits of one model to n data sets; where one is not `solved` there is no maximum, and its numbers are
    placeholders.

    solved, singular: (n,).
    """

    solved: Array
    singular: Array
    information: Information

    @classmethod
    def of(cls, layout: Layout, cells: CellStatistics, slopes: bool) -> MixedModel:
        """Fit all data sets; `slopes` gives groups changes that differ, correlated with their levels."""
        model = slope_model(layout, reml=True) if slopes else intercept_model(layout, reml=True)
        fits = model.fit(cells)
        solved, singular = fits["solved"], fits["singular"] & fits["solved"]
        cov_re = np.moveaxis(fits["scale"] * fits["psi"], -1, 0)
        structure = _structure(layout, cells, len(fits["psi"]))
        found = information(structure, cov_re, np.zeros((len(solved), 0)), fits["scale"], reml=True)
        return cls(solved, singular, found)


def _structure(layout: Layout, cells: CellStatistics, q: int) -> Structure:
    """That of the data sets' models in which the first q columns of X are random, from their cells' statistics."""
    Q, R = layout.basis
    weighted, n, p = layout.sizes[:, None] * Q, layout.rows, layout.columns
    coefficients = weighted.T @ cells.means
    r = cells.means - Q @ coefficients
    unit = np.sqrt((cells.within + layout.sizes @ r**2) / n)
    unit[unit == 0] = 1.0
    Zr = np.stack([layout.by_group(column[:, None] * r / unit) for column in weighted.T[:q]]).T
    changes, blocks = derivatives(-1 - np.arange(q), q, 0), []
    alone = np.array([kind[0] for kind in layout.kinds if len(kind) == 1], dtype=int)
    for groups in filter(len, [alone, *(kind for kind in layout.kinds if len(kind) > 1)]):
        count = 1 if groups is alone else len(groups)
        gram = layout.grams[groups if count == 1 else groups[:1]]
        rows = np.insert(Zr[:, groups], 0, 1.0, axis=-1)
        if count > q + 1:
            # With X their products are the same, and those with r enter as sums of squares and products only.
            rows = np.asarray(np.linalg.qr(rows, mode="r"))
        ZB = np.concatenate([rows[..., :1, None] * gram[:, :q], rows[..., 1:, None]], axis=-1)
        blocks.append(GroupBlock(n * gram[:, :q, :q], np.sqrt(n) * ZB, changes, count))
    inverse = np.linalg.inv(R)
    return Structure(
        n=n,
        p=p,
        q=q,
        v=0,
        blocks=tuple(blocks),
        BB=np.diag(np.append(np.ones(p), n)),
        R_inverse=inverse,
        start=(inverse @ coefficients).T,
        unit=unit,
        R_re=R[:q, :q] / np.sqrt(n),
        unit_vc=np.zeros(0),
    )
