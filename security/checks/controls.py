"""The controls of AWS Security Hub for SageMaker, and by which rules of ours each holds.

Security Hub looks at models, endpoints and definitions of Model Monitor's jobs that exist. It never looks at what a state machine
starts; the rules here do.

References
----------
.. [1] Security Hub user guide, "Controls for SageMaker AI": each of the four kinds of job definitions, and the schedules, have
   one control on traffic and one on isolation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_ISOLATED, _TRAFFIC = "Headrace-JobsAreIsolated", "Headrace-TrafficBetweenContainersIsEncrypted"


@dataclass(frozen=True)
class Control:
    """One control.

    Parameters
    ----------
    title : str
        What it asks.
    rules : tuple of str
        Ours, which must find nothing: the control's own subject, and what the state machines start in its place.
    where : str
        What that is here.
    """

    title: str
    rules: tuple[str, ...]
    where: str


def _of_monitor(what: str, rule: str, equivalent: str) -> Control:
    return Control(
        what,
        (rule, equivalent),
        "nothing of Model Monitor is made: functions watch the traffic; what is asked holds for training, search and evaluation",
    )


def _encrypted() -> Control:
    return _of_monitor(
        "jobs of Model Monitor encrypt traffic between containers",
        "Headrace-MonitoringJobsEncryptTraffic",
        _TRAFFIC,
    )


def _isolated() -> Control:
    return _of_monitor(
        "jobs of Model Monitor are isolated from the network", "Headrace-MonitoringJobsAreIsolated", _ISOLATED
    )


CONTROLS: Mapping[str, Control] = {
    "SageMaker.4": Control(
        "endpoints begin with more than one instance",
        ("Headrace-EndpointsSurviveTheLossOfAnInstance",),
        "each endpoint configuration that a deployment or a release makes; serverless ones have no instances",
    ),
    "SageMaker.5": Control(
        "models are isolated from the network",
        (_ISOLATED,),
        "each model that a deployment makes, and each training, tuning and evaluation",
    ),
    "SageMaker.9": _encrypted(),
    "SageMaker.10": _encrypted(),
    "SageMaker.11": _isolated(),
    "SageMaker.12": _isolated(),
    "SageMaker.13": _encrypted(),
    "SageMaker.14": _of_monitor(
        "schedules of Model Monitor are isolated from the network", "Headrace-SchedulesAreIsolated", _ISOLATED
    ),
    "SageMaker.15": _encrypted(),
    "SageMaker.16": Control(
        "the image of a model comes from a registry in the network",
        ("Headrace-ImagesComeThroughTheNetwork",),
        "each model that a deployment makes",
    ),
    "SageMaker.19": Control(
        "the images of a model of several containers come from a registry in the network",
        ("Headrace-ImagesOfSeveralComeThroughTheNetwork",),
        "no model of several containers is made",
    ),
    "SageMaker.20": _isolated(),
    "SageMaker.22": _of_monitor(
        "schedules of Model Monitor encrypt traffic between containers",
        "Headrace-SchedulesEncryptTraffic",
        _TRAFFIC,
    ),
    "SageMaker.25": _isolated(),
}
"""The 14 that apply to what a pipeline has: it has no notebooks, domains, feature groups or inference experiments."""
