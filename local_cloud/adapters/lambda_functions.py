"""Runs the emulator's Python functions in our execution environments."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import time
import uuid
import zipfile
from pathlib import Path
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from local_cloud.adapters.logs import write_log
from local_cloud.adapters.patching import replace
from local_cloud.lambda_runtime.environment import ExecutionEnvironment, FunctionCode
from local_cloud.lambda_runtime.packages import (
    RUNTIME,
    package_folder,
    packed_distributions,
    public_layer,
)
from local_cloud.lambda_runtime.platform_log import Call, call_log
from local_cloud.settings import Settings

_WRITTEN = "written by the worker"
_PUBLIC_LAYER_VERSION = {"Content": {"CodeSize": 1}, "CompatibleRuntimes": []}


def install(settings: Settings) -> None:
    """Make Python functions run under AWS's runtime client, and AWS's public layers known."""
    cache = settings.state_dir / "cache"

    class PythonWorker(_PythonWorker):
        """The emulator makes workers from a class; this one knows where to unpack."""

        folders = _Folders(cache)

    def choose(original: Any) -> Any:
        return lambda config: PythonWorker if _is_python(config) else original(config)

    replace(lambda_runtime, "_worker_class_for", "config", choose)
    replace(lambda_svc, "_execute_function_warm", "func event request_id", lambda _: _execute)
    replace(
        lambda_svc,
        "_emit_lambda_logs",
        "func request_id log_text error duration_ms log_source",
        _unless_written,
    )
    replace(lambda_svc, "_resolve_layer_version_for_attachment", "layer_arn", _knowing_public_layers)


def _execute(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
    """Run a function on the path for custom runtimes, which keeps its own error type and stack trace."""
    result: dict[str, Any] = lambda_svc._execute_function_provided_warm(func, event, request_id)
    return {**result, "log_source": _WRITTEN}


def _unless_written(original: Any) -> Any:
    def emit(*arguments: Any, log_source: str | None = None) -> None:
        if log_source != _WRITTEN:
            original(*arguments, log_source=log_source)

    return emit


def _is_python(config: dict[str, Any]) -> bool:
    return str(config.get("Runtime", "")).startswith("python")


def _knowing_public_layers(original: Any) -> Any:
    def resolve(layer_arn: str) -> Any:
        return (_PUBLIC_LAYER_VERSION, None) if public_layer(layer_arn) else original(layer_arn)

    return resolve


class _Folders:
    """Unpacks bundles and layers, each content once."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache

    def unpacked(self, archive: bytes) -> Path:
        folder = self._cache / "code" / hashlib.sha256(archive).hexdigest()[:24]
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}.{os.urandom(4).hex()}")
            with zipfile.ZipFile(io.BytesIO(archive)) as bundle:
                bundle.extractall(unfinished)
            try:
                unfinished.rename(folder)
            except OSError:  # another worker was quicker
                shutil.rmtree(unfinished)
        return folder

    def search_path(self, layers: list[Any]) -> tuple[Path, ...]:
        arns = [layer if isinstance(layer, str) else layer["Arn"] for layer in layers]
        packages = self._cache / "packages"
        found = [path for arn in arns for path in self._layer(arn, packages)]
        return (*found, package_folder(RUNTIME, packages))

    def _layer(self, arn: str, packages: Path) -> list[Path]:
        if distributions := public_layer(arn):
            return [package_folder(distributions, packages)]
        archive = lambda_svc._resolve_layer_zip(arn)
        if not archive:
            return []
        own = self.unpacked(archive) / "python"
        packed = packed_distributions(own)
        # Before the layer's own folder, whose binaries this machine may not be able to load.
        return [*([package_folder(packed, packages)] if packed else []), own]


class _PythonWorker(lambda_runtime.Worker):  # type: ignore[misc]  # the emulator ships no types
    """One execution environment in the emulator's pool."""

    folders: _Folders

    def invoke(
        self,
        event: Any,
        request_id: str,
        *,
        trace_id: str | None = None,
        invoked_function_arn: str = "",
        **_: Any,
    ) -> dict[str, Any]:
        """Run one invocation, in a new environment if the last one has died."""
        with self._lock:
            if self._environment is None or not self._environment.alive:
                self._renew()
            arn = invoked_function_arn or self.config["FunctionArn"]
            outcome = self._environment.invoke(request_id, arn, json.dumps(event).encode(), trace_id)
        call = Call(
            request_id, self.config.get("Version", "$LATEST"), int(self.config.get("MemorySize", 128))
        )
        log = call_log(call, outcome)
        write_log(_log_group(self.config), self.__dict__["log_stream"], log.splitlines())
        payload = json.loads(outcome.payload) if outcome.payload else None
        if not outcome.failed:
            return {"status": "ok", "result": payload, "log": log}
        message = (payload or {}).get("errorMessage", "")
        return {"status": "error", "error": message, "error_payload": payload, "log": log}

    def kill(self) -> None:
        """End the environment."""
        if self._environment is not None:
            self._environment.stop()

    @property
    def _environment(self) -> Any:
        return self.__dict__.get("environment")

    def _renew(self) -> None:
        config = self.config
        folder = self.folders.unpacked(self.code_zip)
        code = FunctionCode(
            folder=folder,
            handler=config["Handler"],
            search_path=self.folders.search_path(config.get("Layers") or []),
            memory_mb=int(config.get("MemorySize", 128)),
            timeout_s=float(config.get("Timeout", 3)),
        )
        self.kill()
        stream = f"{time.strftime('%Y/%m/%d', time.gmtime())}/[{config.get('Version', '$LATEST')}]{uuid.uuid4().hex}"
        variables = {**_variables(config, folder), "AWS_LAMBDA_LOG_STREAM_NAME": stream}
        self.__dict__["log_stream"] = stream
        self.__dict__["environment"] = ExecutionEnvironment(code, variables)
        self._proc = self.__dict__["environment"].process


_FROM_EMULATOR = ("AWS_", "_AWS_")
_NOT_ON_LAMBDA = ("AWS_EC2_METADATA_DISABLED", "AWS_CLI_AUTO_PROMPT", "AWS_PAGER", "AWS_CA_BUNDLE")


def _variables(config: dict[str, Any], folder: Path) -> dict[str, str]:
    """Return the function's variables, its role's credentials and what Lambda adds; nothing of this process."""
    from_emulator = lambda_svc._provided_worker_env(config, str(folder), 0)
    own = (config.get("Environment") or {}).get("Variables") or {}
    return {
        **{
            k: v for k, v in from_emulator.items() if k.startswith(_FROM_EMULATOR) and k not in _NOT_ON_LAMBDA
        },
        **{k: str(v) for k, v in own.items()},
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{config['Runtime']}",
        "AWS_LAMBDA_LOG_GROUP_NAME": _log_group(config),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(config.get("MemorySize", 128)),
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    }


def _log_group(config: dict[str, Any]) -> str:
    settings = config.get("LoggingConfig") or {}
    return str(settings.get("LogGroup") or f"/aws/lambda/{config['FunctionName']}")
