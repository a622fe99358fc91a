"""What an hour of a SageMaker job costs, as far as that is needed to keep a budget."""

from __future__ import annotations

# On-demand prices of training and processing in us-east-1, US dollars an hour, after https://aws.amazon.com/sagemaker/pricing/
# as public price tables quoted it between 2024 and 2026 (checked 2026-11). Other regions differ, some by a quarter.
_PER_XLARGE = {"m5": 0.2304, "c5": 0.204, "r5": 0.3024, "t3": 0.1997}
"""Families whose price grows with their size."""
_XLARGES = {
    "medium": 0.25,
    "large": 0.5,
    "xlarge": 1,
    "2xlarge": 2,
    "4xlarge": 4,
    "8xlarge": 8,
    "9xlarge": 9,
    "12xlarge": 12,
    "16xlarge": 16,
    "18xlarge": 18,
    "24xlarge": 24,
}
_WITH_GPU = {
    "g4dn": {"xlarge": 0.7364, "2xlarge": 0.94, "4xlarge": 1.505, "8xlarge": 2.72, "12xlarge": 4.89, "16xlarge": 5.44},
    "g5": {"xlarge": 1.408, "2xlarge": 1.515, "4xlarge": 2.03, "8xlarge": 3.06, "12xlarge": 7.09, "24xlarge": 10.18,
           "48xlarge": 20.36},
    "p3": {"2xlarge": 3.825, "8xlarge": 14.688, "16xlarge": 28.152},
}  # fmt: skip
_SECONDS_PER_HOUR = 3600


def usd_per_hour(instance: str) -> float | None:
    """Return what an hour of `instance` costs, in US dollars at us-east-1's list price; None if that is not known here.

    Examples
    --------
    >>> round(usd_per_hour("ml.m5.large"), 3), usd_per_hour("ml.g5.xlarge"), usd_per_hour("ml.trn1.32xlarge")
    (0.115, 1.408, None)
    """
    _, family, size = instance.split(".")
    if family in _WITH_GPU:
        return _WITH_GPU[family].get(size)
    if family in _PER_XLARGE and size in _XLARGES:
        return _PER_XLARGE[family] * _XLARGES[size]
    return None


def cost_usd(seconds: float, hourly_usd: float | None) -> float | None:
    """Return what `seconds` of one instance cost, in US dollars; None if its price is not known.

    Examples
    --------
    >>> cost_usd(360, 0.115)
    0.0115
    """
    return None if hourly_usd is None else round(seconds * hourly_usd / _SECONDS_PER_HOUR, 6)
