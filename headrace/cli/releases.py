"""`headrace release status | promote | rollback`: how requests come to a new model, and a person's word on it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import CommandError, Commands, add_command, add_pipeline, say, show, show_table
from headrace.ml.pages.words import moment

if TYPE_CHECKING:
    from headrace.aws.deployed_release import DeployedRelease

_COUNT = 20
_DOING = {
    "promote": "giving the new model all requests",
    "rollback": "going back to the model before",
}


def add_commands(commands: Commands) -> None:
    """Add the command and what follows it."""
    help = "show a release, or end it: promote the new model, or go back to the one before"
    group = commands.add_parser("release", help=help, description=help)
    actions = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    command = add_command(
        actions, "status", status, "show what serves with which share, the release that runs, and the history"
    )
    add_pipeline(command)
    command.add_argument("--last", type=int, default=_COUNT, help=f"lines of history (default: {_COUNT})")
    for name, run, about in (
        ("promote", promote, "give the new model of the release that runs all requests, now"),
        (
            "rollback",
            rollback,
            "withdraw the release that runs; if none does, go back to the last good model",
        ),
    ):
        command = add_command(actions, name, run, about)
        add_pipeline(command)
        command.add_argument("--why", default="", help="goes into the history and the model registry")


def status(arguments: argparse.Namespace) -> None:
    """Show the releases of a pipeline."""
    releases = _releases(arguments.pipeline)
    found = ask(lambda: releases.status(arguments.last))
    if arguments.json:
        show(found, as_json=True)
        return
    show_table(["", ""], _summary(found), title=f"release of {arguments.pipeline}", header=False)
    if found["history"]:
        show_table(
            ["when", "what", "model", "share", "by", "why"],
            [_history_row(entry) for entry in found["history"]],
            title="history",
        )


def promote(arguments: argparse.Namespace) -> None:
    """Promote the challenger."""
    carry_out(arguments, "promote", arguments.why)


def rollback(arguments: argparse.Namespace) -> None:
    """Withdraw the challenger, or go back."""
    carry_out(arguments, "rollback", arguments.why)


def carry_out(arguments: argparse.Namespace, what: str, why: str, version: int | None = None) -> None:
    """Carry out a decision on what serves, and tell what serves then."""
    from headrace.aws.deployed_release import NothingToDecideError  # noqa: PLC0415 - boto3 takes its time

    releases = _releases(arguments.pipeline)
    try:
        done = ask(lambda: releases.decide(what, why or "no reason given", version), _DOING[what])
    except NothingToDecideError as error:
        raise CommandError(str(error)) from None
    if arguments.json:
        show(done, as_json=True)
        return
    serves = done["in_service"]
    say(f"v{serves['version']} serves" if serves else "nothing serves")


def _releases(name: str) -> DeployedRelease:
    from headrace.aws.deployed_release import DeployedRelease  # noqa: PLC0415

    return DeployedRelease(deployed(name))


# --- words


def _summary(found: Mapping[str, Any]) -> list[list[str]]:
    rows = [["in service", _in_service(found["in_service"])]]
    if found["requests"]:
        shares = [f"{variant} {100 * share:g} %" for variant, share in found["requests"].items()]
        rows.append(["requests", ", ".join(shares)])
    release = found["release"]
    rows.append(["release", _release(release) if release else "none runs"])
    if release:
        rows += [
            ["judged", release["judged"] or "not yet"],
            [
                "figures",
                "\n".join(f"{name}: {value}" for name, value in release["figures"].items()) or "none",
            ],
            ["page", release["page"] or "none"],
            ["alarms", "\n".join(f"{name}: {state}" for name, state in release["alarms"].items()) or "none"],
        ]
        if decision := release["decision"]:
            rows.append(["told", f"{decision['what']} by {decision['by']}: {decision['why']}"])
    if found["waiting"]:
        rows.append(["waits", found["waiting"]])
    return rows


def _in_service(champion: Mapping[str, Any] | None) -> str:
    """Say what serves, and what one could go back to.

    Examples
    --------
    >>> _in_service({"version": 4, "since": "2026-01-31T12:00:00+00:00", "way_back": 3})
    'v4 since 2026-01-31 12:00; v3 is kept to go back to'
    """
    if champion is None:
        return "nothing yet"
    back = champion["way_back"]
    kept = f"v{back} is kept to go back to" if back else "no earlier version is kept"
    return f"v{champion['version']} since {moment(champion['since'])}; {kept}"


def _release(release: Mapping[str, Any]) -> str:
    """Say how far a release has come.

    Examples
    --------
    >>> known = {"version": 4, "against": 3, "strategy": "canary", "action": "deploy", "step": 0, "share": 0.1}
    >>> times = {"since": "2026-01-31T12:05:00+00:00", "deadline": "2026-02-14T12:00:00+00:00"}
    >>> _release({**known, **times, "shares": [0.1, 1.0]})
    'v4 against v3: canary, step 1 of 2 (10 %) since 2026-01-31 12:05, until 2026-02-14 12:00'
    >>> _release({**known, **times, "strategy": "all_at_once", "shares": []})
    'v4 against v3: all_at_once since 2026-01-31 12:05'
    """
    against = f" against v{release['against']}" if release["against"] else ""
    what = f"v{release['version']}{against}: {release['strategy']}"
    if not release["shares"]:
        return f"{what} since {moment(release['since'])}"
    share = f"{100 * release['share']:g} %"
    step = f"step {release['step'] + 1} of {len(release['shares'])} ({share})"
    return f"{what}, {step} since {moment(release['since'])}, until {moment(release['deadline'])}"


def _history_row(entry: Mapping[str, Any]) -> list[str]:
    return [
        moment(entry["at"]),
        entry["event"],
        f"v{entry['version']}",
        f"{100 * entry['share']:g} %",
        entry["by"],
        entry["why"],
    ]
