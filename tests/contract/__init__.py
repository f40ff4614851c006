"""The contract of a lesson: rules over a notebook's JSON, each yielding what is wrong in words.

python -m tests.contract 05    lists what lesson 05 does not keep
"""

from collections.abc import Callable, Iterator

from tests.contract import code, forms, grammar, structure, words
from tests.notebooks import Notebook

Rule = Callable[[Notebook], Iterator[str]]
RULES: list[Rule] = [*structure.RULES, *grammar.RULES, *code.RULES, *words.RULES, *forms.RULES]
