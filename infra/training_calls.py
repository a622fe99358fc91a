"""The arguments of the SageMaker calls of the training state machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from aws_cdk import Duration

from headrace.config.batch import Batch
from headrace.config.pipeline import Pipeline
from headrace.config.scale import longest_wait_s
from headrace.config.tuning_plan import fits_of, longest_fit_minutes, longest_job_s, objective
from infra.checkpoints import checkpoint_prefixes
from infra.instances import has_encrypted_disk
from infra.model_image import Image
from infra.pipeline_tags import tag_list
from infra.placement import Placement
from infra.training_flow import TrainingCalls
from infra.tuning_calls import tuning_calls

_ATTEMPT = "$guard.run & '-' & $string($states.context.State.RetryCount)"
_START_UP = Duration.minutes(30)
_IN_CONTAINER = "/opt/ml/checkpoints"
_RETRIES = 2  # after errors of SageMaker's own; the limits on time are for all attempts together


@dataclass(frozen=True)
class JobSettings:
    """What the calls are filled with.

    Parameters
    ----------
    pipeline : Pipeline
        Instance types, limits, hyperparameters.
    image : Image
        The container.
    bucket : str
        Name of the artifacts bucket.
    key_arn : str
        Encrypts volumes and outputs.
    training_role_arn, evaluation_role_arn : str
        Roles of the jobs.
    model_package_group : str
        Where the model is registered.
    network : Placement, optional
        Where the jobs run.
    """

    pipeline: Pipeline
    image: Image
    bucket: str
    key_arn: str
    training_role_arn: str
    evaluation_role_arn: str
    model_package_group: str
    network: Placement | None = None


def training_calls(settings: JobSettings) -> TrainingCalls:
    """Return the arguments of all calls."""
    pipeline, train = settings.pipeline, _train(settings)
    runtime = Duration.minutes(math.ceil(longest_job_s(pipeline) / 60))
    return TrainingCalls(
        train=train,
        evaluate=_evaluate(settings),
        register=_register(settings),
        approve=_approve() if pipeline.approval == "automatic" else None,
        longest_job=runtime.plus(_START_UP),
        longest_fit=Duration.minutes(longest_fit_minutes(pipeline)).plus(_START_UP),
        tune=tuning_calls(pipeline, train),
    )


def _train(settings: JobSettings) -> dict[str, Any]:
    pipeline = settings.pipeline
    told = objective(pipeline)["MetricName"]
    return {
        "TrainingJobName": f"{{% {_ATTEMPT} %}}",
        "RoleArn": settings.training_role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": settings.image.training_uri,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": told, "Regex": f"{told}=([-+0-9.eE]+);"}],
        },
        "HyperParameters": {
            **{name: str(value) for name, value in pipeline.training.hyperparameters.items()},
            **settings.image.hyperparameters,
        },
        "InputDataConfig": [_channel(name) for name in _channels(pipeline)],
        "OutputDataConfig": {
            "S3OutputPath": f"s3://{settings.bucket}/training",
            "KmsKeyId": settings.key_arn,
        },
        "ResourceConfig": _cluster(settings, pipeline.training.instances),
        "StoppingCondition": {"MaxRuntimeInSeconds": longest_job_s(pipeline)},
        **_spot(settings),
        "EnableNetworkIsolation": settings.image.network_isolation,
        "EnableInterContainerTrafficEncryption": True,
        **_placed(settings),
        "Tags": _tags(settings),
    }


def _placed(settings: JobSettings) -> dict[str, Any]:
    return settings.network.vpc_config if settings.network else {}


def _tags(settings: JobSettings) -> list[dict[str, str]]:
    return tag_list(settings.pipeline, run="{% $guard.run %}")


def _channels(pipeline: Pipeline) -> tuple[str, ...]:
    """Return what a training reads. The test part is among it only if it is to be cross-validated, too."""
    folds = pipeline.evaluation.cross_validation
    return ("train", "validation", "spec", *(["test"] if folds and folds.over == "all" else []))


def _spot(settings: JobSettings) -> dict[str, Any]:
    """Return what makes a training job run on spot instances; its checkpoints are those of the run, whatever the attempt."""
    pipeline = settings.pipeline
    if pipeline.training.spot is None:
        return {}
    folders = [
        f"{{% 's3://{settings.bucket}/{prefix}' & $guard.run %}}" for prefix in checkpoint_prefixes(pipeline)
    ]
    return {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {
            "MaxRuntimeInSeconds": longest_job_s(pipeline),
            "MaxWaitTimeInSeconds": longest_wait_s(pipeline.training, fits_of(pipeline)),
        },
        "RetryStrategy": {"MaximumRetryAttempts": _RETRIES},
        **({"CheckpointConfig": {"S3Uri": folders[0], "LocalPath": _IN_CONTAINER}} if folders else {}),
    }


def _channel(name: str) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": f"{{% $snapshot.{name}_uri %}}",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }


def _evaluate(settings: JobSettings) -> dict[str, Any]:
    return {
        "ProcessingJobName": f"{{% {_ATTEMPT} %}}",
        "RoleArn": settings.evaluation_role_arn,
        "AppSpecification": {
            "ImageUri": settings.image.uri,
            **settings.image.evaluation,
        },
        "ProcessingInputs": f"{{% $append([{', '.join(_inputs(settings))}], $guard.champion_input) %}}",
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "evaluation",
                    "S3Output": {
                        "S3Uri": f"{{% 's3://{settings.bucket}/evaluations/' & $guard.run %}}",
                        "LocalPath": "/opt/ml/processing/output",
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ],
            "KmsKeyId": settings.key_arn,
        },
        "ProcessingResources": {"ClusterConfig": _cluster(settings, 1)},
        "Environment": "{% $guard.evaluation_environment %}",
        "StoppingCondition": {"MaxRuntimeInSeconds": longest_job_s(settings.pipeline)},
        "NetworkConfig": {
            "EnableNetworkIsolation": settings.image.network_isolation,
            "EnableInterContainerTrafficEncryption": True,
            **_placed(settings),
        },
        "Tags": _tags(settings),
    }


def _inputs(settings: JobSettings) -> list[str]:
    """Return the evaluation's inputs in JSONata; the model in service joins them where there is one."""
    tuned = settings.pipeline.training.tuning is not None
    uris = {
        "challenger": "$training.model_data_url",
        "test": "$snapshot.test_uri",
        "recency": "$snapshot.recency_uri",
        "spec": "$snapshot.spec_uri",
        **({"trial": "$training.trial"} if tuned else {}),
        **{name: f"'{uri}'" for name, uri in settings.image.evaluation_inputs.items()},
    }
    return [
        f"{{'InputName': '{name}', 'S3Input': {{'S3Uri': {uri}, 'LocalPath': '/opt/ml/processing/input/{name}', "
        "'S3DataType': 'S3Prefix', 'S3InputMode': 'File'}}"
        for name, uri in uris.items()
    ]


