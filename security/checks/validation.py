"""What the CDK's own validation writes at every synth: the schemas of CloudFormation, and rules on combinations."""

from __future__ import annotations

import json
from collections.abc import Iterator

from security.checks.findings import Finding
from security.checks.synthesis import Synthesis

NAME = "CloudFormation Validate"


def findings(synthesis: Synthesis) -> Iterator[Finding]:
    """Yield what the report holds; ``FileNotFoundError`` if none was written."""
    report = json.loads((synthesis.folder / "validation-report.json").read_text())
    for plugin in report["pluginReports"]:
        for violation in plugin["violations"]:
            for construct in violation["violatingConstructs"]:
                yield Finding(
                    plugin["pluginName"],
                    violation["ruleName"],
                    construct["constructPath"],
                    violation["description"],
                )
