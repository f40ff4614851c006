"""A fitted model in words: its printout, line by line, and the paragraph and table for a paper."""

from .documents import Caution, Explanation, Line
from .manuscripts import report
from .papers import Report
from .printouts import explain

__all__ = ["Caution", "Explanation", "Line", "Report", "explain", "report"]
