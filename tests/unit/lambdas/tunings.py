"""Tuning jobs as SageMaker describes them, for the tests of whoever asks for them."""

from datetime import UTC, datetime, timedelta

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def trial(number, value, *, status="Completed", seconds=60, **more):
    """Return the summary of a trial; one without a value has none."""
    final = {"Type": "Minimize", "MetricName": "validation:rmse", "Value": value}
    started = NOW - timedelta(seconds=seconds)
    return {
        "TrainingJobName": f"bike-t9p1c00-{number:03}-abcdef12",
        "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/t",
        "CreationTime": started,
        "TrainingStartTime": started,
        "TrainingEndTime": NOW,
        "TrainingJobStatus": status,
        "TunedHyperParameters": {"alpha": f"0.{number}"},
        **({} if value is None else {"FinalHyperParameterTuningJobObjectiveMetric": final}),
        **more,
    }


def tuning(*trials, status="Completed", best=None, **config):
    """Return the description of a tuning job; the best trial is that of the smallest value unless it is said."""
    ended = [one for one in trials if one["TrainingJobStatus"] == "Completed"]
    value = "FinalHyperParameterTuningJobObjectiveMetric"
    best = best or min(ended, key=lambda one: one[value]["Value"], default=None)
    return {
        "HyperParameterTuningJobName": "bike-t9p1c00",
        "HyperParameterTuningJobArn": "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/b",
        "HyperParameterTuningJobStatus": status,
        "CreationTime": NOW,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "validation:rmse"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 20, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {
                "ContinuousParameterRanges": [
                    {"Name": "alpha", "MinValue": "0.001", "MaxValue": "1000.0", "ScalingType": "Logarithmic"}
                ]
            },
            "RandomSeed": 7,
            **config,
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": {"solver": "svd", "_tuning_objective_metric": "validation:rmse"},
            "AlgorithmSpecification": {"TrainingInputMode": "File"},
            "RoleArn": "arn:aws:iam::123456789012:role/training",
            "OutputDataConfig": {"S3OutputPath": "s3://artifacts/training"},
            "StoppingCondition": {},
        },
        "TrainingJobStatusCounters": {"Completed": len(ended), "Stopped": len(trials) - len(ended)},
        "ObjectiveStatusCounters": {},
        **({"BestTrainingJob": best} if best else {}),
    }


class FakeTunings:
    """Tuning jobs by their names, with their trials."""

    def __init__(self, *described, trials=()):
        self._jobs = {job["HyperParameterTuningJobName"]: job for job in described}
        self._trials = list(trials)

    def find(self, name):
        return self._jobs.get(name)

    def attempt(self, name):
        return next((job for job in map(self.find, (f"{name}0", f"{name}1")) if job), None)

    def trials(self, name):
        return self._trials

    def model_of(self, trial):
        return f"s3://artifacts/training/{trial}/output/model.tar.gz"
