"""Glue's jobs: their definitions and runs are the emulator's, what is checked and run is the engine's."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from ministack.core.responses import error_response_json, json_response, request_scope
from ministack.services import glue, stepfunctions
from ministack.services.cloudformation import provisioners

from local_cloud.adapters.logs import write_log
from local_cloud.adapters.patching import replace
from local_cloud.adapters.role_sessions import RoleError, role_session
from local_cloud.glue.errors import GlueError, RunError
from local_cloud.glue.rules import UNDER_WAY, check_job, check_start
from local_cloud.glue.runs import Runs
from local_cloud.sagemaker.surroundings import RoleSession
from local_cloud.settings import ACCOUNT, REGION, Settings

_OK = 200
_PREFIX = "arn:aws:states:::glue:"
_JOB_MEMBERS = (
    "CodeGenConfigurationNodes Command Connections DefaultArguments Description ExecutionClass ExecutionProperty "
    "GlueVersion JobMode JobRunQueuingEnabled LogUri MaintenanceWindow MaxCapacity MaxRetries "
    "NonOverridableArguments NotificationProperty NumberOfWorkers Role SecurityConfiguration Timeout WorkerType"
).split()


def install(settings: Settings) -> None:
    """Take the place of the emulator's runner, and teach CloudFormation and Step Functions what is missing."""
    runs = Runs(_Around(settings), settings.state_dir / "cache" / "packages")
    replace(glue, "_create_job", "data", _checked_create)
    replace(glue, "_update_job", "data", _checked_update)
    replace(glue, "_start_job_run", "data", lambda _: lambda data: _answer(_started, runs, data))
    replace(glue, "_batch_stop_job_run", "data", lambda _: lambda data: _answer(_stopped, runs, data))
    replace(glue, "_restore_state", "data", _ending_orphans)
    replace(provisioners, "_glue_job_fields", "props", lambda _: _job_fields)
    provisioners._RESOURCE_HANDLERS["AWS::Glue::SecurityConfiguration"] = {
        "create": _create_security,
        "delete": _delete_security,
    }
    stepfunctions._SERVICE_DISPATCH[_PREFIX] = lambda resource, arguments: _task(runs, resource, arguments)


class _Around:
    """The emulator as the engine's surroundings."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def role_session(self, role: str) -> RoleSession:
        """Return a session of a role, which jobs name by its ARN or by its name."""
        arn = role if role.startswith("arn:") else f"arn:aws:iam::{ACCOUNT}:role/{role}"
        try:
            return role_session(self._settings, arn, "glue")
        except RoleError:
            raise RunError(f"Role {arn} should be given assume role permissions for Glue Service.") from None

    def put_log(self, group: str, stream: str, lines: list[str]) -> None:
        """Append lines to a log stream."""
        with request_scope(ACCOUNT, REGION):
            write_log(group, stream, lines)


def _answer(work: Any, runs: Runs, data: dict[str, Any]) -> Any:
    try:
        return json_response(work(runs, data))
    except GlueError as error:
        return error_response_json(error.code, str(error), 400)


def _checked_create(original: Any) -> Any:
    def create(data: dict[str, Any]) -> Any:
        try:
            check_job(data)
        except GlueError as error:
            return error_response_json(error.code, str(error), 400)
        answered = original(data)
        if answered[0] == _OK:
            _keep(data["Name"], data)
        return answered

    return create


def _checked_update(original: Any) -> Any:
    def update(data: dict[str, Any]) -> Any:
        answered = original(data)
        if answered[0] == _OK:
            _keep(data["JobName"], data.get("JobUpdate", {}))
        return answered

    return update


def _keep(name: str, members: dict[str, Any]) -> None:
    """Keep what the emulator drops of a definition, and drop what it makes up."""
    job = glue._jobs[name]
    job.update({member: members[member] for member in _JOB_MEMBERS if member in members})
    for member in [member for member, value in job.items() if value in ("", None, {})]:
        del job[member]
    if "MaxCapacity" not in members and "WorkerType" not in members:
        job.pop("WorkerType", None)
        job.pop("NumberOfWorkers", None)
    job.setdefault("ExecutionProperty", {"MaxConcurrentRuns": 1})


def _started(runs: Runs, data: dict[str, Any]) -> dict[str, Any]:
    name = data.get("JobName")
    job = glue._jobs.get(name)
    if job is None:
        raise GlueError("EntityNotFoundException", f"Failed to start job run due to missing metadata: {name}")
    records = glue._job_runs.setdefault(name, [])
    check_start(job, data, sum(record["JobRunState"] in UNDER_WAY for record in records))
    record = runs.start(job, data)
    records.append(record)
    return {"JobRunId": record["Id"]}


def _stopped(runs: Runs, data: dict[str, Any]) -> dict[str, Any]:
    name = data.get("JobName")
    answers: dict[str, list[dict[str, Any]]] = {"SuccessfulSubmissions": [], "Errors": []}
    for identity in data.get("JobRunIds", []):
        entry = {"JobName": name, "JobRunId": identity}
        known = any(record["Id"] == identity for record in glue._job_runs.get(name, []))
        if runs.stop(identity):
            answers["SuccessfulSubmissions"].append(entry)
            continue
        code, message = (
            ("InvalidInputException", "The job run has ended already.")
            if known
            else ("EntityNotFoundException", f"Job run {identity} not found")
        )
        detail = {"ErrorCode": code, "ErrorMessage": message}
        answers["Errors"].append({**entry, "ErrorDetail": detail})
    return answers


def _ending_orphans(original: Any) -> Any:
    """Let runs that a killed server left behind have failed."""

    def restore(data: dict[str, Any]) -> None:
        original(data)
        for records in list(glue._job_runs._data.values()):
            for record in records:
                if record["JobRunState"] in UNDER_WAY:
                    ended = {"JobRunState": "FAILED", "ErrorMessage": "Internal service error"}
                    record.update(ended, CompletedOn=time.time())

    return restore


# --- CloudFormation


def _job_fields(props: dict[str, Any]) -> dict[str, Any]:
    return {member: props[member] for member in _JOB_MEMBERS if member in props}


def _create_security(logical_id: str, props: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    name = props.get("Name") or f"{stack}-{logical_id}-{os.urandom(6).hex()}"
    data = {"Name": name, "EncryptionConfiguration": props.get("EncryptionConfiguration", {})}
    status, _, body = glue._create_security_configuration(data)
    if status != _OK:
        raise ValueError(body.decode())
    return name, {}


def _delete_security(physical_id: str, props: dict[str, Any]) -> None:
    glue._delete_security_configuration({"Name": physical_id})


# --- Step Functions


def _task(runs: Runs, resource: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Start a run; with ``.sync``, return it when it has succeeded.

    References
    ----------
    .. [1] Step Functions developer guide, "Start an AWS Glue job with Step Functions".
    """
    action, _, pattern = resource.removeprefix(_PREFIX).partition(".")
    if action != "startJobRun":
        raise stepfunctions._ExecutionError("States.Runtime", f"{resource} is no integration of Glue")
    try:
        identity = _started(runs, arguments)["JobRunId"]
    except GlueError as error:
        raise stepfunctions._ExecutionError(f"Glue.{error.code}", str(error)) from None
    if pattern != "sync":
        return {"JobName": arguments["JobName"], "JobRunId": identity}
    runs.wait(identity)
    [record] = [each for each in glue._job_runs[arguments["JobName"]] if each["Id"] == identity]
    described = dict(record)
    if described["JobRunState"] != "SUCCEEDED":
        raise stepfunctions._ExecutionError("States.TaskFailed", json.dumps(described))
    return described
