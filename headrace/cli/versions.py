"""`headrace versions | approve | reject | rollback`: the versions of a pipeline's models, and a person's word on them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from headrace.cli import releases
from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import CommandError, Commands, add_command, add_pipeline, say, show, show_table
from headrace.ml.pages.words import moment

if TYPE_CHECKING:
    from headrace.aws.model_versions import ModelVersions

Answer = TypeVar("Answer")

_COUNT = 20
_NO_REASON = "no reason given"


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    command = add_command(
        commands, "versions", versions, "show the versions of a pipeline's models, and who approved them"
    )
    add_pipeline(command)
    command.add_argument("--last", type=int, default=_COUNT, help=f"how many (default: {_COUNT})")
    command.add_argument(
        "--audit", action="store_true", help="show the audit trail: approvals, deployments, releases, by whom"
    )
    for name, run, help in (
        ("approve", approve, "approve a model version, which deploys it"),
        ("reject", reject, "reject a model version"),
    ):
        command = add_command(commands, name, run, help)
        add_pipeline(command)
        add_version(command, "version", "default: the newest that waits", optional=True)
        _add_reason(command)
    command = add_command(
        commands, "rollback", rollback, "go back to an approved version, through the deployment"
    )
    add_pipeline(command)
    add_version(command, "version", "default: the last good one, whose deployment is kept", optional=True)
    _add_reason(command)


def add_version(command: argparse.ArgumentParser, name: str, help: str, *, optional: bool = False) -> None:
    """Let a command be told a version, as ``3`` or ``v3``."""
    command.add_argument(
        name, type=_version, nargs="?" if optional else None, help=f"the version's number ({help})"
    )


def add_version_option(group: argparse._ActionsContainer, name: str, help: str) -> None:
    """Let a command be told a version by an option."""
    group.add_argument(name, type=_version, metavar="VERSION", help=help)


def versions(arguments: argparse.Namespace) -> None:
    """Show the versions, or the trail of what was done with them."""
    found = _versions(arguments.pipeline)
    if arguments.audit:
        _show_audit(ask(lambda: found.audit(arguments.last)), arguments)
        return
    rows = ask(lambda: found.newest_first(arguments.last))
    if arguments.json:
        show({"versions": rows}, as_json=True)
        return
    show_table(
        ["version", "status", "registered", "metric", "trained because", "parent", "decided by"],
        [_row(row) for row in rows],
        title=f"versions of {arguments.pipeline}",
    )
    if rows:
        say("further metrics: headrace compare, headrace report, or --json")


def approve(arguments: argparse.Namespace) -> None:
    """Approve a version."""
    _decide(arguments, "Approved")


def reject(arguments: argparse.Namespace) -> None:
    """Reject a version."""
    _decide(arguments, "Rejected")


def rollback(arguments: argparse.Namespace) -> None:
    """Go back to a version."""
    releases.carry_out(arguments, "rollback", arguments.because, arguments.version)


def ask_about_versions(work: Callable[[], Answer], doing: str = "asking AWS") -> Answer:
    """Ask AWS; a version that there is not, or whose evidence is lost, becomes one line."""
    from headrace.aws.model_versions import NoSuchVersionError  # noqa: PLC0415 - boto3 takes its time
    from headrace.aws.recorded_model import LostEvidenceError  # noqa: PLC0415

    try:
        return ask(work, doing)
    except (NoSuchVersionError, LostEvidenceError) as error:
        raise CommandError(str(error)) from None


def _decide(arguments: argparse.Namespace, approval: Literal["Approved", "Rejected"]) -> None:
    found = _versions(arguments.pipeline)
    version = arguments.version or next(iter(ask(found.pipeline.awaiting_approval)), None)
    if version is None:
        raise CommandError(f"no version of {arguments.pipeline} waits for approval")
    done = ask_about_versions(
        lambda: found.decide(version, approval, arguments.because or _NO_REASON, datetime.now(UTC))
    )
    show(done, as_json=arguments.json)


def _versions(name: str) -> ModelVersions:
    from headrace.aws.model_versions import ModelVersions  # noqa: PLC0415

    return ModelVersions(deployed(name))


def _add_reason(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--because", "--why", default="", help="goes into the audit trail and the model registry"
    )


def _version(given: str) -> int:
    """Return a version's number.

    Examples
    --------
    >>> _version("3"), _version("v12")
    (3, 12)
    """
    digits = given.removeprefix("v")
    if not digits.isdecimal() or int(digits) < 1:
        raise argparse.ArgumentTypeError(f"a version is a number from 1 on, such as 3 or v3, not {given!r}")
    return int(digits)


# --- words


def _show_audit(entries: list[dict[str, Any]], arguments: argparse.Namespace) -> None:
    if arguments.json:
        show({"audit": entries}, as_json=True)
        return
    if not entries:
        say(f"nothing was done with versions of {arguments.pipeline} yet")
        return
    show_table(
        ["when", "what", "model", "by", "why"],
        [
            [moment(entry["at"]), entry["event"], f"v{entry['version']}", entry["by"], entry["why"]]
            for entry in entries
        ],
        title=f"audit trail of {arguments.pipeline}",
    )


def _row(row: Mapping[str, Any]) -> list[str]:
    because = f": {row['because']}" if row["because"] else ""
    return [
        f"v{row['version']}{' serves' if row['serves'] else ''}",
        row["status"],
        moment(row["created_at"]),
        _metric(row),
        f"{row['reason'] or 'unknown'}{because}",
        row["parent"] or "unknown",
        _decided(row),
    ]


def _decided(row: Mapping[str, Any]) -> str:
    """Tell who approved or rejected a version; the gate's reasons are long, and the training's.

    Examples
    --------
    >>> _decided({"decided_by": "arn:ann", "decided_because": "complaints"})
    'arn:ann: complaints'
    >>> _decided({"decided_by": None, "decided_because": None}), _decided({"decided_by": "gate", "decided_because": "…"})
    ('nobody', 'gate')
    """
    said = [row["decided_by"], None if row["decided_by"] == "gate" else row["decided_because"]]
    return ": ".join(text for text in said if text) or "nobody"


def _metric(row: Mapping[str, Any]) -> str:
    """Tell the metric that decides; all of them where that is not known.

    Examples
    --------
    >>> _metric({"metric": "rmse", "metrics": {"mae": 30.0, "rmse": 42.0}})
    'rmse 42'
    """
    names = [name for name in row["metrics"] if name == row["metric"]] or sorted(row["metrics"])
    return ", ".join(f"{name} {row['metrics'][name]:.4g}" for name in names) or "none"
