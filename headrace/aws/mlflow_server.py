"""MLflow's REST API, as far as a run is written down; signed where SageMaker runs the server.

References
----------
.. [1] MLflow, "REST API": ``/api/2.0/mlflow/…``, and ``/api/2.0/mlflow-artifacts/artifacts`` of a server that keeps artefacts.
.. [2] aws/sagemaker-mlflow, ``mlflow_sagemaker_helpers.py``, ``auth.py``, ``mlflow_sagemaker_request_header_provider.py``: the
   address of a region, the service's name in signatures, and the header that names the server.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

from headrace.config.tracking import managed_server

_TIMEOUT_S = 8.0
_OK = range(200, 300)
_SERVICE = "sagemaker-mlflow"
_ARN_HEADER = "x-mlflow-sm-tracking-server-arn"
_MISSING = "RESOURCE_DOES_NOT_EXIST"
Sign = Callable[[str, str, bytes], dict[str, str]]
Connect = Callable[..., http.client.HTTPConnection]


class TrackingError(Exception):
    """The server has not done what was asked; the text says why."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class Session(Protocol):
    """What is needed of boto3's session."""

    def get_credentials(self) -> Any:
        """Return the credentials to sign with."""
        ...


class MlflowServer:
    """One server.

    Parameters
    ----------
    address : str
        URL.
    sign : callable, optional
        Returns the headers of a request: method, URL, body.
    timeout_s : float
        How long one request may take, in seconds.
    connect : callable, optional
        Opens a connection: host, port, timeout. None means by the URL's scheme.
    """

    def __init__(
        self,
        address: str,
        sign: Sign | None = None,
        *,
        timeout_s: float = _TIMEOUT_S,
        connect: Connect | None = None,
    ) -> None:
        self._address = address.rstrip("/")
        self._sign = sign or (lambda method, url, body: {})
        self._timeout_s = timeout_s
        parts = urlsplit(self._address)
        self._host, self._port = parts.hostname or "", parts.port
        secure = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connect: Connect = connect or secure

    @classmethod
    def at(cls, given: str, session: Session, endpoint: str | None = None) -> MlflowServer:
        """Return the server of an ARN, with signed requests, or of a URL; `endpoint` is where AWS's services are, if elsewhere."""
        server = managed_server(given)
        if server is None:
            return cls(given)
        address = endpoint or f"https://{server.region}.experiments.sagemaker.aws"
        return cls(address, _signer(server.arn, server.region, session))

    def get(self, what: str, **query: str) -> dict[str, Any]:
        """Ask ``/api/2.0/mlflow/<what>``; what is not there is a `TrackingError` with MLflow's code."""
        return self._api("GET", f"{what}?{urlencode(query, quote_via=quote)}", b"")

    def post(self, what: str, **document: Any) -> dict[str, Any]:
        """Tell ``/api/2.0/mlflow/<what>``."""
        return self._api("POST", what, json.dumps(document).encode())

    def find(self, what: str, **query: str) -> dict[str, Any] | None:
        """Ask for something that may not be there."""
        try:
            return self.get(what, **query)
        except TrackingError as error:
            if error.code != _MISSING:
                raise
            return None

    def put_artifact(self, path: str, body: bytes) -> None:
        """Store an artefact with a server that keeps them itself; `path` is below its root."""
        url = f"{self._address}/api/2.0/mlflow-artifacts/artifacts/{quote(path)}"
        self._send("PUT", url, body, {"Content-Type": "application/octet-stream"})

    def _api(self, method: str, what: str, body: bytes) -> dict[str, Any]:
        url = f"{self._address}/api/2.0/mlflow/{what}"
        answer = self._send(method, url, body, {"Content-Type": "application/json"})
        try:
            return dict(json.loads(answer or b"{}"))
        except (ValueError, TypeError):
            raise TrackingError("the server has answered something that is no JSON object") from None

    def _send(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        target = url.removeprefix(f"{urlsplit(url).scheme}://{urlsplit(url).netloc}")
        connection = self._connect(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request(
                method, target, body=body or None, headers={**headers, **self._sign(method, url, body)}
            )
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise TrackingError(f"the server cannot be reached: {type(error).__name__}") from None
        finally:
            connection.close()
        if answer.status not in _OK:
            raise _refusal(answer.status, content)
        return content


def _refusal(status: int, content: bytes) -> TrackingError:
    try:
        said = json.loads(content)
        code, message = str(said.get("error_code", "")), str(said.get("message", ""))
    except (ValueError, AttributeError):
        code, message = "", ""
    return TrackingError(f"the server has answered with status {status}: {code} {message}".strip(), code)


def _signer(arn: str, region: str, session: Session) -> Sign:
    """Return what signs requests for a server that SageMaker runs."""

    def sign(method: str, url: str, body: bytes) -> dict[str, str]:
        request = AWSRequest(method=method, url=url, data=body, headers={_ARN_HEADER: arn})
        SigV4Auth(session.get_credentials(), _SERVICE, region).add_auth(request)
        return dict(request.headers.items())

    return sign
