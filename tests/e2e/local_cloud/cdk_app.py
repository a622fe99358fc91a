"""A tiny CDK app: a bucket, a function, and the permission of one on the other.

Synthesises a version of it for each timeout of the function, into a folder of that name.
"""

import sys

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3

CODE = """
import os
import boto3

def main(event, context):
    boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key="from/function", Body=event["text"].encode())
    return "stored"
"""


def synthesise(folder, timeout_s):
    app = cdk.App(outdir=folder)
    stack = cdk.Stack(app, "Tiny", env=cdk.Environment(account="123456789012", region="us-east-1"))
    bucket = s3.Bucket(stack, "Bucket", removal_policy=cdk.RemovalPolicy.DESTROY)
    function = lambda_.Function(
        stack,
        "Function",
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="index.main",
        code=lambda_.Code.from_inline(CODE),
        timeout=cdk.Duration.seconds(timeout_s),
        environment={"BUCKET": bucket.bucket_name},
    )
    bucket.grant_put(function)
    cdk.CfnOutput(stack, "BucketName", value=bucket.bucket_name)
    cdk.CfnOutput(stack, "FunctionName", value=function.function_name)
    app.synth()


for timeout in sys.argv[2:]:
    synthesise(f"{sys.argv[1]}/{timeout}", int(timeout))
