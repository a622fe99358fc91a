"""How a training ended, as the ledger keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headrace.aws.executions import sentence_of
from headrace.aws.training_history import PastTraining
from headrace.aws.training_log import LastTraining
from headrace.config.pipeline import Pipeline
from headrace.config.prices import cost_usd

_WHY_LIMIT = 1000


@dataclass(frozen=True)
class JobSeconds:
    """How long the jobs of a training ran, of all instances together.

    Parameters
    ----------
    billed : int or None
        Seconds that are billed; None if SageMaker did not say.
    saved : int or None
        Seconds that spot instances have saved; None on demand, or if SageMaker did not say.
    """

    billed: int | None
    saved: int | None = None


def past_training(
    event: Mapping[str, Any],
    result: Mapping[str, Any],
    pipeline: Pipeline,
    seconds: JobSeconds,
    now: datetime,
) -> PastTraining:
    """Return the training for the history, with what it cost."""
    guard = event.get("guard") or {}
    arn = result["model_package_arn"] if event["outcome"] == "registered" else None
    return PastTraining(
        execution=event["execution"],
        run=guard.get("run") or "",
        started_at=guard.get("started_at") or now.isoformat(),
        finished_at=now.isoformat(),
        reason=guard.get("reason") or "",
        because=(guard.get("cause") or {}).get("about", ""),
        outcome=event["outcome"],
        why=result["why"],
        retraining=bool(guard.get("retraining")),
        champion=(guard.get("champion") or {}).get("version"),
        version=int(arn.rpartition("/")[2]) if arn else None,
        seconds=seconds.billed,
        cost_usd=_usd(seconds.billed, pipeline),
        tuning=_tuning(event),
        saved_usd=_usd(seconds.saved, pipeline),
    )


def _tuning(event: Mapping[str, Any]) -> Mapping[str, str] | None:
    """Return how hyperparameters were searched; of a search that has found nothing, the beginning of its name."""
    begun = event.get("tuning_job")
    found: Mapping[str, str] | None = (event.get("training") or {}).get("tuning")
    return found or ({"job": begun} if begun else None)


def _usd(seconds: int | None, pipeline: Pipeline) -> float | None:
    return None if seconds is None else cost_usd(seconds, pipeline.training.hourly_usd)


def last_training(
    event: Mapping[str, Any], result: Mapping[str, Any], before: LastTraining | None, now: datetime
) -> LastTraining:
    """Return what the next training must know of this one; a failed one has learned nothing new."""
    guard = event.get("guard") or {}
    learned = event["outcome"] != "failed"
    learned_from = event["snapshot"] if learned else _learned_before(before)
    return LastTraining(
        execution=event["execution"],
        started_at=guard.get("started_at") or now.isoformat(),
        finished_at=now.isoformat(),
        outcome=event["outcome"],
        why=result["why"],
        retraining=bool(guard.get("retraining")),
        content_hash=learned_from["content_hash"],
        upto=learned_from["upto"],
        rows_seen=int(learned_from["rows_seen"]),
        has_model=event["outcome"] == "registered" or bool(before and before.has_model),
        learned_from=str(result.get("learned_from") or ""),
        holdout=str(result.get("holdout") or ""),
        recent=str(result.get("recent") or ""),
    )


def _learned_before(before: LastTraining | None) -> dict[str, Any]:
    if before is None:
        return {"content_hash": None, "upto": None, "rows_seen": 0}
    return {"content_hash": before.content_hash, "upto": before.upto, "rows_seen": before.rows_seen}


def why(event: Mapping[str, Any]) -> str:
    """Return the reason given, or what a failed state says in its error output."""
    error = event.get("error")
    if not error:
        return str(event.get("why") or event["outcome"])
    return f"{error.get('Error', 'error')}: {sentence_of(str(error.get('Cause', '')))}"[:_WHY_LIMIT]
