import json
from datetime import timedelta

import pyarrow as pa
import pytest

from headrace.aws.quality_data import RowFile
from headrace.ml.batch.inference_ids import batch_inference_id
from lambdas.judge_release import answers
from tests.unit.lambdas.captures import record
from tests.unit.lambdas.two_models import BEGAN, ERRORS, Model, World


def looks(world, most, **asked):
    """Ask and look until it is decided, and return the answers."""
    found = []
    for _ in range(most):
        world.ask(**asked)
        found.append(world.look())
        if found[-1]["decision"] != "hold":
            break
    return found


# --- canary and linear


def test_a_good_canary_gets_all_requests_and_is_promoted():
    world = World("canary")

    first, second = looks(world, 5, requests=800)

    assert (first["decision"], first["share"]) == ("hold", 1.0)
    assert (second["decision"], second["share"]) == ("promote", None)
    assert world.metrics[0][0] == "PredictionShift"
    assert world.metrics[0][2] == {"Variant": "v4"}


def test_the_report_says_of_which_time_the_counted_requests_are():
    world = World("canary")

    world.look()

    assert world.report["counted"] == {"from": "2026-01-31T09:50:00+00:00", "to": "2026-01-31T10:00:00+00:00"}
    assert world.report["models"]["challenger"]["invocations"] == 100.0


def test_a_linear_release_goes_through_all_its_shares():
    shares = [answer["share"] for answer in looks(World("linear"), 9, requests=200)]

    assert shares == [0.5, 0.75, 1.0, None]


def test_a_canary_without_any_traffic_goes_through_too():
    world = World("canary")

    assert [world.look()["decision"] for _ in range(2)] == ["hold", "promote"]
    assert world.metrics == []
    assert world.report["shift"]["verdict"] == "not enough data"


def test_a_canary_that_answers_otherwise_is_withdrawn_at_the_first_look():
    world = World("canary", challenger=Model(moved=4.0))

    (answer,) = looks(world, 5, requests=1500)

    assert answer["decision"] == "withdraw"
    assert "standard deviations from those of the model in service" in answer["why"]
    assert answer["figures"]["prediction_shift"] > 1
    assert (
        "PredictionShift",
        pytest.approx(answer["figures"]["prediction_shift"], abs=1e-4),
        {"Variant": "v4"},
    ) in (world.metrics)


def test_without_a_limit_answers_may_be_as_they_like():
    world = World("canary", challenger=Model(moved=4.0), limits={"prediction_shift": None})

    assert looks(world, 5, requests=1500)[-1]["decision"] == "promote"
    assert world.report["shift"]["verdict"] == "shift"


def test_an_alarm_withdraws_and_one_that_is_off_does_not():
    world = World("canary")
    world.alarms = {ERRORS: "OK"}
    assert world.look()["decision"] == "hold"

    world.alarms = {ERRORS: "ALARM"}
    answer = world.look()

    assert (answer["decision"], answer["why"]) == ("withdraw", f"an alarm is on: {ERRORS}")
    assert ERRORS in world.page


def test_callers_who_ask_otherwise_by_day_do_not_withdraw_a_model():
    world = World("linear")

    world.ask(2000, mean=-4.0)
    by_night = world.look()
    world.ask(2000, mean=2.0)
    by_day = world.look()

    assert (by_night["decision"], by_day["decision"]) == ("hold", "hold")


def test_answers_of_the_share_before_that_arrive_late_are_compared_among_themselves():
    world = World("linear", challenger=Model(moved=4.0))
    world.look()
    world.since = BEGAN
    world.step = 0
    world.ask(1500, late=True)
    world.step, world.since = 1, BEGAN + timedelta(minutes=10)

    answer = world.look()

    assert answer["decision"] == "withdraw"
    assert world.report["shift"]["since"] == BEGAN.isoformat()


@pytest.mark.parametrize(("decision", "outcome"), [("promote", "promote"), ("rollback", "withdraw")])
def test_what_somebody_has_decided_counts(decision, outcome):
    world = World("ab")
    world.decision = decision

    assert world.look()["decision"] == outcome


# --- A/B


def test_an_ab_by_labels_picks_the_better_model():
    world = World("ab", metric="labels", minutes=60, min_rows=500)
    world.models = {"v3": Model(blurred=3.0), "v4": Model()}

    found = looks(world, 30, label=True)

    assert found[-1]["decision"] == "promote"
    assert len(found) > 1
    assert found[-1]["figures"]["challenger_brier"] < found[-1]["figures"]["champion_brier"]
    assert found[-1]["figures"]["worse_by_at_most"] < 0
    assert world.report["comparison"]["what"] == "brier"


def test_an_ab_by_labels_turns_a_worse_model_away():
    world = World("ab", metric="labels", minutes=60, challenger=Model(blurred=3.0), min_rows=500)

    assert looks(world, 30, label=True)[-1]["decision"] == "withdraw"


def test_an_ab_of_equal_models_ends_with_the_champion():
    world = World("ab", metric="labels", minutes=720, days=2, min_rows=100)

    found = looks(world, 20, label=True)

    assert [answer["decision"] for answer in found] == ["hold"] * 3 + ["withdraw"]
    assert found[-1]["why"] == "the time is over: no difference that is sure yet"


