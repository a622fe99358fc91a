"""What AWS takes for jobs and endpoints of SageMaker, as far as that is needed to keep a budget and to choose a kind of endpoint."""

from __future__ import annotations

# On-demand prices in us-east-1, US dollars an hour, after https://aws.amazon.com/sagemaker/pricing/ as public price tables
# quoted it between 2024 and 2026 (checked 2026-11). Other regions differ, some by a quarter. An hour of an instance costs the same
# for training, processing, hosting and transform jobs.
_PER_XLARGE = {
    "m5": 0.2304, "c5": 0.204, "r5": 0.3024, "t3": 0.1997, "m6i": 0.2304, "c6i": 0.204, "r6i": 0.3024, "m7i": 0.24192,
    "c7i": 0.2142,
}  # fmt: skip
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
    "48xlarge": 48,
}
_WITH_GPU = {
    "g4dn": {"xlarge": 0.7364, "2xlarge": 0.94, "4xlarge": 1.505, "8xlarge": 2.72, "12xlarge": 4.89, "16xlarge": 5.44},
    "g5": {"xlarge": 1.408, "2xlarge": 1.515, "4xlarge": 2.03, "8xlarge": 3.06, "12xlarge": 7.09, "24xlarge": 10.18,
           "48xlarge": 20.36},
    "p3": {"2xlarge": 3.825, "8xlarge": 14.688, "16xlarge": 28.152},
}  # fmt: skip
_SECONDS_PER_HOUR = 3600
_VCPUS_PER_XLARGE = 4

PRICES_PAGE = "https://aws.amazon.com/sagemaker/pricing/"
SERVERLESS_USD_PER_GB_S = 0.00002
"""Serverless inference: a second of computing with a GB of memory ($0.00004 for 2 GB)."""
# These two are estimates: 1.2 times what AWS Lambda takes for provisioned concurrency, as the price above is 1.2 times Lambda's.
PROVISIONED_USD_PER_GB_S = 0.000005
"""Provisioned concurrency: a second of being ready with a GB of memory."""
PROVISIONED_RUN_USD_PER_GB_S = 0.0000116667
"""Provisioned concurrency: a second of computing with a GB of memory, beside that of being ready."""
DATA_USD_PER_GB = 0.016
"""What endpoints take in or give out."""
S3_PUT_USD, S3_GET_USD = 0.005 / 1000, 0.0004 / 1000
"""One request to S3's standard class."""


def usd_per_hour(instance: str) -> float | None:
    """Return what an hour of `instance` costs, in US dollars at us-east-1's list price; None if that is not known here.

    The price is that of jobs and of endpoints.

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


def vcpus(instance: str) -> int:
    """Return how many virtual processors an instance has; families differ in the sizes below `large` only.

    Examples
    --------
    >>> vcpus("ml.m5.large"), vcpus("ml.t3.medium"), vcpus("ml.g5.2xlarge"), vcpus("ml.g5.48xlarge")
    (2, 2, 8, 192)
    """
    share = _XLARGES.get(instance.split(".")[2], 1)
    return max(2, round(_VCPUS_PER_XLARGE * share))


def cost_usd(seconds: float, hourly_usd: float | None) -> float | None:
    """Return what `seconds` of one instance cost, in US dollars; None if its price is not known.

    Examples
    --------
    >>> cost_usd(360, 0.115)
    0.0115
    """
    return None if hourly_usd is None else round(seconds * hourly_usd / _SECONDS_PER_HOUR, 6)
