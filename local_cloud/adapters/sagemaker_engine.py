"""The one SageMaker engine of this server, and what MiniStack lends it."""

from __future__ import annotations

import atexit
import json
import logging
import socket
import threading
import time
from functools import cache
from pathlib import Path
from typing import Any

from ministack.core.persistence import load_state
from ministack.core.responses import request_scope
from ministack.services import eventbridge

from local_cloud.adapters.logs import write_log
from local_cloud.adapters.metrics import put_metrics
from local_cloud.adapters.role_sessions import RoleError, role_session
from local_cloud.adapters.snapshots import register
from local_cloud.clock import Clock
from local_cloud.sagemaker.engine import Engine
from local_cloud.sagemaker.errors import invalid
from local_cloud.sagemaker.surroundings import RoleSession
from local_cloud.settings import ACCOUNT, REGION, Settings

_METRICS_EVERY_S = 1.0
logger = logging.getLogger(__name__)


class MiniStackSurroundings:
    """MiniStack as the engine's surroundings."""

    account = ACCOUNT
    region = REGION

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.endpoint = settings.endpoint
        self.state_dir: Path = settings.state_dir
        self.servers, self.clock = settings.servers, Clock(settings.hurry)
        self.hosts = settings.hosts
        self.spot_interruption = settings.spot_interruption
        self.spot_interruptions = settings.spot_interruptions
        self._lock = threading.Lock()
        self._metrics: dict[str, list[dict[str, Any]]] = {}
        threading.Thread(target=self._ship_metrics, name="sagemaker-metrics", daemon=True).start()

    def role_session(self, role_arn: str) -> RoleSession:
        """Return a session of the role; refuse a role that does not exist, or does not trust SageMaker."""
        try:
            return role_session(self._settings, role_arn, "sagemaker")
        except RoleError:
            raise invalid(
                f"Could not assume role {role_arn}. Please ensure that the role exists and allows principal "
                "'sagemaker.amazonaws.com' to assume the role."
            ) from None

    def emit(self, detail_type: str, detail: dict[str, Any], resource: str) -> None:
        """Put an event on the default bus, as AWS itself."""
        entry = {
            "Source": "aws.sagemaker",
            "DetailType": detail_type,
            "Detail": json.dumps({key: value for key, value in detail.items() if key[0] != "_"}, default=str),
            "Resources": [resource],
        }
        with request_scope(self.account, self.region):
            eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)

    def put_metrics(self, namespace: str, data: list[dict[str, Any]]) -> None:
        """Queue metrics; they are stored together, once a second."""
        with self._lock:
            self._metrics.setdefault(namespace, []).extend(data)

    def put_log(self, group: str, stream: str, lines: list[str]) -> None:
        """Append lines to a log stream."""
        with request_scope(self.account, self.region):
            write_log(group, stream, lines)

    def _ship_metrics(self) -> None:
        while True:
            time.sleep(_METRICS_EVERY_S)
            with self._lock:
                waiting, self._metrics = self._metrics, {}
            for namespace, data in waiting.items():
                try:
                    put_metrics(self.account, self.region, namespace, data)
                except Exception:
                    logger.exception("metrics of %s were lost", namespace)


@cache
def sagemaker_engine(settings: Settings) -> Engine:
    """Return the engine, with the state of an earlier life, if there was one."""
    surroundings = MiniStackSurroundings(settings)
    engine = Engine(surroundings)
    register("sagemaker", engine.records.dump)
    register("sagemaker_async", engine.async_invocations.dump)
    atexit.register(engine.endpoints.traffic.stop)
    if state := load_state("sagemaker"):
        engine.load(state)
        engine.async_invocations.load(load_state("sagemaker_async") or {})
        threading.Thread(target=_restart_endpoints, args=(engine, settings.port), daemon=True).start()
    threading.Thread(
        target=engine.async_invocations.keep_going, name="sagemaker-async-queues", daemon=True
    ).start()
    threading.Thread(
        target=engine.endpoints.traffic.keep_ending_idle,
        args=(surroundings.clock,),
        name="sagemaker-idle-containers",
        daemon=True,
    ).start()
    return engine


def _restart_endpoints(engine: Engine, port: int) -> None:
    """Restart the endpoints once this server listens: they fetch their models from its S3."""
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.05)
    engine.endpoints.restart_all()
