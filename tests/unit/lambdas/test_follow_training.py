"""What follows a training, with a clock that the test turns: cured, tried again, given up."""

from dataclasses import replace
from datetime import timedelta

import pytest

from headrace.aws.alarm_cases import AlarmCase, opened
from headrace.aws.alarm_states import AlarmState
from headrace.aws.training_log import Lock
from headrace.config.pipeline import Pipeline
from lambdas.close_training.handler import Ports as ClosePorts
from lambdas.close_training.handler import close_training
from lambdas.follow_training.cases import Sight, follow, is_judged
from lambdas.follow_training.handler import Ports, Settings, follow_training
from lambdas.guard_training.handler import Ports as GuardPorts
from lambdas.guard_training.handler import guard_training
from tests.unit.lambdas.training_ledger import CHAMPION, LAST, NOW, FakeCases, FakeHistory, FakeLog

QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
GROUP = "arn:aws:sagemaker:us-east-1:1:model-package/g"
OPEN = opened("drift", "DriftAlarm", "temp", NOW)
ANSWERED = OPEN.answered("e1", f"{GROUP}/4")
ON = Sight("drift", {"DriftAlarm": "ALARM"})


# --- one look


@pytest.mark.parametrize("case", [OPEN, ANSWERED, replace(OPEN, in_vain=3)])
def test_an_alarm_that_is_off_is_forgotten_and_with_it_what_was_in_vain(case):
    assert follow(case, Sight("drift", {"DriftAlarm": "OK"}), NOW) is None


def test_of_several_alarms_all_must_be_off():
    mixed = Sight("quality", {"QualityAlarm": "OK", "ConceptDriftAlarm": "ALARM"})

    assert follow(OPEN, mixed, NOW) == OPEN


def test_an_alarm_that_never_had_data_does_not_keep_another_one_open():
    over = Sight("drift", {"DriftAlarm": "OK", "JointDrift": "INSUFFICIENT_DATA"})

    assert follow(OPEN, over, NOW) is None


def test_an_alarm_that_was_on_and_was_made_anew_is_not_over_because_another_one_is_off():
    anew = Sight("drift", {"DriftAlarm": "INSUFFICIENT_DATA", "JointDrift": "OK"})

    assert follow(OPEN, anew, NOW) == OPEN


def test_an_alarm_without_data_says_nothing():
    unknown = Sight("drift", {"DriftAlarm": "INSUFFICIENT_DATA"}, judged=True)

    assert follow(OPEN, unknown, NOW) == OPEN
    assert follow(ANSWERED, unknown, NOW) == ANSWERED
    assert follow(None, unknown, NOW) is None


def test_an_alarm_whose_event_was_lost_is_noted_when_it_is_seen():
    assert follow(None, replace(ON, about="temp"), NOW) == OPEN


def test_an_alarm_that_no_stack_has_any_more_is_forgotten():
    assert follow(OPEN, Sight("drift", {}), NOW) is None


def test_until_the_new_model_is_judged_the_alarm_speaks_of_the_former_one():
    assert follow(ANSWERED, ON, NOW + timedelta(days=9)) == ANSWERED


def test_an_alarm_gets_some_minutes_to_follow_the_first_verdict_on_the_new_model():
    judged = replace(ON, judged=True)

    first = follow(ANSWERED, judged, NOW)
    soon = follow(first, judged, NOW + timedelta(minutes=9))
    later = follow(soon, judged, NOW + timedelta(minutes=10))

    assert (first.in_vain, soon, later.in_vain, later.awaits) == (0, first, 1, None)


def test_a_model_that_was_rejected_has_cured_nothing():
    assert follow(ANSWERED, replace(ON, rejected=True), NOW).in_vain == 1


DRIFTED = {"variant": "v3", "verdict": "drift"}


@pytest.mark.parametrize(
    ("report", "version", "judged"),
    [
        (DRIFTED, 3, True),
        (DRIFTED, 2, True),
        (DRIFTED, 4, False),
        ({**DRIFTED, "variant": "v2"}, 3, False),
        ({**DRIFTED, "verdict": "not enough data"}, 3, False),
        ({"variant": "v3", "measured": {"verdict": "drop"}}, 3, True),
        ({"variant": "v3", "measured": {"verdict": "not enough labels"}}, 3, False),
        (None, 3, False),
    ],
)
def test_a_model_is_judged_by_a_report_on_itself_or_its_successor_with_enough_data(report, version, judged):
    case = OPEN.answered("e1", f"{GROUP}/{version}")

    assert is_judged(case, report, CHAMPION) is judged


def test_nothing_is_judged_that_nobody_waits_for():
    assert not is_judged(OPEN, DRIFTED, CHAMPION)
    assert not is_judged(None, DRIFTED, CHAMPION)
    assert not is_judged(OPEN.answered("e1", f"{GROUP}/3"), DRIFTED, None)


