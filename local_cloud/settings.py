"""Where the local cloud listens and keeps its state, how long it waits, and how much of this machine it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ACCOUNT = "123456789012"
REGION = "us-east-1"
_SECRET = "local"
_PORT = 4566
_PORTS = range(1024, 65536)
_HURRY, _MOST_SERVERS, _MOST_HOSTS = 60.0, 4, 4
_AT_CHECKPOINT = "checkpoint"


@dataclass(frozen=True)
class Settings:
    """One local cloud.

    Parameters
    ----------
    port : int
        On the loopback, default 4566.
    state_dir : Path
        Everything that survives a restart: metadata, objects, images, logs.
    hurry : float
        How many of AWS's seconds of mere waiting pass in one second here: 60 makes minutes seconds.
    servers : int
        How many processes the instances of one variant of an endpoint share at most.
    hosts : int
        How many processes the instances of one training job are at most.
    spot_interruption : str
        When the instances of a spot training are taken back: after so many seconds, or at its first ``checkpoint``; empty
        for never.
    spot_interruptions : int
        How often that happens to one training job.
    mlflow_port : int or None
        Where an MLflow server of the local cloud listens on the loopback; None for none.
    record_iam : str
        File to which every decision on a role's request is added; empty for none.
    """

    port: int
    state_dir: Path
    hurry: float = _HURRY
    servers: int = _MOST_SERVERS
    hosts: int = _MOST_HOSTS
    spot_interruption: str = ""
    spot_interruptions: int = 1
    mlflow_port: int | None = None
    record_iam: str = ""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Read the variables of `own_environment`; ``ValueError`` names a value that is none."""
        port = _port(environ, "HEADRACE_PORT") or _PORT
        mlflow_port = _port(environ, "HEADRACE_LOCAL_MLFLOW_PORT")
        default = Path(__file__).parents[1] / ".headrace"
        state_dir = Path(environ.get("HEADRACE_STATE") or default).absolute()
        hurry = _at_least_one(environ, "HEADRACE_LOCAL_HURRY", _HURRY)
        servers = _at_least_one(environ, "HEADRACE_LOCAL_SERVERS", _MOST_SERVERS)
        hosts = _at_least_one(environ, "HEADRACE_LOCAL_HOSTS", _MOST_HOSTS)
        interruptions = _at_least_one(environ, "HEADRACE_LOCAL_SPOT_INTERRUPTIONS", 1)
        when = _interruption(environ)
        record = environ.get("HEADRACE_LOCAL_RECORD_IAM", "")
        return cls(
            port, state_dir, hurry, int(servers), int(hosts), when, int(interruptions), mlflow_port, record
        )

    def own_environment(self) -> dict[str, str]:
        """Variables that `from_environ` makes these settings of."""
        return {
            "HEADRACE_PORT": str(self.port),
            "HEADRACE_STATE": str(self.state_dir),
            "HEADRACE_LOCAL_HURRY": str(self.hurry),
            "HEADRACE_LOCAL_SERVERS": str(self.servers),
            "HEADRACE_LOCAL_HOSTS": str(self.hosts),
            "HEADRACE_LOCAL_SPOT_INTERRUPTION": self.spot_interruption,
            "HEADRACE_LOCAL_SPOT_INTERRUPTIONS": str(self.spot_interruptions),
            "HEADRACE_LOCAL_MLFLOW_PORT": str(self.mlflow_port or ""),
            "HEADRACE_LOCAL_RECORD_IAM": self.record_iam,
        }

    @property
    def scratch_dir(self) -> Path:
        """Files of jobs, endpoints and builds while they run; emptied at each start."""
        return self.state_dir / "scratch"

    @property
    def endpoint(self) -> str:
        """URL that every client is pointed at."""
        return f"http://localhost:{self.port}"

    def client_environment(self) -> dict[str, str]:
        """Variables that lead any AWS client here, with the account's root credentials."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": _SECRET,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CLI_AUTO_PROMPT": "off",
            "AWS_PAGER": "",
        }

    def server_environment(self) -> dict[str, str]:
        """Variables that MiniStack reads: the loopback only, one port, IAM enforced, state kept."""
        return {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "AUTH": "true",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.state_dir / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.state_dir / "s3"),
            "LOG_LEVEL": "WARNING",
            "DOCKER_HOST": "unix:///nonexistent/docker.sock",
            "MINISTACK_CODEBUILD_EXECUTE": "1",
            **self.client_environment(),
        }


def _port(environ: Mapping[str, str], name: str) -> int | None:
    given = environ.get(name)
    if not given:
        return None
    if not given.isdigit() or int(given) not in _PORTS:
        raise ValueError(f"{name} is a number from {_PORTS[0]} to {_PORTS[-1]}, not {given!r}")
    return int(given)


def _at_least_one(environ: Mapping[str, str], name: str, default: float) -> float:
    given = environ.get(name) or str(default)
    try:
        value = float(given)
    except ValueError:
        value = 0.0
    if not 1.0 <= value < float("inf"):
        raise ValueError(f"{name} is a number from 1 on, not {given!r}")
    return value


def _interruption(environ: Mapping[str, str]) -> str:
    name = "HEADRACE_LOCAL_SPOT_INTERRUPTION"
    given = environ.get(name, "")
    try:
        seconds = float(given or "0") if given != _AT_CHECKPOINT else 0.0
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"{name} is a number of seconds or '{_AT_CHECKPOINT}', not {given!r}")
    return given
