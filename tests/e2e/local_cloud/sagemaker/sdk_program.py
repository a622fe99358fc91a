"""What a user of SageMaker's Python SDK writes: nothing in here knows of the local cloud."""

import json
import os
import sys
from pathlib import Path

from sagemaker.core.resources import Endpoint, EndpointConfig, Model, TrainingJob
from sagemaker.core.shapes import (
    AlgorithmSpecification,
    Channel,
    ContainerDefinition,
    DataSource,
    OutputDataConfig,
    ProductionVariant,
    ResourceConfig,
    S3DataSource,
    StoppingCondition,
)

name, image, role, bucket = sys.argv[1:]
rows = S3DataSource(s3_data_type="S3Prefix", s3_uri=f"s3://{bucket}/in/")

job = TrainingJob.create(
    training_job_name=name,
    role_arn=role,
    algorithm_specification=AlgorithmSpecification(training_image=image, training_input_mode="File"),
    input_data_config=[Channel(channel_name="train", data_source=DataSource(s3_data_source=rows))],
    output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/out"),
    resource_config=ResourceConfig(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1),
    stopping_condition=StoppingCondition(max_runtime_in_seconds=60),
    hyper_parameters={"text": "from the SDK"},
)
job.wait(poll=1)
job.refresh()

container = ContainerDefinition(image=image, model_data_url=job.model_artifacts.s3_model_artifacts)
Model.create(model_name=name, primary_container=container, execution_role_arn=role)
variant = ProductionVariant(
    variant_name="main", model_name=name, instance_type="ml.m5.large", initial_instance_count=1
)
EndpointConfig.create(endpoint_config_name=name, production_variants=[variant])
endpoint = Endpoint.create(endpoint_name=name, endpoint_config_name=name)
endpoint.wait_for_status("InService", poll=1)
answer = endpoint.invoke(body=b"x", content_type="text/csv")
report = {
    "status": job.training_job_status,
    "answer": answer.body.read().decode(),
    "jobs": [found.training_job_name for found in TrainingJob.get_all(name_contains=name)],
}
endpoint.delete()
Path(os.environ["REPORT"]).write_text(json.dumps(report))
