"""The block of a pipeline whose rows come from a table of a database."""

from __future__ import annotations

import ssl
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from headrace.config.block import Block, Column
from headrace.config.network import SecurityGroup, Subnet
from headrace.config.schedules import Schedule

_NAME = r'[^\s."`\\;][^."`\\;]{0,127}'
Table = Annotated[str, StringConstraints(pattern=rf"^{_NAME}(\.{_NAME})?$")]
Secret = Annotated[
    str, StringConstraints(pattern=r"^(arn:aws[a-z-]*:secretsmanager:\S+|[A-Za-z0-9/_+=.@-]{1,512})$")
]
KeyArn = Annotated[
    str, StringConstraints(pattern=r"^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+$")
]


class DatabaseNetwork(Block):
    """Where the functions stand that read a private database."""

    subnets: tuple[Subnet, ...] = Field(
        min_length=1,
        max_length=16,
        description="Private subnets; they need a way to Secrets Manager, DynamoDB and S3.",
    )
    security_groups: tuple[SecurityGroup, ...] = Field(
        min_length=1, max_length=5, description="Security groups that the database lets in."
    )


class Database(Block):
    """Rows of a table or a query, imported on a schedule.

    Examples
    --------
    >>> source = Database(engine="postgresql", secret="shop/reader", table="public.orders", watermark="updated_at")
    >>> source.schedule, source.lag_seconds
    ('rate(1 hour)', 60)
    """

    engine: Literal["postgresql", "mysql"] = Field(
        description="What kind of database; Aurora and MariaDB count as what they are compatible with."
    )
    secret: Secret = Field(
        description="Name or ARN of a secret in Secrets Manager, with the keys host, port, username, password and dbname."
    )
    secret_key_arn: KeyArn | None = Field(
        None, description="ARN of the KMS key of the secret, where it is not Secrets Manager's own."
    )
    table: Table | None = Field(None, description="Table or view to import, with its schema if it has one.")
    query: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] | None = Field(
        None, description="A SELECT to import instead of a table."
    )
    watermark: Column | None = Field(
        None,
        description="Column that only grows, a timestamp or a number: only rows beyond the last import are read. Without "
        "it all rows are read each time, and `id` must be named.",
    )
    lag_seconds: int = Field(
        60,
        ge=0,
        le=86_400,
        description="How long transactions may take to commit, in seconds: rows are read so long after it was seen which "
        "are the newest.",
    )
    schedule: Schedule = Field(
        "rate(1 hour)",
        description="EventBridge Scheduler's rate(...) or cron(...), at most once a minute, in UTC.",
    )
    rows_per_file: int = Field(
        100_000,
        ge=1_000,
        le=1_000_000,
        description="Rows of one file under incoming/; a file ends where the watermark changes.",
    )
    tls: Literal["verify", "encrypt", "off"] = Field(
        "verify",
        description="Encrypted, with the server's certificate verified or not, or not encrypted at all.",
    )
    ca_certificates: str | None = Field(
        None,
        description="Authorities, in PEM, that the server's certificate is verified with, instead of the public ones; RDS "
        "has its own.",
    )
    vpc: DatabaseNetwork | None = Field(None, description="Where to read from; left out, from the internet.")

    @property
    def source(self) -> str:
        """What is imported, as people call it.

        Examples
        --------
        >>> Database(engine="mysql", secret="s", query="SELECT 1", watermark="a").source
        'query'
        """
        return self.table or "query"

    @field_validator("ca_certificates")
    @classmethod
    def _are_certificates(cls, text: str | None) -> str | None:
        try:
            if text is not None:
                ssl.create_default_context(cadata=text)
        except (ssl.SSLError, TypeError):  # TypeError: the text is not ASCII
            raise ValueError("is no PEM text of certificates (-----BEGIN CERTIFICATE----- …)") from None
        return text

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.table is None) == (self.query is None):
            raise ValueError("name either `table` or `query`")
        if self.ca_certificates and self.tls != "verify":
            raise ValueError("`ca_certificates` are for `tls: verify`")
        return self
