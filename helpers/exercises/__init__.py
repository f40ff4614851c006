"""Instant, kind feedback on the exercises: `check` an answer, ask for a `hint`."""

from helpers.exercises.feedback import check, hint, ids

__all__ = ["check", "hint", "ids"]
