"""The drawings of lines: what is drawn is what was given."""

import numpy as np
import pandas as pd

from helpers import figures


def test_each_panel_draws_a_line_a_person_their_average_and_the_spread_asked_for() -> None:
    model = pd.DataFrame([[1.0, 3.0], [2.0, 2.0], [3.0, 7.0]], columns=[0, 1])
    figure = figures.own_lines(
        {"a": model, "b": model + 1}, "x", "y", points=model, spreads={0: 0.5}
    )
    for shift, ax in enumerate(figure.axes):
        people, own = ax.lines[:3], ax.lines[3:6]
        np.testing.assert_allclose([line.get_ydata() for line in people], model + shift)
        np.testing.assert_allclose([line.get_ydata() for line in own], model)
        np.testing.assert_allclose(ax.lines[6].get_ydata(), [2 + shift, 4 + shift])
        bar = ax.collections[0].get_segments()[0]
        np.testing.assert_allclose(bar, [[0, 1.5 + shift], [0, 2.5 + shift]])


def test_the_two_slopes_of_a_predictor_are_drawn_as_given() -> None:
    table = pd.DataFrame({"who": [*"aabb"], "x": [0.0, 2, 4, 6], "y": [3.0, 1, 6, 4]})
    slopes = {"within": -0.5, "between": 0.25}
    ax = figures.within_between(table, ("who", "x", "y"), **slopes, labels=("x", "y")).axes[0]
    scores, first, second, means, between = ax.lines
    np.testing.assert_allclose(scores.get_xydata(), table[["x", "y"]])
    np.testing.assert_allclose(first.get_xydata(), [[0, 2.5], [2, 1.5]])
    np.testing.assert_allclose(second.get_xydata(), [[4, 5.5], [6, 4.5]])
    np.testing.assert_allclose(means.get_xydata(), [[1, 2], [5, 5]])
    np.testing.assert_allclose(between.get_xydata(), [[1, 3], [5, 4]])