def test_an_ab_is_not_decided_before_enough_rows_were_answered():
    world = World("ab", metric="labels", minutes=60, min_rows=10_000)
    world.models = {"v3": Model(blurred=3.0), "v4": Model()}

    assert {answer["decision"] for answer in looks(world, 5, label=True)} == {"hold"}


def test_each_label_counts_once_and_a_request_with_the_rows_that_came_first():
    world = World("ab", metric="labels", minutes=60)
    world.ask(400, label=True)
    world.look()
    once = sum(world.report["comparison"]["requests"])
    for file, table in list(world.rows.labelled.items()):
        # The file is written again, with a row more of each request and a request more.
        del world.rows.labelled[file]
        more = table.slice(0, 3).set_column(
            0, "_event_id", pa.array([*table["_event_id"].to_pylist()[:2], f"new {file.key}"])
        )
        again = RowFile(file.key, world.now + timedelta(minutes=5))
        world.rows.labelled[again] = pa.concat_tables([table, more])

    world.look()

    assert once == 400
    assert sum(world.report["comparison"]["requests"]) == 402


def test_labels_of_predictions_of_before_the_release_do_not_count():
    world = World("ab", metric="labels", minutes=60)
    world.now = BEGAN - timedelta(hours=2)
    world.ask(400, label=True)
    world.now = BEGAN

    world.look()

    assert world.report["comparison"]["requests"] == [0, 0]
    assert world.report["models"]["champion"]["rows"] == 0


def test_an_ab_without_labels_estimates_and_does_not_tell_equal_models_apart():
    world = World("ab", minutes=60, min_rows=500)

    found = looks(world, 4, requests=500)

    assert {answer["decision"] for answer in found} == {"hold"}
    assert world.report["comparison"]["by"] == "estimates"
    assert world.report["comparison"]["what"] == "roc_auc"
    assert sum(world.report["comparison"]["requests"]) == 4000


def test_what_cannot_be_estimated_is_not_compared():
    world = World("ab", minutes=60, min_rows=100)
    del world.documents["baselines/v4/performance.json"]

    found = looks(world, 2)

    assert found[-1]["why"] == "there is nothing to compare the models by"


# --- shadow


def test_a_shadow_that_agrees_is_promoted_once_it_has_answered_enough():
    world = World("shadow", min_rows=1000)

    first, second = looks(world, 5)

    assert first["why"] == "600 of 1000 rows have been answered by each model"
    assert second["decision"] == "promote"
    assert second["figures"]["agreement"] == 1.0
    assert world.report["agreement"]["rows"] == 1200


def test_a_shadow_is_compared_request_by_request_and_its_changes_are_told():
    world = World("shadow", challenger=Model(moved=0.5), min_rows=10_000)

    world.ask(500)
    world.look()

    found = world.report["agreement"]
    assert 0.8 < found["share"] < 1.0
    assert list(found["changes"]) == ["no → yes"]
    assert found["mean_difference"] > 0
    assert "no → yes" in world.page


def test_requests_wait_for_their_copies_to_the_next_look():
    world = World("shadow", min_rows=10_000)
    world.ask(100)
    held = [item for item in world.captured.objects if "/v4/" in item.key]
    world.captured.objects = [item for item in world.captured.objects if "/v3/" in item.key]
    world.look()
    assert (world.report["agreement"]["rows"], len(world.state["unpaired"])) == (0, 100)

    world.captured.objects += held
    world.look()

    assert (world.report["agreement"]["rows"], len(world.state["unpaired"])) == (200, 0)


def test_a_shadow_by_labels_is_withdrawn_if_it_is_worse():
    world = World("shadow", metric="labels", challenger=Model(blurred=2.5), min_rows=100, minutes=60)

    found = looks(world, 20, label=True)

    assert (found[-1]["decision"], found[-1]["why"]) == ("withdraw", "it is worse")


def test_a_shadow_by_labels_is_promoted_if_it_is_no_worse():
    world = World("shadow", metric="labels", challenger=Model(blurred=0.1), min_rows=100, minutes=60)

    found = looks(world, 20, label=True)

    assert (found[-1]["decision"], found[-1]["why"]) == ("promote", "it is not worse")


def test_a_label_of_which_no_copy_has_been_recorded_does_not_count():
    world = World("shadow", metric="labels", min_rows=10_000, minutes=60)
    world.ask(300, label=True)
    world.rows.predictions = {
        file: table.slice(0, 100)
        for file, table in world.rows.predictions.items()
        if file.key.startswith("v4")
    }

    world.look()

    assert world.report["comparison"]["requests"] == [50, 50]


# --- what every look does


def test_each_look_reads_only_what_is_new():
    world = World("ab", minutes=60, min_rows=10_000)

    looks(world, 3)

    assert len(world.captured.read_keys) == len(set(world.captured.read_keys)) == 6
    assert len(world.rows.read) == len(set(world.rows.read)) == 6
    assert (
        world.report["models"]["challenger"]["requests"] + world.report["models"]["champion"]["requests"]
        == 900
    )


