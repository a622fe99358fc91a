"""SageMaker's control plane: one method per operation, behind one door."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from local_cloud.sagemaker.async_invocation import AsyncInvocations
from local_cloud.sagemaker.endpoint_configs import EndpointConfigs
from local_cloud.sagemaker.endpoints import Endpoints
from local_cloud.sagemaker.errors import ApiError
from local_cloud.sagemaker.fleets import Launcher, Serve
from local_cloud.sagemaker.images import ImageStore
from local_cloud.sagemaker.invocation import Invocations
from local_cloud.sagemaker.jobs import Jobs
from local_cloud.sagemaker.listing import list_records
from local_cloud.sagemaker.models import Models
from local_cloud.sagemaker.processing import ProcessingJobs
from local_cloud.sagemaker.records import KINDS, Record, Records
from local_cloud.sagemaker.registry import Registry
from local_cloud.sagemaker.search import search
from local_cloud.sagemaker.servers import ModelServer
from local_cloud.sagemaker.shapes import check_request, fit_answer, known_operation
from local_cloud.sagemaker.surroundings import Surroundings
from local_cloud.sagemaker.training import TrainingJobs
from local_cloud.sagemaker.transform import TransformJobs
from local_cloud.sagemaker.tuning import TuningJobs

_VERB = re.compile(r"^(Describe|Delete|List)([A-Z]\w+)$")
_Operation = Callable[[dict[str, Any]], dict[str, Any]]


class Engine:
    """Takes operations by name, checks them as AWS does, and runs them."""

    def __init__(self, surroundings: Surroundings, serve: Serve = ModelServer) -> None:
        self.records = Records(surroundings.account, surroundings.region)
        self.images = ImageStore(surroundings.state_dir / "images")
        self.models = Models(self.records, surroundings)
        launcher = Launcher(self.models, self.images, surroundings, serve)
        self.endpoints = Endpoints(self.records, launcher, surroundings)
        self.invocations = Invocations(self.endpoints, surroundings)
        self.async_invocations = AsyncInvocations(self.endpoints, surroundings)
        training = TrainingJobs(self.records, self.images, surroundings)
        tuning = TuningJobs(self.records, self.images, surroundings, training)
        self.jobs: dict[str, Jobs] = {
            "TrainingJob": training,
            "ProcessingJob": ProcessingJobs(self.records, self.images, surroundings),
            "TransformJob": TransformJobs(self.records, self.images, surroundings, self.models.deployable),
            "HyperParameterTuningJob": tuning,
        }
        registry = Registry(self.records, surroundings)
        self._operations: dict[str, _Operation] = {
            "CreateTrainingJob": self.jobs["TrainingJob"].create,
            "StopTrainingJob": lambda request: self._stop("TrainingJob", request),
            "CreateProcessingJob": self.jobs["ProcessingJob"].create,
            "StopProcessingJob": lambda request: self._stop("ProcessingJob", request),
            "CreateTransformJob": self.jobs["TransformJob"].create,
            "StopTransformJob": lambda request: self._stop("TransformJob", request),
            "CreateHyperParameterTuningJob": tuning.create,
            "StopHyperParameterTuningJob": lambda request: self._stop("HyperParameterTuningJob", request),
            "ListHyperParameterTuningJobs": tuning.list,
            "ListTrainingJobsForHyperParameterTuningJob": tuning.list_training_jobs,
            "CreateModel": self.models.create,
            "CreateEndpointConfig": EndpointConfigs(self.records, self.models).create,
            "CreateEndpoint": self.endpoints.create,
            "UpdateEndpoint": self.endpoints.update,
            "UpdateEndpointWeightsAndCapacities": self.endpoints.update_weights,
            "DeleteEndpoint": self.endpoints.delete,
            "CreateModelPackageGroup": registry.create_group,
            "DeleteModelPackageGroup": registry.delete_group,
            "CreateModelPackage": registry.create_package,
            "UpdateModelPackage": registry.update_package,
            "DeleteModelPackage": registry.delete_package,
            "Search": lambda request: search(self.records, request),
            "AddTags": self._add_tags,
            "ListTags": self._list_tags,
            "DeleteTags": self._delete_tags,
        }

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Run one operation.

        Raises
        ------
        ApiError
            AWS's refusal, or ``UnknownOperationException`` for what is not built here.
        """
        if not known_operation(operation):
            raise ApiError("UnknownOperationException", f"{operation} is not an operation of SageMaker")
        check_request(operation, request)
        handler = self._operations.get(operation) or self._generic(operation)
        if handler is None:
            raise ApiError(
                "UnknownOperationException", f"{operation} is not available in the local cloud", 501
            )
        return fit_answer(operation, handler(request))

    def load(self, state: dict[str, Any]) -> None:
        """Take over the state of an earlier life, whose endpoints are still to be restarted."""
        self.records.load(state)
        for jobs in self.jobs.values():
            jobs.fail_orphans()
        self.endpoints.mark_down()

    # --- operations that are the same for every kind

    def _generic(self, operation: str) -> _Operation | None:
        match = _VERB.match(operation)
        if not match:
            return None
        verb, noun = match[1], match[2]
        if verb == "List":
            noun = noun.removesuffix("s")
        if noun not in KINDS:
            return None
        if verb == "List":
            return lambda request: list_records(self.records, noun, request)
        action = self._describe if verb == "Describe" else self._delete
        return lambda request: action(noun, request)

    def _describe(self, noun: str, request: dict[str, Any]) -> dict[str, Any]:
        record: Record = self.records.get(noun, request[KINDS[noun].name_field])
        with self.records.lock:
            return dict(record)

    def _delete(self, noun: str, request: dict[str, Any]) -> dict[str, Any]:
        name = request[KINDS[noun].name_field]
        if noun in self.jobs:
            self.jobs[noun].delete(name)
        else:
            self.records.remove(noun, name)
        return {}

    def _stop(self, noun: str, request: dict[str, Any]) -> dict[str, Any]:
        self.jobs[noun].stop(request[KINDS[noun].name_field])
        return {}

    # --- tags

    def _add_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        self.records.tag(request["ResourceArn"], request["Tags"])
        return self._list_tags(request)

    def _list_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        tags = self.records.tags.get(request["ResourceArn"], {})
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _delete_tags(self, request: dict[str, Any]) -> dict[str, Any]:
        for key in request["TagKeys"]:
            self.records.tags.get(request["ResourceArn"], {}).pop(key, None)
        return {}
