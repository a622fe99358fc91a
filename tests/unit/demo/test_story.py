"""The story follows what the cloud says: a cloud that says otherwise makes another story."""

import io

import pandas as pd
import pytest
from rich.console import Console

from demo.__main__ import complete
from demo.cloud import DemoError, root_mean_squared_error
from demo.screen import Screen
from demo.story import Story


class Cloud:
    """A cloud that answers as it is told; every answer of the endpoint is the version's number."""

    outputs = {"EndpointName": "headrace-bike"}  # noqa: RUF012 - as in the real one

    def __init__(self, *, drifts=True, retrains=True, verdict="no drift"):
        self.drifts, self.retrains, self.verdict = drifts, retrains, verdict
        self.dropped, self.asked, self.state, self.checks = [], set(), "INSUFFICIENT_DATA", 0

    def drop(self, name, body):
        self.dropped.append(name)

    def serving_version(self):
        if "2011-05.csv" in self.dropped and self.retrains and self.state == "ALARM":
            return "v2"
        return "v1" if "2011-03.csv" in self.dropped else None

    def predict(self, rows, inference_id):
        self.asked.add(inference_id)
        return [100.0 if self.serving_version() == "v2" else 0.0] * len(pd.read_csv(io.StringIO(rows)))

    def captured(self):
        return self.asked

    def check_drift(self):
        self.checks += 1
        drifted = self.drifts and self.checks > 1
        self.state = "ALARM" if drifted else "OK"
        return {"drifted": drifted, "verdict": self.verdict, "summary": ["said so"]}

    def alarm(self):
        return {"StateValue": self.state, "StateUpdatedTimestamp": self.checks}

    def trainings(self):
        if self.state != "ALARM":
            return []
        outcome = "registered" if self.retrains else "kept_champion"
        return [{"output": {"reason": "drift", "outcome": outcome}}]

    def quarantined_rows(self):
        return 3


@pytest.fixture
def told():
    def told(cloud):
        printed = io.StringIO()
        return Story(cloud, Screen(Console(file=printed, width=100))).tell(), printed.getvalue()

    return told


def test_drift_and_labels_end_in_a_better_model(told):
    figures, printed = told(Cloud())

    assert (figures.control_alarm, figures.drift_alarm, figures.retrainings) == (False, True, 1)
    assert figures.error_new < figures.error_old
    assert "drift alarm: ALARM" in printed
    assert complete(figures)


def test_a_world_that_does_not_change_retrains_nothing(told):
    figures, printed = told(Cloud(drifts=False))

    assert (figures.drift_alarm, figures.retrainings, figures.error_new) == (False, 0, None)
    assert "no alarm, so nothing retrains" in printed
    assert not complete(figures)


def test_a_new_model_that_is_no_better_is_not_deployed(told):
    figures, printed = told(Cloud(retrains=False))

    assert (figures.retrainings, figures.error_new) == (0, None)
    assert "the model in service was at least as good and stays" in printed
    assert not complete(figures)


def test_a_check_without_a_verdict_ends_the_demo_with_its_reason(told):
    with pytest.raises(DemoError, match="said so"):
        told(Cloud(verdict="not enough data"))


def test_the_error_is_in_the_unit_of_the_target():
    assert root_mean_squared_error([1.0, 5.0], [1.0, 2.0]) == pytest.approx(4.5**0.5)