def test_what_is_remembered_is_small_and_json():
    world = World("shadow", metric="labels", min_rows=10_000, minutes=60)

    looks(world, 3, label=True)

    json.loads(json.dumps(world.state))
    assert len(json.dumps(world.state)) < 200_000
    json.loads(json.dumps(world.report, allow_nan=False))


def test_of_too_much_an_even_choice_is_read_and_the_rest_is_counted(monkeypatch):
    world = World("canary")
    for _ in range(10):
        world.ask(50)
    monkeypatch.setattr(answers, "MOST_BYTES", sum(item.size_bytes for item in world.captured.objects) // 4)

    world.look()

    assert world.report["models"]["champion"]["left_out"] > 0
    assert 0 < world.report["models"]["champion"]["requests"] < 450


def test_records_that_cannot_be_read_are_counted_and_do_no_harm():
    world = World("canary")
    lines = ["{", record("x", ["1"], ["yes"], content_type="text/csv"), "", record("y", ["1"], ['"', "x"])]
    world.captured.write("v4", lines, BEGAN + timedelta(seconds=5), BEGAN + timedelta(minutes=1))

    assert world.look()["decision"] == "hold"
    assert world.report["models"]["challenger"]["unreadable"] == 1


def test_another_execution_begins_anew():
    world = World("canary")
    world.ask()
    world.look()
    event = world.event()

    world.event = lambda: {**event, "execution": "run-2"}
    world.running = lambda: None
    world.captured.objects.clear()
    world.look()

    assert world.report["models"]["champion"]["requests"] == 0
    assert len(world.report["history"]) == 1


def test_the_challenger_gets_what_it_is_watched_by():
    world = World("canary")
    world.look()

    assert [plan["variant"] for plan in world.published] == ["v4"]


def test_models_without_a_baseline_cannot_be_compared():
    world = World("canary")
    for variant in ("v3", "v4"):
        del world.documents[f"baselines/{variant}/baseline.json"]

    with pytest.raises(ValueError, match="neither v3 nor v4 has a baseline of its answers"):
        world.look()


def test_rows_of_dropped_files_which_the_champion_answers_all_alone_do_not_count():
    world = World("ab", metric="labels", minutes=60)
    world.ask(400, label=True)
    of_a_file = batch_inference_id("batch/a.csv", "0" * 64)
    lines = [
        record(f"file-{number}", ["1"], ["yes,0.9"], time="2026-01-31T10:00:01Z", inference_id=of_a_file)
        for number in range(500)
    ]
    world.captured.write("v3", lines, BEGAN + timedelta(seconds=1), BEGAN + timedelta(minutes=1))
    for file, table in list(world.rows.labelled.items()):
        place = table.column_names.index("_inference_id")
        ids = pa.array([of_a_file] * table.num_rows)
        world.rows.labelled[RowFile(f"{file.key} of a file", file.modified)] = table.set_column(
            place, "_inference_id", ids
        )

    world.look()

    assert sum(model["requests"] for model in world.report["models"].values()) == 400
    assert sum(world.report["comparison"]["requests"]) == 400


def test_a_baseline_of_former_versions_names_no_classes_and_is_read_all_the_same():
    world = World("ab", metric="labels", minutes=60)
    document = dict(world.documents["baselines/v3/baseline.json"])
    del document["classes"]
    world.documents["baselines/v3/baseline.json"] = document

    world.ask(200, label=True)
    world.look()

    assert world.report["comparison"]["champion"] > 0


def test_many_requests_that_ask_the_same_do_not_pile_up():
    world = World("shadow", min_rows=10_000)
    lines = [record(f"v3-{number}", ["1"], ["yes,0.9"], time="2026-01-31T10:00:01Z") for number in range(500)]
    world.captured.write("v3", lines, BEGAN + timedelta(seconds=1), BEGAN + timedelta(minutes=1))

    world.look()

    (waiting,) = world.state["unpaired"].values()
    assert len(waiting) == 100


def test_a_page_that_cannot_be_drawn_stops_nothing(monkeypatch):
    monkeypatch.setattr("lambdas.judge_release.pictures.render_release", lambda *_: 1 / 0)
    world = World("canary")

    answer = world.look()

    assert (answer["decision"], answer["page_key"]) == ("hold", None)
    assert ("PagesNotDrawn", 1, None) in world.metrics


def test_the_report_says_all_that_the_decision_depended_on():
    world = World("ab", metric="labels", minutes=60)
    world.alarms = {ERRORS: "OK"}

    answer = looks(world, 2, label=True)[-1]

    report = world.report
    assert (report["version"], report["against"], report["strategy"]) == (4, "v3", "ab")
    assert report["models"]["challenger"]["latency_p99_us"] == 12_000.0
    assert [len(look["rows"]) for look in report["history"]] == [2, 2]
    assert answer["report_key"] == "releases/v4/report.json"
    assert answer["page_key"] == report["page_key"] == "releases/v4/report.html"
    assert "loans: v4 goes on" in world.page
