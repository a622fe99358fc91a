"""`headrace trials`: which hyperparameters a training has tried, and what came of each."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from typing import Any

from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import CommandError, Commands, add_command, add_pipeline, say, show, show_table
from headrace.ml.hyperparameter_text import in_words


def add_commands(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands, "trials", trials, "show what a search for hyperparameters has tried, the best first"
    )
    add_pipeline(command)
    command.add_argument(
        "version", type=int, nargs="?", help="the model version (default: the last training that searched)"
    )


def trials(arguments: argparse.Namespace) -> None:
    """Show the trials of one training."""
    from headrace.aws.trial_records import trial_records  # noqa: PLC0415 - boto3 takes its time

    pipeline = deployed(arguments.pipeline)
    found = ask(lambda: trial_records(pipeline, arguments.version))
    if found is None:
        of_version = f" version {arguments.version}" if arguments.version else ""
        raise CommandError(
            f"there are no trials of {arguments.pipeline}{of_version}: training.tuning in the pipeline file switches "
            "the search on"
        )
    if arguments.json:
        show(found, as_json=True)
        return
    show_table(
        ["trial", found["metric"], "hyperparameters", "seconds", "status"],
        [_row(trial, best=trial["job"] == found["best"]) for trial in ranked(found)],
        title=_title(arguments.pipeline, found),
    )
    for text in found["warnings"]:
        say(text)


def ranked(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the trials, the best first, and those without a value last.

    Examples
    --------
    >>> some = [{"job": "a", "objective": 2.0}, {"job": "b", "objective": None}, {"job": "c", "objective": 1.0}]
    >>> [trial["job"] for trial in ranked({"better": "lower", "trials": some})]
    ['c', 'a', 'b']
    """
    sign = 1 if found["better"] == "lower" else -1

    def rank(trial: Mapping[str, Any]) -> float:
        return math.inf if trial["objective"] is None else sign * float(trial["objective"])

    return sorted(found["trials"], key=rank)


def _row(trial: Mapping[str, Any], *, best: bool) -> list[str]:
    value = trial["objective"]
    status = trial["status"].lower() + (f": {trial['failure']}" if trial.get("failure") else "")
    return [
        trial["job"],
        "none" if value is None else f"{value:.6g}",
        in_words(trial["hyperparameters"]),
        str(trial["seconds"]),
        f"best, {status}" if best else status,
    ]


def _title(name: str, found: Mapping[str, Any]) -> str:
    model = f"v{found['version']}" if found["version"] else "without a new version"
    ended = "" if found["status"] == "Completed" else f", {found['status'].lower()}"
    cost = "" if found["cost_usd"] is None else f", ${found['cost_usd']:.4f}"
    return f"trials of {name} {model}: {found['strategy']}{ended}, {found['seconds']} s{cost}"
