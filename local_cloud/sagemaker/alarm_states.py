"""What CloudWatch's alarms say, as a model's role may read it."""

from __future__ import annotations

from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from local_cloud.sagemaker.errors import JobError
from local_cloud.sagemaker.surroundings import Surroundings


def alarm_states(around: Surroundings, role: str, names: Sequence[str]) -> dict[str, str]:
    """Return the states of those of these alarms that exist, by name.

    Raises
    ------
    JobError
        If the role may not read them: it needs ``cloudwatch:DescribeAlarms``.
    """
    cloudwatch = around.role_session(role).client("cloudwatch")
    try:
        found = cloudwatch.describe_alarms(
            AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100
        )
    except (BotoCoreError, ClientError) as error:
        raise JobError(f"The alarms of the deployment could not be read: {error}") from None
    alarms = [*found.get("MetricAlarms", []), *found.get("CompositeAlarms", [])]
    return {alarm["AlarmName"]: alarm["StateValue"] for alarm in alarms}
