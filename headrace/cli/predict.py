"""`headrace predict`: a file that is answered whole."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import CommandError, Commands, add_command, add_pipeline, show, writing

if TYPE_CHECKING:
    from headrace.aws.sent_files import SentFiles


def add_commands(commands: Commands) -> None:
    """Add the command."""
    about = "send a file to be answered whole, and say where its predictions are"
    command = add_command(commands, "predict", predict, about)
    add_pipeline(command)
    command.add_argument("file", type=Path, help="rows in any format that can be dropped")
    command.add_argument(
        "--as", dest="name", metavar="NAME", help="what it is called under batch/ (default: its own name)"
    )
    command.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait for the predictions (default)",
    )
    command.add_argument(
        "--to", type=Path, metavar="FOLDER", help="download the predictions into this folder"
    )


def predict(arguments: argparse.Namespace) -> None:
    """Send a file and follow it."""
    if not arguments.file.is_file():
        raise CommandError(f"there is no file {arguments.file}")
    if arguments.to and not arguments.wait:
        raise CommandError(
            "--to downloads predictions, for which --no-wait does not wait: leave one of them out"
        )
    sent = _sent_files(arguments.pipeline)
    file = ask(lambda: sent.send(arguments.file, arguments.name or arguments.file.name), "sending the file")
    if not arguments.wait:
        shown = {"file": file.key, "version_id": file.version_id, "predictions": sent.results(file)}
        show(shown, as_json=arguments.json, title="sent")
        return
    ended = ask(lambda: sent.wait(file), "waiting for the predictions")
    found = {
        "file": ended.key,
        "state": ended.state,
        "rows": ended.rows,
        "refused_rows": ended.refused_rows,
        "model": ended.variant,
        "predictions": ended.result,
    }
    if arguments.to and ended.state == "predicted":
        with writing(arguments.to):
            paths = ask(lambda: sent.fetch(ended, arguments.to), "downloading the predictions")
        found["downloaded"] = list(map(str, paths))
    show(found, as_json=arguments.json, title=f"predictions of {arguments.pipeline}")
    if ended.state != "predicted":
        raise CommandError(f"{ended.key} was not answered: {ended.why.splitlines()[0]}")


def _sent_files(pipeline: str) -> SentFiles:
    from headrace.aws.sent_files import SentFiles  # noqa: PLC0415 - boto3 takes its time

    found = deployed(pipeline)
    if "PredictBatchArn" not in found.outputs:
        raise CommandError(
            f"{pipeline} answers no files: add `endpoint: {{batch: {{}}}}` to its file, or the kind batch, and deploy it"
        )
    return SentFiles(found.session, found.outputs["DataBucketName"], found.outputs["LedgerTableName"])
