"""The block `alarms`: what people are told, and how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from headrace.config.block import Block
from headrace.config.database import KeyArn, Secret
from headrace.config.durations import Duration

AlarmName = Literal[
    "DriftAlarm",
    "JointDrift",
    "ConceptDrift",
    "EstimatedQuality",
    "Quality",
    "RetrainingsInVain",
    "RetrainingGivenUp",
    "RowsRefused",
    "FilesRefused",
    "ContractBreaches",
    "PersonalData",
    "DeadLetters",
    "TrainingFailed",
    "TrainingTimedOut",
    "DeploymentFailed",
    "DeploymentTimedOut",
    "MonitoringFailed",
    "MonitoringTimedOut",
    "FollowTrainingErrors",
    "MissedTrainings",
    "LostBatches",
    "EndpointErrors",
    "EndpointBusy",
    "FunctionThrottles",
]
"""The alarms that every pipeline has unless it leaves them out, by the names that `headrace status` shows."""


class Chat(Block):
    """A chat room that is told what the e-mail would say.

    Examples
    --------
    >>> Chat(kind="slack", secret="headrace/chat").secret_key_arn is None
    True
    """

    kind: Literal["slack", "teams", "webhook"] = Field(
        description="Whose incoming webhook it is: Slack's, a Teams workflow's, or any that takes JSON with a `text`."
    )
    secret: Secret = Field(
        description="Name or ARN of a secret in Secrets Manager whose text is the webhook's address, https only."
    )
    secret_key_arn: KeyArn | None = Field(
        None, description="ARN of the KMS key of the secret, where it is not Secrets Manager's own."
    )


class Alarms(Block):
    """Which alarms there are beyond those that every pipeline has, and which of those there are not.

    Examples
    --------
    >>> alarms = Alarms(no_data_after="2 days", leave_out=["FilesRefused"])
    >>> alarms.has("RowsRefused"), alarms.has("FilesRefused")
    (True, False)
    """

    leave_out: tuple[AlarmName, ...] = Field(
        (), description="Alarms that are not made, by the names that `headrace status` shows."
    )
    no_data_after: Duration | None = Field(
        None, description="Alarm when no rows were accepted for so long, such as 2 days."
    )
    no_predictions_after: Duration | None = Field(
        None, description="Alarm when the endpoint was not asked for so long, such as 6 hours."
    )
    server_errors: int = Field(
        1,
        ge=1,
        description="Alarm at so many answers with an error of the endpoint's own (5XX) in five minutes.",
    )
    client_error_share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Alarm when so large a share of the requests is refused as wrong (4XX), for a quarter of an hour.",
    )
    latency_p50_ms: float | None = Field(
        None,
        gt=0,
        description="Alarm when half of the requests take longer, for a quarter of an hour, in ms.",
    )
    latency_p99_ms: float | None = Field(
        None,
        gt=0,
        description="Alarm when one request in a hundred takes longer, for a quarter of an hour, in ms.",
    )

    monthly_usd: float | None = Field(
        None,
        gt=0,
        description="Tell when the month's bill for the pipeline exceeds so many US dollars; needs the cost allocation tag "
        "`headrace:pipeline`.",
    )
    chat: Chat | None = Field(
        None, description="A chat room that is told, beside the e-mail address of `notify`."
    )

    def has(self, name: str) -> bool:
        """Tell whether the alarm of this name is made."""
        return name not in self.leave_out

    @property
    def measures_endpoint(self) -> bool:
        """Whether an alarm needs what CloudWatch's own alarms cannot compute over all variants of the endpoint."""
        return any((self.client_error_share, self.latency_p50_ms, self.latency_p99_ms))
