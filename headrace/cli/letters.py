"""`headrace letters list | retry`: records of a stream that could not be answered, and their second way in."""

from __future__ import annotations

import argparse
from collections import Counter
from typing import TYPE_CHECKING

from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import CommandError, Commands, add_command, add_pipeline, say, show, show_table

if TYPE_CHECKING:
    from headrace.aws.letter_box import LetterBox


def add_commands(commands: Commands) -> None:
    """Add the command and what follows it."""
    help = "list or retry the records of a stream that could not be answered"
    group = commands.add_parser("letters", help=help, description=help)
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name, run, about in (
        ("list", list_letters, "count the dead letters by their reason"),
        ("retry", retry, "put their records into the stream again, once the cause is gone"),
    ):
        add_pipeline(add_command(actions, name, run, about))


def list_letters(arguments: argparse.Namespace) -> None:
    """Count the letters by reason."""
    box = _box(arguments.pipeline)
    counted: Counter[tuple[str, str]] = Counter()
    for letter in ask(box.look, "reading the queue"):
        counted[letter.reason, letter.detail] += letter.count
    if arguments.json:
        found = [
            {"reason": reason, "detail": detail, "records": count}
            for (reason, detail), count in counted.most_common()
        ]
        show({"letters": found}, as_json=True)
        return
    if not counted:
        say("there are no dead letters")
        return
    rows = [[reason, str(count), detail] for (reason, detail), count in counted.most_common()]
    show_table(["reason", "records", "detail"], rows, title=f"dead letters of {arguments.pipeline}")


def retry(arguments: argparse.Namespace) -> None:
    """Put the records of all letters back."""
    from headrace.aws.delivery import DeliveryError  # noqa: PLC0415 - boto3 takes its time

    box = _box(arguments.pipeline)
    try:
        put, kept = ask(box.put_back, "putting records back")
    except DeliveryError as error:
        raise CommandError(f"{error}; the letters of what was not put are kept") from None
    show({"records_put_back": put, "letters_kept": kept}, as_json=arguments.json)
    if kept and not arguments.json:
        say("letters were kept, because the stream no longer has their records")


def _box(pipeline: str) -> LetterBox:
    from headrace.aws.letter_box import LetterBox  # noqa: PLC0415 - boto3 takes its time

    found = deployed(pipeline)
    if "DeadLettersUrl" not in found.outputs:
        raise CommandError(f"{pipeline} answers no records: its pipeline file has no `stream` with `scoring`")
    queue, stream = found.outputs["DeadLettersUrl"], found.outputs["RecordStreamName"]
    clients = found.session.client("sqs"), found.session.client("kinesis")
    return ask(lambda: LetterBox(*clients, queue, stream))
