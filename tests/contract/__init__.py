"""The contract of a lesson: rules over a notebook's JSON, each yielding what is wrong in words.

python -m tests.contract 05    lists what lesson 05 does not keep
"""

from collections.abc import Callable, Iterator

from tests.contract import code, grammar, structure
from tests.notebooks import Notebook

Rule = Callable[[Notebook], Iterator[str]]
IS_RULE = {"notebook": Notebook, "return": Iterator[str]}  # what the functions are known by
RULES: list[Rule] = [
    thing
    for module in (structure, grammar, code)
    for thing in vars(module).values()
    if getattr(thing, "__annotations__", {}) == IS_RULE
]
