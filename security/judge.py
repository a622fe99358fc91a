"""Judges the recorded runs by the policies that are synthesised now, and what mutants of these policies would change."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from headrace.config.pipeline import Pipeline
from infra.code_bundle import REPO
from infra.pipeline_app import add_stacks
from security.administrator import administrated, encrypted_by_choice, granted, refused, with_administrator
from security.further_needs import from_networked_functions
from security.mutants import Mutant, mutants
from security.needs import Needs
from security.policies import Policies, Request
from security.probes import halves, probes
from security.recordings import FOLDER, requests
from security.templates import Templates


@dataclass(frozen=True)
class Judgement:
    """What one recording shows.

    Parameters
    ----------
    pipeline : str
        Its name, which names of roles and resources hold.
    needed, denied : list of Request
        What roles and services ask for, and what of it the policies do not allow.
    probes, leaks : list of Request
        What nobody has a reason to ask for, and what of it is allowed by a permission that something needs.
    mutants : list of Mutant
        All changes to the policies.
    """

    pipeline: str
    needed: list[Request]
    denied: list[Request]
    probes: list[Request]
    leaks: list[Request]
    mutants: list[Mutant]


def judge(pipeline: Mapping[str, Any], calls: Iterable[Mapping[str, Any]]) -> Judgement:
    """Judge the calls of a run of `pipeline`."""
    templates = templates_of(pipeline)
    policies = with_administrator(templates.policies())
    needed = Needs(templates).all(requests(calls))
    needed += [*administrated(policies), *encrypted_by_choice(templates), *granted(policies)]
    tried = [*probes(needed), *from_networked_functions(templates)]
    changed = mutants(policies, needed, [*tried, *halves(needed), *refused(policies)])
    only_needed = _without_unused(policies, changed)
    return Judgement(
        pipeline=str(pipeline["name"]),
        needed=needed,
        denied=[request for request in needed if not policies.allow(request)],
        probes=tried,
        leaks=[probe for probe in tried if only_needed.allow(probe)],
        mutants=changed,
    )


def templates_of(pipeline: Mapping[str, Any]) -> Templates:
    """Synthesise the stacks of `pipeline` and return their templates."""
    context = json.loads((REPO / "cdk.json").read_text())["context"]
    with tempfile.TemporaryDirectory() as folder:
        app = cdk.App(context=context, outdir=folder)
        add_stacks(app, Pipeline.model_validate(pipeline))
        app.synth()
        suffix = ".template.json"
        files = sorted(Path(folder).glob(f"*{suffix}"))
        return Templates({file.name.removesuffix(suffix): json.loads(file.read_text()) for file in files})


def judge_all() -> list[Judgement]:
    """Judge all recordings, as many at a time as there are processors."""
    files = sorted(FOLDER.glob("*.json"))
    # Not by forking: each synthesis has a Node process of its own beside it.
    with ProcessPoolExecutor(min(len(files), os.cpu_count() or 1), get_context("spawn")) as pool:
        return list(pool.map(judge_recording, files))


def judge_recording(file: Path) -> Judgement:
    """Judge the calls of one recording by the templates of its pipeline."""
    recording = json.loads(file.read_text())
    return judge(recording["pipeline"], recording["calls"])


def _without_unused(policies: Policies, changed: Iterable[Mutant]) -> Policies:
    """Return the policies of roles without the permissions that nothing needs: those count as unused, not as leaks too."""
    unused = {(m.owner, m.what) for m in changed if m.kind == "permission" and m.killed_by is None}
    identities = {}
    for role, own in policies.identities.items():
        kept = []
        for statement in own:
            pairs = ((a, r) for a in statement.actions for r in statement.resources)
            atoms = [replace(statement, actions=(a,), resources=(r,)) for a, r in pairs]
            kept += [
                atom for atom in atoms if (role, atom.name(atom.actions[0], atom.resources[0])) not in unused
            ]
        identities[role] = tuple(kept)
    return replace(policies, identities=identities)


def merged(judgements: Iterable[Judgement]) -> dict[tuple[str, str, str], Mutant]:
    """Return each change once, by kind, owner and what it is without the pipeline's name; killed if any run kills it."""
    found: dict[tuple[str, str, str], Mutant] = {}
    for judgement in judgements:
        for mutant in judgement.mutants:
            owner, what = (_general(text, judgement.pipeline) for text in (mutant.owner, mutant.what))
            key = (mutant.kind, owner, what)
            if key not in found or found[key].killed_by is None:
                found[key] = mutant
    return found


def _general(text: str, pipeline: str) -> str:
    for pattern in ("{}-", "headrace-{}", "headrace_{}"):
        text = text.replace(pattern.format(pipeline), pattern.format("<pipeline>"))
    text = re.sub(
        r"[0-9a-f]{64}", "<hash>", text
    )  # of what the CDK uploads: it changes with every line of code
    return text.removeprefix("arn:aws:iam::123456789012:role/")
