"""`headrace audit show | verify`: who did what, and whether the record of it was tampered with."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import (
    AnswerIsNoError,
    CommandError,
    Commands,
    add_command,
    add_pipeline,
    say,
    show,
    show_table,
)
from headrace.cli.versions import add_version_option
from headrace.ml.pages.words import moment

if TYPE_CHECKING:
    from headrace.aws.deployed_audit import DeployedAudit
    from headrace.ml.audit.chain import Head

Answer = TypeVar("Answer")

_COUNT = 20
_HEAD = re.compile(r"([1-9]\d{0,11}):([0-9a-f]{64})")


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    parser = commands.add_parser("audit", help="who did what, and whether the record of it is whole")
    below = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = add_command(below, "show", show_entries, "show the last entries of the audit ledger")
    add_pipeline(command)
    command.add_argument("--last", type=int, default=_COUNT, help=f"how many (default: {_COUNT})")
    command.add_argument("--event", default="", help="only this, such as approved")
    command.add_argument("--by", default="", help="only what was done by somebody whose ARN has this in it")
    add_version_option(command, "--version", "only what was done to this model version")

    command = add_command(
        below,
        "verify",
        verify,
        "recompute the chain, and say which entry is altered, missing, moved or forked",
    )
    add_pipeline(command)
    command.add_argument(
        "--head",
        type=_head,
        metavar="NUMBER:HASH",
        help="a head that you have kept: the chain must still have it (verify prints it)",
    )


def show_entries(arguments: argparse.Namespace) -> None:
    """Show entries."""
    from headrace.aws.deployed_audit import Wanted  # noqa: PLC0415 - boto3 takes its time

    audit, wanted = _audit(arguments.pipeline), Wanted(arguments.event, arguments.by, arguments.version)
    entries = _answered(lambda: audit.newest_first(arguments.last, wanted), "reading the ledger")
    if arguments.json:
        show({"entries": entries}, as_json=True)
        return
    if not entries:
        say("the ledger has no such entry")
        return
    show_table(
        ["", "when", "what", "by", "about"],
        [
            [str(entry["number"]), moment(entry["at"]), entry["event"], entry["by"], _about(entry["about"])]
            for entry in entries
        ],
        title=f"audit ledger of {arguments.pipeline}",
    )


def verify(arguments: argparse.Namespace) -> None:
    """Verify the ledger; what is not as it was written makes the answer no."""
    audit = _audit(arguments.pipeline)
    verdict = _answered(lambda: audit.verify(arguments.head), "recomputing the chain")
    document = verdict.as_dict()
    head = f"{verdict.head.number}:{verdict.head.hash}"
    if arguments.json:
        show({**document, "head": head}, as_json=True)
    elif verdict.findings:
        show_table(
            ["entry", "is", "found"],
            [[str(each.number), each.kind, each.says] for each in verdict.findings],
            title=f"audit ledger of {arguments.pipeline}",
        )
    else:
        kept = (
            "no head was kept"
            if verdict.anchored is None
            else f"as the head that was kept, {verdict.anchored}"
        )
        say(f"{verdict.entries} entries, each as it was written; {kept}")
        say(f"keep this head, away from here: {head}")
    if verdict.findings:
        raise AnswerIsNoError(
            f"the audit ledger of {arguments.pipeline} is not what was written: {len(verdict.findings)} findings"
        )


def _audit(name: str) -> DeployedAudit:
    from headrace.aws.deployed_audit import DeployedAudit  # noqa: PLC0415

    return DeployedAudit(deployed(name))


def _answered(work: Callable[[], Answer], doing: str) -> Answer:
    from headrace.aws.deployed_audit import NoLedgerError  # noqa: PLC0415

    try:
        return ask(work, doing)
    except NoLedgerError as error:
        raise CommandError(str(error)) from None


def _head(given: str) -> Head:
    """Return a head.

    Examples
    --------
    >>> _head("3:" + 64 * "a").number
    3
    """
    from headrace.ml.audit.chain import Head  # noqa: PLC0415

    found = _HEAD.fullmatch(given)
    if found is None:
        raise argparse.ArgumentTypeError(
            "a head is a number, a colon and 64 hexadecimal digits, as headrace audit verify prints it"
        )
    return Head(int(found[1]), found[2])


def _about(about: Mapping[str, Any]) -> str:
    """Tell what an entry is about; what is empty is left out.

    Examples
    --------
    >>> _about({"version": 4, "against": None, "why": "no alarm", "execution": ""})
    'v4, no alarm'
    >>> _about({"person": "hmac-1f", "records": 3})
    'person hmac-1f, records 3'
    >>> _about({"version": 4, "status": "Approved", "why": "no alarm"})
    'v4, Approved, no alarm'
    """
    told = [f"v{about['version']}"] if about.get("version") else []
    told += [about["status"]] if about.get("status") else []
    rest = {
        name: value
        for name, value in about.items()
        if name not in ("version", "status", "why") and value not in (None, "")
    }
    told += [about["why"]] if about.get("why") else [f"{name} {value}" for name, value in rest.items()]
    return ", ".join(map(str, told))
