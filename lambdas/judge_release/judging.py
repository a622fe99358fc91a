"""One look at a release: read what is new, compare, decide, and write down why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.aws.logs import function_logger
from headrace.aws.metrics import Unit
from headrace.aws.release_alarms import SHIFT_METRIC
from headrace.config.pipeline import Pipeline
from headrace.ml.profile import Profile
from headrace.ml.release.decision import Situation, decide
from headrace.ml.release.losses import loss_of
from headrace.ml.release.shift import answers_of, find_shift
from lambdas.judge_release.answers import read_answers
from lambdas.judge_release.estimates import compare_predictions
from lambdas.judge_release.labels import Task, read_labels
from lambdas.judge_release.memory import Memory
from lambdas.judge_release.pictures import draw_page
from lambdas.judge_release.ports import Ports
from lambdas.judge_release.release import Release
from lambdas.judge_release.report import Compared, Judged

logger = function_logger(child=True)

TOLERATED = 0.1
"""A shadow may lose so much more than the champion, as a share of what that loses, and is still no worse."""

_SMALLEST_SHIFT = 0.1
"""What is told, where no limit is set: a shift in standard deviations of a normal variable."""

_TWO = 2
_LATE = timedelta(minutes=2)
"""How long SageMaker may take to count a request."""

_COUNTED = {
    "invocations": ("Invocations", "Sum"),
    "errors": ("Invocation5XXErrors", "Sum"),
    "latency_p50_us": ("ModelLatency", "p50"),
    "latency_p99_us": ("ModelLatency", "p99"),
}


@dataclass(frozen=True)
class _Answers:
    """In which form the models answer."""

    bins: Profile
    classes: tuple[str, ...]


def judge_release(
    event: Mapping[str, Any], pipeline: Pipeline, ports: Ports, now: datetime
) -> dict[str, Any]:
    """Look at the release of ``event["plan"]`` and answer with ``decision``, ``share``, ``why`` and ``figures``.

    What is remembered is written last: a look that fails on the way is done again from the beginning, and reads the same.
    """
    running = ports.releases.running()
    mine = running if running is not None and running.execution == event["execution"] else None
    release = Release.of(event, mine.since if mine else None)
    ports.baselines.publish(event["plan"])
    memory = Memory.of(ports.documents.load(f"{release.folder}state.json"), release.execution)
    baselines = _baselines(release, ports)
    answers = _answers(release, baselines)
    memory = read_answers(
        release,
        memory.from_share(release.since),
        ports.captured,
        answers.bins,
        answers.classes,
        {name: document["threshold"] for name, document in baselines.items() if "threshold" in document},
    )
    memory, compared = _compare(release, memory, pipeline, ports, answers.classes)
    wanted = mine.decision.what if mine is not None and mine.decision is not None else ""
    judged = _judge(release, memory, pipeline, ports, compared, wanted=wanted, now=now)
    _emit(judged, ports)
    memory = memory.after_look(judged.in_short(memory.rows), now)
    page_key = _report(judged, memory, ports)
    ports.documents.store(f"{release.folder}state.json", memory.as_dict())
    decision = judged.decision
    logger.info(decision.why, extra={"variant": release.challenger, "decision": decision.outcome})
    return {
        "decision": decision.outcome,
        "share": decision.share,
        "why": decision.why,
        "figures": judged.figures(memory),
        "report_key": judged.key,
        "page_key": page_key,
    }


def _baselines(release: Release, ports: Ports) -> dict[str, Mapping[str, Any]]:
    """Return the baselines by variant, the champion's first; a variant that was deployed without one is not among them."""
    variants = (release.champion, release.challenger)
    found = {name: ports.documents.load(f"baselines/{name}/baseline.json") for name in variants}
    return {name: document for name, document in found.items() if document}


def _answers(release: Release, baselines: Mapping[str, Mapping[str, Any]]) -> _Answers:
    """Return the form of the champion's answers; of a champion that was deployed without a baseline, the challenger's."""
    for document in baselines.values():
        baseline = Profile.from_dict(document)
        if baseline.prediction is not None:
            levels = baseline.prediction.levels
            classes = document.get("classes") or (sorted(levels) if len(levels) == _TWO else ())
            return _Answers(answers_of(baseline), tuple(classes))
    raise ValueError(
        f"neither {release.champion} nor {release.challenger} has a baseline of its answers: redeploy one of them"
    )


