"""Releases of a deployed pipeline: what serves, what runs, what was ever done; and a person's word on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from headrace.aws.deployed_pipeline import DeployedPipeline, RunFailedError
from headrace.aws.release_alarms import ReleaseAlarms
from headrace.aws.release_log import Entry, ReleaseLog, RunningRelease
from headrace.aws.training_log import Champion, TrainingLog

_POLL_S = 0.5
_ONLY_SORTS = ("planned_at", "place")
_OF_THE_PLAN = ("version", "against", "strategy", "action")


class NothingToDecideError(Exception):
    """There is no release, or no way back; the text says which."""


@dataclass(frozen=True)
class DeployedRelease:
    """What people ask of the releases of a running pipeline, and tell them.

    All that changes anything is an execution of the state machine that deploys: who may start that needs no more.

    Parameters
    ----------
    pipeline : DeployedPipeline
        The pipeline.
    """

    pipeline: DeployedPipeline

    def status(self, count: int) -> dict[str, Any]:
        """Return the model in service, the share of each, the release that runs, who waits, and `count` lines of history."""
        log = self._log()
        running = log.running()
        return {
            "in_service": _champion(self._champion()),
            "requests": self._requests(),
            "release": running and self._release(running),
            "waiting": log.waiting(),
            "history": [_line(entry) for entry in islice(log.newest_first(), count)],
        }

    def decide(self, what: str, why: str, version: int | None = None) -> dict[str, Any]:
        """Promote the challenger, or take back what serves; return when that is done.

        Parameters
        ----------
        what : {"promote", "rollback"}
            The decision.
        why : str
            Goes into the history, and for a model that is taken back into the registry.
        version : int, optional
            The approved version to go back to; none means the last good one, whose deployment is kept.

        Raises
        ------
        NothingToDecideError
            If there is nothing to promote, or nothing to go back to.
        RunFailedError
            If what was to be done has failed.
        """
        asked = {} if version is None else {"version": version}
        by = self.pipeline.session.client("sts").get_caller_identity()["Arn"]
        started = self.pipeline.session.client("stepfunctions").start_execution(
            stateMachineArn=self.pipeline.outputs["DeployStateMachineArn"],
            input=json.dumps({"decision": what, "by": by, "why": why, **asked}),
        )
        answer = self._ended(started["executionArn"])
        if answer.get("action") == "nothing":
            raise NothingToDecideError(answer["why"])
        if answer.get("action") == "told":
            self._ended(answer["execution"])
        return {"decision": what, "by": by, "why": why, "in_service": _champion(self._champion())}

    def _ended(self, execution: str) -> dict[str, Any]:
        """Wait for the end of an execution, and return its output."""
        run = self.pipeline.ended(execution, poll_s=_POLL_S)
        if run["status"] != "SUCCEEDED":
            raise RunFailedError(
                f"the deployment has ended as {run['status']}: {run.get('cause') or 'its execution says why'}"
            )
        return dict(json.loads(run.get("output") or "{}"))

    # --- what is known

    def _requests(self) -> dict[str, float]:
        """Return the share of requests of each variant; of a shadow, the share that it gets a copy of."""
        try:
            endpoint: Any = self.pipeline.session.client("sagemaker").describe_endpoint(
                EndpointName=self.pipeline.outputs["EndpointName"]
            )
        except ClientError as error:
            if "ould not find" in str(error):
                return {}
            raise
        variants = endpoint.get("ProductionVariants", [])
        whole = sum(variant.get("CurrentWeight", 1.0) for variant in variants) or 1.0
        return {
            variant["VariantName"]: round(variant.get("CurrentWeight", 1.0) / whole, 6)
            for variant in (*variants, *endpoint.get("ShadowProductionVariants", []))
        }

    def _release(self, running: RunningRelease) -> dict[str, Any]:
        plan = running.plan.get("release") or {}
        alarms = ReleaseAlarms(self.pipeline.session.client("cloudwatch"), self.pipeline.name)
        return {
            **{name: running.plan.get(name) for name in _OF_THE_PLAN},
            "step": running.step,
            "share": running.share,
            "shares": plan.get("shares", []),
            "since": running.since,
            "deadline": plan.get("deadline"),
            "judged": running.judged.get("why"),
            "figures": running.judged.get("figures", {}),
            "page": running.judged.get("page_key"),
            "alarms": {alarm.name: alarm.state for alarm in alarms.states()},
            "decision": running.decision and asdict(running.decision),
            "execution": running.execution,
        }

    def _champion(self) -> Champion | None:
        return TrainingLog(self._table()).champion()

    def _log(self) -> ReleaseLog:
        return ReleaseLog(self._table())

    def _table(self) -> Any:
        return self.pipeline.session.resource("dynamodb").Table(self.pipeline.outputs["LedgerTableName"])


def _line(entry: Entry) -> dict[str, Any]:
    """Return a line of the history, without what only says where in the ledger it is."""
    return {name: value for name, value in asdict(entry).items() if name not in _ONLY_SORTS}


def _champion(champion: Champion | None) -> Mapping[str, Any] | None:
    if champion is None:
        return None
    back = champion.way_back
    return {
        "version": champion.version,
        "since": champion.deployed_at,
        "way_back": back.version if back else None,
    }
