"""`make secrets`: look for passwords and keys in the files that git has, but for those that a person has looked at.

The last line is JSON. Whatever is new fails, and so does what the baseline lists and is gone, and a scan that does not find
the secret that it has planted itself.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pool
from pathlib import Path

from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import default_settings

REPO = Path(__file__).parents[2]
BASELINE = Path(__file__).with_name("secrets.json")
_NOT_TEXT = re.compile(r"\.(gz|png|svg|csv)$")
_LOCKS = re.compile(r"(^|/)(requirements[\w-]*\.txt|package-lock\.json|pylock\.[\w.]+|extras/\w+\.txt)$")
"""Nothing but checksums of packages, each of which looks like a key."""
_PROCESSES = 2


class ScanError(Exception):
    """The scan could not be done, so its silence means nothing; the text says why."""


@dataclass(frozen=True, order=True)
class Finding:
    """Something that looks like a secret.

    Parameters
    ----------
    file : str
        Where it is.
    kind : str
        What it looks like.
    sha1 : str
        Of the text, which itself is told to nobody.
    line : int
        Where it is in the file; it may move.
    """

    file: str
    kind: str
    sha1: str
    line: int = field(default=0, compare=False)


def scan(files: Iterable[Path], root: Path = REPO) -> set[Finding]:
    """Return what looks like a secret in some files."""
    found = SecretsCollection(root=str(root))
    with default_settings():
        for file in files:
            found.scan_file(str(file.relative_to(root)))
    return {Finding(name, secret.type, secret.secret_hash, secret.line_number) for name, secret in found}


def tracked_files(root: Path = REPO) -> list[Path]:
    """Return the text files that git has, without those that only list checksums.

    Raises
    ------
    ScanError
        If git cannot tell.
    """
    try:
        told = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-z"], capture_output=True, check=True, text=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        raise ScanError(f"git cannot tell which files there are: {error}") from None
    names = [name for name in told.split("\0") if name and not _NOT_TEXT.search(name)]
    files = [root / name for name in names if not _LOCKS.search(name)]
    return [file for file in files if file.is_file() and file != BASELINE]


def find_planted() -> bool:
    """Tell whether a secret is found that is one beyond doubt; it is put together here, so that this file holds none."""
    planted = f"aws_key = 'AKIA{'Z7QK' * 4}'\n"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder).resolve() / "settings.py"
        file.write_text(planted)
        return any(each.kind == "AWS Access Key" for each in scan([file], file.parent))


def known_findings(baseline: Path = BASELINE) -> set[Finding]:
    """Return what a person has looked at."""
    listed = json.loads(baseline.read_text()) if baseline.is_file() else []
    return {Finding(each["file"], each["kind"], each["sha1"]) for each in listed}


def _scan_all(files: Sequence[Path]) -> set[Finding]:
    with Pool(_PROCESSES) as pool:
        return set().union(*pool.map(scan, [files[start::16] for start in range(16)]))


def _accept(found: set[Finding]) -> None:
    whys = {
        (each["file"], each["kind"], each["sha1"]): each["why"]
        for each in (json.loads(BASELINE.read_text()) if BASELINE.is_file() else [])
    }
    listed = [
        {
            "file": each.file,
            "kind": each.kind,
            "sha1": each.sha1,
            "why": whys.get((each.file, each.kind, each.sha1), ""),
        }
        for each in sorted(found)
    ]
    BASELINE.write_text(json.dumps(listed, indent=1) + "\n")


def main(arguments: Sequence[str]) -> int:
    """Scan, tell, and return the exit code."""
    parser = argparse.ArgumentParser(prog="make secrets", description=__doc__)
    parser.add_argument("--accept", action="store_true", help="write the baseline: then say why, in it")
    given = parser.parse_args(arguments)
    files = tracked_files()
    planted, found, known = find_planted(), _scan_all(files), known_findings()
    if given.accept:
        _accept(found)
        known = found
    for each in sorted(found - known):
        _say(
            f"{each.file}, line {each.line}: looks like a secret ({each.kind}): take it out, and take it back where it is valid"
        )
    for each in sorted(known - found):
        _say(
            f"{each.file}: {each.kind} is in the baseline, and not there any more: python -m "
            "security.supply_chain.secrets_scan --accept"
        )
    if not planted:
        _say("the secret that was planted was not found: the scan does not work")
    told = {"secrets": len(found - known), "stale": len(known - found), "known": len(known & found)}
    print(json.dumps({**told, "files": len(files), "planted_found": planted}))  # noqa: T201
    return int(bool(found ^ known) or not planted)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
