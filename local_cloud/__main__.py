"""The server process: MiniStack, unmodified, with our adapters and repairs registered."""

from __future__ import annotations

import importlib
import os

from local_cloud.settings import Settings

_EXTENSIONS = (
    "local_cloud.adapters.lambda_functions",
    "local_cloud.adapters.logs",
    "local_cloud.adapters.sagemaker_api",
    "local_cloud.adapters.sagemaker_resources",
    "local_cloud.adapters.sagemaker_tasks",
    "local_cloud.adapters.codebuild",
    "local_cloud.adapters.snapshots",
    "local_cloud.repairs.secure_transport",
    "local_cloud.repairs.metric_data",
    "local_cloud.repairs.alarm_actions",
    "local_cloud.repairs.alarms",
    "local_cloud.repairs.composite_alarms",
    "local_cloud.repairs.glue_catalog",
    "local_cloud.repairs.athena_results",
)


def main() -> None:
    """Serve until the process is told to end."""
    settings = Settings.from_environ(os.environ)
    os.environ.update(settings.server_environment())
    from ministack import app  # noqa: PLC0415 - reads its environment when it is imported

    for name in _EXTENSIONS:
        importlib.import_module(name).install(settings)
    app.main()


if __name__ == "__main__":
    main()
