"""Hyperparameter tuning jobs: many training jobs, and the best of them.

References
----------
.. [1] SageMaker developer guide, "Automatic model tuning with SageMaker AI".
.. [2] SageMaker API reference, "CreateHyperParameterTuningJob" and its companions.
"""

from __future__ import annotations

from typing import Any

from local_cloud.sagemaker.images import ImageStore
from local_cloud.sagemaker.jobs import Jobs, Run, now
from local_cloud.sagemaker.listing import list_records, page_of
from local_cloud.sagemaker.records import Record, Records
from local_cloud.sagemaker.spot import check_waiting
from local_cloud.sagemaker.surroundings import Surroundings
from local_cloud.sagemaker.training import TrainingJobs
from local_cloud.sagemaker.tuning_checks import OBJECTIVE, check_tuning_job
from local_cloud.sagemaker.tuning_criteria import converged, not_improving
from local_cloud.sagemaker.tuning_parents import check_parents, knowledge, parents_of
from local_cloud.sagemaker.tuning_run import TuningRun, show
from local_cloud.sagemaker.tuning_trials import Trial, best, counters, final, refreshed


class TuningJobs(Jobs):
    """Runs tuning jobs."""

    noun = "HyperParameterTuningJob"
    log_group = "/aws/sagemaker/TrainingJobs"
    event = "SageMaker HyperParameter Tuning Job State Change"

    def __init__(
        self, records: Records, images: ImageStore, surroundings: Surroundings, training: TrainingJobs
    ) -> None:
        super().__init__(records, images, surroundings)
        self._training = training

    def create(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a tuning job."""
        check_tuning_job(request)
        check_parents(self._records, request)
        definition = request["TrainingJobDefinition"]
        check_waiting(definition)
        metric = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
        static = {OBJECTIVE: metric, **definition.get("StaticHyperParameters", {})}
        more = {"TrainingJobDefinition": {**definition, "StaticHyperParameters": static}, "_trials": []}
        return super().create({**request, **more, **counters([])})

    def role_of(self, request: dict[str, Any]) -> str:
        """Return the role of the training jobs: a tuning job has none of its own."""
        return str(request["TrainingJobDefinition"]["RoleArn"])

    def run(self, run: Run) -> None:
        """Run the training jobs."""
        parents = parents_of(self._records, run.record)
        warm_start = run.record.get("WarmStartConfig", {}).get("WarmStartType")
        tuning = TuningRun(run, self._records, self._training, knowledge(parents, warm_start))
        try:
            tuning.run()
        finally:
            if warm_start == "IdenticalDataAndAlgorithm":
                trials = [trial for job in (run.record, *parents) for trial in job["_trials"]]
                if overall := best(trials, tuning.maximize):
                    self._records.change(run.record, OverallBestTrainingJob=overall)

    def ended(self, record: Record, status: str) -> None:
        """Note the end, and what was consumed until then."""
        trials = [self._latest(trial) for trial in record["_trials"]]
        pending = {"Pending": "Failed"}  # those that a killed server left behind
        trials = [t | {"ObjectiveStatus": pending.get(s := t["ObjectiveStatus"], s)} for t in trials]
        show(self._records, record, trials)
        objective = record["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
        values = [trial.get("_objective") for trial in trials]
        idle = not_improving(values, objective["Type"] == "Maximize")
        details: dict[str, Any] = {"NumberOfTrainingJobsObjectiveNotImproving": idle}
        if converged(values, objective["Type"] == "Maximize"):
            details["ConvergenceDetectedTime"] = now()
        record["TuningJobCompletionDetails"] = details
        record["HyperParameterTuningEndTime"] = now()
        record["ConsumedResources"] = {"RuntimeInSeconds": round(now() - record["CreationTime"])}

    def list(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return one page of tuning jobs."""
        answer = list_records(self._records, self.noun, request)
        summaries = "HyperParameterTuningJobSummaries"
        return {**answer, summaries: [_summary(record) for record in answer[summaries]]}

    def list_training_jobs(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return one page of a tuning job's training jobs."""
        record = self._records.get(self.noun, request["HyperParameterTuningJobName"])
        with self._records.lock:
            trials = [self._latest(trial) for trial in record["_trials"]]
        if wanted := request.get("StatusEquals"):
            trials = [trial for trial in trials if trial["TrainingJobStatus"] == wanted]
        sort_by, reverse = request.get("SortBy", "Name"), request.get("SortOrder") == "Descending"
        if sort_by == "FinalObjectiveMetricValue":
            trials = [trial for trial in trials if final(trial) is not None]
            trials.sort(key=lambda trial: final(trial) or 0.0, reverse=reverse)
        else:
            member = {"Status": "TrainingJobStatus", "CreationTime": "CreationTime"}.get(
                sort_by, "TrainingJobName"
            )
            trials.sort(key=lambda trial: (trial[member], trial["CreationTime"]), reverse=reverse)
        return page_of(trials, request, "TrainingJobSummaries")

    def _latest(self, trial: Trial) -> Trial:
        training = self._training.find(trial["TrainingJobName"])
        return refreshed(trial, training) if training else trial


def _summary(record: Record) -> Record:
    config = record["HyperParameterTuningJobConfig"]
    return {**record, "Strategy": config["Strategy"], "ResourceLimits": config["ResourceLimits"]}
