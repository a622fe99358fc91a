"""What the lock of the frameworks promises: hashes, one set of versions, wheels for every supported Python."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

REPO = Path(__file__).parents[2]
EXTRAS = ("keras", "torch", "xgboost")
PYTHONS = ((3, 11), (3, 12), (3, 13))
LOCK = tomllib.loads((REPO / "sagemaker_jobs/extras/pylock.frameworks.toml").read_text())


def pins(path):
    """Return the lines `name==version ; marker` of a lock."""
    return set(re.findall(r"^([a-z0-9][^ ]*==[^ ]+(?: ; .+?)?) \\$", (REPO / path).read_text(), re.MULTILINE))


def versions(path):
    return {tuple(pin.split(" ")[0].split("==")) for pin in pins(path)}


def environment(python):
    version = ".".join(map(str, python))
    return {
        "python_version": version,
        "python_full_version": f"{version}.5",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "x86_64",
        "os_name": "posix",
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
    }


def tags(python):
    """Return the wheels that the image's Linux can install."""
    platforms = [
        *(f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)),
        "manylinux2014_x86_64",
        "manylinux2010_x86_64",
        "manylinux1_x86_64",
    ]
    known: set[Tag] = set(cpython_tags(python, platforms=platforms))
    return known | set(compatible_tags(python, f"cp{python[0]}{python[1]}", platforms=platforms))


@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_pins_every_package_by_hash_and_as_the_other_locks_do(extra):
    path = f"sagemaker_jobs/extras/{extra}.txt"

    assert pins(path)
    assert (REPO / path).read_text().count("--hash=sha256:") >= len(pins(path))
    assert versions(path) <= versions("requirements-frameworks.txt")
    everywhere = versions("requirements.txt")
    shared = {name for name, _ in everywhere}
    assert {(name, version) for name, version in versions(path) if name in shared} <= everywhere


@pytest.mark.parametrize("python", PYTHONS)
def test_every_package_of_every_framework_has_a_wheel_for_every_supported_python(python):
    needed = [
        package
        for package in LOCK["packages"]
        if "marker" not in package or Marker(package["marker"]).evaluate(environment(python))
    ]

    installable = tags(python)
    lacking = [
        package["name"]
        for package in needed
        if not any(
            parse_wheel_filename(wheel["name"])[3] & installable for wheel in package.get("wheels", ())
        )
    ]

    assert {"tensorflow-cpu", "keras", "torch", "xgboost-cpu"} <= {package["name"] for package in needed}
    assert lacking == []


def test_the_lock_of_wheels_has_the_versions_that_are_installed():
    locked = {(package["name"], package["version"]) for package in LOCK["packages"]}

    assert locked == versions("requirements-frameworks.txt")


def test_no_framework_is_part_of_the_lean_locks():
    frameworks = {"torch", "tensorflow", "tensorflow-cpu", "keras", "xgboost", "xgboost-cpu"}
    for path in ("requirements.txt", "sagemaker_jobs/requirements.txt"):
        assert not frameworks & {name for name, _ in versions(path)}
