"""Drawings of athletes side by side: what each of them did from one session to the next."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from helpers.figures.drawings import legend_below, spread
from helpers.figures.style import INK, MARKERS, PALETTE, canvas


def changes(table: pd.DataFrame, ylabel: str = "correctness score (0 to 1)") -> Figure:
    """One panel an athlete: every score as a point, and a line from the mean of one session to that of the next.

    Parameters
    ----------
    table : DataFrame with the seed's columns (athlete_id, session_label, correctness)
    """
    athletes = list(dict.fromkeys(table["athlete_id"]))
    sessions = list(dict.fromkeys(table["session_label"]))
    figure, axes = canvas("", ylabel, columns=len(athletes), sharey=True, squeeze=False)
    for ax, athlete in zip(axes[0], athletes, strict=True):
        own = table[table["athlete_id"] == athlete]
        for place, session in enumerate(sessions):
            cell = own.loc[own["session_label"] == session, "correctness"]
            ax.plot(
                place + spread(len(cell), 0.42),
                cell,
                MARKERS[place % len(MARKERS)],
                color=PALETTE[place % len(PALETTE)],
                alpha=0.5,
                markersize=4,
                markeredgewidth=0,
                label=session,
            )
        means = own.groupby("session_label")["correctness"].mean()[sessions]
        ax.plot(
            range(len(sessions)), means, "-o", color=INK, linewidth=2.4, markersize=7, label="mean"
        )
        ax.set_title(str(athlete), fontsize=10, fontweight="normal")
        ax.set_xticks(range(len(sessions)), sessions, fontsize=9)
        ax.set_xlim(-0.5, len(sessions) - 0.5)
        ax.grid(visible=False, axis="x")
    legend_below(figure, axes[0][0])
    return figure
