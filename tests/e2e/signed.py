"""Signs models that a test registers by hand, as the training would have."""

import io

from headrace.aws.signed_models import SignedModels
from headrace.aws.signing_key import SigningKey
from headrace.ml.supply_chain.archive import scan
from tests.signing import manifest_of


def sign(cloud, outputs, pipeline, url, version):
    """Sign the archive at `url` as a version of a pipeline's models, with the pipeline's own key."""
    bucket, _, key = url.removeprefix("s3://").partition("/")
    body = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    found = scan(io.BytesIO(body), lambda _, chunks: list(chunks))
    signing_key = SigningKey(cloud.client("kms"), outputs["SigningKeyArn"])
    manifest = manifest_of(found, pipeline=pipeline, version=version)
    SignedModels(cloud.client("s3"), signing_key).sign(manifest, url)
