"""The main job of Headrace, told in order: data in, model out, drift, retraining."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

from demo.cloud import Cloud, DemoError, root_mean_squared_error, wait_for
from demo.months import as_file, as_requests, hold_back, load_months, with_broken_rows
from demo.screen import Screen

FIRST = ["2011-01", "2011-02", "2011-03"]
LATER = ["2011-04", "2011-05"]
NEXT = "2011-06"


@dataclass
class Figures:
    """What was measured; the last line of the demo, as JSON.

    Parameters
    ----------
    seconds : float
        From the first line to the last.
    control_alarm, drift_alarm : bool
        Whether the drift alarm was on after the same-season window, and after the later months.
    retrainings : int
        Trainings that an alarm started and that ended with a new model.
    error_old, error_new : float or None
        RMSE, in bikes per hour, on the month that neither model has seen. None if there was no second model.
    predictions : int
        Rows that the endpoint answered.
    quarantined : int
        Rows that were refused and kept in quarantine.
    """

    seconds: float = 0.0
    control_alarm: bool = False
    drift_alarm: bool = False
    retrainings: int = 0
    error_old: float | None = None
    error_new: float | None = None
    predictions: int = 0
    quarantined: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the figures with sensible digits."""
        return {name: round(v, 2) if isinstance(v, float) else v for name, v in asdict(self).items()}


