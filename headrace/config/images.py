"""The values of `image`: ours, AWS's, or one of the user's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

HEADRACE, MANAGED = "headrace", "managed"
_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z]{2}(-[a-z]+)+-\d)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[a-z0-9]+([._/-][a-z0-9]+)*)(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})"
)


@dataclass(frozen=True)
class EcrImage:
    """Where an image lies.

    Parameters
    ----------
    account, region, repository : str
        Of Amazon ECR.
    """

    account: str
    region: str
    repository: str


def ecr_image(uri: str) -> EcrImage | None:
    """Return where the image of a URI lies; None if it is no URI of Amazon ECR with a tag or a digest.

    Examples
    --------
    >>> ecr_image("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/rides:7")
    EcrImage(account='123456789012', region='eu-west-1', repository='team/rides')
    >>> ecr_image("headrace") is None
    True

    References
    ----------
    .. [1] SageMaker API reference, AlgorithmSpecification: ``registry/repository[:tag]`` and ``registry/repository[@digest]``.
    """
    found = _ECR.fullmatch(uri)
    return EcrImage(found["account"], found["region"], found["repository"]) if found else None


def _known(image: str) -> str:
    if image in (HEADRACE, MANAGED) or ecr_image(image):
        return image
    raise ValueError(
        f"{image!r} is no image: it is headrace, managed, or the URI of one of your own in Amazon ECR with its tag or digest, "
        "such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/rides:7"
    )


ImageName = Annotated[
    str,
    AfterValidator(_known),
    WithJsonSchema(
        {"anyOf": [{"enum": [HEADRACE, MANAGED]}, {"type": "string", "pattern": r"\.dkr\.ecr\."}]}
    ),
]
"""An image's name or URI, checked."""