# --- a world around the three functions


class Silent:
    """Takes whatever is put into it."""

    def __init__(self):
        self.figures = {}

    def put(self, *told, **_):
        if isinstance(told[0], dict):
            self.figures.update(told[0])

    def any_since(self, moment):
        return False

    def billable_seconds(self, run, now, **_):
        return 360


class World:
    """A deployed pipeline whose alarm, labels and clock the test moves; trainings end at once."""

    def __init__(self, outcome="registered", **retraining):
        fields = {"name": "bike", "problem": "regression", "target": "cnt", "retraining": retraining}
        self.pipeline = Pipeline.model_validate(fields)
        self.now, self.outcome, self.alarm = NOW, outcome, "OK"
        self.log = FakeLog(rows=700, champion=CHAMPION, last=replace(LAST, finished_at=NOW.isoformat()))
        self.cases, self.history, self.metrics = FakeCases(), FakeHistory(), Silent()
        self.reports = {
            "drift/latest.json": {"variant": "v3", "verdict": "drift", "drifted_features": ["temp"]}
        }
        self.trained, self.executions, self.rejected, self.aborted = [], 0, False, set()

    # what the functions see

    def named(self, names):
        return [AlarmState(name, "", "", self.alarm, "") for name in names]

    def load(self, key):
        return self.reports.get(key)

    def is_rejected(self, arn):
        return self.rejected

    def is_running(self, execution):
        return execution not in self.aborted

    def start(self, input):
        self.ask(**input)

    # what the test does

    def goes_off(self):
        self.alarm = "ALARM"
        self.ask("drift", {"alarmName": "DriftAlarm"})

    def labels(self, rows):
        self.log._rows += rows
        self.ask("new_data", {})

    def ask(self, reason, detail):
        self.executions += 1
        event = {"reason": reason, "detail": detail, "execution": f"e{self.executions}"}
        guard = guard_training(
            event, self.pipeline, GuardPorts(self.log, self.cases, self.history, self, None), self.now
        )
        if guard["proceed"]:
            self.trained.append((self.now - NOW, guard["reason"]))
            self.close(event, guard)
        return guard

    def close(self, event, guard):
        version = CHAMPION.version + len(self.trained)
        ended = {
            **event,
            "outcome": self.outcome,
            "guard": guard,
            "snapshot": {"content_hash": "h", "upto": "f", "rows_seen": self.log.rows()},
            "model_package_arn": f"{GROUP}/{version}",
        }
        if self.outcome == "failed":
            ended["snapshot"] = {}
        ports = ClosePorts(self.log, self.cases, self.history, Silent(), Silent(), Silent(), self.metrics)
        close_training(ended, self.pipeline, ports, self.now)
        if self.outcome == "registered":
            self.log.crown(replace(CHAMPION, version=version, variant=f"v{version}"))

    def verdict(self, *, alarm):
        """Check the model in service: the report is on it, and the alarm follows."""
        variant = self.log.champion().variant
        self.reports["drift/latest.json"] = {
            "variant": variant,
            "verdict": "drift",
            "drifted_features": ["temp"],
        }
        self.alarm = alarm

    def wait(self, time, labels_each_hour=0):
        """Let time go by, a quarter of an hour at a time."""
        until = self.now + time
        while self.now < until:
            self.now += QUARTER
            if self.now.minute == 0:
                self.log._rows += labels_each_hour
            self.look()

    def look(self):
        ports = Ports(self.log, self.cases, self.history, self, self, self, self, self.metrics)
        return follow_training(
            Settings({"drift": ["DriftAlarm"], "quality": []}), self.pipeline, ports, self.now
        )

    @property
    def hours(self):
        return [at / HOUR for at, _ in self.trained]


def test_a_retraining_that_cures_is_the_only_one():
    world = World()
    world.log._rows = 1000
    world.goes_off()
    world.wait(HOUR)

    world.verdict(alarm="OK")
    world.wait(10 * HOUR, labels_each_hour=300)

    assert world.trained == [(timedelta(0), "drift")]
    assert world.cases == {}
    assert world.metrics.figures["RetrainingsInVain"] == 0


def test_labels_that_came_within_the_cooldown_train_when_it_is_over_though_no_event_comes():
    world = World("kept_champion")
    world.log._rows = 1000
    world.goes_off()
    world.now += timedelta(minutes=30)
    world.labels(500)

    assert [refused for refused in world.history.refused if refused[1] == "cooldown"] == [
        ("drift", "cooldown")
    ]
    world.wait(3 * HOUR)

    # Doubled once, because the first training kept the champion.
    assert world.hours == [0, 2]


def test_an_alarm_that_stays_on_is_tried_again_ever_later_and_then_given_up():
    world = World("kept_champion")
    world.log._rows = 1000
    world.goes_off()

    world.wait(timedelta(days=5), labels_each_hour=300)

    assert world.hours == [0, 2, 6]
    assert world.cases["drift"].in_vain == 3
    assert world.metrics.figures["RetrainingsInVain"] == 3
    assert world.ask("drift", {})["rule"] == "given_up"


