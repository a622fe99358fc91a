"""Where predictions come from and what files have led to, with AWS's services as moto has them."""

import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from headrace.aws.capture_window import START, StoredObject
from headrace.aws.deployed_pipeline import DeployedPipeline
from headrace.aws.file_ledger import FileLedger, FileRecord
from headrace.aws.monitor_ledger import Progress, ProgressLog
from headrace.aws.prediction_index import IndexedFile, PredictionIndex
from headrace.aws.predictions import Portion, RecordedPredictions
from headrace.aws.release_log import ENDED, Entry, ReleaseLog
from headrace.aws.training_history import PastTraining, TrainingHistory
from headrace.cli import main
from headrace.ml.id_filter import IdFilter
from headrace.ml.prediction_columns import COLUMNS
from tests.integration.headrace.cli.registered import BUCKET, CONTENT_HASH, DATA, GROUP, Account, learnt
from tests.unit.lambdas.captures import record

KEY, HOUR = "incoming/january.csv", datetime(2026, 11, 30, 10, tzinfo=UTC)
RUN = "headrace-rides-one"


class Story(Account):
    """A pipeline that took two files, learnt from the first version of one of them, and answered four requests."""

    def happen(self, opt):
        version = self.s3.put_object(Bucket=DATA, Key=KEY, Body=b"id,cnt\n1,2\n")["VersionId"]
        self.file = FileRecord(
            KEY,
            version,
            "2026-11-29T10:00:00Z",
            rows=300,
            quarantined=2,
            reasons={"bad_number": 2},
            curated_paths=("s3://data/curated/ingest_date=2026-11-29/abc.parquet",),
            sha256="f" * 64,
        )
        files = FileLedger(self.ledger)
        files.record(self.file)
        files.record(FileRecord("incoming/other.csv", "o1", "2026-11-30T12:00:00Z", rows=9))
        known = {"key": KEY, "version_id": version, "sha256": "f" * 64, "rows": 300}
        self.store(
            opt,
            status="Approved",
            code={"commit": "c0ffee", "dirty": False},
            files=[{**known, "accepted": self.file.order}],
        )
        self.past()
        self.answer("v1", HOUR, {"ask-1": ["12.5"], "ask-2": ["7.5", "8.5"]})
        self.answer("v1", HOUR.replace(day=29), {None: ["1.5"]})
        return self

    def past(self):
        TrainingHistory(self.ledger).add(
            PastTraining(
                execution="e1",
                run=RUN,
                started_at="2026-11-29T11:00:00+00:00",
                finished_at="2026-11-29T11:05:00+00:00",
                reason="new_data",
                because="300 rows",
                outcome="registered",
                why="better",
                retraining=False,
                champion=None,
                version=1,
                seconds=60,
                cost_usd=0.01,
            )
        )
        plan = {"planned_at": "2026-11-29T11:06:00+00:00", "version": 1, "against": None}
        said = {
            "at": "2026-11-29T11:07:00+00:00",
            "by": "approval",
            "why": "v1 was approved",
            "execution": "d1",
        }
        ReleaseLog(self.ledger).add(
            Entry.of({**plan, "strategy": "all_at_once"}, ENDED, "deployed", 1.0, **said)
        )

    def answer(self, variant, hour, answers, name="a"):
        """Record answers by the ids of their requests."""
        rows = [
            {
                "_event_id": f"event-{variant}-{id}",
                "_inference_id": id,
                "_row": place,
                "_time": hour.replace(tzinfo=None),
            }
            | {"_entity": None, "_prediction": label, "_score": float(label)}
            for id, labels in answers.items()
            for place, label in enumerate(labels)
        ]
        portion = Portion(variant, hour, 1, (name,))
        table = pa.Table.from_pylist(rows, pa.schema(list(COLUMNS.items())))
        RecordedPredictions(self.s3, BUCKET).write_rows(portion, table)

    def keys(self, part):
        listed = self.s3.list_objects_v2(Bucket=BUCKET, Prefix="predictions/")["Contents"]
        return [item["Key"] for item in listed if part in item["Key"]]

    def capture(self, variant, lines, name="fresh"):
        self.put(f"capture/{GROUP}/{variant}/2026/11/30/11/{name}.jsonl", "\n".join(lines).encode())


@pytest.fixture(scope="module")
def opt(tmp_path_factory):
    return learnt(tmp_path_factory.mktemp("trace") / "one", hyperparameters={"alpha": 2.0})


@pytest.fixture
def story(account, monkeypatch, opt):
    story = Story()
    monkeypatch.setattr(DeployedPipeline, "find", story.pipeline)
    return story.happen(opt)


