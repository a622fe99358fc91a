"""``train``: runs the user's script with the hyperparameters as its arguments."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local_cloud.script_mode.source import SourceError, fetch

_OWN = ("sagemaker_", "_tuning_objective_metric")


def train(environ: Mapping[str, str]) -> int:
    """Fetch the code, run the script, and return the exit code; a failure is described where SageMaker looks for it."""
    base = Path(environ["SAGEMAKER_BASE_DIR"])
    own, hyperparameters = split_hyperparameters(
        json.loads((base / "input" / "config" / "hyperparameters.json").read_text())
    )
    program = environ.get("SAGEMAKER_PROGRAM") or own.get("sagemaker_program")
    if not program:
        return _fail(base, "framework error: no entry point: sagemaker_program is not set")
    try:
        code = fetch(str(own.get("sagemaker_submit_directory", "/opt/ml/code")), base)
    except SourceError as error:
        return _fail(base, f"framework error: {error}")
    if (code / "requirements.txt").is_file():
        print("requirements.txt is not installed here: packages are this environment's", flush=True)  # noqa: T201
    arguments = command_arguments(hyperparameters)
    variables = _variables(base, str(program), hyperparameters, arguments)
    command = _command(str(program), arguments)
    print(f"Invoking script with the following command:\n\n{shlex.join(command)}\n", flush=True)  # noqa: T201
    environment = {**environ, **variables, "PYTHONPATH": str(code)}
    exit_code = subprocess.run(command, cwd=code, env=environment, check=False).returncode
    if exit_code:
        return _fail(
            base, f'ExecuteUserScriptError:\nExitCode {exit_code}\nCommand "{shlex.join(command)}"', exit_code
        )
    _write(base / "output" / "success", "")
    return 0


def split_hyperparameters(given: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the container's own hyperparameters and the script's; values that are JSON are read as such.

    Examples
    --------
    >>> split_hyperparameters({"sagemaker_program": '"main.py"', "max_iter": "100", "loss": "poisson"})
    ({'sagemaker_program': 'main.py'}, {'max_iter': 100, 'loss': 'poisson'})
    """
    decoded = {name: _decoded(value) for name, value in given.items()}
    own = {name: value for name, value in decoded.items() if name.startswith(_OWN)}
    return own, {name: value for name, value in decoded.items() if name not in own}


def command_arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    """Return the hyperparameters as the script's arguments, in alphabetical order.

    Examples
    --------
    >>> command_arguments({"max_iter": 100, "c": 0.5})
    ['-c', '0.5', '--max_iter', '100']
    """
    return [
        text
        for name in sorted(hyperparameters)
        for text in (f"{'-' if len(name) == 1 else '--'}{name}", str(hyperparameters[name]))
    ]


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _variables(
    base: Path, program: str, hyperparameters: Mapping[str, Any], arguments: list[str]
) -> dict[str, str]:
    """Return the ``SM_`` variables that the toolkit adds to those that SageMaker sets itself."""
    config = base / "input" / "config"
    inputs = (config / "inputdataconfig.json").read_text()
    texts = {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in hyperparameters.items()
    }
    return {
        "SM_HPS": json.dumps(hyperparameters),
        "SM_USER_ARGS": json.dumps(arguments),
        "SM_USER_ENTRY_POINT": program,
        "SM_MODULE_NAME": program.removesuffix(".py"),
        "SM_MODULE_DIR": str(base / "code"),
        "SM_CHANNELS": json.dumps(sorted(json.loads(inputs))),
        "SM_INPUT_DATA_CONFIG": inputs,
        "SM_RESOURCE_CONFIG": (config / "resourceconfig.json").read_text(),
        "SM_INPUT_CONFIG_DIR": str(config),
        "SM_OUTPUT_DIR": str(base / "output"),
        "SM_FRAMEWORK_MODULE": "sagemaker_sklearn_container.training:main",
        **{f"SM_HP_{name.upper()}": text for name, text in texts.items()},
    }


def _command(program: str, arguments: list[str]) -> list[str]:
    if program.endswith(".py"):
        return [sys.executable, program, *arguments]
    return ["/bin/sh", "-c", f"./{program} {shlex.join(arguments)}"]


def _fail(base: Path, reason: str, exit_code: int = 1) -> int:
    """Describe the failure, unless the script has done so itself."""
    print(reason, flush=True)  # noqa: T201
    failure = base / "output" / "failure"
    if not failure.exists():
        _write(failure, reason)
    return exit_code


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
