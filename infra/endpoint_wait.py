"""The states that wait until an endpoint has become what it was told to become."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.deploy_tasks import DeployTasks
from infra.state_machine import says

_LIMIT_MS = 45 * 60 * 1000
_MOVES = "['Creating', 'Updating', 'SystemUpdating', 'RollingBack']"
_SEEN = {
    "status": "{% $states.result.EndpointStatus %}",
    "config": "{% $states.result.EndpointConfigName %}",
    "reason": "{% $exists($states.result.FailureReason) ? $states.result.FailureReason : '' %}",
}

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
        self._scope, self._tasks = scope, DeployTasks(scope, failed)
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
        describe = self._tasks.call(
            f"Describe{name}",
            "describeEndpoint",
            {"EndpointName": "{% $plan.endpoint %}"},
            assign={"endpoint": _SEEN},
        )
        observe = (
            sfn.Choice.jsonata(self._scope, f"Is{name}There")
            .when(says(f"$endpoint.status = 'InService' and $endpoint.config = {config}"), then)
            .when(
                says(f"$endpoint.status in {_MOVES} and $states.context.State.EnteredTime < $deadline"), wait
            )
            .otherwise(self._unhealthy)
        )
        return wait.next(describe).next(observe)
