"""`headrace report`: the page of a model's evaluation, and its model card."""

from __future__ import annotations

import argparse
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import CommandError, Commands, add_command, add_pipeline, say, show, writing

if TYPE_CHECKING:
    from headrace.aws.evaluation_reports import EvaluationReport


def add_commands(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands, "report", report, "save the page of an evaluation: why a model was registered, or was not"
    )
    add_pipeline(command)
    command.add_argument(
        "version",
        type=int,
        nargs="?",
        help="the version's number (default: the last training's, refused or not)",
    )
    command.add_argument(
        "--save", type=Path, metavar="FILE", help="where to (default: named by its training)"
    )
    command.add_argument("--card", type=Path, metavar="FILE", help="save the model card, in JSON, as well")
    command.add_argument("--open", action="store_true", help="show the page in the browser")


def report(arguments: argparse.Namespace) -> None:
    """Save a page, and say what it is about."""
    found = _found(arguments.pipeline, arguments.version)
    file: Path = arguments.save or Path(f"{found.training.run}.html")
    page = found.page or b""
    with writing(file):
        file.write_bytes(page)
    if arguments.card:
        _save_card(found, arguments.card)
    if arguments.open:
        webbrowser.open(file.resolve().as_uri())
    training = found.training
    document = {
        "file": str(file),
        "page": found.page_uri,
        "version": training.version,
        "outcome": training.outcome,
        "why": training.why,
        "run": training.run,
    }
    if arguments.json:
        show(document, as_json=True)
        return
    say(training.why)
    say(f"its page: {file}")
    if arguments.card:
        say(f"its model card: {arguments.card}")


def _found(name: str, version: int | None) -> EvaluationReport:
    from headrace.aws.evaluation_reports import EvaluationReports  # noqa: PLC0415 - boto3 takes its time
    from headrace.aws.training_history import TrainingHistory  # noqa: PLC0415

    pipeline = deployed(name)
    session, outputs = pipeline.session, pipeline.outputs
    trainings = TrainingHistory(session.resource("dynamodb").Table(outputs["LedgerTableName"])).newest_first()
    reports = EvaluationReports(session.client("s3"), outputs["ArtifactsBucketName"], trainings)
    found = ask(lambda: reports.find(version), "fetching the page")
    if found is None:
        which = f"registered version {version}" if version is not None else "come to a verdict yet"
        raise CommandError(f"no training of {name} has {which}: headrace trainings {name} lists all")
    if found.page is None:
        raise CommandError(
            f"there is no page at {found.page_uri}: its training is older than pages are, or the log of judge_model "
            "says why it could not be written"
        )
    return found


def _save_card(found: EvaluationReport, file: Path) -> None:
    if found.card is None:
        raise CommandError(f"there is no model card beside {found.page_uri}")
    with writing(file):
        file.write_bytes(found.card)
