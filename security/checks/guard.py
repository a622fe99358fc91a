"""The proactive controls of AWS Control Tower, judged by AWS's own CloudFormation Guard."""

from __future__ import annotations

import json
import platform
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from security.checks.findings import Finding
from security.checks.synthesis import Synthesis
from security.templates import Templates

NAME = "Control Tower"
_RULES = "package/rules/control-tower/cfn-guard"
_CONTROL = re.compile(r"\[(CT\.[A-Z0-9]+\.PR\.\d+)\]:?\s*(.*)")
_KIND = re.compile(r"AWS::\w+::\w+")
_LOGICAL = re.compile(r"^/Resources/([^/]+)")


def findings(synthesis: Synthesis) -> Iterator[Finding]:
    """Yield the resources that keep a control from being fulfilled."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for stack, file in synthesis.files.items():
            template = with_imports(synthesis.templates, stack, json.loads(file.read_text()))
            (folder / f"{stack}.json").write_text(json.dumps(template))
        for judged in _judgements(folder):
            stack = Path(judged["name"]).stem
            for rule in judged["not_compliant"]:
                yield from _of_rule(rule["Rule"], stack, synthesis.paths)


def with_imports(templates: Templates, stack: str, value: Any) -> Any:
    """Return a template with the names and ARNs of other stacks filled in, as they are once it is deployed.

    The rules know references within a template, and take those to other stacks for missing values.
    """
    if isinstance(value, list):
        return [with_imports(templates, stack, item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"Fn::ImportValue"}:
        return templates.resolve(stack, value)
    return {key: with_imports(templates, stack, item) for key, item in value.items()}


def _judgements(folder: Path) -> list[dict[str, Any]]:
    """Run the program over the templates in `folder`; ``RuntimeError`` if it did not judge each."""
    package = _unpacked()
    machine = {"arm64": "aarch64"}.get(platform.machine(), platform.machine())
    system = {"Darwin": "macos"}.get(platform.system(), "ubuntu")
    done = subprocess.run(
        [
            str(package / "package/bin" / system / machine / "cfn-guard"),
            *("validate", "--rules", *_applicable(folder), "--data", str(folder)),
            *("--output-format", "json", "--structured", "--show-summary", "none"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    judged: list[dict[str, Any]] = json.loads(done.stdout) if done.stdout.startswith("[") else []
    if len(judged) != len(list(folder.iterdir())):
        raise RuntimeError(f"cfn-guard judged {len(judged)} templates: {done.stderr[:2000]}")
    return judged


def _applicable(folder: Path) -> list[str]:
    """Return the files of the rules that speak of a type which some template has: others would be passed over, slowly."""
    kinds = set(_KIND.findall("".join(file.read_text() for file in folder.iterdir())))
    rules = sorted((_unpacked() / _RULES).rglob("*.guard"))
    return [str(rule) for rule in rules if kinds.intersection(_KIND.findall(rule.read_text()))]


@cache
def _unpacked() -> Path:
    """Unpack the program for this machine, and the rules, out of the package for the CDK that carries them."""
    folder = Path(tempfile.mkdtemp(prefix="cfn-guard-"))
    [archive] = (resources.files("cdklabs.cdk_validator_cfnguard") / "_jsii").glob("*.jsii.tgz")  # type: ignore[attr-defined]
    with tarfile.open(archive) as packed:
        members = [member for member in packed if member.name.startswith(("package/bin/", "package/rules/"))]
        packed.extractall(folder, members=members, filter="data")
    return folder


def _of_rule(rule: Mapping[str, Any], stack: str, paths: Mapping[tuple[str, str], str]) -> Iterator[Finding]:
    found = next((m for text in _texts(rule) if (m := _CONTROL.search(text))), None)
    control, why = (found[1], found[2]) if found else (rule["name"], "")
    for logical in sorted({m[1] for text in _texts(rule, "path") if (m := _LOGICAL.match(text))}):
        yield Finding(NAME, control, paths[stack, logical], why.strip())


def _texts(value: Any, key: str = "custom_message") -> Iterator[str]:
    """Yield all texts below `value` that are called `key`."""
    if isinstance(value, list):
        for item in value:
            yield from _texts(item, key)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == key and isinstance(item, str):
                yield item
            else:
                yield from _texts(item, key)
