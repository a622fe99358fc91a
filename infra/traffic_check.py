"""A check of what the endpoint was asked and what it answered."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from headrace.config.pipeline import Pipeline
from infra.data_stack import DataStack
from infra.narrow_grants import grant_data_keys, grant_list, grant_objects
from infra.pipeline_function import PipelineFunction


class TrafficCheck(Construct):
    """The function ``check_<what>``: reads of the artifacts bucket what it is told to, and writes below ``<what>/``.

    Parameters
    ----------
    what : str
        What is checked: ``drift`` or ``quality``.
    reads : sequence of str
        Prefixes, which end with a slash, and keys.

    Attributes
    ----------
    function : PipelineFunction
        Checks what is new when it is invoked with ``{}``.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        what: str,
        pipeline: Pipeline,
        data: DataStack,
        reads: Sequence[str],
    ) -> None:
        super().__init__(scope, id)
        artifacts = data.artifacts_bucket
        self.function = PipelineFunction(
            self,
            f"Check{what.title()}",
            name=f"check_{what}",
            pipeline=pipeline,
            key=data.key,
            environment={"ARTIFACTS_BUCKET": artifacts.bucket_name, "LEDGER_TABLE": data.ledger.table_name},
            memory_mb=1769,  # one whole vCPU: the check computes
            timeout_s=300,
            pandas=True,  # for NumPy and PyArrow
        )
        for place in reads:
            grant_list(self.function, artifacts, place)
        patterns = [f"{place}*" if place.endswith("/") else place for place in reads]
        grant_objects(self.function, artifacts, "s3:GetObject", patterns)
        grant_objects(self.function, artifacts, "s3:PutObject", [f"{what}/*"])
        grant_data_keys(self.function, data.key)