def _cluster(settings: JobSettings, instances: int) -> dict[str, Any]:
    training = settings.pipeline.training
    encrypted = {} if has_encrypted_disk(training.instance) else {"VolumeKmsKeyId": settings.key_arn}
    return {
        "InstanceType": training.instance,
        "InstanceCount": instances,
        "VolumeSizeInGB": training.volume_gb,
        **encrypted,
    }


def _register(settings: JobSettings) -> dict[str, Any]:
    formats = ["text/csv", "application/json", "application/jsonlines", *_formats_of_one(settings.pipeline)]
    measured = {
        "ContentType": "application/json",
        "S3Uri": f"{{% 's3://{settings.bucket}/evaluations/' & $guard.run & '/evaluation.json' %}}",
    }
    return {
        "ModelPackageGroupName": settings.model_package_group,
        "ModelPackageDescription": "{% $judgement.why %}",
        "ClientToken": "{% $guard.token %}",
        "InferenceSpecification": {
            "Containers": [
                {
                    "Image": settings.image.uri,
                    "ModelDataUrl": "{% $training.model_data_url %}",
                    "Environment": settings.image.environment,
                }
            ],
            "SupportedContentTypes": formats,
            "SupportedResponseMIMETypes": ["text/csv", "application/json"],
            "SupportedRealtimeInferenceInstanceTypes": [settings.pipeline.endpoint.instance],
            "SupportedTransformInstanceTypes": [_transform_instance(settings.pipeline)],
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": measured},
            "Explainability": {"Report": measured},
            **({"Bias": {"Report": measured}} if settings.pipeline.evaluation.fairness else {}),
        },
        **_card(settings),
        "CustomerMetadataProperties": "{% $judgement.metadata %}",
        "ModelApprovalStatus": "PendingManualApproval",
    }


def _card(settings: JobSettings) -> dict[str, Any]:
    """Return the model card that the package carries, and its key, if the pipeline file wants it there."""
    card = settings.pipeline.card
    if card is None or not card.in_registry:
        return {}
    return {
        "ModelCard": {"ModelCardContent": "{% $judgement.card %}", "ModelCardStatus": "PendingReview"},
        "SecurityConfig": {"KmsKeyId": settings.key_arn},
    }


def _transform_instance(pipeline: Pipeline) -> str:
    """Return where the model answers files, or would: not every instance that trains has transform jobs."""
    return (pipeline.endpoint.batches or Batch()).instance


def _formats_of_one(pipeline: Pipeline) -> list[str]:
    """Return the content types by which a text or an image may be sent as it is."""
    kinds = set(pipeline.columns.values())
    return ["text/plain"] * ("text" in kinds) + ["image/png", "image/jpeg"] * ("image" in kinds)


def _approve() -> dict[str, Any]:
    return {
        "ModelPackageArn": "{% $model_package_arn %}",
        "ModelApprovalStatus": "Approved",
        "ApprovalDescription": "{% $judgement.why %}",
    }
