"""Binds every number that a lesson's prose states to the output that shows it.

    python -m tests.prose 05            what is not bound in lesson 05, and which outputs would fit
    python -m tests.prose path/to.ipynb

A number in a markdown cell, or typed into a figure's alt text, is one of

- **bound**: shown, at the precision that the prose gives, by the nearest cell above in the same section (H2)
  that prints numbers; or by the cells that a comment in the same block names,
  `<!-- from: summary, means/alex_02, 03:first-five -->` (a cell's id; its lines that hold a word; another lesson's);
- **given**: listed in such a comment, `<!-- given: 4, −.08, 95 % -->` (constants, formulas, quoted literature), which
  may list nothing that the block does not hold; constants of the alt text above are listed as `<!-- alt: 0, 1 -->`;
- a **convention**: a year in a reference, "lesson 05", "Exercise 5.1", "between 0 and 1", the minutes of a lesson.

A block is a paragraph, list item or table; a comment that stands alone belongs to the whole block before it. A
comment may hold several parts: `<!-- from: means; given: 4 -->`. Digits in a code span are prose unless it holds code
(`(`, `=`,
quotes). A number is also refused when too many of its one-digit changes would be bound as well: name the row, give a
digit more, or write the number as a word.
"""

from tests.prose.binding import Binding, Problem, check, outputs
from tests.prose.blocks import Block, blocks

__all__ = ["Binding", "Block", "Problem", "blocks", "check", "outputs"]
