"""The server process: MiniStack, unmodified, with our adapters and repairs registered."""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import sys
import tempfile

from local_cloud.settings import Settings

_EXTENSIONS = (
    "local_cloud.adapters.service_models",
    "local_cloud.adapters.recorded_decisions",  # before any that keeps a function which this replaces
    "local_cloud.adapters.lambda_functions",
    "local_cloud.adapters.logs",
    "local_cloud.adapters.sagemaker_api",
    "local_cloud.adapters.sagemaker_resources",
    "local_cloud.adapters.autoscaling_api",
    "local_cloud.adapters.sagemaker_tasks",
    "local_cloud.adapters.codebuild",
    "local_cloud.adapters.glue_jobs",
    "local_cloud.adapters.network_resources",
    "local_cloud.adapters.snapshots",
    "local_cloud.adapters.stack_answers",
    "local_cloud.repairs.function_metrics",
    "local_cloud.repairs.function_payloads",
    "local_cloud.repairs.function_networks",
    "local_cloud.repairs.async_invocations",
    "local_cloud.repairs.secure_transport",
    "local_cloud.repairs.s3_events",
    "local_cloud.repairs.s3_version_ranges",
    "local_cloud.repairs.bucket_object_lock",
    "local_cloud.repairs.conditional_put_key",
    "local_cloud.repairs.trails",
    "local_cloud.repairs.principal_arn",
    "local_cloud.repairs.missing_objects",
    "local_cloud.repairs.event_conditions",
    "local_cloud.repairs.item_permissions",
    "local_cloud.repairs.schedule_roles",
    "local_cloud.repairs.sagemaker_permissions",
    "local_cloud.repairs.iam_resources",
    "local_cloud.repairs.role_boundaries",
    "local_cloud.repairs.api_integrations",
    "local_cloud.repairs.api_metrics",
    "local_cloud.repairs.api_validators",
    "local_cloud.repairs.web_acls",
    "local_cloud.repairs.queue_permissions",
    "local_cloud.repairs.alarm_permissions",
    "local_cloud.repairs.record_streams",
    "local_cloud.repairs.stream_mappings",
    "local_cloud.repairs.table_streams",
    "local_cloud.repairs.delivery_streams",
    "local_cloud.repairs.metric_data",
    "local_cloud.repairs.alarm_actions",
    "local_cloud.repairs.alarms",
    "local_cloud.repairs.composite_alarms",
    "local_cloud.repairs.budgets",
    "local_cloud.repairs.backup_selections",
    "local_cloud.repairs.glue_catalog",
    "local_cloud.repairs.key_messages",
    "local_cloud.repairs.athena_results",
    "local_cloud.repairs.definition_refusal",
    "local_cloud.repairs.state_machine_role",
    "local_cloud.repairs.state_machine_retry",
    "local_cloud.repairs.state_machine_timeouts",
    "local_cloud.repairs.task_tokens",
    "local_cloud.repairs.execution_metrics",
    "local_cloud.repairs.state_machine_limits",
    "local_cloud.repairs.state_machine_paths",
    "local_cloud.repairs.state_machine_variables",
    "local_cloud.repairs.state_machine_jsonata",
    "local_cloud.repairs.distributed_map",
    "local_cloud.repairs.state_frame",
    "local_cloud.mlflow_server",
    "local_cloud.adapters.mlflow_api",
)

_CYCLES = (20_000, 20, 20)
"""Thresholds of the search for cycles; by default it takes a tenth of the time of this process."""


def main() -> None:
    """Serve until the process is told to end."""
    settings = Settings.from_environ(os.environ)
    os.environ.update(settings.server_environment())
    shutil.rmtree(settings.scratch_dir, ignore_errors=True)  # a killed server could not tidy up
    settings.scratch_dir.mkdir(parents=True)
    tempfile.tempdir = str(settings.scratch_dir)
    sys.modules["docker"] = None  # type: ignore[assignment]  # nothing here uses it, and loading it takes a second
    from ministack import app  # noqa: PLC0415 - reads its environment when it is imported

    for name in _EXTENSIONS:
        importlib.import_module(name).install(settings)
    gc.freeze()  # what is loaded by now stays: the search for cycles need not go through it again and again
    gc.set_threshold(*_CYCLES)
    app.main()


if __name__ == "__main__":
    main()
