"""Models: what containers run, on which data, under which role."""

from __future__ import annotations

from typing import Any

from local_cloud.sagemaker.networks import check_network
from local_cloud.sagemaker.records import Record, Records
from local_cloud.sagemaker.surroundings import Surroundings
from local_cloud.sagemaker.transfer import require_object


class Models:
    """The models of this account."""

    def __init__(self, records: Records, surroundings: Surroundings) -> None:
        self._records, self._around = records, surroundings

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Store a model, whose role and data must be there."""
        session = self._around.role_session(request["ExecutionRoleArn"])
        check_network(session, request)
        for container in self._containers(request):
            if url := container.get("ModelDataUrl"):
                require_object(session.client("s3"), url)
        record = self._records.add("Model", request)
        return {"ModelArn": record["ModelArn"]}

    def deployable(self, name: str) -> Record:
        """Return a model with its ``Containers`` as they run: one that names a package is that package's."""
        model = self._records.get("Model", name)
        return {**model, "Containers": self._containers(model)}

    def _containers(self, model: Record) -> list[Record]:
        given = [model["PrimaryContainer"]] if "PrimaryContainer" in model else model.get("Containers", [])
        return [
            {
                **self._records.get("ModelPackage", name)["InferenceSpecification"]["Containers"][0],
                **container,
            }
            if (name := container.get("ModelPackageName"))
            else container
            for container in given
        ]
