"""Bills of materials in CycloneDX 1.6: what each image and each bundle of functions consists of, from the files that pin it.

The same locks give the same bytes: there is no time in them, and the serial number follows from the content.

References
----------
.. [1] CycloneDX 1.6 (ECMA-424), JSON; Package URL, types ``pypi`` and ``docker``.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import uuid
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra.locked_packages import LockedPackage, locked_packages

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component

REPO = Path(__file__).parents[1]
_NAMESPACE = uuid.UUID("5b0ba6a6-7a1c-5d53-9f0e-3f6f0e9f9a57")
_BASE = re.compile(r"^FROM (\S+)/(\S+?):(\S+)$", re.MULTILINE)
_JOBS = "sagemaker_jobs"
_PUBLIC_LAYERS = ("AWSLambdaPowertoolsPythonV3", "AWSSDKPandas")
"""Layers of AWS's accounts, which are pinned by the version in their ARNs. What is in them, AWS says."""


def image_bom(extras: Sequence[str] = (), repo: Path = REPO) -> bytes:
    """Return the bill of our image; with `extras`, of the one that trains with these frameworks."""
    locks = [f"{_JOBS}/requirements.txt", *(f"{_JOBS}/extras/{name}.txt" for name in extras)]
    dockerfile = (repo / _JOBS / "Dockerfile").read_text()
    return _bom("headrace-image", _texts(repo, locks), base=dockerfile)


def managed_bom(repo: Path = REPO) -> bytes:
    """Return the bill of what AWS's own image is given beside our code."""
    return _bom("headrace-managed-image", _texts(repo, [f"{_JOBS}/managed/requirements.txt"]))


def functions_bom() -> bytes:
    """Return the bill of the functions: our code, and the layers that carry its libraries."""
    return _bom("headrace-functions", (), layers=_PUBLIC_LAYERS)


def sha256_of_bill(bill: bytes) -> str:
    """Return the SHA-256 of a bill, which is signed with each model that its image has trained."""
    return hashlib.sha256(bill).hexdigest()


def write_boms(folder: Path, repo: Path = REPO) -> list[Path]:
    """Write all bills to a folder, and return them."""
    extras = sorted(path.stem for path in (repo / _JOBS / "extras").glob("*.txt"))
    bills = {
        "image": image_bom((), repo),
        **{f"training-image-{name}": image_bom((name,), repo) for name in extras},
        "managed-image": managed_bom(repo),
        "functions": functions_bom(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in bills.items():
        (folder / f"{name}.cdx.json").write_bytes(content)
    return [folder / f"{name}.cdx.json" for name in bills]


def _texts(repo: Path, names: Iterable[str]) -> tuple[str, ...]:
    return tuple((repo / name).read_text() for name in names)


@cache
def _bom(name: str, locks: tuple[str, ...], *, base: str = "", layers: tuple[str, ...] = ()) -> bytes:
    # Imported where a bill is written: whatever else imports this module does not wait for it.
    from cyclonedx.model.bom import Bom, BomMetaData  # noqa: PLC0415
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415

    packages = {package.name: package for text in locks for package in locked_packages(text)}
    subject = Component(name=name, type=ComponentType.APPLICATION, bom_ref=name)
    parts = {key: _package(package) for key, package in packages.items()}
    further = [*_base_image(base), *(_layer(layer) for layer in layers)]
    bom = Bom(components=[*parts.values(), *further], metadata=BomMetaData(component=subject))
    _register(bom, subject, packages, parts, further)
    return _written(bom)


def _register(
    bom: Bom,
    subject: Component,
    packages: dict[str, LockedPackage],
    parts: dict[str, Component],
    further: list[Component],
) -> None:
    """Say what needs what: by the comments of the lock; what nobody there needs, the subject itself does."""
    needs: dict[str, list[Component]] = {key: [] for key in parts}
    direct = list(further)
    for key, package in packages.items():
        above = [name for name in package.needed_by if name in parts]
        for name in above:
            needs[name].append(parts[key])
        if not above:
            direct.append(parts[key])
    bom.register_dependency(subject, direct)
    for key, found in needs.items():
        bom.register_dependency(parts[key], found)


def _package(package: LockedPackage) -> Component:
    from cyclonedx.model import HashAlgorithm, HashType, Property  # noqa: PLC0415
    from cyclonedx.model.component import Component  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    purl = PackageURL("pypi", None, package.name, package.version)
    marker = [Property(name="headrace:installed-where", value=package.marker)] if package.marker else []
    return Component(
        name=package.name,
        version=package.version,
        purl=purl,
        bom_ref=purl.to_string(),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=each) for each in package.hashes],
        properties=marker,
    )


def _base_image(dockerfile: str) -> list[Component]:
    from cyclonedx.model.component import Component, ComponentType  # noqa: PLC0415
    from packageurl import PackageURL  # noqa: PLC0415

    found = []
    for registry, name, tag in _BASE.findall(dockerfile):
        group, _, short = name.rpartition("/")
        purl = PackageURL("docker", group, short, tag, {"repository_url": registry})
        found.append(
            Component(
                name=name,
                version=tag,
                type=ComponentType.CONTAINER,
                purl=purl,
                bom_ref=purl.to_string(),
            )
        )
    return found


def _layer(name: str) -> Component:
    from cyclonedx.model.component import Component  # noqa: PLC0415

    return Component(name=name, group="aws-lambda-layer", bom_ref=f"aws-lambda-layer/{name}")


def _written(bom: Bom) -> bytes:
    """Return the bill without the two things that the library makes up."""
    from cyclonedx.output.json import JsonV1Dot6  # noqa: PLC0415

    document: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    document["metadata"].pop("timestamp", None)
    del document["serialNumber"]
    content = json.dumps(document, indent=1, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(_NAMESPACE, content)}"
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


if __name__ == "__main__":
    for written in write_boms(Path(sys.argv[1])):
        print(written)  # noqa: T201 - the command's answer
