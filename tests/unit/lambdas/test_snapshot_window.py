"""What a model learns from, and which rows of the test part it is judged by beside the model in service."""

import io
import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from headrace.config.pipeline import Pipeline
from headrace.ml.data_window import AGE
from headrace.ml.recency import HELD_OUT, LEARNED, RECENCY, RECENT
from headrace.ml.snapshot_rows import SnapshotError
from lambdas.snapshot_data import parts
from tests.unit.lambdas.snapshots import CONTRACT, PIPELINE, deal, rows, take


@pytest.fixture
def pipeline():
    return PIPELINE


def windowed(pipeline, **data):
    return Pipeline.model_validate(
        {**pipeline.model_dump(exclude_defaults=True), "retraining": {"data": {"min_rows": 10, **data}}}
    )


def test_a_window_cuts_what_is_learned_from_and_never_the_test_part(pipeline):
    whole = deal([rows(0, 1000)], pipeline)

    # A row is a second of the time column: 200 seconds in days.
    cut = deal([rows(0, 1000)], windowed(pipeline, use="recent", last_days=200 / 86_400))

    assert cut.parts["test"].equals(whole.parts["test"])
    learned = [int(n) for part in ("train", "validation") for n in cut.parts[part]["instant"].to_pylist()]
    assert min(learned) >= 798
    assert len(learned) < 200
    assert cut.window.applied


def test_the_same_rows_and_policy_are_the_same_snapshot_and_another_policy_is_another(pipeline):
    policies = [{}, {"use": "recent", "last_days": 0.002}, {"use": "weighted", "half_life_days": 0.002}]

    def hashes(tables):
        return [deal(tables, windowed(pipeline, **policy)).content_hash for policy in policies]

    ordered, otherwise = hashes([rows(0, 300), rows(300, 600)]), hashes([rows(300, 600), rows(0, 300)])
    assert ordered == otherwise
    assert len({*ordered, deal([rows(0, 600)], pipeline).content_hash}) == 3


def test_by_acceptance_another_order_is_another_snapshot(pipeline):
    last = windowed(pipeline, use="recent", last_rows=100)

    one, other = deal([rows(0, 300), rows(300, 600)], last), deal([rows(300, 600), rows(0, 300)], last)

    assert one.content_hash != other.content_hash
    assert min(int(n) for n in one.parts["train"]["instant"].to_pylist()) > 400
    assert max(int(n) for n in other.parts["train"]["instant"].to_pylist()) < 300


def test_weighted_rows_have_their_age_beside_them_and_the_manifest_says_so(pipeline):
    answer, bucket = take(windowed(pipeline, use="weighted", half_life_rows=100), [[rows(0, 500)]])

    prefix = f"snapshots/{answer['content_hash'][:16]}"
    train, test = (
        pq.read_table(io.BytesIO(bucket[f"{prefix}/{part}/part-00000.parquet"])) for part in ("train", "test")
    )
    ages = dict(zip(train["instant"].to_pylist(), train[AGE].to_pylist(), strict=True))
    assert sorted(ages.values()) == list(range(train.num_rows))
    assert ages[max(ages, key=int)] == 0
    assert AGE not in test.column_names
    manifest, spec = (json.loads(bucket[f"{prefix}/{name}"]) for name in ("manifest.json", "spec/spec.json"))
    assert manifest["window"]["rule"]["reach"] == 100
    assert spec["window"] == manifest["window"]
    assert AGE not in str(spec["schema"])
    assert answer["window"] == manifest["window"]["why"]


def test_days_of_a_time_that_is_a_number_are_refused_with_what_to_do(pipeline):
    columns = [replace(c, kind="number") if c.name == "dteday" else c for c in CONTRACT.columns]

    with pytest.raises(SnapshotError, match="'dteday' is number: count rows instead, with last_rows"):
        parts.deal(
            [rows(0, 500)],
            windowed(pipeline, use="recent", last_days=1),
            replace(CONTRACT, columns=tuple(columns)),
        )


def marks_of(answer, bucket):
    """Return the marks of the test part, as they lie beside the snapshot for one run."""
    key = answer["recency_uri"].removeprefix("s3://artifacts/") + "part-00000.parquet"
    return pq.read_table(io.BytesIO(bucket[key]))[RECENCY].to_numpy()


def marked(pipeline, first, then, **changed):
    """Return the ids of the test part by mark, after a model was made from the files `first`."""
    answer, bucket = take(pipeline, first)
    manifest = json.loads(bucket[f"snapshots/{answer['content_hash'][:16]}/manifest.json"])
    now = pipeline.model_copy(update=changed)
    answer, bucket = take(now, [*first, *then], champion=manifest)
    prefix = f"snapshots/{answer['content_hash'][:16]}"
    test = pq.read_table(io.BytesIO(bucket[f"{prefix}/test/part-00000.parquet"]))
    marks = marks_of(answer, bucket)
    ids = np.array([int(n) for n in test["instant"].to_pylist()])
    return [ids[marks == mark].tolist() for mark in (HELD_OUT, RECENT, LEARNED)]


def test_test_rows_that_came_after_the_model_in_service_are_recent(pipeline):
    held_out, recent, learned = marked(pipeline, [[rows(0, 500)]], [[rows(500, 900)]])

    assert max(held_out) < 500 <= min(recent)
    assert len(recent) > 50
    assert learned == []


def test_a_full_export_that_comes_again_makes_no_row_recent(pipeline):
    held_out, recent, _ = marked(pipeline, [[rows(0, 500)]], [[rows(0, 520, cnt=2.0)]])

    assert max(held_out) < 500
    assert all(500 <= n < 520 for n in recent)


def test_after_another_split_rows_that_the_model_in_service_had_judge_nothing(pipeline):
    reseeded = {"split": pipeline.split.model_copy(update={"seed": 8})}

    held_out, recent, learned = marked(pipeline, [[rows(0, 500)]], [[rows(500, 900)]], **reseeded)

    assert held_out == []
    assert max(learned) < 500 <= min(recent)


def test_dealt_by_time_an_old_file_that_comes_late_brings_no_learned_row_into_the_holdout(pipeline):
    by_time = pipeline.model_copy(update={"split": pipeline.split.model_copy(update={"by": "time"})})
    # A model learned from 1000 to 1399 of 1000 to 1499; then the years before come, and the cut moves back to 1200.
    first, before = [[rows(1000, 1500)]], [[rows(0, 1000)]]

    held_out, recent, learned = marked(by_time, first, before)

    assert (min(held_out), max(held_out)) == (1400, 1499)
    assert (min(learned), max(learned)) == (1200, 1399)
    assert recent == []


def test_without_the_manifest_of_the_model_in_service_no_row_is_recent(pipeline):
    answer, bucket = take(pipeline, [[rows(0, 500)]], champion={"content_hash": "ab" * 32, "files": None})

    assert set(marks_of(answer, bucket)) == {HELD_OUT}
