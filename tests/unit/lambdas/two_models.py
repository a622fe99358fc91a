"""A release in memory: two models that answer, what is captured, recorded and labelled of it, and one look after another."""

from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace

import numpy as np
import pyarrow as pa

from headrace.aws.alarm_states import AlarmState
from headrace.aws.capture_window import StoredObject
from headrace.aws.quality_data import RowFile
from headrace.aws.release_log import Decision, RunningRelease
from headrace.config.pipeline import Pipeline
from headrace.ml.profile import profile_frame
from headrace.ml.quality.label_reference import refer_to_labels
from headrace.ml.quality.labelled import Labelled
from headrace.ml.quality.performance import describe_performance
from lambdas.judge_release.judging import judge_release
from lambdas.judge_release.ports import Ports
from tests.unit.lambdas.captures import record
from tests.unit.lambdas.traffic import Documents

BEGAN = datetime(2026, 1, 31, 10, 0, tzinfo=UTC)
CLASSES = ("no", "yes")
ERRORS, LATENCY = "headrace-loans-release-errors", "headrace-loans-release-latency"
SHARES = {"canary": [0.1, 1.0], "linear": [0.25, 0.5, 0.75, 1.0], "ab": [0.5], "shadow": [1.0]}


class Model:
    """Answers with the probability of yes: the chance of a row, moved and blurred."""

    def __init__(self, *, moved=0.0, blurred=0.0):
        self.moved, self.blurred = moved, blurred

    def scores(self, logits, rng):
        return 1 / (1 + np.exp(-(logits + self.moved + rng.normal(0, self.blurred, len(logits)))))


@cache
def trained():
    """Return the documents that a calibrated model comes with."""
    rng = np.random.default_rng(42)
    score = Model().scores(rng.normal(-1, 1.5, 3000), rng)
    truth, answer = rng.random(3000) < score, np.where(score > 0.5, "yes", "no")
    profile = profile_frame({}, [], predictions=answer.tolist(), scores=score)
    labelled = Labelled("binary", np.where(truth, "yes", "no"), answer, score, CLASSES)
    reference = refer_to_labels("binary", score, truth)
    performance = describe_performance("roc_auc", labelled, reference=reference)
    return {
        "baseline": {**profile.as_dict(), "classes": list(CLASSES)},
        "performance": performance.as_dict(),
    }


