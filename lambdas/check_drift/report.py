"""What a drift check writes down, and the figures it emits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from headrace.ml.drift import DriftReport, FeatureDrift
from headrace.ml.evidence.weights import weight_in_words
from headrace.ml.joint import JointDrift
from headrace.ml.profile import Profile

_TINY = 1e-16


@dataclass(frozen=True)
class Checked:
    """One check of one model's traffic.

    Parameters
    ----------
    pipeline, endpoint, variant : str
        Names.
    checked_at : datetime
        In UTC.
    span : tuple of datetime or None
        Time of the first and of the last request.
    requests, unreadable, duplicates : int
        Records of the window, by what they were worth.
    window : Profile
        Of the rows and the predictions.
    drift : DriftReport
        The comparison with the baseline.
    violations : dict
        The same as Model Monitor's ``constraint_violations.json``.
    weights : mapping
        Share of each column in what the answers rest on, 0 to 1. It orders and explains what drifted; whether something drifted
        does not depend on it.
    """

    pipeline: str
    endpoint: str
    variant: str
    checked_at: datetime
    span: tuple[datetime, datetime] | None
    requests: int
    unreadable: int
    duplicates: int
    window: Profile
    drift: DriftReport
    violations: dict[str, Any]
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def violations_key(self) -> str:
        """Where Model Monitor's document is kept."""
        return f"{self.key.removesuffix('.json')}/constraint_violations.json"

    @property
    def key(self) -> str:
        """Where the report is kept."""
        return f"drift/{self.variant}/{self.checked_at:%Y-%m-%dT%H-%M-%SZ}.json"

    @property
    def judged(self) -> bool:
        """Whether there was enough to judge by."""
        return self.drift.verdict != "not enough data"

    @property
    def moved(self) -> list[FeatureDrift]:
        """The columns that drifted: the one that the answers rest on most first, then by how far they moved."""
        drifted = [feature for feature in self.drift.features if feature.drifted]
        return sorted(drifted, key=lambda feature: -self.weights.get(feature.name, 0.0))

    @property
    def drifted_features(self) -> list[str]:
        """Names of the columns that drifted, as `moved` has them; then the pair that no longer goes together."""
        joint = self.drift.joint
        pair = [" with ".join(joint.pair)] if joint and joint.drifted else []
        return [feature.name for feature in self.moved] + pair

    @property
    def summary(self) -> list[str]:
        """A line per drifted column, or one line that says there is none."""
        moved = [describe(feature, self.weights.get(feature.name)) for feature in self.moved]
        joint = self.drift.joint
        moved += [describe_joint(joint)] if joint and joint.drifted else []
        return moved or [self.drift.reason]

    def as_document(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        first, last = self.span or (None, None)
        return {
            "pipeline": self.pipeline,
            "endpoint": self.endpoint,
            "variant": self.variant,
            "checked_at": _iso(self.checked_at),
            "report_key": self.key,
            "drifted": self.drift.drifted,
            "verdict": self.drift.verdict,
            "summary": self.summary,
            "drifted_features": self.drifted_features,
            "score": round(score(self.drift), 4),
            "rows": self.drift.rows,
            "requests": self.requests,
            "unreadable": self.unreadable,
            "duplicates": self.duplicates,
            "window": {"from": first and _iso(first), "to": last and _iso(last)},
            "features": [self._feature(feature) for feature in self.drift.features],
            "joint": self.drift.joint.as_dict() if self.drift.joint else None,
        }

    def _feature(self, feature: FeatureDrift) -> dict[str, Any]:
        share = self.weights.get(feature.name)
        return asdict(feature) | ({} if share is None else {"importance": round(share, 4)})

    def counts(self) -> dict[str, float]:
        """Return the metrics that count something.

        A window that is too small gives no ``DriftedFeatures``: the alarm then keeps its state.
        """
        counts: dict[str, float] = {"WindowRows": self.drift.rows, "UnreadableRequests": self.unreadable}
        if not self.judged:
            return counts
        joint = self.drift.joint
        return {
            "DriftedFeatures": len(self.drifted_features),
            **({"JointDrift": int(joint.drifted)} if joint else {}),
            **counts,
        }

    def levels(self) -> dict[str, float]:
        """Return the metrics that measure something."""
        if not self.judged:
            return {}
        mean = self.window.prediction.mean if self.window.prediction else None
        return {"DriftScore": score(self.drift), **({} if mean is None else {"PredictionMean": mean})}

    def by_feature(self) -> dict[str, float]:
        """Return the drift of each column, in units of the smallest that counts."""
        return {feature.name: feature.effect / feature.floor for feature in self.drift.features}


def score(drift: DriftReport) -> float:
    """Return the largest move of a column in units of the smallest that counts; 0 without columns.

    Examples
    --------
    >>> temp = FeatureDrift("temp", True, 0.12, 1e-9, 1e-3, 0.03, 900, "mean 5 → 9")
    >>> round(score(DriftReport(True, "drift", 900, "", [temp])), 3)
    4.0
    """
    return max((feature.effect / feature.floor for feature in drift.features), default=0.0)


def describe(feature: FeatureDrift, share: float | None = None) -> str:
    """Say what happened to one column: from what to what, how much, how sure, and what it means for the answers.

    Examples
    --------
    >>> describe(FeatureDrift("temp", True, 0.57, 1e-30, 1e-3, 0.03, 900, "mean 0.2 → 0.56"))
    'temp: mean 0.2 → 0.56 (57 % of rows moved, p < 1e-16)'
    """
    weight = f"; {words}" if (words := weight_in_words(share)) else ""
    moved = f"{feature.effect * 100:.0f} % of rows moved, {_sure(feature.p_value)}"
    return f"{feature.name}: {feature.summary} ({moved}{weight})"


def describe_joint(joint: JointDrift) -> str:
    """Say which columns no longer go together."""
    return f"{joint.summary} ({_sure(joint.p_value)})"


def _sure(p_value: float) -> str:
    return f"p < {_TINY:.0e}" if p_value < _TINY else f"p = {p_value:.1e}"


def _iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