def _compare(
    release: Release, memory: Memory, pipeline: Pipeline, ports: Ports, classes: tuple[str, ...]
) -> tuple[Memory, Compared | None]:
    """Return the memory with what is new to compare by, and what it says; a release by steps compares nothing."""
    if release.by_steps:
        return memory, None
    error = 1.0 - pipeline.release.confidence
    if pipeline.release.metric == "proxy":
        memory, found = compare_predictions(release, memory, ports.rows, ports.documents, error=error)
        return memory, Compared("estimates", found.metric, error, found.finding) if found else None
    task = Task(pipeline.problem, classes, loss_of(pipeline.metric, pipeline.problem))
    memory = read_labels(release, memory, ports.rows, task)
    if memory.pairs is not None:
        finding = memory.pairs.judge(error, tolerated=TOLERATED)
    else:
        assert memory.split is not None  # one of both is what labels are read into
        finding = memory.split.judge(error)
    return memory, Compared("labels", task.loss, error, finding)


def _judge(
    release: Release,
    memory: Memory,
    pipeline: Pipeline,
    ports: Ports,
    compared: Compared | None,
    *,
    wanted: str,
    now: datetime,
) -> Judged:
    limit, alarms = pipeline.release.limits.prediction_shift, ports.alarms.states()
    window = last_interval(now, release.interval_s)
    shift = find_shift(memory.strata, limit=limit or _SMALLEST_SHIFT, looks=release.looks)
    situation = Situation(
        strategy=release.strategy,
        shares=release.shares,
        step=release.step,
        over=release.over(now),
        by_labels=compared is not None and compared.by == "labels",
        min_rows=pipeline.release.min_rows,
        rows=memory.rows,
        alarms=[alarm.name for alarm in alarms if alarm.state == "ALARM"],
        shift=None if limit is None else shift,
        finding=compared.finding if compared else None,
        wanted=wanted,
    )
    return Judged(
        pipeline=pipeline.name,
        release=release,
        at=now,
        decision=decide(situation),
        alarms=alarms,
        shift=shift,
        limit=limit,
        compared=compared,
        window=window,
        counted=_counted(release, ports, window),
    )


def _counted(
    release: Release, ports: Ports, window: tuple[datetime, datetime]
) -> tuple[dict[str, float], dict[str, float]]:
    """Return what SageMaker has counted of both models."""
    champion, challenger = (
        ports.counted.over(*window, variant, tuple(_COUNTED.values()))
        for variant in (release.champion, release.challenger)
    )
    return _named(champion), _named(challenger)


def _named(statistics: Mapping[tuple[str, str], float]) -> dict[str, float]:
    return {name: statistics[which] for name, which in _COUNTED.items() if which in statistics}


def last_interval(now: datetime, interval_s: int) -> tuple[datetime, datetime]:
    """Return the last interval in which everything is counted: whole minutes, a multiple of its own length since 1970.

    Examples
    --------
    >>> start, end = last_interval(datetime(2026, 1, 31, 11, 13, tzinfo=UTC), 600)
    >>> start.minute, end.minute
    (0, 10)
    """
    length = max(60, interval_s // 60 * 60)
    end = int((now - _LATE).timestamp()) // length * length
    return datetime.fromtimestamp(end - length, UTC), datetime.fromtimestamp(end, UTC)


def _emit(judged: Judged, ports: Ports) -> None:
    """Emit how far the answers are apart; nothing as long as that cannot be told: the alarm keeps its state then."""
    if judged.shift.verdict != "not enough data":
        ports.metrics.put(
            {SHIFT_METRIC: judged.shift.size},
            unit=Unit.NoUnit,
            dimensions={"Variant": judged.release.challenger},
        )


def _report(judged: Judged, memory: Memory, ports: Ports) -> str | None:
    """Write the page, and the report that names it."""
    report = judged.as_document(memory)
    report["page_key"] = draw_page(report, judged.shift.stratum, ports.documents, ports.metrics)
    ports.documents.store(judged.key, report)
    key: str | None = report["page_key"]
    return key
