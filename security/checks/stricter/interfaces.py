"""Stricter rules on a front: who is let in, and how what is behind it knows it.

References
----------
.. [1] API Gateway developer guide, "Generate and configure an SSL certificate for backend authentication": for HTTP servers.
"""

from __future__ import annotations

from collections.abc import Iterator

from security.checks.deployed import Deployed, Resource, trusted
from security.checks.stricter.answer import in_place_of

_METHOD = "AWS::ApiGateway::Method"


@in_place_of(
    "AwsSolutions-COG4",
    because="Cognito knows people with accounts. Callers of a front are programs with roles of IAM.",
)
def callers_sign_with_iam(deployed: Deployed, method: Resource) -> Iterator[str]:
    """Have all methods of the API take calls alone that are signed with credentials of IAM."""
    for other in _methods(deployed, method.properties["RestApiId"]):
        if other.properties.get("AuthorizationType") != "AWS_IAM":
            yield f"{other.path} is authorised by {other.properties.get('AuthorizationType')}"


@in_place_of(
    "APIGWSSLEnabled",
    because="A client certificate proves to a server of one's own that a call came by way of the API. Services of AWS take none, and "
    "know it by its signature.",
)
def backends_know_the_api_by_its_role(deployed: Deployed, stage: Resource) -> Iterator[str]:
    """Have all methods call a service of AWS, with a role of the pipeline that API Gateway alone takes on."""
    roles = {deployed.arn(role): role for role in deployed.of_type("AWS::IAM::Role")}
    methods = _methods(deployed, stage.properties["RestApiId"])
    for method in methods:
        integration = method.properties.get("Integration", {})
        role = roles.get(integration.get("Credentials", ""))
        if integration.get("Type") != "AWS":
            yield f"{method.path} has an integration of type {integration.get('Type')}"
        elif role is None or trusted(role) != {"apigateway.amazonaws.com"}:
            yield f"{method.path} calls without a role of its own"
    if not methods:
        yield "it has no methods"


@in_place_of(
    "APIGWCacheEnabledAndEncrypted",
    because="It asks that answers be kept, and encrypted where they are. A cache would keep answers about people, and a new model would "
    "answer late.",
)
def answers_are_not_kept(deployed: Deployed, stage: Resource) -> Iterator[str]:
    """Keep no answers at all: no cache, and no method that turns one on."""
    if stage.properties.get("CacheClusterEnabled") or stage.properties.get("CacheClusterSize"):
        yield "it has a cache"
    if any(setting.get("CachingEnabled") for setting in stage.properties.get("MethodSettings", [])):
        yield "a method keeps answers"


def _methods(deployed: Deployed, api: str) -> list[Resource]:
    return [method for method in deployed.of_type(_METHOD) if method.properties["RestApiId"] == api]
