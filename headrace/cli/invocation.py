"""`headrace invoke`: ask the endpoint about the rows of a file."""

from __future__ import annotations

import argparse
import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import (
    CommandError,
    Commands,
    add_command,
    add_pipeline,
    say,
    show,
    show_table,
    writing,
)

if TYPE_CHECKING:
    from headrace.aws.asynchronous_endpoint import Request
    from headrace.aws.deployed_pipeline import DeployedPipeline
    from headrace.aws.endpoint_question import Answered

_JSON = "application/json"
_MOST_SHOWN = 20


def add_commands(commands: Commands) -> None:
    """Add the command."""
    about = "ask the endpoint about a file: rows, a text or an image"
    command = add_command(commands, "invoke", invoke, about)
    add_pipeline(command)
    command.add_argument(
        "file", type=Path, help="what is asked: .csv, .json, .jsonl, .parquet, .txt, .png, .jpg"
    )
    command.add_argument("--content-type", help="its media type (default: by the end of its name)")
    command.add_argument("--accept", default=_JSON, help=f"the answer's media type (default: {_JSON})")
    command.add_argument("--inference-id", help="an id of yours, by which the prediction is found again")
    command.add_argument("--output", type=Path, help="put the answer into this file, as it comes")
    command.add_argument(
        "--timeout", type=float, default=900, help="asynchronous: how long to wait, in seconds (default: 900)"
    )


def invoke(arguments: argparse.Namespace) -> None:
    """Ask, and show what is answered."""
    request = _request(arguments)
    answered = _answered(deployed(arguments.pipeline), arguments, request)
    if arguments.output:
        with writing(arguments.output):
            arguments.output.write_bytes(answered.body)
    document = _document(answered, arguments)
    if arguments.json:
        show(document, as_json=True)
        return
    if arguments.output:
        say(f"the answer is in {arguments.output}")
    elif isinstance(rows := document.get("predictions"), list):
        _show_predictions(rows)
    else:
        say(document["answer"])
    who = f"by {answered.variant}" if answered.variant else f"in {answered.place}"
    say(f"answered {who}, in {answered.seconds:.2f} s")


def _request(arguments: argparse.Namespace) -> Request:
    from headrace.aws.asynchronous_endpoint import Request  # noqa: PLC0415 - boto3 takes its time
    from headrace.aws.endpoint_question import media_type  # noqa: PLC0415

    kind = arguments.content_type or media_type(arguments.file.name)
    if kind is None:
        raise CommandError(
            f"what kind of file {arguments.file} is does not show: name it with --content-type"
        )
    try:
        body = arguments.file.read_bytes()
    except OSError as error:
        raise CommandError(f"{arguments.file} cannot be read: {error.strerror}") from None
    name = f"{uuid.uuid4().hex}-{arguments.file.name}"  # of an asynchronous request: others may ask by the same name
    return Request(name, body, kind, arguments.accept, arguments.inference_id)


def _answered(pipeline: DeployedPipeline, arguments: argparse.Namespace, request: Request) -> Answered:
    from headrace.aws.endpoint_question import (  # noqa: PLC0415
        NoEndpointError,
        QuestionError,
        ask_endpoint,
    )

    outputs = pipeline.outputs
    if (how := outputs["InvokeLikeThis"]).endswith("/batch/"):
        how = how.replace("rows.csv", str(arguments.file))
        raise CommandError(f"{arguments.pipeline} has no endpoint, it answers files: {how}")
    endpoint = outputs["EndpointName"]
    try:
        return ask(
            lambda: ask_endpoint(
                pipeline.session, endpoint, outputs["ArtifactsBucketName"], request, arguments.timeout
            ),
            f"asking {endpoint}",
        )
    except NoEndpointError as error:
        hint = f"no model has been deployed yet, see headrace status {arguments.pipeline}"
        raise CommandError(f"{error}: {hint}") from None
    except QuestionError as error:
        raise CommandError(str(error)) from None


def _document(answered: Answered, arguments: argparse.Namespace) -> dict[str, Any]:
    told = {"variant": answered.variant, "place": answered.place, "seconds": round(answered.seconds, 3)}
    text = answered.body.decode(errors="replace")
    if arguments.accept != _JSON:
        return {"answer": text, **told}
    try:
        return {"predictions": json.loads(text)["predictions"], **told}
    except (ValueError, KeyError, TypeError):
        return {"answer": text, **told}


def _show_predictions(predictions: list[Any]) -> None:
    shown = [_flat(prediction) for prediction in predictions[:_MOST_SHOWN]]
    columns = list(dict.fromkeys(name for row in shown for name in row))
    rows = [
        [str(number), *(_cell(row.get(name)) for name in columns)]
        for number, row in enumerate(shown, start=1)
    ]
    show_table(["row", *columns], rows)
    if more := len(predictions) - len(shown):
        say(f"and {more} more: --json or --output has all")


def _flat(prediction: Any) -> dict[str, Any]:
    """Return one row of the table: what is within a prediction, by name.

    Examples
    --------
    >>> _flat({"label": "a", "probabilities": {"a": 0.9, "b": 0.1}})
    {'label': 'a', 'a': 0.9, 'b': 0.1}
    >>> _flat(3.5)
    {'prediction': 3.5}
    """
    if not isinstance(prediction, Mapping):
        return {"prediction": prediction}
    flat: dict[str, Any] = {}
    for name, value in prediction.items():
        flat |= value if isinstance(value, Mapping) else {name: value}
    return flat


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "" if value is None else str(value)
