"""`headrace trace`: where a prediction comes from, and what a dropped file has led to."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.cli.running_pipeline import deployed
from headrace.cli.screen import CommandError, Commands, add_command, add_pipeline, say, show, show_table
from headrace.cli.versions import add_version_option, ask_about_versions
from headrace.ml.pages.words import count, moment

if TYPE_CHECKING:
    from headrace.aws.reached import Reached

Answer = TypeVar("Answer")
Lines = Iterator[tuple[str, str]]

_IDS, _ROWS, _FILES = 5, 5, 10


def add_commands(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands, "trace", trace, "show where a prediction comes from, or what a file or a model has led to"
    )
    add_pipeline(command)
    what = command.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "id", nargs="?", help="of a prediction: the InferenceId that was sent, or the id in the capture"
    )
    what.add_argument("--file", metavar="KEY", help="of a dropped file, such as incoming/2026-01.csv")
    add_version_option(what, "--model", "both ways: what it was made from, and what it has predicted")
    command.add_argument(
        "--at",
        type=_moment,
        metavar="TIME",
        help="about when, such as 2026-01-31: only days near it are searched",
    )


def trace(arguments: argparse.Namespace) -> None:
    """Trace a prediction back, a file forward, or a model both ways."""
    from headrace.aws.lineage import Lineage  # noqa: PLC0415 - boto3 and Arrow take their time
    from headrace.aws.reached import Reached  # noqa: PLC0415

    lineage = Lineage(deployed(arguments.pipeline))
    reached, ids = Reached(lineage), None if arguments.json else _IDS
    if arguments.file is not None:
        found = _found(lambda: reached.by_file(arguments.file, ids=ids))
        _show(found, arguments, lambda: _show_file(found))
    elif arguments.model is not None:
        found = _found(lambda: _both_ways(reached, arguments.model, ids))
        _show(found, arguments, lambda: _show_model(found))
    else:
        found = _found(lambda: lineage.of_prediction(arguments.id, arguments.at))
        _show(found, arguments, lambda: _show_prediction(found))


def _both_ways(reached: Reached, version: int, ids: int | None) -> dict[str, Any]:
    return {**reached.lineage.of_model(version), "reached": reached.by_model(version, ids=ids)}


def _found(work: Callable[[], Answer]) -> Answer:
    from headrace.aws.lineage import NotFoundError  # noqa: PLC0415

    try:
        return ask_about_versions(work, "following what was written down")
    except NotFoundError as error:
        raise CommandError(str(error)) from None


def _moment(given: str) -> datetime:
    """Return a time in UTC.

    Examples
    --------
    >>> _moment("2026-01-31").isoformat(), _moment("2026-01-31T01:00+02:00").isoformat()
    ('2026-01-31T00:00:00+00:00', '2026-01-30T23:00:00+00:00')
    """
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"a time is written as 2026-01-31 or 2026-01-31T14:00, not {given!r}"
        ) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


# --- words


def _show(document: dict[str, Any], arguments: argparse.Namespace, as_table: Callable[[], None]) -> None:
    if arguments.json:
        show(document, as_json=True)
    else:
        as_table()


def _show_prediction(found: Mapping[str, Any]) -> None:
    for answer in found["answers"]:
        rows, model = answer["rows"], answer["model"]
        told = ", ".join(_answered(row) for row in rows[:_ROWS])
        more = f" and {len(rows) - _ROWS} rows more" if len(rows) > _ROWS else ""
        lines = [
            ("endpoint", f"{found['endpoint']}, variant {answer['variant']}{_shared(model.get('share'))}"),
            ("answered", f"{moment(answer['time'])}: {told}{more}"),
            ("stored", f"{answer['stored']}{'' if answer['recorded'] else ', captured, not recorded yet'}"),
            *_model_lines(model),
        ]
        show_table(["", ""], lines, title=f"prediction {found['id']}", header=False)


def _show_model(found: Mapping[str, Any]) -> None:
    lines = [*_model_lines(found), *_predicted_lines(found["reached"])]
    show_table(["", ""], lines, title=f"model v{found['version']}", header=False)


def _show_file(found: Mapping[str, Any]) -> None:
    for version in found["versions"]:
        show_table(["", ""], [*_file_lines(version)], title=f"{version['key']}", header=False)
    if not found["trainings"]:
        say("no training has learnt from it")
        return
    show_table(
        ["training", "when", "because", "its rows", "outcome"],
        [
            [
                training["run"],
                moment(training["started_at"]),
                training["reason"],
                training["says"] or count(training["rows_of_the_file"]),
                training["outcome"] if training["version"] is None else f"v{training['version']}",
            ]
            for training in found["trainings"]
        ],
        title="trainings that had it",
    )
    for model in found["models"]:
        show_table(["", ""], [*_predicted_lines(model)], title=f"model v{model['version']}", header=False)


def _model_lines(model: Mapping[str, Any]) -> Lines:
    """Yield what is known of a model, from the registry back to the data."""
    if "status" not in model:
        yield "model", f"v{model['version']}: {model['says']}" if model["version"] else model["says"]
        return
    yield "model", f"v{model['version']}, {model['status']}, {model['model_package']}"
    yield "served", _spans(model["served"])
    if "erasure" in model:
        yield "erasure", model["erasure"]
    if "training" not in model:
        yield "made from", model["says"]
    else:
        yield from _training_lines(model)
        yield from _data_lines(model["data"])
        yield "gate", _gate(model["gate"])
    approval = model["approval"]
    said = f": {approval['why']}" if approval["why"] else ""
    yield "approval", f"{approval['status']} by {approval['by'] or 'nobody whom the registry names'}{said}"


def _training_lines(model: Mapping[str, Any]) -> Lines:
    training, code, image = model["training"], model["code"], model["image"]
    because = ", ".join(str(value) for value in model["reason"].values() if value)
    yield "training", f"{training['job']} ({because})"
    given = ", ".join(f"{name} {value}" for name, value in training["hyperparameters"].items())
    yield "learner", f"{training['estimator']}, seed {training['seed']}; {given or 'its own hyperparameters'}"
    commit = code.get("commit") or code.get("git_says") or "no commit is known"
    yield "code", f"{commit}{', with changes' if code.get('dirty') else ''}, image tag {code['code_version']}"
    yield "image", f"{image['uri']} {image['digest'] or image['says']}"
    if not model["provenance"]["as_registered"]:
        yield (
            "provenance",
            f"{model['provenance']['uri']} was changed after the registration: do not trust it",
        )


def _data_lines(data: Mapping[str, Any]) -> Lines:
    manifest = data["manifest"] or {}
    yield "data", f"{data['content_hash'][:16]}, {data['learned_from']}; {len(data['objects'])} objects"
    yield "manifest", f"{manifest.get('uri', 'none')} version {manifest.get('version_id', 'none')}"
    if "says" in data:
        yield "files", data["says"]
        return
    parts = ", ".join(f"{name} {count(rows)}" for name, rows in data["rows"].items())
    yield "rows", parts or "not written down"
    files = data["files"]
    named = [
        f"{file['key']} ({count(file['rows'])} rows, version {file['version_id']})" for file in files[:_FILES]
    ]
    more = [f"and {len(files) - _FILES} files more"] if len(files) > _FILES else []
    yield "files", "\n".join([*named, *more]) or "none"


def _file_lines(version: Mapping[str, Any]) -> Lines:
    there = {True: "", False: ", deleted since", None: ", these credentials may not see whether it is there"}
    yield (
        "version",
        f"{version['version_id']}, dropped {moment(version['dropped_at'])}{there[version['still_there']]}",
    )
    if version["refused"]:
        yield "refused", version["refused"]
        return
    reasons = ", ".join(f"{name} {count(rows)}" for name, rows in version["reasons"].items())
    yield (
        "rows",
        (
            f"{count(version['rows'])} accepted, {count(version['quarantined'])} refused{f': {reasons}' if reasons else ''}"
        ),
    )
    yield "curated", "\n".join(version["curated_paths"]) or "none"


def _predicted_lines(model: Mapping[str, Any]) -> Lines:
    predicted, batches = model["predictions"], model["batch_predictions"]
    yield "served alone", _spans(model["served"])
    span = f", {moment(predicted['first'])} to {moment(predicted['last'])}" if predicted["first"] else ""
    yield "predictions", f"{count(predicted['count'])}{span}"
    if waiting := predicted["objects_not_recorded"]:
        yield (
            "not counted",
            f"{waiting} captured objects that are not recorded yet: headrace check records them",
        )
    if batches["files"]:
        yield "in batches", f"{count(batches['rows'])} rows of {batches['files']} files"
    if ids := predicted["ids"]:
        yield "newest ids", "\n".join([*ids, *(["all: --json"] if predicted["count"] > len(ids) else [])])


def _answered(row: Mapping[str, Any]) -> str:
    """Tell a prediction, and its score if that says more.

    Examples
    --------
    >>> _answered({"prediction": "12.5", "score": 12.5}), _answered({"prediction": "yes", "score": 0.75})
    ('12.5', 'yes (0.75)')
    >>> _answered({"prediction": "a", "score": float("nan")}), _answered({"prediction": None, "score": None})
    ('a', 'an answer that cannot be read')
    """
    label, score = row["prediction"], row["score"]
    if label is None:
        return "an answer that cannot be read"
    if score is None or math.isnan(score) or label == str(score):
        return str(label)
    return f"{label} ({score:.4g})"


def _shared(share: float | None) -> str:
    return "" if share is None or share == 1 else f", which had {share:.0%} of the requests"


def _spans(served: Sequence[Mapping[str, Any]]) -> str:
    """Tell when a model served.

    Examples
    --------
    >>> _spans([{"since": "2026-01-31T10:00:00+00:00", "until": None}]), _spans([])
    ('since 2026-01-31 10:00', 'never all requests')
    """
    told = [
        f"{moment(span['since'])} to {moment(span['until'])}"
        if span["until"]
        else f"since {moment(span['since'])}"
        for span in served
    ]
    return ", ".join(told) or "never all requests"


def _gate(gate: Mapping[str, Any]) -> str:
    figures = [
        f"{who} {gate[name]:.4g}"
        for who, name in (("new", "challenger"), ("in service", "champion"))
        if isinstance(gate[name], int | float)
    ]
    measured = f" ({gate['metric']}: {', '.join(figures)}; {gate['rows']} rows)" if figures else ""
    return f"{gate['why']}{measured}"
