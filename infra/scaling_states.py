"""The states around an update of an endpoint whose instances follow the load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from infra.state_machine import catch_all, lambda_task, says

_TIMEOUT = Duration.minutes(2)
_POLL = Duration.seconds(3)


class ScalingStates:
    """Stops scaling before variants go, and starts it with those that are there afterwards.

    While a variant is a scalable target, SageMaker refuses to take it away; while its instances are being added or
    removed, it refuses any update. So scaling stops first, and what it has begun comes to its end.

    Parameters
    ----------
    scope : Construct
        Where the states are made.
    function : IFunction
        ``scale_endpoint``.
    payload : mapping
        What the function is told besides what to do; ``plan`` is among it.
    """

    def __init__(self, scope: Construct, function: lambda_.IFunction, payload: Mapping[str, Any]) -> None:
        self._scope, self._function, self._payload = scope, function, payload

    def stop(self, following: sfn.IChainable, failed: sfn.IChainable) -> sfn.IChainable:
        """Stop scaling, wait until the endpoint can be updated, and go on with `following`."""
        stop = self._task("StopScaling", "stop")
        catch_all([stop], failed)
        again = sfn.Wait.jsonata(self._scope, "WaitForInstances", time=sfn.WaitTime.duration(_POLL))
        settled = says("$states.input.settled or $states.context.State.EnteredTime >= $deadline")
        settles = sfn.Choice.jsonata(self._scope, "IsSettled")
        stop.next(settles.when(settled, following).otherwise(again.next(stop)))
        return stop

    def start(self, following: sfn.IChainable, failed: sfn.IChainable) -> sfn.IChainable:
        """Let the variants that serve now scale, and go on with `following`."""
        start = self._task("ScaleEndpoint", "start")
        catch_all([start], failed)
        return start.next(following)

    def stop_again(self, following: sfn.IChainable) -> sfn.IChainable:
        """Stop scaling before a roll-back takes the new variant away; the roll-back is tried in any case."""
        stop = self._task("StopScalingAgain", "stop")
        stop.add_catch(following, errors=["States.ALL"])
        stop.next(following)
        return stop

    def restore(self, following: sfn.IChainable) -> sfn.IChainable:
        """Let what serves after a roll-back scale as before, with as many instances as before."""
        restore = self._task("RestoreScaling", "restore")
        restore.add_catch(following, errors=["States.ALL"])
        restore.next(following)
        return restore

    def _task(self, id: str, action: str) -> tasks.LambdaInvoke:
        payload = {**self._payload, "action": action}
        return lambda_task(self._scope, id, self._function, payload=payload, timeout=_TIMEOUT)
