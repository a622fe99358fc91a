"""Where functions, jobs and models run: outside of any network of the account's, or inside of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, GetJsonSchemaHandler, StringConstraints, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from headrace.config.block import Block
from headrace.config.tracking import managed_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from headrace.config.agreement import Finding
    from headrace.config.pipeline import Pipeline

Subnet = Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")]
SecurityGroup = Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]{8,17}$")]

_KINDS = ("public", "private")


class Network(Block):
    """What kind of network, and whose. One word is enough for what needs no more.

    Examples
    --------
    >>> Network.model_validate("private").kind
    'private'
    >>> Network(subnets=["subnet-0123456789abcdef0"] * 2, security_groups=["sg-0123456789abcdef0"]).kind
    'existing'
    """

    kind: Literal["public", "private", "existing"] = Field(
        "public",
        description="public: in no network of yours; private: in one that is made for the pipeline, with endpoints for what it "
        "calls and no way to the internet; existing: in subnets that you have.",
    )
    subnets: tuple[Subnet, ...] = Field(
        (), max_length=16, description="Of an existing network, in at least two zones; nothing is made in it."
    )
    security_groups: tuple[SecurityGroup, ...] = Field(
        (), max_length=5, description="Of an existing network, for functions, jobs and models."
    )

    @model_validator(mode="before")
    @classmethod
    def _from_a_word(cls, given: Any) -> Any:
        """Read ``network: private``, and take whoever names subnets for having a network."""
        if isinstance(given, str):
            return {"kind": given}
        if isinstance(given, dict) and "kind" not in given and given.get("subnets"):
            return {**given, "kind": "existing"}
        return given

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.kind == "existing" and not (len(self.subnets) > 1 and self.security_groups):
            raise ValueError("an existing network takes `subnets`, at least two, and `security_groups`")
        if self.kind != "existing" and (self.subnets or self.security_groups):
            raise ValueError(
                f"`subnets` and `security_groups` are of an existing network, not a {self.kind} one"
            )
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Tell editors of the one word, too."""
        block = handler.resolve_ref_schema(handler(core_schema))
        return {"anyOf": [{"enum": list(_KINDS), "type": "string"}, dict(block)]}


def network_disagreements(pipeline: Pipeline) -> Iterator[Finding]:
    """Yield what cannot work where there is no way to the internet."""
    if pipeline.network.kind != "private":
        return
    no_way = "and `network: private` has no way to the internet"
    if pipeline.image == "managed":
        yield ("image",), f"is managed, which installs packages from PyPI at each start, {no_way}"
    if pipeline.alarms.chat is not None:
        yield ("alarms", "chat"), f"is a service on the internet, {no_way}: take `notify`"
    if pipeline.database is not None and pipeline.database.vpc is None:
        yield ("database", "vpc"), f"is left out, so the database is on the internet, {no_way}"
    if pipeline.tracking is not None and managed_server(pipeline.tracking.mlflow) is None:
        yield (
            ("tracking", "mlflow"),
            f"is a server on the internet, {no_way}: take the ARN of one that SageMaker runs",
        )
