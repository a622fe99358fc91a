"""`headrace reproduce`: make a registered model again from what it was made from, and compare the two byte by byte."""

from __future__ import annotations

import argparse
import platform
import tempfile
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.cli.running_pipeline import deployed
from headrace.cli.screen import (
    AnswerIsNoError,
    CommandError,
    Commands,
    add_command,
    add_pipeline,
    say,
    show,
    show_table,
    working,
)
from headrace.cli.versions import add_version, ask_about_versions

if TYPE_CHECKING:
    from headrace.aws.recorded_model import RecordedModel
    from headrace.ml.reproduction.difference import Difference
    from infra.code_origin import CodeOrigin

_FILES_NAMED = 5


def add_commands(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "reproduce",
        reproduce,
        "make a model version again from its data, code and parameters, and compare the bytes",
    )
    add_pipeline(command)
    add_version(command, "version", "as `headrace versions` shows it")
    command.add_argument(
        "--anyway", action="store_true", help="even if code, packages or machine are not those of then"
    )
    command.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the files of the new model there")


def reproduce(arguments: argparse.Namespace) -> None:
    """Make a version again; exit code 0 if it has the same bytes, 1 if not, 2 if it cannot be made."""
    from headrace.aws.recorded_model import RecordedModel  # noqa: PLC0415 - boto3 takes its time

    pipeline = deployed(arguments.pipeline)
    recorded = ask_about_versions(lambda: RecordedModel.find(pipeline, arguments.version))
    unlike = _unlike(recorded.provenance)
    if unlike and not arguments.anyway:
        raise CommandError(_refusal(arguments.version, unlike, recorded.provenance))
    with tempfile.TemporaryDirectory(prefix="headrace-reproduce-") as folder:
        found, files = _compared(recorded, Path(folder))
    if arguments.keep:
        _keep(files, arguments.keep)
    _tell(arguments, recorded, found, unlike)
    if found:
        count = f"{len(found)} of its files differ{'s' if len(found) == 1 else ''}"
        raise AnswerIsNoError(f"v{arguments.version} was not made again: {count}")


def _compared(recorded: RecordedModel, base: Path) -> tuple[list[Difference], dict[str, bytes]]:
    """Return what differs, and the files of the new model."""
    from headrace.cli.local_training import (  # noqa: PLC0415
        TrainingFailedError,
        channels_of,
        instances_of,
        train_here,
    )
    from headrace.ml.reproduction.difference import differences  # noqa: PLC0415

    ask_about_versions(lambda: recorded.lay_out(channels_of(base)), "fetching the rows as they were")
    before = ask_about_versions(recorded.files, "fetching the recorded model")
    try:
        with working("training"):
            files = train_here(
                base, recorded.provenance["training"]["hyperparameters"], instances=instances_of(base)
            )
    except TrainingFailedError as error:
        raise CommandError(f"the training has failed: {error}") from None
    with working("comparing"):
        return differences(before, files), files


def _tell(
    arguments: argparse.Namespace, recorded: RecordedModel, found: list[Difference], unlike: list[str]
) -> None:
    if arguments.json:
        document = {
            "version": arguments.version,
            "equal": not found,
            "differs": [{"file": each.member, "what": each.what} for each in found],
            "unlike_then": unlike,
            "objects": len(recorded.provenance["data"]["objects"]),
            "signed": recorded.signed is not None,
        }
        show(document, as_json=True)
        return
    if recorded.signed is None:
        say(f"v{arguments.version} was registered without a signature, by an earlier release of Headrace")
    for line in unlike:
        say(f"unlike then: {line}")
    if not found:
        say(f"v{arguments.version} was made again: every file has the same bytes")
        return
    show_table(
        ["file", "what differs first"],
        [[each.member, each.what] for each in found],
        title=f"v{arguments.version} of {arguments.pipeline}, made again",
    )


def _keep(files: Mapping[str, bytes], folder: Path) -> None:
    try:
        for name, content in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror}") from None


# --- what is not as it was


def _unlike(provenance: Mapping[str, Any]) -> list[str]:
    """Return what of code, packages and machine is not as it was when the model was trained, for people."""
    from infra.code_origin import code_origin  # noqa: PLC0415

    here, environment = code_origin(), provenance["environment"]
    lines = [_code(provenance["code"], here), _locks(provenance["code"], here)]
    for name, now in (("python", platform.python_version()), ("machine", platform.machine())):
        if environment[name] is not None and environment[name] != now:
            lines.append(f"{name} is {now} here, and was {environment[name]}")
    for name, then in (environment["packages"] or {}).items():
        if (now := _installed(name)) != then:
            lines.append(f"{name} is {now} here, and was {then}")
    return [line for line in lines if line]


def _code(then: Mapping[str, Any], here: CodeOrigin) -> str | None:
    from infra.code_origin import changed_files  # noqa: PLC0415

    if then["content_sha256"] == here.content_sha256:
        return None
    files = changed_files(then["commit"]) if then.get("commit") and not then.get("dirty") else []
    named = ", ".join(files[:_FILES_NAMED]) + (" and others" if len(files) > _FILES_NAMED else "")
    return f"the code of the jobs differs{f': {named}' if named else ''}"


def _locks(then: Mapping[str, Any], here: CodeOrigin) -> str | None:
    if then["lock_sha256"] == here.lock_sha256:
        return None
    names = sorted(then["locks"].keys() | here.locks.keys())
    other = [name for name in names if then["locks"].get(name) != here.locks.get(name)]
    return f"the locks of the packages differ: {', '.join(other)}"


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _refusal(number: int, unlike: list[str], provenance: Mapping[str, Any]) -> str:
    code = provenance["code"]
    if not code.get("commit"):
        where = f"its commit is not known ({code.get('git_says')})"
    elif code.get("dirty"):
        where = f"it was trained with changes to commit {code['commit'][:12]} that nobody has committed"
    else:
        where = f"git worktree add ../v{number} {code['commit']} has its code"
    return f"this is not what v{number} was trained with: {'; '.join(unlike)}; {where}; or try it --anyway"
