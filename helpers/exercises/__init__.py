"""Instant, kind feedback: `check` an answer, ask for a `hint`; the forms before and after the course."""

from helpers.exercises.feedback import check, hint, ids
from helpers.exercises.forms import answered, earlier_answers, score

__all__ = ["answered", "check", "earlier_answers", "hint", "ids", "score"]
