"""The block `audit` of a pipeline file."""

import pytest
from pydantic import ValidationError

from headrace.config.pipeline import Pipeline

SMALL = {"name": "bike", "problem": "regression", "target": "cnt"}
LOCKED = {"on_destroy": "retain", "retention": {"object_lock_days": 400}}


def pipeline(**fields):
    return Pipeline.model_validate({**SMALL, **fields})


def test_nothing_is_written_down_unless_it_is_asked_for():
    audit = pipeline().audit

    assert (audit.ledger, audit.cloudtrail) == (False, False)


def test_files_that_are_locked_for_longer_than_they_are_kept_are_refused():
    with pytest.raises(
        ValidationError, match=r"audit\.keep_days: 365 is shorter than files are locked \(400"
    ):
        pipeline(audit={"cloudtrail": True}, **LOCKED)

    assert pipeline(audit={"cloudtrail": True, "keep_days": 400}, **LOCKED).audit.keep_days == 400
    assert pipeline(audit={"ledger": True}, **LOCKED).audit.ledger
