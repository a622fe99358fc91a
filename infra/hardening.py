"""What the stacks of a hardened pipeline share."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from infra.placement import Placement


@dataclass(frozen=True)
class Hardening:
    """What the switches of the pipeline file have made; nothing by default.

    Parameters
    ----------
    network : Placement, optional
        Where functions, jobs and models run.
    key : IKey, optional
        Encrypts what could not be delivered. Only with `compliance: strict`.
    alarm_feed : ITopic, optional
        Told of every alarm by itself, whoever is told of its cause. Only with `compliance: strict`.
    """

    network: Placement | None = None
    key: kms.IKey | None = None
    alarm_feed: sns.ITopic | None = None
