"""The block `endpoint.front`: a way to the model by HTTPS, for callers with a key and a share of the capacity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from headrace.config.block import Block

if TYPE_CHECKING:
    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

Principal = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[\w-]*:iam::\d{12}:(root|(role|user)/[\w+=,.@/-]+)$")
]
WebAcl = Annotated[
    str,
    StringConstraints(
        pattern=r"^arn:aws[\w-]*:wafv2:[\w-]+:\d{12}:regional/webacl/[\w-]{1,128}/[0-9a-f-]{36}$"
    ),
]


class Front(Block):
    """An API before the endpoint: IAM-signed, with a key, limits for it, and requests that are checked first.

    Examples
    --------
    >>> front = Front()
    >>> front.requests_per_second, front.burst, front.requests_per_day, front.principals
    (50, 100, 100000, ())
    """

    requests_per_second: int = Field(
        50, ge=1, le=10_000, description="What the key may ask on average; more is refused (429)."
    )
    burst: int = Field(100, ge=1, le=5_000, description="What it may ask at once before the average counts.")
    requests_per_day: int = Field(100_000, ge=1, description="What it may ask in a day, in UTC.")
    principals: tuple[Principal, ...] = Field(
        (),
        description="ARNs of the roles, users and accounts that may ask, also of other accounts; none named: whoever in "
        "this account has the permission.",
    )
    web_acl: WebAcl | None = Field(
        None,
        description="ARN of a regional web ACL of AWS WAF, in the region of the pipeline, that looks at requests before anything "
        "else does; left out, there is none.",
    )


def front_disagreements(pipeline: Pipeline) -> list[Finding]:
    """Return what is wrong between the front and the kind of the endpoint."""
    front, kind = pipeline.endpoint.front, pipeline.endpoint.kind
    if front is None or kind in ("serverless", "realtime"):
        return []
    return [(("endpoint", "front"), f"needs an endpoint that answers at once, and `endpoint.kind` is {kind}")]
