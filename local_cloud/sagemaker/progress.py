"""How far a deployment is, as ``DescribeEndpoint`` and events tell it.

References
----------
.. [1] SageMaker API reference, "PendingDeploymentSummary" and "ProductionVariantStatus".
.. [2] SageMaker developer guide, "Events that Amazon SageMaker AI sends to Amazon EventBridge".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from local_cloud.sagemaker.deployments import Step
from local_cloud.sagemaker.records import Record


class Progress:
    """Tells of one deployment.

    Parameters
    ----------
    config : str
        Name of the configuration that is being deployed.
    shown : Record
        Its variants, as `summaries` returns them.
    tell : callable
        Takes what to show as ``PendingDeploymentSummary``.
    """

    def __init__(self, config: str, shown: Record, tell: Callable[[Record], None]) -> None:
        self._config, self._shown, self._tell = config, shown, tell
        self._begun = time.time()

    def launching(self) -> None:
        """Tell that the servers are being started."""
        self._show("Creating", "Launching {desired} instance(s).", lambda desired: 0)

    def activating(self, step: Step) -> None:
        """Tell that requests are being moved."""
        message = f"Activating traffic on {step.capacity} capacity of {{current}} instance(s)."
        self._show("ActivatingTraffic", message, step.instances)

    def baking(self, step: Step) -> None:
        """Tell that the alarms are being watched."""
        message = (
            f"Baking for {step.wait_s} seconds ({step.wait}) with traffic enabled on {step.capacity} capacity of "
            "{current} instance(s)."
        )
        self._show("Baking", message, step.instances)

    def _show(self, status: str, message: str, current: Callable[[int], int]) -> None:
        now = time.time()

        def state(shown: Record) -> Record:
            counts = {"desired": shown["DesiredInstanceCount"]}
            counts["current"] = current(counts["desired"])
            text = message.format(**counts)
            variant_status = {"Status": status, "StatusMessage": text, "StartTime": now}
            return {**shown, "CurrentInstanceCount": counts["current"], "VariantStatus": [variant_status]}

        lists: dict[str, Any] = {
            name: [state(shown) for shown in shown_variants]
            for name, shown_variants in self._shown.items()
            if shown_variants is not None
        }
        self._tell({"EndpointConfigName": self._config, "StartTime": self._begun, **lists})
