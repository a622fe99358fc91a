"""What the kinds of endpoints cost with one type of instance."""

from __future__ import annotations

from headrace.config.prices import (
    DATA_USD_PER_GB,
    PROVISIONED_RUN_USD_PER_GB_S,
    PROVISIONED_USD_PER_GB_S,
    S3_GET_USD,
    S3_PUT_USD,
    SERVERLESS_USD_PER_GB_S,
    usd_per_hour,
)
from headrace.ml.serving_costs import Prices


def hosting_prices(instance: str) -> Prices | None:
    """Return the prices of all kinds of endpoints; None if what the instance costs is not known here.

    Examples
    --------
    >>> hosting_prices("ml.m5.large").instance_h, hosting_prices("ml.trn1.32xlarge")
    (0.1152, None)
    """
    hourly = usd_per_hour(instance)
    if hourly is None:
        return None
    return Prices(
        serverless_gb_s=SERVERLESS_USD_PER_GB_S,
        provisioned_gb_s=PROVISIONED_USD_PER_GB_S,
        provisioned_run_gb_s=PROVISIONED_RUN_USD_PER_GB_S,
        instance_h=hourly,
        data_gb=DATA_USD_PER_GB,
        put=S3_PUT_USD,
        get=S3_GET_USD,
    )
