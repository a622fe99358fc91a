"""The six rule packs of cdk-nag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cdk_nag import (
    AwsSolutionsChecks,
    HIPAASecurityChecks,
    NagPack,
    NIST80053R4Checks,
    NIST80053R5Checks,
    PCIDSS321Checks,
    ServerlessChecks,
)

from security.checks.findings import Finding
from security.checks.synthesis import Synthesis

PACKS: Mapping[str, type[NagPack]] = {
    "AwsSolutions": AwsSolutionsChecks,
    "NIST.800.53.R5": NIST80053R5Checks,
    "NIST.800.53.R4": NIST80053R4Checks,
    "HIPAA.Security": HIPAASecurityChecks,
    "PCI.DSS.321": PCIDSS321Checks,
    "Serverless": ServerlessChecks,
}


def findings(synthesis: Synthesis) -> Iterator[Finding]:
    """Yield what each pack finds, its warnings among it."""
    for name, pack in PACKS.items():
        for violation in pack().validate_scope(synthesis.app).violations:
            for resource in violation.violating_resources:
                path = resource.construct_path or "?"
                yield Finding(name, violation.rule_name, path, violation.description)