@pytest.fixture
def trace(capsys):
    def trace(*arguments):
        capsys.readouterr()
        code = main(["trace", "rides", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return trace


def test_a_prediction_leads_back_to_model_training_code_image_data_gate_and_approver(story, trace):
    code, out, _ = trace("ask-2", "--json")

    assert code == 0
    found = json.loads(out)
    (answer,) = found["answers"]
    assert (found["endpoint"], answer["variant"], answer["recorded"]) == (GROUP, "v1", True)
    assert [(row["row"], row["prediction"], row["score"]) for row in answer["rows"]] == [
        (0, "7.5", 7.5),
        (1, "8.5", 8.5),
    ]
    model = answer["model"]
    assert (model["version"], model["status"], model["share"]) == (1, "Approved", 1.0)
    assert model["served"] == [{"version": 1, "since": "2026-11-29T11:07:00+00:00", "until": None}]
    assert model["training"]["job"] == f"{RUN}-0"
    assert model["training"]["hyperparameters"] == {"alpha": 2.0}
    assert (model["code"]["code_version"], model["code"]["commit"]) == ("tag", "c0ffee")
    assert model["image"] == {"uri": "image", "digest": None, "says": "no image"}
    assert model["provenance"]["as_registered"]
    data = model["data"]
    assert data["content_hash"] == CONTENT_HASH
    assert [(file["key"], file["version_id"], file["rows"]) for file in data["files"]] == [
        (KEY, story.file.version_id, 300)
    ]
    assert {item["version_id"] is not None for item in data["objects"]} == {True}
    assert (model["gate"]["why"], model["gate"]["challenger"], model["gate"]["rows"]) == ("better", 5.0, 80)
    assert model["approval"]["status"] == "Approved"


def test_the_table_names_all_stations_and_tells_no_feature(story, trace):
    _, out, _ = trace("ask-1")

    for told in (
        "variant v1",
        "12.5",
        f"{RUN}-0",
        KEY,
        "better",
        "image tag tag",
        "snapshots/0123456789abcdef",
    ):
        assert told in out


def test_a_request_without_an_inference_id_is_found_by_the_id_of_its_capture(story, trace):
    (answer,) = json.loads(trace("event-v1-None", "--json")[1])["answers"]

    assert answer["rows"][0]["prediction"] == "1.5"


def test_a_time_restricts_the_search_to_the_days_beside_it(story, trace):
    assert trace("ask-1", "--at", "2026-12-01")[0] == 0
    code, _, err = trace("ask-1", "--at", "2026-12-02T08:00")

    assert code == 2
    assert "on 2026-12-02 and the days beside it" in err


def test_what_is_captured_and_not_recorded_is_found_and_told_so(story, trace):
    story.capture("v1", [record("fresh-1", ["1,2"], [99.5])])

    (answer,) = json.loads(trace("fresh-1", "--json")[1])["answers"]
    _, table, _ = trace("fresh-1")

    assert (answer["recorded"], answer["rows"][0]["prediction"]) == (False, "99.5")
    assert "captured, not recorded yet" in table


def test_a_captured_object_that_was_recorded_is_not_searched_again(story, trace):
    story.capture("v1", [record("fresh-1", ["1,2"], [99.5])])
    listed = story.s3.list_objects_v2(Bucket=BUCKET, Prefix="capture/")["Contents"]
    taken = START.advanced([StoredObject(item["Key"], item["LastModified"]) for item in listed])
    ProgressLog(story.ledger, "recorded").save("v1", Progress(taken))

    assert trace("fresh-1")[0] == 2


def test_a_shadow_that_answered_the_same_request_is_shown_beside_the_model(story, trace):
    story.answer("v2", HOUR, {"ask-1": ["13.5"]})
    story.register()

    answers = json.loads(trace("ask-1", "--json")[1])["answers"]

    by_variant = {answer["variant"]: answer for answer in answers}
    assert by_variant.keys() == {"v1", "v2"}
    assert "without a provenance" in by_variant["v2"]["model"]["says"]


def test_a_version_that_is_gone_from_the_registry_leaves_an_honest_half(story, trace):
    story.answer("v7", HOUR, {"old": ["3.5"]})

    (answer,) = json.loads(trace("old", "--json")[1])["answers"]
    code, table, _ = trace("old")

    assert "no version 7" in answer["model"]["says"]
    assert (code, "3.5" in table) == (0, True)


def test_an_id_that_nobody_knows_is_one_clear_line(story, trace):
    code, out, err = trace("nobody")

    assert (code, out) == (2, "")
    assert err.startswith("headrace: no prediction under the id 'nobody'")
    assert "erased" in err


def test_a_file_leads_to_rows_trainings_models_and_predictions(story, trace):
    found = json.loads(trace("--file", KEY, "--json")[1])

    (version,) = found["versions"]
    assert (version["rows"], version["quarantined"], version["reasons"]) == (300, 2, {"bad_number": 2})
    assert version["still_there"]
    (training,) = found["trainings"]
    assert (training["run"], training["rows_of_the_file"], training["version"]) == (RUN, 300, 1)
    (model,) = found["models"]
    predictions = model["predictions"]
    assert predictions["count"] == 4
    assert (predictions["first"], predictions["last"]) == (
        "2026-11-29T10:00:00+00:00",
        "2026-11-30T10:00:00+00:00",
    )
    assert predictions["ids"] == ["ask-1", "ask-2", "event-v1-None"]
    assert model["batch_predictions"] == {"files": 0, "rows": 0}


def test_a_curated_file_leads_to_the_dropped_one(story, trace):
    found = json.loads(trace("--file", story.file.curated_paths[0], "--json")[1])

    assert found["versions"][0]["key"] == KEY


def test_a_file_whose_version_was_deleted_is_told_so_and_still_traced(story, trace):
    story.s3.delete_object(Bucket=DATA, Key=KEY, VersionId=story.file.version_id)

    _, table, _ = trace("--file", KEY)

    assert "deleted since" in table
    assert RUN in table


def test_a_file_that_no_training_had_says_so_and_an_unknown_one_is_an_error(story, trace):
    _, out, _ = trace("--file", "incoming/other.csv")
    code, _, err = trace("--file", "incoming/never.csv")

    assert "no training has learnt from it" in out
    assert (code, "the ledger knows no file 'incoming/never.csv'" in err) == (2, True)


def test_batch_predictions_of_a_model_are_counted(story, trace):
    item = {
        "pk": "prediction",
        "sk": "d",
        "key": "batch/a.csv",
        "variant": "v1",
        "state": "predicted",
        "rows": 40,
    }
    story.ledger.put_item(Item=item)

    found = json.loads(trace("--model", "1", "--json")[1])

    assert found["reached"]["batch_predictions"] == {"files": 1, "rows": 40}
    assert found["training"]["job"] == f"{RUN}-0"


def test_a_provenance_that_was_changed_is_not_trusted(story, trace):
    key = f"evaluations/{RUN}/provenance.json"
    document = story.document(key)
    document["data"]["objects"][0]["size"] += 1
    story.put(key, json.dumps(document).encode())

    found = json.loads(trace("--model", "v1", "--json")[1])
    _, table, _ = trace("--model", "v1")

    assert not found["provenance"]["as_registered"]
    assert "changed after the registration" in table


def test_a_manifest_that_is_gone_is_told_and_nothing_is_made_up(story, trace):
    for item in story.s3.list_object_versions(Bucket=BUCKET, Prefix="snapshots/")["Versions"]:
        if item["Key"].endswith("manifest.json"):
            story.s3.delete_object(Bucket=BUCKET, Key=item["Key"], VersionId=item["VersionId"])

    model = json.loads(trace("--model", "1", "--json")[1])
    file = json.loads(trace("--file", KEY, "--json")[1])

    assert "manifest.json is gone" in model["data"]["says"]
    assert "rows" not in model["data"]
    assert "is not known" in file["trainings"][0]["says"]


def test_files_that_the_index_rules_out_are_not_opened_and_what_it_says_of_a_rewritten_file_is_not_believed(
    story, trace
):
    (key,) = story.keys("date=2026-11-30/")
    size = story.s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"]
    said = {"rows": 9, "first": "2026-11-30T10:00:00+00:00", "last": "2026-11-30T10:00:00+00:00"}
    index = PredictionIndex(story.ledger)

    index.add(IndexedFile(key, size, ids=IdFilter.of(["somebody-else"]), **said))
    assert trace("ask-1")[0] == 2
    assert json.loads(trace("--model", "1", "--json")[1])["reached"]["predictions"]["count"] == 9 + 1

    index.add(IndexedFile(key, size + 1, ids=IdFilter.of(["ask-1", "ask-2"]), **said))
    assert trace("ask-1")[0] == 0
    assert json.loads(trace("--model", "1", "--json")[1])["reached"]["predictions"]["count"] == 4

    index.add(IndexedFile(key, size, ids=None, **said))
    assert trace("ask-2", "--at", "2026-11-30")[0] == 0
