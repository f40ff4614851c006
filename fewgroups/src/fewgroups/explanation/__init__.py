"""A fitted model in words: one screen, its printout line by line, and the paragraphs and tables for a paper."""

from fewgroups.explanation.manuscript import Report, report
from fewgroups.explanation.screen import Caution, Explanation, explain

__all__ = ["Caution", "Explanation", "Report", "explain", "report"]
