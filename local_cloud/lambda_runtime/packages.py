"""What a function can import: the runtime's packages and those of layers, made of links into this environment.

On AWS a function sees its bundle, its layers and the runtime's boto3, and nothing else. Here all of those packages lie in
one environment, so each set gets a folder of links to just its own packages. A forgotten layer then fails as on AWS.
Packages that a layer brings along are built for Lambda's processor: what is installed here under their names takes their
place.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import sys
import threading
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

_ONE_AT_A_TIME = threading.Lock()

RUNTIME = ("awslambdaric", "boto3", *(("backports.zstd",) if sys.version_info < (3, 14) else ()))
"""Distributions that Lambda's Python runtime brings along, and what stands for the modules that this Python is too old for."""

PUBLIC_LAYERS = {
    re.compile(r"^arn:aws:lambda:[a-z0-9-]+:\d{12}:layer:AWSSDKPandas-Python\d+(-Arm64)?:\d+$"): (
        "awswrangler",
        "openpyxl",
        "pg8000",
        "pymysql",
    ),
    re.compile(
        r"^arn:aws:lambda:[a-z0-9-]+:017000801446:layer:AWSLambdaPowertoolsPythonV3-python\d+-(arm64|x86_64):\d+$"
    ): ("aws-lambda-powertools", "pydantic", "jmespath", "cryptography"),
}
"""Layers that AWS publishes, by ARN, and the distributions they are made of (with all that those need)."""


def public_layer(arn: str) -> tuple[str, ...] | None:
    """Return the distributions of a public layer, or None if `arn` names none that is known here.

    Examples
    --------
    >>> public_layer("arn:aws:lambda:us-east-1:336392948345:layer:AWSSDKPandas-Python314-Arm64:6")
    ('awswrangler', 'openpyxl', 'pg8000', 'pymysql')
    >>> public_layer("arn:aws:lambda:us-east-1:123456789012:layer:mine:1") is None
    True
    """
    return next((names for pattern, names in PUBLIC_LAYERS.items() if pattern.match(arn)), None)


def packed_distributions(layer: Path) -> tuple[str, ...]:
    """Return the distributions that lie in a layer's ``python`` folder, by what they say of themselves.

    Raises
    ------
    metadata.PackageNotFoundError
        If one of them is not installed here, so that nothing could take its place.

    Examples
    --------
    >>> import tempfile
    >>> python = Path(tempfile.mkdtemp())
    >>> (python / "PyYAML-6.0.dist-info").mkdir()
    >>> _ = (python / "PyYAML-6.0.dist-info" / "METADATA").write_text("Name: PyYAML")
    >>> packed_distributions(python)
    ('PyYAML',)
    """
    names = (found.metadata["Name"] for found in metadata.distributions(path=[str(layer)]))
    return tuple(sorted(metadata.distribution(name).metadata["Name"] for name in names))


def package_folder(distributions: Iterable[str], cache: Path) -> Path:
    """Return a folder of links to `distributions` and everything they need, made once per set of versions."""
    needed = _with_requirements(distributions)
    versions = ",".join(f"{name}=={metadata.version(name)}" for name in sorted(needed))
    folder = cache / hashlib.sha256(versions.encode()).hexdigest()[:16]
    with _ONE_AT_A_TIME:
        if not folder.exists():
            unfinished = folder.with_suffix(".new")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir(parents=True)
            for name in needed:
                _link(metadata.distribution(name), unfinished)
            unfinished.replace(folder)
    return folder


def _link(distribution: metadata.Distribution, folder: Path) -> None:
    tops = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
    for top in tops:
        link = folder / top
        if not link.exists():
            link.symlink_to(Path(str(distribution.locate_file(top))))


def _with_requirements(distributions: Iterable[str]) -> set[str]:
    """Return the names and all they require without extras, as installed here."""
    found: set[str] = set()
    waiting = list(distributions)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        found.add(name)
        for line in metadata.requires(name) or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found
