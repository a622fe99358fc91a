"""What the function is deployed with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Settings:
    """Environment this function is deployed with: the artifacts bucket, the image that trains, and the code's origin."""

    artifacts_bucket: str
    code_version: str
    image_uri: str
    code: Mapping[str, Any]

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables; ``KeyError`` names a missing one."""
        return cls(
            artifacts_bucket=environ["ARTIFACTS_BUCKET"],
            code_version=environ["CODE_VERSION"],
            image_uri=environ["IMAGE_URI"],
            code=json.loads(environ["CODE_ORIGIN"]),
        )
