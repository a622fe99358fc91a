"""`headrace erase | export | decrypt`: what a person may ask for, and how encrypted cells are read."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import CommandError, Commands, add_command, add_pipeline, say, show, writing

if TYPE_CHECKING:
    from headrace.aws.personal_requests import PersonalRequests

Answer = TypeVar("Answer")


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    command = add_command(commands, "erase", erase, "remove a person from everything that is stored")
    add_pipeline(command)
    _add_subject(command)
    command.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    command.add_argument("--no-train", action="store_true", help="ask for no training without the person")
    command.add_argument(
        "--admit", action="store_true", help="let rows of a person who was erased come in again"
    )
    command.add_argument("--yes", action="store_true", help="do not ask")

    command = add_command(commands, "export", export, "write all that is stored of a person into a file")
    add_pipeline(command)
    _add_subject(command)
    command.add_argument("--to", type=Path, metavar="FILE", help="JSON Lines (default: export.jsonl)")
    command.add_argument("--decrypt", action="store_true", help="write encrypted cells as they were")

    command = add_command(commands, "decrypt", decrypt, "write a file's encrypted cells as they were")
    add_pipeline(command)
    command.add_argument(
        "file", type=Path, metavar="FILE", help="a local copy: Parquet, CSV, JSON Lines, packed or not"
    )
    command.add_argument("--to", type=Path, metavar="FILE", help="CSV (default: FILE.decrypted.csv)")


def _add_subject(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--subject",
        required=True,
        metavar="ID",
        help="as the files have it; - reads it from the standard input",
    )


def erase(arguments: argparse.Namespace) -> None:
    """Remove a person, or say what would be removed."""
    requests, subject = _requests(arguments.pipeline), _subject(arguments.subject)
    if arguments.admit:
        _answered(lambda: requests.admit(subject, datetime.now(UTC)), "writing the ledger")
        show({"admitted": True}, as_json=arguments.json, title=f"erasure from {arguments.pipeline}")
        return
    if arguments.dry_run:
        _show(_answered(lambda: _what_would_go(requests, subject), "searching"), arguments)
        return
    erasure = _answered(lambda: requests.erasure(subject), "asking AWS")
    if not arguments.yes:
        _confirm()
    _answered(lambda: requests.note("erasure_began", subject, {}, datetime.now(UTC)), "writing the ledger")
    done = _answered(
        lambda: erasure.run(_now(), train=not arguments.no_train, progress=_progress(arguments.json)),
        "erasing",
    )
    told: dict[str, Any] = {
        name: done[name] for name in ("versions_removed", "models", "training") if name in done
    }
    _answered(lambda: requests.note("erased", subject, told, datetime.now(UTC)), "writing the ledger")
    _show({**done, "receipt": f"s3://{erasure.bucket}/{erasure.receipt_key(done['begun_at'])}"}, arguments)


def export(arguments: argparse.Namespace) -> None:
    """Write what is stored of a person."""
    from headrace.aws.erasure import as_json_lines  # noqa: PLC0415 - boto3 and Arrow take their time

    requests, subject = _requests(arguments.pipeline), _subject(arguments.subject)
    path = arguments.to or Path("export.jsonl")
    restore = _restoring(requests) if arguments.decrypt else dict
    search, person = _answered(lambda: requests.everything_of(requests.person(subject)), "searching")
    lines = _answered(lambda: list(as_json_lines(search.hits(person), restore)), "reading")
    _write_for_me(path, lines)
    told: dict[str, Any] = {"records": len(lines), "decrypted": bool(arguments.decrypt)}
    _answered(lambda: requests.note("exported", subject, told, datetime.now(UTC)), "writing the ledger")
    show(
        {"records": len(lines), "file": str(path)},
        as_json=arguments.json,
        title=f"export from {arguments.pipeline}",
    )


def decrypt(arguments: argparse.Namespace) -> None:
    """Write a copy of a file in which encrypted cells are as they were."""
    from headrace.ml.privacy.restoring import restored_csv  # noqa: PLC0415 - Arrow takes its time

    requests = _requests(arguments.pipeline)
    cipher, columns = _answered(requests.cipher, "asking AWS")
    path = arguments.to or arguments.file.with_name(f"{arguments.file.name}.decrypted.csv")
    if not arguments.file.is_file():
        raise CommandError(f"there is no file {arguments.file}")
    lines, cells = _answered(lambda: restored_csv(arguments.file, cipher, columns), "decrypting")
    _write_for_me(path, lines)
    told = {"cells": cells, "columns": list(columns)}
    _answered(lambda: requests.note("decrypted", None, told, datetime.now(UTC)), "writing the ledger")
    show(
        {"decrypted_cells": cells, "file": str(path)},
        as_json=arguments.json,
        title=f"cells of {arguments.pipeline}",
    )


def _restoring(requests: PersonalRequests) -> Callable[[dict[str, Any]], dict[str, Any]]:
    cipher, columns = _answered(requests.cipher, "asking AWS")
    return lambda record: cipher.restored(record, columns)


def _write_for_me(path: Path, lines: Iterable[str]) -> None:
    """Write a file that nobody but the caller can read."""
    with writing(path), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(lines)


def _what_would_go(requests: PersonalRequests, subject: str) -> dict[str, Any]:
    from headrace.aws.erasure import Plan, described  # noqa: PLC0415

    search, person = requests.everything_of(requests.person(subject))
    plan = Plan("", _now())
    for hit in search.hits(person):
        plan.note(hit)
    return {name: value for name, value in described(plan).items() if name not in ("person", "begun_at")}


def _show(receipt: dict[str, Any], arguments: argparse.Namespace) -> None:
    shown = (
        receipt if arguments.json else {name: value for name, value in receipt.items() if name != "places"}
    )
    show(shown, as_json=arguments.json, title=f"erasure from {arguments.pipeline}")
    if not arguments.json:
        for place, counts in receipt["places"].items():
            say(f"{place}: {counts['rows']} rows, {counts['versions']} versions")


def _requests(pipeline: str) -> PersonalRequests:
    from headrace.aws.personal_requests import PersonalRequests  # noqa: PLC0415

    return PersonalRequests(deployed(pipeline))


def _subject(given: str) -> str:
    """Return the subject; from the standard input it gets into no history of the shell."""
    subject = sys.stdin.readline().strip() if given == "-" else given.strip()
    if not subject:
        raise CommandError("--subject is empty: whom is it about?")
    return subject


def _answered(work: Callable[[], Answer], doing: str) -> Answer:
    from headrace.aws.erasure import StillThereError  # noqa: PLC0415
    from headrace.aws.personal_requests import (  # noqa: PLC0415
        HeldError,
        NoSubjectError,
        NotErasedError,
        NothingEncryptedError,
    )
    from headrace.aws.versioned_objects import HeldVersionError  # noqa: PLC0415
    from headrace.ml.files.refusal import FileRefusedError  # noqa: PLC0415
    from headrace.ml.privacy.encryption import NotReadableError  # noqa: PLC0415
    from headrace.ml.privacy.person import NobodyError  # noqa: PLC0415

    ours = (
        HeldError,
        HeldVersionError,
        NoSubjectError,
        NotErasedError,
        NothingEncryptedError,
        NobodyError,
        NotReadableError,
        StillThereError,
    )
    try:
        return ask(work, doing)
    except ours as error:
        raise CommandError(str(error)) from None
    except FileRefusedError as error:
        raise CommandError(f"the file cannot be read: {error.why}") from None


def _confirm() -> None:
    if not sys.stdin.isatty():
        raise CommandError("this removes a person for good: say --yes, or look first with --dry-run")
    if input("remove this person for good? [y/N] ").strip().lower() not in ("y", "yes"):
        raise CommandError("nothing was done")


def _progress(as_json: bool) -> Callable[[str], None]:
    return (lambda text: None) if as_json else say


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
