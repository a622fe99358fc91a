"""`headrace local …`: AWS on this machine."""

from __future__ import annotations

import argparse
import os
import shlex
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from headrace.cli.screen import CommandError, Commands, add_command, say, show, working

if TYPE_CHECKING:
    from local_cloud.launcher import LocalCloud


_MLFLOW_PORT = 5000


def add_commands(commands: Commands) -> None:
    """Add `local` and what it can do."""
    group = commands.add_parser("local", help="AWS on this machine: start, stop, status, reset, logs, env")
    actions = group.add_subparsers(title="actions", metavar="ACTION", required=True)
    start_command = add_command(
        actions, "start", start, "start it; it goes on in the background and keeps its state"
    )
    start_command.add_argument(
        "--mlflow",
        nargs="?",
        type=int,
        const=_MLFLOW_PORT,
        metavar="PORT",
        help=f"with an MLflow server beside it, at port {_MLFLOW_PORT} unless another is named",
    )
    add_command(actions, "stop", stop, "stop it; its state is kept")
    add_command(actions, "status", status, "tell whether it runs, and where")
    add_command(actions, "reset", reset, "stop it and forget everything it held")
    logs_command = add_command(actions, "logs", logs, "print its own log")
    logs_command.add_argument("--follow", "-f", action="store_true", help="go on as it grows")
    add_command(actions, "env", env, 'print what points AWS clients at it: eval "$(headrace local env)"')


def start(arguments: argparse.Namespace) -> None:
    """Start the local cloud."""
    from local_cloud.launcher import LocalCloudError  # noqa: PLC0415 - keeps `headrace --help` quick

    cloud = _cloud(arguments.mlflow)
    if arguments.mlflow and cloud.status().running:
        raise CommandError("the local cloud runs already: stop it, then start it with --mlflow")
    try:
        with working("starting the local cloud"):
            cloud.start()
    except LocalCloudError as error:
        raise CommandError(str(error)) from None
    _show_status(cloud, arguments)
    if not arguments.json:
        say('Point AWS clients at it with: eval "$(headrace local env)"')
        if cloud.settings.mlflow_port:
            say(f"MLflow answers within seconds at http://127.0.0.1:{cloud.settings.mlflow_port}")


def stop(arguments: argparse.Namespace) -> None:
    """Stop it."""
    cloud = _cloud()
    with working("stopping the local cloud"):
        cloud.stop()
    _show_status(cloud, arguments)


def status(arguments: argparse.Namespace) -> None:
    """Tell whether it runs."""
    _show_status(_cloud(), arguments)


def reset(arguments: argparse.Namespace) -> None:
    """Empty it."""
    cloud = _cloud()
    with working("emptying the local cloud"):
        cloud.reset()
    _show_status(cloud, arguments)


def logs(arguments: argparse.Namespace) -> None:
    """Print its log."""
    cloud, seen = _cloud(), 0
    while True:
        text = cloud.logs()
        if len(text) > seen:
            say(text[seen:].rstrip("\n"))
            seen = len(text)
        if not arguments.follow:
            return
        time.sleep(0.5)


def env(arguments: argparse.Namespace) -> None:
    """Print the variables as shell exports."""
    variables = _cloud().environment()
    if arguments.json:
        show(variables, as_json=True)
    else:
        say("\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items()))


def _cloud(mlflow_port: int | None = None) -> LocalCloud:
    from local_cloud.launcher import LocalCloud  # noqa: PLC0415
    from local_cloud.settings import Settings  # noqa: PLC0415

    asked = {"HEADRACE_LOCAL_MLFLOW_PORT": str(mlflow_port)} if mlflow_port is not None else {}
    try:
        return LocalCloud(Settings.from_environ({**os.environ, **asked}))
    except ValueError as error:
        raise CommandError(str(error)) from None


def _show_status(cloud: LocalCloud, arguments: argparse.Namespace) -> None:
    found = cloud.status()
    if arguments.json:
        show(asdict(found), as_json=True)
    elif found.running:
        say(
            f"The local cloud runs at {found.endpoint} (process {found.pid}); its state is in {found.state_dir}"
        )
    else:
        say(f"The local cloud does not run; its state is in {found.state_dir}")
