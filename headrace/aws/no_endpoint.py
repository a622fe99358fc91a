"""A pipeline without an endpoint, seen as deployments see endpoints: what answers is the model that was published last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headrace.aws.endpoints import Endpoint, Endpoints
from headrace.aws.training_log import TrainingLog

if TYPE_CHECKING:
    from mypy_boto3_sagemaker import SageMakerClient

    from headrace.config.pipeline import Pipeline


class NoEndpoint(Endpoints):
    """Where there is nothing to create, to move or to delete but models."""

    def __init__(self, client: SageMakerClient, log: TrainingLog) -> None:
        super().__init__(client)
        self._log = log

    def find(self, name: str) -> Endpoint | None:
        """Describe what answers, as an endpoint in service; None before the first model."""
        champion = self._log.champion()
        return Endpoint("InService", champion.name, "", (champion.variant,)) if champion else None

    def point_to(self, name: str, config: str) -> None:
        """Let the model before the present one answer again, if that is the deployment called `config`."""
        champion = self._log.champion()
        back = champion.way_back if champion else None
        if back and back.name == config:
            self._log.crown(back)

    def delete_step(self, name: str) -> bool:
        """Tell that there is no endpoint any more."""
        return True


def endpoints_of(pipeline: Pipeline, client: SageMakerClient, log: TrainingLog) -> Endpoints:
    """Return the endpoints of the account, or what stands for them where the pipeline has none."""
    return Endpoints(client) if pipeline.endpoint.exists else NoEndpoint(client, log)
