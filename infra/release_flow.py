"""The states of a release: champion and challenger in one endpoint, until the one or the other is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn
from aws_cdk import aws_stepfunctions_tasks as tasks
from constructs import Construct

from headrace.config.release import Release
from infra.deploy_tasks import FOR_PLAN, SHORT, DeployTasks
from infra.endpoint_wait import DEADLINE, EndpointWait
from infra.state_machine import catch_all, lambda_task, says, waiting_task

_POLL = Duration.seconds(5)
_CONFIG = "$plan.release.config"
_MOVES = {"deadline": DEADLINE}
_FOR_STEP = {**FOR_PLAN, "step": "{% $step %}"}


@dataclass(frozen=True)
class ReleaseFunctions:
    """The functions that the states call."""

    smoke_test: lambda_.IFunction
    begin_release: lambda_.IFunction
    hold_release: lambda_.IFunction
    judge_release: lambda_.IFunction


@dataclass(frozen=True)
class ReleaseCalls:
    """The arguments of the states that call SageMaker."""

    create_config: dict[str, Any]
    move: dict[str, Any]
    shift: dict[str, Any]
    withdraw: dict[str, Any]
    promote: dict[str, Any]


class ReleaseStates:
    """From one model to two and back to one.

    Parameters
    ----------
    scope : Construct
        Where the states are made.
    wait : EndpointWait
        Waits for the endpoint.
    roll_back : IChainable
        Leads the endpoint back to the champion alone; finds in ``$error`` why.
    serve : IChainable
        Waits until the challenger serves alone, and makes it the champion.

    Attributes
    ----------
    enter : IChainable
        Begins the release.
    withdraw : IChainable
        Gives the champion all requests at once, and then the endpoint.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        release: Release,
        functions: ReleaseFunctions,
        calls: ReleaseCalls,
        wait: EndpointWait,
        roll_back: sfn.IChainable,
        serve: sfn.IChainable,
    ) -> None:
        self._scope, self._release, self._functions, self._calls = scope, release, functions, calls
        self._roll_back, self._tasks = roll_back, DeployTasks(scope, roll_back)
        self._copies = release.strategy == "shadow"
        self.withdraw = self._add_withdrawal()
        self._promote = self._tasks.call(
            "PromoteRelease", "updateEndpoint", calls.promote, assign=_MOVES
        ).next(serve)
        hold = self._add_hold()
        self.enter = self._add_entry(wait, self._add_shift(wait, hold))
        self._judge(hold)

    # --- in

    def _add_entry(self, wait: EndpointWait, shift: sfn.IChainable) -> sfn.IChainable:
        """Both models in service, the challenger without requests; it answers a known row before it gets any."""
        config = self._tasks.call("CreateReleaseConfig", "createEndpointConfig", self._calls.create_config)
        move = self._tasks.call("EnterRelease", "updateEndpoint", self._calls.move, assign=_MOVES)
        begin = self._tasks.function(
            "BeginRelease",
            self._functions.begin_release,
            FOR_PLAN,
            assign={"step": 0, "share": "{% $states.result.Payload.share %}", "woken": False},
        )
        begin.next(shift)
        first: sfn.IChainable = begin
        if not self._copies:  # a shadow variant cannot be asked
            first = self._tasks.function(
                "SmokeTestChallenger",
                self._functions.smoke_test,
                {**FOR_PLAN, "challenger": True},
                timeout=Duration.minutes(10),
            ).next(begin)
        return config.next(move).next(wait.until("Release", _CONFIG, first, poll=_POLL))

    def _add_shift(self, wait: EndpointWait, hold: sfn.IChainable) -> sfn.IChainable:
        if self._copies:
            return hold
        self._shift = self._tasks.call(
            "ShiftTraffic", "updateEndpointWeightsAndCapacities", self._calls.shift, assign=_MOVES
        )
        return self._shift.next(wait.until("Shift", _CONFIG, hold, poll=_POLL))

    # --- while both serve

    def _add_hold(self) -> tasks.LambdaInvoke:
        return self._waiting("HoldRelease", Duration.seconds(self._release.interval_s))

    def _judge(self, hold: tasks.LambdaInvoke) -> None:
        judge = lambda_task(
            self._scope,
            "JudgeRelease",
            self._functions.judge_release,
            payload=_FOR_STEP,
            timeout=SHORT,
            assign={"judged": "{% $states.result.Payload %}"},
        )
        hold.add_catch(judge, errors=["States.Timeout"], assign={"woken": False})
        catch_all([hold, judge], self.withdraw)
        hold.next(self._add_decision("WhatIsDecided", judge))
        judge.next(self._add_verdict(hold, judge))

    def _add_verdict(self, hold: sfn.IChainable, judge: sfn.IChainable) -> sfn.Choice:
        """Follow a judgement; one that an alarm has asked for, before its time, can only withdraw."""
        withdrawn = self._error("ReleaseWithdrawn", "{% $judged.why %}").next(self.withdraw)
        verdict = (
            sfn.Choice.jsonata(self._scope, "WhatIsJudged")
            .when(says("$judged.decision = 'withdraw'"), withdrawn)
            .when(says("$woken"), hold)
            .when(says("$judged.decision = 'promote'"), self._last_word(judge))
        )
        if not self._copies:
            verdict.when(
                says("$type($judged.share) = 'number' and $judged.share != $share"), self._next_step()
            )
        return verdict.otherwise(hold)

    def _next_step(self) -> sfn.IChainable:
        next_step = sfn.Pass.jsonata(
            self._scope, "NextStep", assign={"step": "{% $step + 1 %}", "share": "{% $judged.share %}"}
        )
        return next_step.next(self._shift)

    def _last_word(self, judge: sfn.IChainable) -> sfn.IChainable:
        """Promote, or wait for a person who does."""
        if self._release.promote == "automatic":
            return self._promote
        wait = self._waiting("AwaitPromotion", Duration.seconds(self._release.longest_s))
        nobody = self._error(
            "NobodyPromoted", f"nobody promoted it within {self._release.longest_s / 86_400:g} days"
        )
        wait.add_catch(nobody.next(self.withdraw), errors=["States.Timeout"])
        catch_all([wait], self.withdraw)
        return wait.next(self._add_decision("WhatIsSaid", judge))

    def _add_decision(self, id: str, judge: sfn.IChainable) -> sfn.Choice:
        """Do what whoever woke the execution wants: a person's word, or a look at an alarm."""
        why = "{% $states.input.by & ': ' & $states.input.why %}"
        taken_back = self._error(f"{id}TakeBack", why, error="ReleaseTakenBack")
        return (
            sfn.Choice.jsonata(self._scope, id)
            .when(says("$states.input.what = 'promote'"), self._promote)
            .when(says("$states.input.what = 'rollback'"), taken_back.next(self.withdraw))
            .otherwise(judge)
        )

    # --- out

    def _add_withdrawal(self) -> sfn.IChainable:
        """Give the champion all requests within seconds; a new configuration takes minutes, and follows."""
        if self._copies:
            return self._roll_back
        withdraw = self._tasks.call(
            "WithdrawTraffic", "updateEndpointWeightsAndCapacities", self._calls.withdraw
        )
        return withdraw.next(self._roll_back)

    # --- states

    def _waiting(self, id: str, timeout: Duration) -> tasks.LambdaInvoke:
        return waiting_task(
            self._scope,
            id,
            self._functions.hold_release,
            payload={**_FOR_STEP, "share": "{% $share %}", "judged": "{% $judged %}"},
            timeout=timeout,
            assign={"woken": True},
        )

    def _error(self, id: str, cause: str, *, error: str = "ReleaseWithdrawn") -> sfn.Pass:
        return sfn.Pass.jsonata(self._scope, id, assign={"error": {"Error": error, "Cause": cause}})
