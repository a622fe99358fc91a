"""What must be known of SageMaker's instance types."""

from __future__ import annotations

import re

# Families with a local NVMe disk, which the hardware encrypts; SageMaker refuses a KMS key for their volumes.
_LOCAL_DISK = re.compile(r"^ml\.(?:[a-z]+\d+[a-z]*d[a-z]*|g[456]\w*|p[45]\w*|trn\w+|inf2)\.")


def has_encrypted_disk(instance: str) -> bool:
    """Tell whether the disk of `instance` is a local one that is encrypted by the hardware.

    References
    ----------
    .. [1] SageMaker API reference, ResourceConfig, VolumeKmsKeyId.

    Examples
    --------
    >>> has_encrypted_disk("ml.m5.large"), has_encrypted_disk("ml.m5d.large"), has_encrypted_disk("ml.g5.xlarge")
    (False, True, True)
    """
    return _LOCAL_DISK.match(instance) is not None
