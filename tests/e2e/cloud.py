"""A local cloud for tests: its life, its clients, its roles."""

import contextlib
import io
import json
import os
import socket
import subprocess
import time
import uuid
import zipfile

import boto3
from botocore.config import Config

from local_cloud.launcher import LocalCloud
from local_cloud.settings import ACCOUNT, REGION, Settings

__all__ = [
    "ACCOUNT",
    "REGION",
    "Cloud",
    "code_archive",
    "eventually",
    "free_port",
    "new_name",
    "policy_document",
    "running",
]


class Cloud(LocalCloud):
    """A local cloud with clients of its own, which no variable of the shell can lead astray."""

    def __init__(self, state_dir, port=None, mlflow_port=None):
        record = os.environ.get("HEADRACE_LOCAL_RECORD_IAM", "")
        super().__init__(Settings(port or free_port(), state_dir, mlflow_port=mlflow_port, record_iam=record))
        self.endpoint = self.settings.endpoint
        self._clients = {}

    def client(self, service):
        """Return a client with the permissions of the account's root."""
        if service not in self._clients:
            self._clients[service] = self._make(service, ACCOUNT, "local")
        return self._clients[service]

    def as_role(self, *statements):
        """Return a function that makes clients which are allowed these statements and nothing else."""
        return self.taking(self.role(*statements, principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"}))

    def taking(self, arn):
        """Return a function that makes clients which act under the role `arn`."""
        taken = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        secrets = taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"]
        return lambda service: self._make(service, *secrets)

    def role(self, *statements, principal):
        """Make a role and return its ARN; `principal` is a service such as ``lambda``, or a whole principal."""
        if isinstance(principal, str):
            principal = {"Service": f"{principal}.amazonaws.com"}
        trust = policy_document({"Principal": principal, "Action": "sts:AssumeRole"})
        iam, name = self.client("iam"), new_name("role")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        if statements:
            document = policy_document(*statements)
            iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=document)
        return arn

    def run(self, *command, timeout_s=120, **variables):
        """Run a program that is led here, and return it when it has ended."""
        led = {"PATH": "/usr/bin:/bin", "HOME": str(self.settings.state_dir), **self.environment()}
        environment = {**led, **variables}
        return subprocess.run(
            [*map(str, command)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def _make(self, service, key, secret, token=None):
        # Express workflows are started at sync-<endpoint>, a name that only AWS has.
        config = Config(retries={"max_attempts": 0}, inject_host_prefix=False)
        session = boto3.session.Session(key, secret, token, REGION)
        return session.client(service, endpoint_url=self.endpoint, config=config)


@contextlib.contextmanager
def running(cloud):
    """Run a cloud for a while; it is stopped whatever happens."""
    try:
        cloud.start()
        yield cloud
    finally:
        cloud.stop()


def policy_document(*statements):
    """Return a policy of statements that allow, unless they say otherwise."""
    allowed = [{"Effect": "Allow", **statement} for statement in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


def code_archive(source, module="main"):
    """Return the bundle of a function or a layer that is one file."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr(f"{module}.py", source)
    return buffer.getvalue()


def new_name(stem="test"):
    """Return a name that no other test has."""
    return f"{stem}-{uuid.uuid4().hex[:10]}"


def eventually(look, fits=bool, within_s=30):
    """Poll until what is seen fits, and return it; the last sight is in the failure."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if fits(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def free_port():
    """Return a port of the loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
