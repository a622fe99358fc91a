"""`headrace status | train | approve | reject | check`: a pipeline that is deployed."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from typing import Any

from headrace.cli.screen import CommandError, Commands, add_command, say, show, working

_WHAT_TO_DO = {
    "ExpiredToken": "log in again: the credentials have expired",
    "AccessDenied": "these credentials may not do this",
    "AccessDeniedException": "these credentials may not do this",
}


def add_commands(commands: Commands) -> None:
    """Add the commands."""
    for name, run, help in (
        ("status", status, "show the endpoint, the model in service, the last training and the alarms"),
        ("check", check, "run the drift check now"),
    ):
        add_command(commands, name, run, help).add_argument("pipeline", help="its name")
    command = add_command(commands, "train", train, "train now, without waiting for new data or drift")
    command.add_argument("pipeline", help="its name")
    for name, run, help in (
        ("approve", approve, "approve a model version, which deploys it"),
        ("reject", reject, "reject a model version"),
    ):
        command = add_command(commands, name, run, help)
        command.add_argument("pipeline", help="its name")
        command.add_argument(
            "version", type=int, nargs="?", help="the version's number (default: the newest that waits)"
        )


def status(arguments: argparse.Namespace) -> None:
    """Show a pipeline."""
    pipeline = _pipeline(arguments.pipeline)
    document = _call(pipeline.status)
    if not arguments.json:
        prefix = f"{arguments.pipeline}-monitoring-"
        document["alarms"] = {short_alarm(name, prefix): state for name, state in document["alarms"].items()}
    show(document, as_json=arguments.json, title=f"pipeline {arguments.pipeline}")


def short_alarm(name: str, prefix: str) -> str:
    """Return the part of an alarm's name that says something: CloudFormation adds the stack and two hashes.

    Examples
    --------
    >>> short_alarm("bike-monitoring-DriftAlarmCB58C9D4-AF6C7187173E6", "bike-monitoring-")
    'DriftAlarm'
    """
    return re.sub(r"[0-9A-F]{8}-\w+$", "", name.removeprefix(prefix)).removeprefix("OperationAlarms")


def check(arguments: argparse.Namespace) -> None:
    """Check for drift now."""
    pipeline = _pipeline(arguments.pipeline)
    summary = _call(pipeline.check_drift, "checking what the endpoint was asked")
    show(summary, as_json=arguments.json, title=f"drift check of {arguments.pipeline}")


def train(arguments: argparse.Namespace) -> None:
    """Start a training and wait for its end."""
    pipeline = _pipeline(arguments.pipeline)
    run = _call(pipeline.start_training)
    if not arguments.json:
        say(f"started {run}")
    ended = _call(lambda: pipeline.wait_for_training(run), "training, evaluating, judging")
    show(ended, as_json=arguments.json, title="training")
    if ended["status"] != "SUCCEEDED":
        cause = str(ended["cause"] or "its execution in Step Functions says why").splitlines()[0]
        raise CommandError(f"the training has ended as {ended['status']}: {cause}")


def approve(arguments: argparse.Namespace) -> None:
    """Approve a version."""
    _decide(arguments, "Approved")


def reject(arguments: argparse.Namespace) -> None:
    """Reject a version."""
    _decide(arguments, "Rejected")


def _decide(arguments: argparse.Namespace, decision: str) -> None:
    pipeline = _pipeline(arguments.pipeline)
    version = arguments.version or next(iter(_call(pipeline.awaiting_approval)), None)
    if version is None:
        raise CommandError(f"no version of {arguments.pipeline} waits for approval")
    arn = _call(lambda: pipeline.set_approval(version, decision))
    show({"model_package": arn, "approval": decision}, as_json=arguments.json)


def _pipeline(name: str) -> Any:
    from headrace.aws.deployed_pipeline import DeployedPipeline  # noqa: PLC0415 - boto3 takes its time

    return _call(lambda: DeployedPipeline.find(name))


def _call(work: Callable[[], Any], doing: str = "asking AWS") -> Any:
    """Run `work`; what AWS refuses becomes one line that says what to do."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    from headrace.aws.deployed_pipeline import NotDeployedError, RunFailedError  # noqa: PLC0415

    try:
        with working(doing):
            return work()
    except (NotDeployedError, RunFailedError) as error:
        raise CommandError(str(error)) from None
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise CommandError(f"{_WHAT_TO_DO.get(code, 'AWS refused')}: {error}") from None
    except BotoCoreError as error:
        hint = 'for the local cloud: headrace local start; eval "$(headrace local env)"'
        raise CommandError(f"AWS cannot be reached: {error} ({hint})") from None
