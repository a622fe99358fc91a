"""The states that wait until an endpoint has become what it was told to become."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.sagemaker_task import sagemaker_task
from infra.state_machine import catch_all, says

_TIMEOUT = Duration.minutes(5)
_LIMIT_MS = 45 * 60 * 1000
_MOVES = "['Creating', 'Updating', 'SystemUpdating', 'RollingBack']"

DEADLINE = f"{{% $fromMillis($toMillis($states.context.State.EnteredTime) + {_LIMIT_MS}) %}}"
"""What a state that moves the endpoint assigns to ``deadline``: until then it has time."""


class EndpointWait:
    """Polls the endpoint of ``$plan``; an error, a failure or the end of ``$deadline`` leads to a roll-back.

    Parameters
    ----------
    scope : Construct
        Where the states are made.
    failed : IChainable
        The roll-back; it finds in ``$error`` what happened.
    """

    def __init__(self, scope: Construct, failed: sfn.IChainable) -> None:
        self._scope, self._failed = scope, failed
        self._unhealthy = sfn.Pass.jsonata(
            scope,
            "EndpointFailed",
            assign={
                "error": {
                    "Error": "EndpointFailed",
                    "Cause": "{% $endpoint.status & ': ' & $endpoint.reason %}",
                }
            },
        ).next(failed)

    def until(self, name: str, config: str, then: sfn.IChainable, *, poll: Duration) -> sfn.IChainable:
        """Wait until the endpoint is in service with a configuration, and go on with `then`.

        Parameters
        ----------
        name : str
            Ends the names of the three states.
        config : str
            JSONata, for the configuration's name.
        """
        wait = sfn.Wait.jsonata(self._scope, f"WaitFor{name}", time=sfn.WaitTime.duration(poll))
        describe = _describe(self._scope, f"Describe{name}")
        catch_all([describe], self._failed)
        observe = (
            sfn.Choice.jsonata(self._scope, f"Is{name}There")
            .when(says(f"$endpoint.status = 'InService' and $endpoint.config = {config}"), then)
            .when(
                says(f"$endpoint.status in {_MOVES} and $states.context.State.EnteredTime < $deadline"), wait
            )
            .otherwise(self._unhealthy)
        )
        return wait.next(describe).next(observe)


def _describe(scope: Construct, id: str) -> sfn.CustomState:
    result = "$states.result"
    return sagemaker_task(
        scope,
        id,
        integration="aws-sdk:sagemaker:describeEndpoint",
        arguments={"EndpointName": "{% $plan.endpoint %}"},
        timeout=_TIMEOUT,
        assign={
            "endpoint": {
                "status": f"{{% {result}.EndpointStatus %}}",
                "config": f"{{% {result}.EndpointConfigName %}}",
                "reason": f"{{% $exists({result}.FailureReason) ? {result}.FailureReason : '' %}}",
            }
        },
    )
