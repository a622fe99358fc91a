"""Lets REST APIs ask SageMaker's endpoints themselves, and validates a body only by the model of its content type.

The emulator knows no integration but Lambda, SQS, HTTP and mocks. It signs, limits and counts keys on its own.

References
----------
.. [1] API Gateway API reference, "Integration".
.. [2] API Gateway developer guide, "Quotas for configuring and running a REST API" and "Request validation for REST APIs".
"""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import HTTPClientError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from ministack.services import apigateway_v1

from local_cloud.adapters.patching import replace, require
from local_cloud.adapters.role_sessions import RoleError, role_session
from local_cloud.repairs.mapping_templates import render
from local_cloud.settings import REGION, Settings

_CUSTOM = (
    "integration api_id stage_name stage resource request_path method headers body query_params path_params "
    "owner_account_id owner_region binary_media_types authorizer_context caller_identity"
)
_URI = re.compile(r"arn:aws:apigateway:[\w-]+:runtime\.sagemaker:path/+(?P<path>.+)")
_MOST_BYTES = 10 * 2**20
_LONGEST_MS = 29_000
_THREADS = 32
_Answer = tuple[int, dict[str, str], bytes]


def install(settings: Settings) -> None:
    """Put SageMaker's integration beside the emulator's, and repair its validation."""
    require(apigateway_v1, "_select_service_integration_response", "integration backend_status")
    require(apigateway_v1, "_gw_error", "response_type message")
    pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="api-integrations")
    replace(
        apigateway_v1,
        "_invoke_lambda_custom_v1",
        _CUSTOM,
        lambda original: _with_sagemaker(original, settings, pool),
    )
    replace(
        apigateway_v1,
        "_check_request_validation",
        "method_obj api_id request headers body query_params",
        _by_content_type,
    )


def _by_content_type(original: Any) -> Any:
    def check(method: dict[str, Any], api_id: str, request: Any, headers: dict[str, str], *rest: Any) -> Any:
        models = method.get("requestModels") or {}
        kind = _header(headers, "content-type").partition(";")[0].strip() or "application/json"
        model = models.get(kind) or models.get("$default")
        # The emulator falls back to the model of JSON; AWS validates no body that has no model.
        fitting = {**method, "requestModels": {kind: model} if model else {}}
        return original(fitting, api_id, request, headers, *rest)

    return check


def _with_sagemaker(original: Any, settings: Settings, pool: ThreadPoolExecutor) -> Any:
    async def invoke(integration: dict[str, Any], *args: Any, **named: Any) -> Any:
        found = _URI.fullmatch(integration.get("uri") or "")
        if found is None:
            return await original(integration, *args, **named)
        headers, body = args[6], args[7]
        call = Call(
            integration, found["path"], headers, _as_sent(headers, body, named["binary_media_types"] or [])
        )
        answered = await asyncio.get_running_loop().run_in_executor(pool, call.answer, settings)
        return apigateway_v1._gw_error(*answered) if len(answered) == 2 else answered  # noqa: PLR2004

    return invoke


@dataclass(frozen=True)
class Call:
    """One request on its way to SageMaker.

    Parameters
    ----------
    integration : dict
        As API Gateway keeps it.
    path : str
        Of SageMaker's runtime.
    headers : mapping of str to str
        The caller's.
    body : bytes
        What is passed on.
    """

    integration: Mapping[str, Any]
    path: str
    headers: Mapping[str, str]
    body: bytes

    def answer(self, settings: Settings) -> _Answer | tuple[str, str]:
        """Ask under the integration's role, and map what comes; or return the type and text of a gateway's own error."""
        if len(self.body) > _MOST_BYTES:
            return "REQUEST_TOO_LARGE", "Request Too Long"
        try:
            role = role_session(settings, self.integration.get("credentials") or "", "apigateway")
        except RoleError:
            return "API_CONFIGURATION_ERROR", "Internal server error"
        timeout_s = math.ceil((self.integration.get("timeoutInMillis") or _LONGEST_MS) / 1000)
        request = self._signed(f"{settings.endpoint}/{self.path}", role.credentials)
        try:
            found = URLLib3Session(timeout=timeout_s).send(request.prepare())
        except ReadTimeoutError:
            return "INTEGRATION_TIMEOUT", "Endpoint request timed out"
        except HTTPClientError:
            return "INTEGRATION_FAILURE", "Internal server error"
        return self.mapped(found.status_code, dict(found.headers), found.content)

    def passed_on(self) -> dict[str, str]:
        """Return the headers that the integration's mapping makes of the caller's."""
        prefix = "integration.request.header."
        mapped = {
            target.removeprefix(prefix): self._mapped_from(source)
            for target, source in (self.integration.get("requestParameters") or {}).items()
            if target.startswith(prefix)
        }
        kind = _header(self.headers, "content-type") or "application/json"
        return {"Content-Type": kind, **{name: value for name, value in mapped.items() if value}}

    def mapped(self, status: int, headers: Mapping[str, str], body: bytes) -> _Answer:
        """Return what the integration's responses make of SageMaker's answer."""
        chosen = apigateway_v1._select_service_integration_response(self.integration, status)
        if chosen is None:
            return 500, {"Content-Type": "application/json"}, b'{"message": "Internal server error"}'
        prefix = "method.response.header."
        returned = {
            target.removeprefix(prefix): value
            for target, source in (chosen.get("responseParameters") or {}).items()
            if (value := _static(source) or _header(headers, source.rpartition(".")[2]))
        }
        said, overridden = body, None
        if templates := chosen.get("responseTemplates"):
            text, overridden = render(next(iter(templates.values())), body.decode(errors="replace"))
            said = text.encode()
        return overridden or int(chosen["statusCode"]), {"Content-Type": "application/json", **returned}, said

    def _mapped_from(self, source: str) -> str:
        return _static(source) or _header(self.headers, source.removeprefix("method.request.header."))

    def _signed(self, url: str, known: Mapping[str, str]) -> AWSRequest:
        request = AWSRequest("POST", url, data=self.body, headers=self.passed_on())
        credentials = Credentials(
            known["AWS_ACCESS_KEY_ID"], known["AWS_SECRET_ACCESS_KEY"], known.get("AWS_SESSION_TOKEN")
        )
        SigV4Auth(credentials, "sagemaker", REGION).add_auth(request)
        return request


def _as_sent(headers: Mapping[str, str], body: bytes, binary: list[str]) -> bytes:
    """Return what is passed on of a body: what is not among the binary media types is text in UTF-8."""
    if apigateway_v1._media_type_matches(_header(headers, "content-type"), binary):
        return body
    return (body or b"").decode(errors="replace").encode()


def _static(source: str) -> str:
    return source[1:-1] if len(source) > 1 and source[0] == source[-1] == "'" else ""


def _header(headers: Mapping[str, str], name: str) -> str:
    wanted = name.lower()
    return next((str(value) for key, value in headers.items() if key.lower() == wanted), "")
