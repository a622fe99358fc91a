"""What a quality check writes down, and the figures it emits. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headrace.ml.quality.concept import ConceptFinding
from headrace.ml.quality.judge import Judged
from headrace.ml.quality.performance import Performance


@dataclass(frozen=True)
class Checked:
    """One check of one model's quality.

    Parameters
    ----------
    pipeline, variant : str
        Names.
    checked_at : datetime
        In UTC.
    performance : Performance
        The reference.
    moved : float
        Share of rows by which the traffic's features differ from those of the training, in [0, 1].
    estimated, measured : Judged
        Without labels, and with them.
    concept : ConceptFinding or None
        Whether mistakes are more than was expected; None without any label.
    """

    pipeline: str
    variant: str
    checked_at: datetime
    performance: Performance
    moved: float
    estimated: Judged
    measured: Judged
    concept: ConceptFinding | None = None

    @property
    def key(self) -> str:
        """Where the report is kept."""
        return f"quality/{self.variant}/{self.checked_at:%Y-%m-%dT%H-%M-%SZ}.json"

    @property
    def dropped(self) -> bool:
        """Whether quality is lower than is tolerated."""
        return "drop" in (self.estimated.verdict, self.measured.verdict)

    @property
    def concept_drifted(self) -> bool:
        """Whether the world answers otherwise than it did."""
        return self.concept is not None and self.concept.drifted

    @property
    def says_something(self) -> bool:
        """Whether anything could be judged."""
        return bool(self.estimated.metrics or self.measured.metrics or self.concept)

    @property
    def summary(self) -> list[str]:
        """A line for everything that has dropped, or one line that says how good it is."""
        lines = [*_lines("estimated", self.estimated), *_lines("measured", self.measured)]
        dropped = [line for line, fell in lines if fell] + self._concept_line
        return dropped or [line for line, _ in lines] or ["not enough data"]

    @property
    def _concept_line(self) -> list[str]:
        found = self.concept
        if found is None or not found.drifted:
            return []
        return [
            f"concept: {found.wrong_share:.1%} of the answers since {found.since}Z are mistakes, of which "
            f"{found.expected_share:.1%} were to be expected ({found.rows} labels)"
        ]

    def in_short(self) -> dict[str, Any]:
        """Return the verdict in a few words."""
        named = ("dropped", "concept_drifted", "summary", "variant", "report_key")
        return {name: value for name, value in self.as_document().items() if name in named}

    def as_document(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return {
            "pipeline": self.pipeline,
            "endpoint": f"headrace-{self.pipeline}",
            "variant": self.variant,
            "checked_at": f"{self.checked_at:%Y-%m-%dT%H:%M:%SZ}",
            "report_key": self.key,
            "dropped": self.dropped,
            "concept_drifted": self.concept_drifted,
            "summary": self.summary,
            "metric": self.performance.metric,
            "reference": self.performance.level.as_dict(),
            "estimated": {**_as_dict(self.estimated), "moved": round(self.moved, 4)},
            "measured": _as_dict(self.measured),
            "concept": self.concept.as_dict() if self.concept else None,
        }

    def figures(self) -> dict[str, float]:
        """Return the metrics. What could not be judged gives none: an alarm on it then keeps its state."""
        figures = {}
        for name, judged in (("EstimatedQuality", self.estimated), ("Quality", self.measured)):
            if judged.comparison is not None:
                figures[name] = judged.comparison.value
            if judged.ratio is not None:
                figures[f"{name}Drop"] = judged.ratio
        if self.concept is not None:
            figures["ConceptDrift"] = float(self.concept.drifted)
        return figures


def _as_dict(judged: Judged) -> dict[str, Any]:
    segments = {
        column: {name: _as_dict(part) for name, part in parts.items()}
        for column, parts in judged.segments.items()
    }
    return {
        "rows": judged.rows,
        "verdict": judged.verdict,
        "metrics": {name: measured.as_dict() for name, measured in judged.metrics.items()},
        "comparison": judged.comparison.as_dict() if judged.comparison else None,
        **({"segments": segments} if segments else {}),
    }


def _lines(how: str, judged: Judged, where: str = "") -> Iterator[tuple[str, bool]]:
    """Yield a line for the whole and for each segment, and whether it has dropped."""
    found = judged.comparison
    if found is not None:
        measured = judged.metrics[found.metric]
        yield (
            f"{found.metric} {how}{where}: {found.reference:.4g} → {found.value:.4g} "
            f"(95 %: {measured.low:.4g} to {measured.high:.4g}, {judged.rows} rows, p = {found.p_value:.1e})",
            found.dropped,
        )
    for column, parts in judged.segments.items():
        for name, part in parts.items():
            yield from (line for line in _lines(how, part, f" where {column} is {name}") if line[1])
