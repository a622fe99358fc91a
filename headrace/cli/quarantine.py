"""`headrace quarantine list | show | retry`: what was refused, why, and its second way in."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from shlex import quote
from typing import TYPE_CHECKING, Any

from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import CommandError, Commands, add_command, add_pipeline, say, show, show_table

if TYPE_CHECKING:
    from headrace.aws.quarantine import Quarantine
    from headrace.aws.refusal_ledger import Refusal

_EXAMPLES = 5


def add_commands(commands: Commands) -> None:
    """Add the command and what follows it."""
    help = "list, show or retry what was refused"
    group = commands.add_parser("quarantine", help=help, description=help)
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = add_command(actions, "list", list_refusals, "list the files of which something was refused")
    add_pipeline(command)
    command.add_argument("--reason", metavar="CODE", help="only those refused for this reason")
    command.add_argument("--since", metavar="DATE", type=_day, help="only those dropped since")

    command = add_command(actions, "show", show_refusal, "show what was refused of a file, and why")
    add_pipeline(command)
    command.add_argument("file", help="its key, with or without incoming/")
    command.add_argument("--version", help="which version of it (default: the newest that was refused)")

    command = add_command(actions, "retry", retry, "take in again what was refused, once the cause is gone")
    add_pipeline(command)
    command.add_argument("file", nargs="*", help="keys, with or without incoming/")
    command.add_argument("--all", action="store_true", help="everything that waits")
    command.add_argument("--reason", metavar="CODE", help="every file in which this reason occurs")
    command.add_argument("--yes", action="store_true", help="do not ask")


def list_refusals(arguments: argparse.Namespace) -> None:
    """List what was refused."""
    quarantine = _quarantine(arguments.pipeline)
    found = ask(
        lambda: quarantine.refusals(since=arguments.since or "", reason=arguments.reason),
        "reading the ledger",
    )
    if arguments.json:
        show({"files": [_as_json(refusal) for refusal in found]}, as_json=True)
        return
    if not found:
        say("nothing was refused")
        return
    rows = [[r.dropped_at[:16], _name(r), r.version_id[:8], r.state, _amount(r), _reasons(r)] for r in found]
    columns = ["dropped", "file", "version", "state", "refused", "because of"]
    show_table(columns, rows, title=f"quarantine of {arguments.pipeline}")


def show_refusal(arguments: argparse.Namespace) -> None:
    """Show what was refused of one version of a file."""
    quarantine = _quarantine(arguments.pipeline)
    refusal = _newest(quarantine, arguments.file, arguments.version)
    reason, life, places = ask(
        lambda: (quarantine.reason(refusal), quarantine.life(refusal), quarantine.places(refusal)),
        "reading quarantine",
    )
    document = {
        **_as_json(refusal),
        "rows": {**asdict(life), "received": life.received},
        "why": reason.get("why") or _meaning(refusal),
        "counts": reason.get("counts", []),
        "examples": reason.get("examples", []),
        "where": places,
        "what_to_do": _what_to_do(refusal, arguments.pipeline),
    }
    if arguments.json:
        show(document, as_json=True)
    else:
        _print(document)


def _print(document: Mapping[str, Any]) -> None:
    """Print for people: what can be copied stands below the table, where no line is cut."""
    counts = [
        f"{count['rows']} of {count['column'] or 'the whole row'}: {count['reason']} ({count['means']})"
        for count in document["counts"]
    ]
    examples = [
        f"row {each['row']}, {each['column'] or 'whole'} ({each['value_class']}): {each['reason']}"
        for each in document["examples"][:_EXAMPLES]
    ]
    told = {
        "version": document["version_id"],
        "dropped": document["dropped_at"],
        "state": document["state"],
        "rows": document["rows"] if document["rows"]["received"] else None,
        "refused": document["refused"],
        "why": document["why"],
        "counts": counts,
        "first examples": examples,
        "retried as": document["retry"] and document["retry"]["key"],
    }
    show({name: value for name, value in told.items() if value}, as_json=False, title=document["file"])
    for place in document["where"] or ["deleted: what was refused is kept for quarantine.keep_days"]:
        say(place)
    say(document["what_to_do"])


def retry(arguments: argparse.Namespace) -> None:
    """Take in again what was refused."""
    if not (arguments.file or arguments.all or arguments.reason):
        raise CommandError("say which: name files, or use --reason CODE, or --all")
    quarantine = _quarantine(arguments.pipeline)
    chosen = _chosen(quarantine, arguments)
    if not chosen:
        raise CommandError("nothing of that kind waits in quarantine: see headrace quarantine list")
    if not arguments.yes:
        _confirm(chosen)
    results = [
        _retry_one(quarantine, refusal, f"{number} of {len(chosen)}: {_name(refusal)}")
        for number, refusal in enumerate(chosen, start=1)
    ]
    if arguments.json:
        show({"files": results}, as_json=True)
    else:
        rows = [[each["file"], each["result"], each.get("dropped", "")] for each in results]
        show_table(["file", "", "dropped as"], rows, title="retry")
        say(f"headrace quarantine show {arguments.pipeline} FILE says what has become of the rows")
    if not any(each.get("dropped") for each in results):
        raise CommandError("nothing was retried; the reasons are above")


def _retry_one(quarantine: Quarantine, refusal: Refusal, doing: str) -> dict[str, Any]:
    """Retry one refusal; what stands in the way of one does not hold up the others."""
    from headrace.aws.quarantine import NothingToRetryError  # noqa: PLC0415
    from headrace.aws.refusal_ledger import BusyError  # noqa: PLC0415

    named = {"file": _name(refusal), "version_id": refusal.version_id}
    try:
        done = ask(lambda: quarantine.retry(refusal, datetime.now(UTC)), f"retrying {doing}")
    except (NothingToRetryError, BusyError) as error:
        return {**named, "result": str(error)}
    what = f"{done.rows} rows" if done.rows else "whole file"
    return {**named, "result": what, "rows": done.rows, "dropped": done.key}


def _chosen(quarantine: Quarantine, arguments: argparse.Namespace) -> list[Refusal]:
    if arguments.file:
        found = [_newest(quarantine, name, None) for name in arguments.file]
        if retried := [refusal for refusal in found if refusal.state == "retried"]:
            raise CommandError(f"{_name(retried[0])} was retried already: see headrace quarantine show")
    else:
        found = ask(quarantine.refusals, "reading the ledger")
    wanted = arguments.reason
    return [each for each in found if each.state != "retried" and (not wanted or wanted in each.codes)]


def _confirm(chosen: Sequence[Refusal]) -> None:
    what = f"{len(chosen)} {'file' if len(chosen) == 1 else 'files'}"
    if not sys.stdin.isatty():
        raise CommandError(f"this would take in {what} again: say --yes")
    if input(f"take in again what was refused of {what}? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was done")


def _newest(quarantine: Quarantine, name: str, version: str | None) -> Refusal:
    found = [
        refusal
        for refusal in ask(lambda: quarantine.of_file(name), "reading the ledger")
        if version is None or refusal.version_id.startswith(version)
    ]
    if not found:
        what = f"version {version} of {name}" if version else name
        raise CommandError(f"nothing was refused of {what}: headrace quarantine list names the files")
    return found[-1]


def _quarantine(pipeline: str) -> Quarantine:
    from headrace.aws.quarantine import Quarantine  # noqa: PLC0415 - boto3 and Arrow take their time

    found = deployed(pipeline)
    table = found.session.resource("dynamodb").Table(found.outputs["LedgerTableName"])
    return Quarantine(found.session.client("s3"), found.outputs["DataBucketName"], table)


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-01-31") from None


def _as_json(refusal: Refusal) -> dict[str, Any]:
    return {
        "file": refusal.key,
        "version_id": refusal.version_id,
        "dropped_at": refusal.dropped_at,
        "state": refusal.state,
        "refused": refusal.refused,
        "accepted": refusal.accepted,
        "quarantined": refusal.quarantined,
        "reasons": dict(refusal.reasons),
        "retry": refusal.retry and asdict(refusal.retry),
    }


def _name(refusal: Refusal) -> str:
    return refusal.key.removeprefix("incoming/")


def _amount(refusal: Refusal) -> str:
    if refusal.refused:
        return "whole file"
    return f"{refusal.quarantined} of {refusal.accepted + refusal.quarantined} rows"


def _reasons(refusal: Refusal) -> str:
    if refusal.refused:
        return refusal.refused
    return ", ".join(f"{code} {rows}" for code, rows in Counter(refusal.reasons).most_common())


def _meaning(refusal: Refusal) -> str | None:
    from headrace.ml.files.refusal import FileReason  # noqa: PLC0415

    return f"the file {FileReason(refusal.refused).text}" if refusal.refused else None


def _what_to_do(refusal: Refusal, pipeline: str) -> str:
    again = f"headrace quarantine retry {pipeline} {quote(_name(refusal))}"
    if refusal.state == "retried":
        left = refusal.waiting_rows
        kept = f"{left} of its rows no retry can change: repair them in rejected.csv and drop it"
        return kept if left else "nothing: it was retried"
    if refusal.refused == "object_missing":
        return "drop the file again"
    if refusal.refused:
        return f"repair the file and drop it again; or change the pipeline file, deploy it, and: {again}"
    return (
        f"repair the rows in rejected.csv and drop it; or change the pipeline file, deploy it, and: {again}"
    )
