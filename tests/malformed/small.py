"""Exercises that there are not, and figures that cannot be shown."""

from __future__ import annotations

from hypothesis import strategies as st
from matplotlib.figure import Figure

from helpers.exercises import ids

from .anything import Call, Strategy, calls, is_text, no_text, no_whole, other_than, things

ALT = "Dot plot of the scores of four athletes in two sessions; the second session lies lower."


def no_exercise() -> Strategy:
    return (st.text(max_size=4) | things()).filter(
        lambda value: not is_text(value) or value not in ids()
    )


def exercises() -> Strategy:
    return calls("check", {"answer": 1}, {"exercise": no_exercise()})


def hints() -> Strategy:
    return calls(
        "hint", {"exercise": ids()[0]}, {"exercise": no_exercise(), "number": no_whole(1, 9)}
    )


def figures() -> Strategy:
    plain, titled = Figure(), Figure()
    axes = plain.subplots()
    titled.subplots().set_title(ALT)
    no_figure = other_than(lambda value: isinstance(value, Figure)) | st.sampled_from(
        [Figure(), axes]
    )
    no_alt = st.text(max_size=39) | st.integers(0, 99).map(lambda size: " " * size) | no_text()
    repeated = st.sampled_from([ALT, ALT.rstrip("."), f" {ALT} "])
    return calls(
        "show", {"figure": plain, "alt": ALT}, {"figure": no_figure, "alt": no_alt}
    ) | repeated.map(lambda alt: Call("show", {"figure": titled, "alt": alt}, ("alt",)))
