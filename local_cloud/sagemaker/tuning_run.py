"""One tuning job while it runs: starts trials, reads their objectives, stops them, and learns.

The search is the same whenever its seed and the objectives are: trial `n` is chosen by the results of the trials up to
`n` less ``MaxParallelTrainingJobs``, in their order, whichever of the others have ended meanwhile.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from local_cloud.sagemaker.errors import ApiError, JobError
from local_cloud.sagemaker.job_metrics import metric_values
from local_cloud.sagemaker.jobs import Run
from local_cloud.sagemaker.records import Record, Records
from local_cloud.sagemaker.training import TrainingJobs
from local_cloud.sagemaker.tuning_checks import hyperband_epochs, trial_limit
from local_cloud.sagemaker.tuning_criteria import fulfilled
from local_cloud.sagemaker.tuning_search import Knowledge, Plan, Search, start_search
from local_cloud.sagemaker.tuning_space import Hyperparameters, read_space
from local_cloud.sagemaker.tuning_stopping import Hyperband, MedianRule, Stop, Stopper
from local_cloud.sagemaker.tuning_trials import (
    begun,
    best,
    counters,
    final,
    measured,
    refreshed,
    training_request,
)

_LOOK_S = 0.1
_HOPELESS = 5
_ENDED = ("Completed", "Failed", "Stopped")


@dataclass
class _Running:
    """A trial that runs: its training job, and its objective after each epoch, as far as it was read."""

    name: str
    read: int = 0
    stopping: bool = False
    curve: list[float] = field(default_factory=list)


class TuningRun:
    """Runs the trials of one tuning job.

    Parameters
    ----------
    run : Run
        The tuning job; its record is kept up to date.
    records : Records
        Where it lies.
    training : TrainingJobs
        Who runs the trials.
    known : Knowledge
        Of its parents.
    """

    def __init__(self, run: Run, records: Records, training: TrainingJobs, known: Knowledge) -> None:
        self._run, self._records, self._training = run, records, training
        config, definition = run.record["HyperParameterTuningJobConfig"], run.record["TrainingJobDefinition"]
        self._config, self._objective = config, config["HyperParameterTuningJobObjective"]
        self.maximize = self._objective["Type"] == "Maximize"
        self._limit, self._parallel = trial_limit(config), config["ResourceLimits"]["MaxParallelTrainingJobs"]
        seed = config.get("RandomSeed", secrets.randbits(31)) % 2**32
        plan = Plan(read_space(config["ParameterRanges"]), seed, self.maximize, self._limit, known)
        self._search: Search = start_search(config["Strategy"], plan)
        self._stopper = _stopper(config, definition, self.maximize)
        self._in_order = self._search.learns or self._stopper is not None
        metrics = definition["AlgorithmSpecification"]["MetricDefinitions"]
        [self._regex] = [m["Regex"] for m in metrics if m["Name"] == self._objective["MetricName"]][:1]
        self._running: dict[int, _Running] = {}
        self._curves: dict[int, list[float]] = {}
        self._told = 0
        self._begun = time.monotonic()

    def run(self) -> None:
        """Run trials until all have been run, or there is no point in more; ``JobError`` if none succeeded."""
        try:
            while not self._over() and (self._may_start() or self._running):
                if self._may_start():
                    self._start()
                else:
                    time.sleep(_LOOK_S)
                self._look()
        finally:
            self._end_rest()
        self._check_success()

    # --- which trials run

    def _end_rest(self) -> None:
        while self._running:
            for running in self._running.values():
                self._stop(running)
            time.sleep(_LOOK_S)
            self._look()

    def _over(self) -> bool:
        limits, criteria = self._config["ResourceLimits"], self._config.get("TuningJobCompletionCriteria", {})
        if self._run.stop.is_set() or self._hopeless():
            return True
        if time.monotonic() - self._begun >= limits.get("MaxRuntimeInSeconds", float("inf")):
            return True
        return fulfilled(criteria, self._objectives(), self.maximize)

    def _may_start(self) -> bool:
        number = len(self._trials)
        if number >= self._limit or len(self._running) >= self._parallel:
            return False
        return not self._in_order or min(self._running, default=number) > number - self._parallel

    def _start(self) -> None:
        record, number = self._run.record, len(self._trials)
        while self._in_order and self._told <= number - self._parallel:
            self._search.tell(self._told, self._trials[self._told]["_objective"])
            self._told += 1
        tuned = self._search.ask()
        tags = self._records.tags.get(record["HyperParameterTuningJobArn"], {})
        request = training_request(record, number, tuned, tags)
        try:
            self._training.create(request)
        except ApiError as refused:
            raise JobError(f"ClientError: {refused}") from None
        self._running[number] = _Running(request["TrainingJobName"])
        self._append(request["TrainingJobName"], tuned)

    def _stop(self, running: _Running) -> None:
        if not running.stopping:
            running.stopping = True
            with contextlib.suppress(ApiError):  # it has ended just now
                self._training.stop(running.name)

    # --- what becomes of them

    def _look(self) -> None:
        for number, running in list(self._running.items()):
            training = self._training.find(running.name)
            ended = training is None or training["TrainingJobStatus"] in _ENDED
            verdict = self._read(number, running)
            if ended:
                self._end(number, running, training, verdict)
            elif verdict:
                self._stop(running)

    def _read(self, number: int, running: _Running) -> Stop | None:
        """Read what the trial has printed since; return whether it should be, or should have been, stopped."""
        lines = self._training.printed(running.name)[running.read :]
        running.read += len(lines)
        running.curve += metric_values(lines, self._regex)
        if self._stopper is None:
            return None
        earlier = {n: self._curves[n] for n in range(number - self._parallel + 1)}
        return self._stopper.verdict(number, running.curve, earlier)

    def _end(self, number: int, running: _Running, training: Record | None, verdict: Stop | None) -> None:
        """Note what came of a trial.

        A trial that should have been stopped counts, in the search, as if it had been just then: how fast it was must not
        matter.
        """
        del self._running[number]
        curve = running.curve[: verdict.epoch] if verdict else running.curve
        self._curves[number] = curve
        trial = refreshed(self._trials[number], training or {"TrainingJobStatus": "Stopped"})
        stopped = trial["TrainingJobStatus"] == "Stopped"
        shown = curve if stopped else running.curve
        trial = measured(trial, self._objective, shown[-1] if shown else None)
        counts = (
            bool(curve) and (verdict is not None or not stopped) and trial["ObjectiveStatus"] == "Succeeded"
        )
        trial["_objective"] = curve[-1] if counts else None
        trial["_trained"] = stopped and verdict is not None and verdict.trained
        self._replace(number, trial)
        self._training.forget_output(running.name)

    def _check_success(self) -> None:
        if self._run.stop.is_set() or any(final(trial) is not None for trial in self._trials):
            return
        count = len(self._trials)
        if all(trial["TrainingJobStatus"] != "Completed" for trial in self._trials):
            raise JobError(
                f"No training job succeeded after {count} attempts. Please take a look at the training job failures to "
                "get more details."
            )
        raise JobError(
            f"No objective metrics found after running {count} training jobs. Please ensure that the custom algorithm is "
            "emitting the objective metric as defined by the regular expression provided."
        )

    def _hopeless(self) -> bool:
        ended = [trial for trial in self._trials if trial["ObjectiveStatus"] != "Pending"]
        return len(ended) >= _HOPELESS and all(final(trial) is None for trial in ended)

    def _objectives(self) -> list[float | None]:
        """Return the objectives of the first trials, as far as all before them have ended."""
        first_pending = min(self._running, default=len(self._trials))
        return [trial["_objective"] for trial in self._trials[:first_pending]]

    # --- the record

    @property
    def _trials(self) -> list[Record]:
        trials: list[Record] = self._run.record["_trials"]
        return trials

    def _append(self, name: str, tuned: Hyperparameters) -> None:
        trial = begun(self._run.record, self._records.get("TrainingJob", name), tuned)
        show(self._records, self._run.record, [*self._trials, trial])

    def _replace(self, number: int, trial: Record) -> None:
        trials = list(self._trials)
        trials[number] = trial
        show(self._records, self._run.record, trials)


def show(records: Records, tuning: Record, trials: list[Record]) -> None:
    """Make the record of a tuning job tell of these trials."""
    maximize = (
        tuning["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["Type"] == "Maximize"
    )
    changes = {"_trials": trials, **counters(trials)}
    if found := best(trials, maximize):
        changes["BestTrainingJob"] = found
    records.change(tuning, **changes)


def _stopper(config: Mapping[str, object], definition: Record, maximize: bool) -> Stopper | None:
    if config["Strategy"] == "Hyperband":
        least, most = hyperband_epochs(dict(config), definition)
        return Hyperband(least, most or least, maximize)
    return MedianRule(maximize) if config.get("TrainingJobEarlyStoppingType") == "Auto" else None