class World:
    """Everything outside of the function, and a clock that goes on by one interval at each look."""

    def __init__(self, strategy, *, challenger=None, minutes=10, days=14, seed=0, **release):
        self.pipeline = Pipeline(
            name="loans",
            problem="binary",
            target="paid",
            endpoint={"kind": "realtime", "instance": "ml.m5.large"},
            feedback={"train": False} if release.get("metric") == "labels" else None,
            release={"strategy": strategy, "interval_minutes": minutes, "max_days": days, **release},
        )
        self.rng = np.random.default_rng(seed)
        self.models = {"v3": Model(), "v4": challenger or Model()}
        self.strategy, self.now, self.since = strategy, BEGAN, BEGAN
        self.interval = timedelta(minutes=minutes)
        self.step, self.requests = 0, 0
        self.captured, self.rows, self.metrics = Captured(), Rows(), Metrics()
        self.documents = Documents(
            {
                f"baselines/{variant}/{name}.json": document
                for variant in self.models
                for name, document in trained().items()
            }
        )
        self.alarms, self.decision, self.published = {}, None, []

    # --- callers ask

    def ask(self, requests=300, *, rows=2, mean=-1.0, label=False, late=False):
        """Let callers ask both models according to the share, and what is captured of it arrive; labels too, if asked for."""
        share = SHARES[self.strategy][self.step]
        logits = self.rng.normal(mean, 1.5, (requests, rows))
        shadow = self.strategy == "shadow"
        to_new = self.rng.random(requests) < share
        for variant, chosen in (("v3", np.full(requests, True) if shadow else ~to_new), ("v4", to_new)):
            scores = self.models[variant].scores(logits[chosen].ravel(), self.rng).reshape(-1, rows)
            ids = (self.requests + np.flatnonzero(chosen)).tolist()
            self._capture(variant, ids, logits[chosen], scores, late=late)
            self._record(variant, ids, scores)
            if label and not (shadow and variant == "v4"):
                truths = np.random.default_rng(self.requests).random((requests, rows)) < 1 / (
                    1 + np.exp(-logits)
                )
                self._label(variant, ids, scores, truths[chosen])
        self.requests += requests

    def _capture(self, variant, ids, logits, scores, *, late):
        at = self.since + timedelta(seconds=1) if late else self.now + timedelta(seconds=1)
        lines = [
            record(
                f"{variant}-{number}",
                [f"{value:.6f}" for value in asked],
                [f"{'yes' if score > 0.5 else 'no'},{max(score, 1 - score):.6f}" for score in answered],
                time=f"{at:%Y-%m-%dT%H:%M:%SZ}",
            )
            for number, asked, answered in zip(ids, logits, scores, strict=True)
        ]
        self.captured.write(variant, lines, at, self.now + timedelta(minutes=1))

    def _table(self, variant, ids, scores):
        rows = scores.shape[1]
        answer = np.where(scores > 0.5, "yes", "no").ravel()
        return pa.table(
            {
                "_event_id": np.repeat([f"{variant}-{number}" for number in ids], rows),
                "_inference_id": np.repeat([f"r{number}" for number in ids], rows),
                "_row": np.tile(np.arange(rows, dtype=np.int32), len(ids)),
                "_time": pa.array([self.now.replace(tzinfo=None)] * scores.size, pa.timestamp("us")),
                "_prediction": answer,
                "_score": scores.ravel(),
            }
        )

    def _record(self, variant, ids, scores):
        self.rows.predictions[RowFile(f"{variant}/{self.now:%H%M}/{self.requests}", self.now)] = self._table(
            variant, ids, scores
        )

    def _label(self, variant, ids, scores, truths):
        labels = np.where(truths, "yes", "no").ravel()
        table = self._table(variant, ids, scores).append_column("_label", pa.array(labels))
        self.rows.labelled[RowFile(f"{variant}/{self.now:%H%M}/{self.requests}/labelled", self.now)] = table

    # --- the state machine calls

    def event(self):
        release = {
            "strategy": self.strategy,
            "champion": {"version": 3, "variant": "v3", "name": "headrace-loans-v3-0a1b2c3d"},
            "challenger": {"version": 4, "variant": "v4", "name": "headrace-loans-v4-4e5f6a7b"},
            "started_at": (BEGAN - timedelta(minutes=5)).isoformat(),
            "deadline": (BEGAN + timedelta(days=self.pipeline.release.max_days)).isoformat(),
            "shares": SHARES[self.strategy],
            "interval_s": int(self.interval.total_seconds()),
        }
        return {"plan": {"variant": "v4", "release": release}, "step": self.step, "execution": "run-1"}

    def look(self):
        """Let one interval pass, and judge."""
        self.now += self.interval
        ports = Ports(
            releases=self,
            baselines=SimpleNamespace(publish=self.published.append),
            documents=self.documents,
            captured=self.captured,
            rows=self.rows,
            alarms=self,
            counted=self,
            metrics=self.metrics,
        )
        answer = judge_release(self.event(), self.pipeline, ports, self.now)
        if answer["decision"] == "hold" and answer["share"] is not None:
            self.step, self.since = self.step + 1, self.now
        return answer

    @property
    def report(self):
        return self.documents["releases/v4/report.json"]

    @property
    def page(self):
        return self.documents["releases/v4/report.html"][0].decode()

    @property
    def state(self):
        return self.documents["releases/v4/state.json"]

    # --- ports

    def running(self):
        decision = self.decision and Decision(self.decision, "ann", "because")
        since = self.since.isoformat()
        return RunningRelease("run-1", {}, self.step, 0.5, since, decision=decision)

    def states(self):
        return [AlarmState(name, "", "", state, "why") for name, state in self.alarms.items()]

    def over(self, start, end, variant, wanted):
        assert (end - start) == self.interval
        return {("Invocations", "Sum"): 100.0, ("ModelLatency", "p99"): 12_000.0}


class Captured(dict):
    def __init__(self):
        super().__init__()
        self.objects, self.read_keys = [], []

    def write(self, variant, lines, at, modified):
        key = f"capture/headrace-loans/{variant}/{at:%Y/%m/%d/%H}/{len(self.objects)}.jsonl"
        self[key] = "\n".join(lines).encode()
        self.objects.append(StoredObject(key, modified, len(self[key])))

    def list_objects(self, variant, first_hour):
        prefix = f"capture/headrace-loans/{variant}/"
        return [
            item for item in self.objects if item.key.startswith(prefix) and item.key > prefix + first_hour
        ]

    def read(self, keys):
        self.read_keys += keys
        return iter([self[key] for key in keys])


class Rows:
    def __init__(self):
        self.predictions, self.labelled, self.read = {}, {}, []

    def prediction_files(self, variant, first_day):
        return [file for file in self.predictions if file.key.startswith(variant)]

    def labelled_files(self, variant, first_day):
        return [file for file in self.labelled if file.key.startswith(variant)]

    def rows(self, file, columns):
        self.read.append(file.key)
        table = (self.labelled if file in self.labelled else self.predictions)[file]
        return table.select([name for name in columns if name in table.column_names])


class Metrics(list):
    def put(self, metrics, *, unit=None, dimensions=None):
        self.extend((name, value, dimensions) for name, value in metrics.items())
