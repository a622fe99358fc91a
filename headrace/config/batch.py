"""The block `endpoint.batch`: whole files that are answered at once."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from headrace.config.block import Block, Column, Instance
from headrace.config.schedules import Schedule

_FAMILIES = r"^ml\.([mc]4|p[23]|[mc]5|[mcr][67]i|g4dn|g5|g6e?|trn1|inf2)\."
"""Of instances that SageMaker has for transform jobs; training and endpoints have others, too [1]_.

References
----------
.. [1] Amazon SageMaker API reference, TransformResources, InstanceType.
"""


def _transforms(instance: str) -> str:
    if not re.match(_FAMILIES, instance):
        family = instance.split(".")[1]
        raise ValueError(
            f"{instance}: SageMaker has no transform jobs on {family}; take one of m5, c5, m6i, c6i, r6i, m7i, c7i, r7i"
        )
    return instance


class Batch(Block):
    """Files under ``batch/`` that are answered by a transform job, into ``predictions/``.

    Examples
    --------
    >>> batch = Batch(columns="all")
    >>> batch.instance, batch.schedule, batch.format, batch.columns
    ('ml.m5.large', None, 'csv', 'all')
    """

    instance: Annotated[Instance, AfterValidator(_transforms)] = Field(
        "ml.m5.large", description="Instance type of the transform jobs."
    )
    instances: int = Field(
        1, ge=1, le=100, description="How many instances share a file; each gets parts of 16 MB."
    )
    schedule: Schedule | None = Field(
        None,
        description="When files are answered: EventBridge Scheduler's rate(...) or cron(...), in UTC; none means each as "
        "it comes.",
    )
    max_concurrent: int = Field(
        2, ge=1, le=20, description="Files that are answered at the same time; others wait for their turn."
    )
    format: Literal["csv", "jsonlines", "parquet"] = Field("csv", description="Of the files of predictions.")
    columns: tuple[Column, ...] | Literal["all"] = Field(
        (),
        description="Columns of the file that stand beside its predictions, or all; left out, the `id`, or the row's "
        "number where the pipeline has none.",
    )
