"""`headrace trainings`: when a deployed pipeline trained, why, what came of it, and what its guard refused."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from headrace.cli.running_pipeline import ask, deployed
from headrace.cli.screen import Commands, add_command, add_pipeline, say, show, show_table
from headrace.ml.pages.words import moment

_COUNT = 20
_OUTCOMES = {"registered": "new model", "kept_champion": "no better model", "failed": "failed"}


def add_commands(commands: Commands) -> None:
    """Add the command."""
    command = add_command(
        commands,
        "trainings",
        trainings,
        "show the last trainings: why, what came of it, cost, and what was refused",
    )
    add_pipeline(command)
    command.add_argument("--last", type=int, default=_COUNT, help=f"how many (default: {_COUNT})")


def trainings(arguments: argparse.Namespace) -> None:
    """Show the last trainings of a pipeline, and the refusals of the last weeks."""
    pipeline = deployed(arguments.pipeline)
    found = ask(lambda: pipeline.trainings(arguments.last))
    if arguments.json:
        show(found, as_json=True)
        return
    show_table(
        ["started", "reason", "because", "outcome", "model", "cost"],
        [_training_row(training) for training in found["trainings"]],
        title=f"trainings of {arguments.pipeline}",
    )
    if running := found["running"]:
        say(
            f"one runs since {moment(running['since'])}: {running['reason']} (execution {running['execution']})"
        )
    if found["refused"]:
        show_table(
            ["last", "reason", "times that day", "why not"],
            [
                [moment(item["last_at"]), item["reason"], str(item["times"]), item["why"]]
                for item in found["refused"]
            ],
            title="refused by the guard",
        )
    for case in found["alarms"]:
        say(alarm_line(case))


def alarm_line(case: Mapping[str, Any]) -> str:
    """Say of an alarm that is on what was tried against it.

    Examples
    --------
    >>> case = {"reason": "drift", "since": "2026-01-31T12:00:00+00:00", "about": "temp", "in_vain": 2, "awaits": None}
    >>> alarm_line(case)
    'on since 2026-01-31 12:00: drift (temp); waits for a training; 2 retrainings in a row did not cure it'
    """
    about = f" ({case['about']})" if case["about"] else ""
    state = "a new model waits for its first verdict" if case["awaits"] else "waits for a training"
    many = "" if case["in_vain"] == 1 else "s"
    tried = f"; {case['in_vain']} retraining{many} in a row did not cure it" if case["in_vain"] else ""
    return f"on since {moment(case['since'])}: {case['reason']}{about}; {state}{tried}"


def _training_row(training: Mapping[str, Any]) -> list[str]:
    return [
        moment(training["started_at"]),
        training["reason"],
        training["because"],
        f"{_OUTCOMES.get(training['outcome'], training['outcome'])}: {training['why']}{_tuned(training)}",
        _model(training["champion"], training["version"]),
        _cost(training["cost_usd"], training["saved_usd"]),
    ]


def _cost(usd: float | None, saved_usd: float | None) -> str:
    """Tell what a training cost, and how much less that was on spot instances.

    Examples
    --------
    >>> _cost(0.0123, None), _cost(0.003, 0.007), _cost(None, None)
    ('$0.0123', '$0.0030 (spot saved $0.0070)', 'unknown')
    """
    if usd is None:
        return "unknown"
    return f"${usd:.4f}" + (f" (spot saved ${saved_usd:.4f})" if saved_usd else "")


def _tuned(training: Mapping[str, Any]) -> str:
    """Tell how hyperparameters were searched, on a line of its own.

    Examples
    --------
    >>> _tuned({"tuning": {"strategy": "bayesian", "trials": "6", "best": "alpha=0.1", "objective": "rmse 42"}}).strip()
    'bayesian, 6 trials: alpha=0.1 (rmse 42)'
    """
    tuning = training["tuning"]
    if not tuning or "best" not in tuning:
        return ""
    return f"\n{tuning['strategy']}, {tuning['trials']} trials: {tuning['best']} ({tuning['objective']})"


def _model(before: int | None, after: int | None) -> str:
    """Tell the version in service before a training, and the one that it registered.

    Examples
    --------
    >>> _model(3, 4), _model(3, None), _model(None, 1), _model(None, None)
    ('v3 → v4', 'v3 stays', 'v1', 'none')
    """
    if after is None:
        return "none" if before is None else f"v{before} stays"
    return f"v{after}" if before is None else f"v{before} → v{after}"