@dataclass
class Story:
    """Tells the story on a deployed pipeline and keeps the figures."""

    cloud: Cloud
    screen: Screen
    figures: Figures = field(default_factory=Figures)
    months: dict[str, pd.DataFrame] = field(default_factory=load_months)
    sent: set[str] = field(default_factory=set)

    def tell(self) -> Figures:
        """Go through all chapters."""
        rest, held_back = hold_back(pd.concat([self.months[month] for month in FIRST]))
        self.first_model(rest)
        self.answers(held_back)
        self.no_false_alarm()
        self.real_drift()
        self.retraining()
        self.figures.quarantined = self.cloud.quarantined_rows()
        return self.figures

    def first_model(self, rows: pd.DataFrame) -> None:
        """Drop three months; training and deployment follow from the events."""
        self.screen.chapter("Drop three months of 2011 into S3; a model comes out")
        for month in FIRST:
            of_month = rows[rows["dteday"].str.startswith(month)]
            body = with_broken_rows(as_file(of_month)) if month == FIRST[-1] else as_file(of_month)
            self.cloud.drop(f"{month}.csv", body)
            note = ", and 3 broken ones at its end" if month == FIRST[-1] else ""
            self.screen.say(f"dropped [bold]{month}.csv[/]: {len(of_month)} hours{note}")
        with self.screen.step("clean, snapshot, train, evaluate, judge, register, deploy: all by events"):
            wait_for("the first model in service", self._model_in_service_after(None))
        self.screen.say(f"the endpoint {self.cloud.outputs['EndpointName']} serves {self._version()}")

    def answers(self, rows: pd.DataFrame) -> None:
        """Ask about days of the same season that the model has not seen."""
        self.screen.chapter("Ask the endpoint about days that were held back")
        with self.screen.step(f"invoke the endpoint for {rows['dteday'].nunique()} days"):
            predictions, truth = self._ask(rows)
        shown = pd.DataFrame({"at": rows["dteday"] + " " + rows["hr"].astype(str).str.zfill(2) + ":00"})
        sample = range(7, len(predictions), len(predictions) // 6)
        self.screen.table(
            "bikes rented in an hour",
            ["hour", "predicted", "true"],
            [[shown["at"].iloc[i], f"{predictions[i]:.0f}", f"{truth[i]:.0f}"] for i in sample],
        )
        self.screen.say(f"RMSE {root_mean_squared_error(predictions, truth):.1f} bikes per hour")

    def no_false_alarm(self) -> None:
        """Check that window: the same season must raise no alarm."""
        self.screen.chapter("Same season: no alarm")
        self.figures.control_alarm = self._check_and_read_alarm()

    def real_drift(self) -> None:
        """Replay the spring as traffic: warmer, busier."""
        self.screen.chapter("April and May arrive as traffic: the world has changed")
        rows = pd.concat([self.months[month] for month in LATER])
        with self.screen.step(f"invoke the endpoint for {rows['dteday'].nunique()} days"):
            predictions, truth = self._ask(rows)
        self.screen.say(f"RMSE {root_mean_squared_error(predictions, truth):.1f} bikes per hour")
        self.figures.drift_alarm = self._check_and_read_alarm()

    def retraining(self) -> None:
        """Drop the labels; the pending alarm retrains, and both models meet an unseen month."""
        self.screen.chapter("The labels arrive: it retrains by itself")
        with self.screen.step(f"ask {self._version()} about {NEXT}, which no model has seen"):
            old, truth = self._ask(self.months[NEXT])
        self.figures.error_old = root_mean_squared_error(old, truth)
        before = self._version()
        for month in LATER:
            self.cloud.drop(f"{month}.csv", as_file(self.months[month]))
            self.screen.say(
                f"dropped [bold]{month}.csv[/]: {len(self.months[month])} hours with their true counts"
            )
        if not self.figures.drift_alarm:
            self.screen.say("no alarm, so nothing retrains")
            return
        with self.screen.step("retrain, compare with the model in service, deploy the better one"):
            wait_for("the retraining", lambda: self._retrained() or self._declined())
            wait_for(
                "the new model in service", lambda: self._declined() or self._model_in_service_after(before)()
            )
        self.figures.retrainings = self._retrained()
        if self._version() == before:
            self.screen.say("the model in service was at least as good and stays")
            return
        with self.screen.step(f"ask {self._version()} about {NEXT}"):
            new, _ = self._ask(self.months[NEXT])
        self.figures.error_new = root_mean_squared_error(new, truth)
        self.screen.table(
            f"RMSE on {NEXT}, bikes per hour",
            ["model", "trained on", "error"],
            [
                [str(before), "January to March", f"{self.figures.error_old:.1f}"],
                [str(self._version()), "January to May", f"{self.figures.error_new:.1f}"],
            ],
        )

    # --- steps that chapters share

    def _ask(self, rows: pd.DataFrame) -> tuple[list[float], list[float]]:
        predictions: list[float] = []
        truth: list[float] = []
        for body, counts in as_requests(rows):
            inference_id = str(uuid.uuid4())
            predictions += self.cloud.predict(body, inference_id)
            truth += counts.tolist()
            self.sent.add(inference_id)
        self.figures.predictions += len(predictions)
        return predictions, truth

    def _check_and_read_alarm(self) -> bool:
        with self.screen.step("wait until every prediction is captured"):
            wait_for("the captured predictions", lambda: self.sent <= self.cloud.captured())
        since = self.cloud.alarm()["StateUpdatedTimestamp"]
        with self.screen.step("run the hourly drift check now, and let the alarm evaluate it"):
            summary = self.cloud.check_drift()
            if summary["verdict"] == "not enough data":
                raise DemoError(f"the drift check has nothing to say: {' '.join(summary['summary'])}")
            expected = "ALARM" if summary["drifted"] else "OK"
            wait_for("the alarm's verdict", lambda: self._alarm_says(expected, since))
        for line in summary["summary"]:
            self.screen.say(line)
        state = self.cloud.alarm()["StateValue"]
        colour = "red" if state == "ALARM" else "green"
        self.screen.say(f"drift alarm: [bold {colour}]{state}[/]")
        return bool(state == "ALARM")

    def _alarm_says(self, expected: str, since: Any) -> bool:
        alarm = self.cloud.alarm()
        return bool(alarm["StateValue"] == expected and alarm["StateUpdatedTimestamp"] >= since)

    def _version(self) -> str | None:
        return self.cloud.serving_version()

    def _model_in_service_after(self, before: str | None) -> Any:
        def probe() -> str | None:
            version = self._version()
            return version if version != before else None

        return probe

    def _drift_trainings(self) -> list[dict[str, Any]]:
        return [run for run in self.cloud.trainings() if run["output"].get("reason") == "drift"]

    def _retrained(self) -> int:
        return sum(run["output"].get("outcome") == "registered" for run in self._drift_trainings())

    def _declined(self) -> bool:
        return any(run["output"].get("outcome") == "kept_champion" for run in self._drift_trainings())
