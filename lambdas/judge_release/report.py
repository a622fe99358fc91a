"""What one look at a release writes down. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from headrace.aws.alarm_states import AlarmState
from headrace.ml.release.decision import Decision
from headrace.ml.release.sequential import Finding
from headrace.ml.release.shadow import Agreement
from headrace.ml.release.shift import Shift
from lambdas.judge_release.memory import Memory, Reading
from lambdas.judge_release.release import Release

_ROLES = ("champion", "challenger")


@dataclass(frozen=True)
class Compared:
    """The comparison that decides.

    Parameters
    ----------
    by : str
        ``labels`` or ``estimates``.
    what : str
        The loss, or the metric.
    error : float
        Accepted chance of a false verdict.
    finding : Finding
        What is known.
    """

    by: str
    what: str
    error: float
    finding: Finding

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON has it; what is not known is null."""
        found = self.finding
        return {
            "by": self.by,
            "what": self.what,
            "error": self.error,
            "verdict": found.verdict,
            "champion": _known(found.champion),
            "challenger": _known(found.challenger),
            "low": _known(found.difference.low),
            "high": _known(found.difference.high),
            "requests": list(found.requests),
            "evidence": [_known(value) for value in found.evidence],
        }


@dataclass(frozen=True)
class Judged:
    """One look at a release.

    Parameters
    ----------
    pipeline : str
        Name.
    release : Release
        What is judged.
    at : datetime
        When, in UTC.
    decision : Decision
        What is to be done.
    alarms : sequence of AlarmState
        Of the release.
    shift : Shift
        How far the answers are apart.
    limit : float or None
        From which on that withdraws.
    compared : Compared or None
        The comparison that decides; None if there is none.
    window : tuple of datetime
        The last time of which everything is counted: its start, its end.
    counted : tuple of mapping
        What SageMaker has counted then of the champion, and of the challenger.
    """

    pipeline: str
    release: Release
    at: datetime
    decision: Decision
    alarms: Sequence[AlarmState]
    shift: Shift
    limit: float | None
    compared: Compared | None
    window: tuple[datetime, datetime]
    counted: tuple[Mapping[str, float], Mapping[str, float]]

    @property
    def key(self) -> str:
        """Where the report is kept."""
        return f"{self.release.folder}report.json"

    def in_short(self, rows: tuple[int, int]) -> dict[str, Any]:
        """Return one line of the history."""
        found = self.compared.as_dict() if self.compared else {}
        return {
            "judged_at": f"{self.at:%Y-%m-%dT%H:%M:%SZ}",
            "share": self.release.share,
            "decision": self.decision.outcome,
            "rows": list(rows),
            "shift": round(self.shift.size, 4) if self.shift.verdict != "not enough data" else None,
            **{name: found.get(name) for name in ("champion", "challenger", "low", "high")},
        }

    def as_document(self, memory: Memory) -> dict[str, Any]:
        """Return the report as JSON has it."""
        release = self.release
        return {
            "pipeline": self.pipeline,
            "endpoint": f"headrace-{self.pipeline}",
            "version": release.version,
            "variant": release.challenger,
            "against": release.champion,
            "strategy": release.strategy,
            "execution": release.execution,
            "judged_at": f"{self.at:%Y-%m-%dT%H:%M:%SZ}",
            "report_key": self.key,
            "step": release.step,
            "share": release.share,
            "since": release.since.isoformat(),
            "deadline": release.deadline.isoformat(),
            "decision": self.decision.outcome,
            "next_share": self.decision.share,
            "why": self.decision.why,
            "alarms": [asdict(alarm) for alarm in self.alarms],
            "models": self._models(memory),
            "counted": {"from": self.window[0].isoformat(), "to": self.window[1].isoformat()},
            "shift": self._shift(),
            "comparison": self.compared.as_dict() if self.compared else None,
            "agreement": _agreement(memory.agreement),
            "history": list(memory.history),
        }

    def figures(self, memory: Memory) -> dict[str, float]:
        """Return what `headrace release status` shows, each under a name that says what it is."""
        figures: dict[str, float | None] = {
            "champion_rows": memory.champion.rows,
            "challenger_rows": memory.challenger.rows,
            "prediction_shift": self.shift.size,
            "agreement": memory.agreement.share if memory.agreement else None,
        }
        if self.compared is not None:
            what, found = self.compared.what, self.compared.as_dict()
            figures |= {f"champion_{what}": found["champion"], f"challenger_{what}": found["challenger"]}
            figures |= {"worse_by_at_least": found["low"], "worse_by_at_most": found["high"]}
        return {name: round(value, 6) for name, value in figures.items() if value is not None}

    def _models(self, memory: Memory) -> dict[str, Any]:
        readings: tuple[Reading, Reading] = memory.champion, memory.challenger
        variants = self.release.champion, self.release.challenger
        return {
            role: {"variant": variant, **reading.counts(), **counted}
            for role, variant, reading, counted in zip(_ROLES, variants, readings, self.counted, strict=True)
        }

    def _shift(self) -> dict[str, Any]:
        shift = self.shift
        return {
            "verdict": shift.verdict,
            "size": round(shift.size, 4),
            "limit": self.limit,
            "since": shift.stratum.since,
            "rows": list(shift.stratum.rows),
            "reason": shift.report.reason,
            "columns": [asdict(feature) for feature in shift.report.features],
        }


def _agreement(agreement: Agreement | None) -> dict[str, Any] | None:
    if agreement is None:
        return None
    interval = agreement.share_interval(0.05)
    return {
        **agreement.as_dict(),
        "share": agreement.share,
        "low": interval.low,
        "high": interval.high,
        "mean_difference": _known(agreement.differences.mean),
    }


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None
