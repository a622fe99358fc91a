"""Which of two models is probably better, as far as their own answers tell: without labels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from headrace.ml.arrays import Floats
from headrace.ml.metrics import LOWER_IS_BETTER
from headrace.ml.quality.estimate import Estimate
from headrace.ml.quality.performance import Performance
from headrace.ml.release.confidence import Interval
from headrace.ml.release.sequential import Finding, Verdict


@dataclass(frozen=True)
class Estimated:
    """What is known of one model without labels.

    Parameters
    ----------
    performance : Performance
        From its test part.
    summary : ndarray
        Of its answers since the release began, as ``performance.reference`` makes it.
    """

    performance: Performance
    summary: Floats

    def estimates(self, moved: float) -> dict[str, Estimate]:
        """Return the metrics that can be estimated."""
        reference = self.performance.reference
        return reference.estimate(self.summary, moved=moved) if reference else {}

    @property
    def rows(self) -> int:
        """How many answers there were."""
        reference = self.performance.reference
        return reference.rows_of(self.summary) if reference else 0


@dataclass(frozen=True)
class Comparison:
    """Two estimates of one metric, and the verdict on them.

    Parameters
    ----------
    metric : str
        Name.
    finding : Finding
        With values of the metric. Its difference is by how much the challenger is *worse*, whichever way is better.
    """

    metric: str
    finding: Finding


def compare_estimates(
    champion: Estimated, challenger: Estimated, *, error: float, looks: int, moved: float = 0.0
) -> Comparison | None:
    """Compare the estimated quality of two models on their shares of the same traffic.

    Each model's answers are read by its own test part: a model that is too sure of itself was so there, and does not look
    the better for it. How far off such estimates were there is part of the interval
    (:mod:`headrace.ml.quality.estimate`) and does not shrink with more traffic, so equal models are not told apart in the
    end by how their test parts happened to be. The accepted error is shared equally among the looks (Bonferroni).

    Parameters
    ----------
    champion, challenger : Estimated
        Since the release began.
    error : float
        Accepted chance of a false verdict, at all looks together.
    looks : int
        How often a release is looked at, at most.
    moved : float
        Share of rows by which the traffic's features differ from those that were learnt from, in [0, 1].

    Returns
    -------
    Comparison or None
        None if there is no metric that both have an estimate of.
    """
    old, new = champion.estimates(moved), challenger.estimates(moved)
    metric = _metric(champion.performance.metric, old, new)
    if metric is None:
        return None
    sign = 1.0 if metric in LOWER_IS_BETTER else -1.0
    worse, sd = sign * (new[metric].value - old[metric].value), math.hypot(old[metric].sd, new[metric].sd)
    half = -NormalDist().inv_cdf(error / (2.0 * looks)) * sd
    verdict: Verdict = "better" if worse + half < 0 else "worse" if worse - half > 0 else "open"
    finding = Finding(
        verdict,
        old[metric].value,
        new[metric].value,
        Interval(worse - half, worse + half),
        (champion.rows, challenger.rows),
    )
    return Comparison(metric, finding)


def _metric(preferred: str, old: dict[str, Estimate], new: dict[str, Estimate]) -> str | None:
    both = [name for name in old if name in new]
    return preferred if preferred in both else next(iter(both), None)
