"""What endpoints know of Application Auto Scaling: which of their variants are registered there.

References
----------
.. [1] SageMaker developer guide, "Update endpoints that use auto scaling", "Delete endpoints configured for auto scaling".
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from local_cloud.sagemaker.errors import invalid
from local_cloud.sagemaker.records import Record


class ScalableTargets(Protocol):
    """The register of scalable targets."""

    def variants(self, endpoint: str) -> Collection[str]:
        """Return the variants of an endpoint that are scalable targets."""
        ...

    def forget(self, endpoint: str) -> None:
        """Deregister all variants of an endpoint that is deleted."""
        ...


class NoTargets:
    """A register that is empty."""

    def variants(self, endpoint: str) -> Collection[str]:
        """Return none."""
        return ()

    def forget(self, endpoint: str) -> None:
        """Do nothing."""


def refuse_losing(scaled: Collection[str], old: Record, new: Record) -> None:
    """Refuse an update by which a scalable target goes, or gets another type of instance.

    Parameters
    ----------
    scaled : collection of str
        The variants that are scalable targets.
    old, new : Record
        The configurations before and after the update.
    """
    before, after = _types(old), _types(new)
    lost = [name for name in scaled if before.get(name) != after.get(name)]
    if lost:
        raise invalid(
            f'The variant(s) "{", ".join(lost)}" must be deregistered as scalable target(s) with AWS Auto Scaling '
            "before they can be removed or have their instance type updated."
        )


def _types(config: Record) -> dict[str, str | None]:
    return {variant["VariantName"]: variant.get("InstanceType") for variant in config["ProductionVariants"]}
