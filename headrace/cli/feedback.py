"""`headrace feedback status`: what has become of the labels that came after the predictions."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import CommandError, Commands, add_command, add_pipeline, say, show, show_table

if TYPE_CHECKING:
    from headrace.aws.feedback_log import FeedbackLog


def add_commands(commands: Commands) -> None:
    """Add the command and what follows it."""
    help = "show what has become of labels"
    group = commands.add_parser("feedback", help=help, description=help)
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    about = "count the labels that came, were joined, wait or were put away, in all and by day"
    add_pipeline(add_command(actions, "status", status, about))


def status(arguments: argparse.Namespace) -> None:
    """Count labels."""
    found = ask(_log(arguments.pipeline).status, "reading the ledger")
    if arguments.json:
        show(found, as_json=True)
        return
    if not found["days"]:
        say("no labels have come")
        return
    days = found.pop("days")
    show(found, as_json=False, title=f"labels of {arguments.pipeline}")
    show_table(list(days[0]), [[str(value) for value in day.values()] for day in days], title="by day")


def _log(pipeline: str) -> FeedbackLog:
    from headrace.aws.feedback_log import FeedbackLog  # noqa: PLC0415 - boto3 takes its time

    found = deployed(pipeline)
    if "TakeFeedbackFunctionName" not in found.outputs:
        raise CommandError(f"{pipeline} takes no labels: add `feedback: {{}}` to its file and deploy it")
    return FeedbackLog(found.session.resource("dynamodb").Table(found.outputs["LedgerTableName"]))
