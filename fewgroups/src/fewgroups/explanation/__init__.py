"""A fitted model in words: its printout, line by line, and the paragraph and table for a paper."""

from fewgroups.explanation.documents import Caution, Explanation, Line
from fewgroups.explanation.manuscripts import report
from fewgroups.explanation.papers import Report
from fewgroups.explanation.printouts import explain

__all__ = ["Caution", "Explanation", "Line", "Report", "explain", "report"]
