"""AWS's own scikit-learn container instead of ours, with our code beside it, in script mode.

Nothing is built: the code is an archive in S3, which the container fetches, and whose ``requirements.txt`` it installs from
PyPI whenever it starts. That needs a network, so no container of this image is isolated from it.

References
----------
.. [1] aws/deep-learning-containers, ``docker/sklearn/1.9-0``: Python 3.12, scikit-learn 1.9.0, pandas 2.2.3.
.. [2] aws/sagemaker-training-toolkit 4.8.0, ``entry_point.py``: fetches, installs and runs a training's script.
.. [3] aws/sagemaker-containers 2.8.6, ``_server.py``, ``_modules.py``: does the same where the model is served.
"""

from __future__ import annotations

import json
from typing import ClassVar

from aws_cdk import CfnMapping, Stack, Token
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct
from sagemaker.core import image_uris

from headrace.config.pipeline import Pipeline
from infra.bill_of_materials import managed_bom, sha256_of_bill
from infra.code_bundle import source_archive
from infra.image_containers import grant_pull_from
from infra.sagemaker_task import allow

_FRAMEWORK = "sklearn"
_REPOSITORY = "sagemaker-scikit-learn"
_MAPPING = "ScikitLearnRegistries"
VERSION = "1.9-0"
"""Of the container: scikit-learn 1.9.0, the newest that the SDK of our lock knows."""

_SCRIPT = "script.py"
_CODE = "/opt/ml/processing/input/code"
_RUN_EVALUATION = (
    'cd "$0"; tar -xzf *.gz; python -m pip install -r requirements.txt; '
    "exec python -m sagemaker_jobs job evaluate_model"
)


class ManagedImage(Construct):
    """AWS's scikit-learn image of the region in which the stack is deployed, and our code for it.

    Attributes
    ----------
    uri, training_uri : str
        Of the image, in the registry that AWS keeps in the region.
    code_version : str
        Hash of our code.
    hyperparameters : dict of str to str
        Tell a training which script to run and where its code is; JSON, as the container reads them.
    environment : dict of str to str
        Tells a server the same; its code lies in the model, so that an old model keeps the code it was trained with.
    evaluation, evaluation_inputs : dict
        The command of an evaluation, which unpacks the code itself, and where the code is.
    network_isolation : bool
        False: the container installs what it lacks.
    """

    environment: ClassVar[dict[str, str]] = {
        "SAGEMAKER_PROGRAM": _SCRIPT,
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    }
    evaluation: ClassVar[dict[str, list[str]]] = {
        "ContainerEntrypoint": ["/bin/bash", "-ec", _RUN_EVALUATION, _CODE]
    }
    network_isolation: ClassVar[bool] = False

    def __init__(self, scope: Construct, id: str, *, pipeline: Pipeline) -> None:
        super().__init__(scope, id)
        self._source = s3_assets.Asset(self, "Source", path=str(source_archive()))
        self.code_version = self._source.asset_hash[:16]
        self.sbom_sha256 = sha256_of_bill(managed_bom())
        self._registries = _registries(Stack.of(self).region, pipeline.name)
        self.uri = self.training_uri = self._find(Stack.of(self), "uri")
        url = self._source.s3_object_url
        self.evaluation_inputs = {"code": url}
        self.hyperparameters = {
            "sagemaker_program": json.dumps(_SCRIPT),
            "sagemaker_submit_directory": f'"{url}"',
        }

    def grant_pull(self, role: iam.IRole) -> None:
        """Allow `role` to run containers of this image, and those to fetch our code."""
        grant_pull_from(role, self._repository(Stack.of(role)))
        bucket = self._source.bucket
        allow(role, ["s3:GetObject"], [bucket.arn_for_objects(self._source.s3_object_key)])
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["s3:ListBucket"],
                resources=[bucket.bucket_arn],
                conditions={"StringEquals": {"s3:prefix": self._source.s3_object_key}},
            )
        )

    def grant_look(self, role: iam.IRole | None) -> None:
        """Allow `role` to ask for the digest of this image."""
        if role is not None:
            allow(role, ["ecr:BatchGetImage"], [self._repository(Stack.of(role))])

    def _repository(self, stack: Stack) -> str:
        account = self._find(stack, "account")
        return f"arn:{stack.partition}:ecr:{stack.region}:{account}:repository/{_REPOSITORY}"

    def _find(self, stack: Stack, attribute: str) -> str:
        """Return a look-up in the region in which `stack` is deployed; each stack has a mapping of its own."""
        mapping = stack.node.try_find_child(_MAPPING)
        if not isinstance(mapping, CfnMapping):
            mapping = CfnMapping(stack, _MAPPING, mapping=self._registries)
        return mapping.find_in_map(stack.region, attribute)


def _registries(region: str, pipeline: str) -> dict[str, dict[str, str]]:
    """Return the image's URI, and the account it belongs to, of every region that the SDK knows.

    Raises
    ------
    ValueError
        If `region` is not a token and none of them.
    """
    known = image_uris.config_for_framework(_FRAMEWORK)["training"]["versions"][VERSION]["registries"]
    if not Token.is_unresolved(region) and region not in known:
        raise ValueError(
            f"AWS has no scikit-learn image {VERSION} in {region}: choose another region, or "
            f"`image: headrace` in pipelines/{pipeline}.yaml"
        )
    return {name: {"uri": image_uri(name), "account": account} for name, account in known.items()}


def image_uri(region: str) -> str:
    """Return what the SageMaker SDK says the image's URI is; one image trains, evaluates and serves."""
    uri: str = image_uris.retrieve(_FRAMEWORK, region, version=VERSION, py_version="py3")
    return uri
