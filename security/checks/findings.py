"""What checkers find, and what the stacks say about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PACKS = ("NIST.800.53.R5", "NIST.800.53.R4", "HIPAA.Security", "PCI.DSS.321", "Serverless")


@dataclass(frozen=True, order=True)
class Finding:
    """One rule that one resource does not keep.

    Parameters
    ----------
    checker : str
        Who found it, e.g. ``NIST.800.53.R5`` or ``Headrace``.
    rule : str
        As an acknowledgement names it, e.g. ``NIST.800.53.R5-LambdaDLQ``.
    resource : str
        Path of the construct, e.g. ``bike-data/Key/Resource``.
    why : str
        What is wrong, in words.
    """

    checker: str
    rule: str
    resource: str
    why: str = ""

    @property
    def general_rule(self) -> str:
        """The rule without the pack that has it, and without the part of the resource that it speaks of.

        Examples
        --------
        >>> Finding("HIPAA.Security", "HIPAA.Security-LambdaDLQ", "a/b").general_rule
        'LambdaDLQ'
        >>> Finding("AwsSolutions", "AwsSolutions-IAM5[Resource::*]", "a/b").general_rule
        'AwsSolutions-IAM5'
        """
        bare = self.rule.partition("[")[0]
        for pack in _PACKS:
            bare = bare.removeprefix(f"{pack}-")
        return bare


@dataclass(frozen=True, order=True)
class Acknowledgement:
    """A reason for which a rule is not kept.

    Parameters
    ----------
    construct : str
        Path of the construct that it was given for.
    rule : str
        The rule's name.
    reason : str
        In words.
    """

    construct: str
    rule: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Tell whether it is about `finding`: the same rule, at the construct or below.

        Examples
        --------
        >>> given = Acknowledgement("p/Bucket", "AwsSolutions-S1", "It holds the logs.")
        >>> given.covers(Finding("AwsSolutions", "AwsSolutions-S1", "p/Bucket/Resource"))
        True
        >>> given.covers(Finding("AwsSolutions", "AwsSolutions-S1", "p/Bucket2/Resource"))
        False
        """
        inside = f"{finding.resource}/".startswith(f"{self.construct}/")
        return inside and self.rule in (finding.rule, finding.general_rule)


def general_path(path: str, pipeline: str) -> str:
    """Return a construct's path without the pipeline's name.

    >>> general_path("bike-data/Key/Resource", "bike")
    '<pipeline>-data/Key/Resource'
    """
    return re.sub(rf"^{re.escape(pipeline)}-", "<pipeline>-", path)
