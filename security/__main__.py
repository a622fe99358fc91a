"""`make security`: check all stacks, judge the recorded runs by today's policies, and test the judgement by mutants.

Ends with one line of JSON. Fails if a checker finds what ``security/findings.txt`` does not list, a recorded call would be denied,
a probe allowed, or if a permission, condition or resource is unproved that ``security/unproved.txt`` does not list with a reason;
``--accept`` writes these lists anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping

from security.checks.report import report
from security.judge import Judgement, judge_all, merged
from security.mutants import Mutant
from security.policies import Request
from security.tables import PAGE, is_current, page
from security.unproved import LIST, complaints_of, listed, written


def main() -> int:
    """Print what was found, and the figures as the last line."""
    parser = argparse.ArgumentParser(prog="make security", description=__doc__)
    parser.add_argument(
        "--accept", action="store_true", help="list what is unproved today, instead of failing for it"
    )
    arguments = parser.parse_args()
    checked = report()
    judgements = judge_all()
    changes = merged(judgements)
    unproved = [" | ".join(key) for key, mutant in changes.items() if mutant.killed_by is None]
    if arguments.accept:
        LIST.write_text(written(unproved, listed(LIST.read_text())))
        PAGE.write_text(page(changes))
        checked.accept()
    complaints = [
        *checked.complaints(),
        *(f"denied: {_told(r)}" for j in judgements for r in j.denied),
        *(f"leaks: {_told(r)}" for j in judgements for r in j.leaks),
        *complaints_of(unproved, listed(LIST.read_text())),
    ]
    if not is_current(changes):
        complaints.append(f"{PAGE.name} is out of date: python -m security --accept writes it")
    print("\n".join(complaints), file=sys.stderr)  # noqa: T201 - this is the command's output
    print(json.dumps({**checked.figures(), **figures(judgements, changes)}))  # noqa: T201 - this is the command's output
    return 1 if complaints else 0


def figures(judgements: list[Judgement], changes: Mapping[tuple[str, str, str], Mutant]) -> dict[str, float]:
    """Return the figures by their names; shares are in percent."""
    return {
        "calls": sum(len(j.needed) for j in judgements),
        "denied": sum(len(j.denied) for j in judgements),
        "permission_mutants": _count(changes, "permission"),
        "permission_mutants_killed": _killed_percent(changes, "permission"),
        "condition_mutants": _count(changes, "condition"),
        "condition_mutants_killed": _killed_percent(changes, "condition"),
        "width_mutants_killed": _killed_percent(changes, "width"),
        "unused_grants": sum(
            1 for (kind, *_), m in changes.items() if kind == "permission" and m.killed_by is None
        ),
        "probes": sum(len(j.probes) for j in judgements),
        "probe_leaks": sum(len(j.leaks) for j in judgements),
    }


def _count(changes: Mapping[tuple[str, str, str], Mutant], kind: str) -> int:
    return sum(1 for key in changes if key[0] == kind)


def _killed_percent(changes: Mapping[tuple[str, str, str], Mutant], kind: str) -> float:
    killed = sum(1 for key, mutant in changes.items() if key[0] == kind and mutant.killed_by is not None)
    return round(100 * killed / max(1, _count(changes, kind)), 1)


def _told(request: Request) -> str:
    return (
        f"{request.principal.rpartition('/')[2]} {request.action} {request.resource} {dict(request.context)}"
    )


if __name__ == "__main__":
    sys.exit(main())
