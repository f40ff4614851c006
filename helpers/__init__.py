"""What the lessons import besides the statistics, which are the library `fewgroups`.

datasets     `load`, the data sets that come with the course; `example_file`, where their files lie
pushups      the push-up words: Design, Truth, simulate, simulate_many, design_grid
score_sheet  `read_scores`, a score sheet of your own
figures      the drawings, and `show`, which stores a figure under its title, with its alt text (in `captions`)
explorables  figures that answer to sliders
feedback     `check` and `hint`; the keys are in `answers`
forms        the ten questions before and after the course

Each name is loaded when it is first asked for, so that a page of questions does not wait for drawings.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

import fewgroups

if TYPE_CHECKING:
    from helpers.datasets import example_file, load
    from helpers.feedback import check, hint
    from helpers.figures import show
    from helpers.forms import answered, earlier_answers, score
    from helpers.pushups import Design, Truth, design_grid, simulate, simulate_many
    from helpers.score_sheet import read_scores

_HOME = {
    **dict.fromkeys(("example_file", "load"), "datasets"),
    **dict.fromkeys(("check", "hint"), "feedback"),
    **dict.fromkeys(("answered", "earlier_answers", "score"), "forms"),
    **dict.fromkeys(("Design", "Truth", "design_grid", "simulate", "simulate_many"), "pushups"),
    **{"show": "figures", "read_scores": "score_sheet"},
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"helpers.{_HOME[name]}"), name)
    if name in fewgroups.__all__:  # an older copy of a lesson
        raise ImportError(f"{name} is in the library fewgroups: `from fewgroups import {name}`")
    raise AttributeError(f"module 'helpers' has no attribute {name!r}")