@pytest.mark.parametrize("outcome", ["kept_champion", "failed"])
def test_trainings_that_fail_are_given_up_as_those_that_bring_no_better_model(outcome):
    world = World(outcome, give_up_after=2)
    world.log._rows = 1000
    world.goes_off()

    world.wait(timedelta(days=2), labels_each_hour=300)

    assert len(world.trained) == 2


def test_new_models_that_do_not_cure_are_given_up_too():
    world = World()
    world.log._rows = 1000
    world.goes_off()

    for _ in range(20):
        world.wait(HOUR, labels_each_hour=300)
        world.verdict(alarm="ALARM")
        world.wait(HOUR, labels_each_hour=300)

    assert len(world.trained) == 3
    assert world.log.champion().version == 6
    assert world.cases["drift"].in_vain == 3


def test_without_new_labels_an_alarm_that_stays_on_trains_nothing():
    world = World("kept_champion")
    world.log._rows = 1000
    world.goes_off()

    world.wait(timedelta(days=30))

    assert world.hours == [0]


def test_a_person_starts_it_again_after_it_has_given_up():
    world = World("kept_champion")
    world.log._rows = 1000
    world.goes_off()
    world.wait(timedelta(days=2), labels_each_hour=300)

    assert world.ask("manual", {})["proceed"]
    world.wait(timedelta(days=2), labels_each_hour=300)

    assert [reason for _, reason in world.trained] == ["drift"] * 3 + ["manual"] + ["drift"] * 2


def test_an_alarm_that_has_cleared_begins_anew_when_it_comes_back():
    world = World("kept_champion")
    world.log._rows = 1000
    world.goes_off()
    world.wait(timedelta(days=2), labels_each_hour=300)
    world.alarm = "OK"
    world.wait(HOUR, labels_each_hour=300)

    world.goes_off()

    assert len(world.trained) == 4
    assert world.cases["drift"].in_vain == 1


def test_a_model_that_nobody_has_approved_yet_is_not_trained_again():
    world = World()
    world.log.crown = lambda champion: None
    world.log._rows = 1000
    world.goes_off()

    world.wait(timedelta(days=3), labels_each_hour=300)

    assert world.hours == [0]


def test_a_model_that_was_rejected_is_followed_by_the_next():
    world = World()
    world.log.crown = lambda champion: None
    world.log._rows = 1000
    world.goes_off()
    world.rejected = True

    world.wait(3 * HOUR, labels_each_hour=300)

    assert world.hours == [0, 2]


def test_an_alarm_whose_event_was_lost_trains_all_the_same():
    world = World()
    world.log._rows = 1000
    world.alarm = "ALARM"

    world.wait(HOUR)

    assert world.trained == [(QUARTER, "drift")]


def test_rows_that_came_within_the_cooldown_train_when_it_is_over():
    world = World(new_rows=500)
    world.labels(600)
    world.now += timedelta(minutes=10)
    world.labels(600)

    world.wait(3 * HOUR)

    assert world.trained == [(timedelta(0), "new_data"), (timedelta(minutes=70), "new_data")]


def test_rows_on_which_a_training_has_failed_are_not_tried_again_and_again():
    world = World("failed", on=["new_data"])
    world.labels(600)

    world.wait(timedelta(days=3))

    assert world.hours == [0]


def test_a_training_that_was_aborted_gives_the_lock_back_at_the_next_look():
    world = World()
    world.log._rows = 1000
    world.log.lock = Lock("e0", NOW.isoformat(), "drift")
    world.goes_off()

    world.wait(HOUR)
    assert world.trained == []

    world.aborted.add("e0")
    world.wait(QUARTER)
    assert world.trained == [(HOUR + QUARTER, "drift")]


def test_a_look_says_what_it_has_found():
    world = World("kept_champion")
    world.log._rows = 1000
    world.alarm = "ALARM"

    assert world.look() == {"open": ["drift"], "in_vain": 0, "started": "drift"}
    assert world.look() == {"open": ["drift"], "in_vain": 1, "started": None}


def test_a_case_that_somebody_else_has_changed_meanwhile_stands():
    world = World()
    stale = AlarmCase("drift", "2026-01-01T00:00:00+00:00", "DriftAlarm")
    world.cases["drift"] = replace(stale, in_vain=1)

    assert not world.cases.change(stale, stale.tried_in_vain("e9"))
    assert world.cases["drift"].in_vain == 1


def test_the_names_of_the_alarms_come_from_the_environment():
    environ = {"DRIFT_ALARMS": "a b", "QUALITY_ALARMS": ""}

    assert Settings.from_environ(environ).alarms == {"drift": ["a", "b"], "quality": []}
