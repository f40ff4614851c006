"""What the answers of one method add up to over many data sets, with the Monte-Carlo error of each figure."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from fewgroups.studies.answers import Answer, FlipAnswer


@dataclass(frozen=True)
class Tally:
    """Sums over data sets, all but `sets`, `undefined` and `singular` over those in which the method has an
    answer.

    Sums of powers of the error (estimate less true effect), of the standard error, of the interval's
    half-width, and of the size of estimates that are significant over that of the true effect.
    """

    sets: int
    undefined: int
    singular: int
    fitted: int
    rejected: int
    covered: int
    wrong_sign: int
    error: float
    error2: float
    se: float
    se2: float
    half: float
    half2: float
    size: float
    size2: float

    @classmethod
    def of(cls, answer: Answer | FlipAnswer, effect: float, alpha: float) -> Tally:
        """Of one method in n data sets whose true effect is `effect`, at level alpha."""
        usable = answer.usable
        # Without an effect the two hypotheses are one.
        rejected, half_width = answer.tests([effect, 0.0] if effect else [0.0], alpha)
        misses, rejects = rejected[0] & usable, rejected[-1] & usable
        error = np.where(usable, answer.estimate - effect, 0)
        se = np.where(usable, answer.se, 0)
        half = np.where(usable, half_width, 0)
        size = np.abs(answer.estimate[rejects] / effect) if effect else np.zeros(0)
        return cls(
            sets=len(usable),
            undefined=int(np.sum(~usable)),
            singular=0 if answer.singular is None else int(answer.singular.sum()),
            fitted=0 if answer.singular is None else len(usable),
            rejected=int(rejects.sum()),
            covered=int(usable.sum() - misses.sum()),
            wrong_sign=int(np.sum(answer.estimate[rejects] * effect < 0)),
            error=float(error.sum()),
            error2=float((error**2).sum()),
            se=float(se.sum()),
            se2=float((se**2).sum()),
            half=float(half.sum()),
            half2=float((half**2).sum()),
            size=float(size.sum()),
            size2=float((size**2).sum()),
        )

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def figures(self, effect: float) -> dict[str, float]:
        """The row of the table, see `monte_carlo`; Type S and M only where there is an effect."""
        n = self.sets - self.undefined
        row = _rate("rejection", self.rejected, n) | _rate("coverage", self.covered, n)
        row |= _mean("bias", self.error, self.error2, n)
        if effect:
            row |= _rate("type_s", self.wrong_sign, self.rejected)
            row |= _mean("type_m", self.size, self.size2, self.rejected)
        sd = row["bias_error"] * np.sqrt(n)
        row |= {"sd": sd, "sd_error": sd / np.sqrt(2 * n - 2) if n > 1 else np.nan}
        row |= _mean("se", self.se, self.se2, n) | _mean("half_width", self.half, self.half2, n)
        row["singular"] = self.singular / self.fitted if self.fitted else np.nan
        row["undefined"] = self.undefined
        return row


def _rate(name: str, count: int, n: int) -> dict[str, float]:
    # The error of a rate of 0 or 1 is not 0: two successes and two failures are added before it is computed
    # (Agresti & Coull 1998, Am. Stat. 52:119). With thousands of data sets this changes nothing else.
    adjusted = (count + 2) / (n + 4)
    return {
        name: count / n if n else np.nan,
        f"{name}_error": float(np.sqrt(adjusted * (1 - adjusted) / n)) if n else np.nan,
    }


def _mean(name: str, total: float, squares: float, n: int) -> dict[str, float]:
    mean = total / n if n else np.nan
    variance = max(squares - total * mean, 0) / (n - 1) if n > 1 else np.nan
    return {name: mean, f"{name}_error": float(np.sqrt(variance / n)) if n > 1 else np.nan}
