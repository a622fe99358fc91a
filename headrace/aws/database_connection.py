"""Connects to the user's database with what a secret says, and puts what goes wrong into one line."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pg8000
import pymysql
from botocore.exceptions import ClientError
from pymysql.cursors import SSCursor

from headrace.config.database import Database

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_KEYS = ("host", "port", "username", "password", "dbname")
_CONNECT_S = 10
_EXPLAINED = {
    **dict.fromkeys(("28P01", "28000", 1045), "user or password is wrong: check the secret"),
    **dict.fromkeys(
        ("3D000", 1049, 1044), "the database `dbname` of the secret does not exist, or is not for this user"
    ),
    **dict.fromkeys(
        ("42P01", "3F000", 1146),
        "there is no such table: check `table` or `query`, and grant the user USAGE of its schema",
    ),
    **dict.fromkeys(("42703", 1054), "there is no such column: check `watermark`, `id` and `query`"),
    **dict.fromkeys(("42501", 1142, 1143), "the user may not read it: grant SELECT"),
    **dict.fromkeys(
        ("42601", 1064), "`query` is not valid SQL; write one SELECT, without a semicolon within"
    ),
    1060: "two columns of `query` have the same name",
    **dict.fromkeys(("25006", 1792), "`query` changes data; only a SELECT is run"),
    **dict.fromkeys(("53300", 1040), "the server has no free connection"),
}
"""By SQLSTATE for PostgreSQL and by number for MySQL: what they mean for the pipeline file."""


class DatabaseError(Exception):
    """The database cannot be read; the text says why and what to do, and holds neither a password nor a value."""


@contextlib.contextmanager
def connection(client: SecretsManagerClient, database: Database) -> Iterator[Any]:
    """Open a connection that only reads, in UTC, and close it.

    Raises
    ------
    DatabaseError
        If the secret cannot be read, the server not be reached, or a statement fails.
    """
    secret = read_secret(client, database.secret)
    where = f"{database.engine} at {secret['host']}:{secret['port']}"
    with _explaining(where):
        opened = _connect(database, secret)
        try:
            yield opened
        finally:
            with contextlib.suppress(Exception):
                opened.close()


def read_secret(client: SecretsManagerClient, secret_id: str) -> dict[str, Any]:
    """Return what a secret in the form of RDS says.

    Raises
    ------
    DatabaseError
        If it is not there, may not be read, is no JSON or lacks a key.
    """
    try:
        text = client.get_secret_value(SecretId=secret_id).get("SecretString", "")
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise DatabaseError(
            f"the secret {secret_id} cannot be read ({code}): create it, or name its key in `secret_key_arn`"
        ) from None
    try:
        secret = json.loads(text)
        missing = [key for key in _KEYS if key not in secret]
        port = int(secret.get("port", 0))
    except (ValueError, TypeError, AttributeError):
        raise DatabaseError(
            f"the secret {secret_id} is no JSON object with the keys {', '.join(_KEYS)}"
        ) from None
    if missing:
        raise DatabaseError(f"the secret {secret_id} lacks {', '.join(missing)}")
    return {**secret, "port": port}


def _connect(database: Database, secret: dict[str, Any]) -> Any:
    known = {"host": secret["host"], "port": secret["port"], "user": secret["username"]}
    known |= {"password": secret["password"], "database": secret["dbname"]}
    return (_connect_mysql if database.engine == "mysql" else _connect_postgresql)(known, _tls(database))


def _connect_postgresql(known: dict[str, Any], tls: ssl.SSLContext | None) -> Any:
    # pg8000 has one timeout for connecting and for the slowest statement, so whether it can be reached is asked before.
    socket.create_connection((known["host"], known["port"]), _CONNECT_S).close()
    opened = pg8000.connect(**known, ssl_context=tls or False, application_name="headrace")
    # Proxies refuse such settings when a connection begins, and take them as statements.
    opened.autocommit = True
    opened.run("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")
    opened.run("SET TIME ZONE 'UTC'")
    opened.run("SET DateStyle TO ISO")
    opened.autocommit = False  # a cursor lives in a transaction
    return opened


def _connect_mysql(known: dict[str, Any], tls: ssl.SSLContext | None) -> Any:
    opened = pymysql.connect(
        **known,
        ssl=tls,
        ssl_disabled=tls is None,
        charset="utf8mb4",
        connect_timeout=_CONNECT_S,
        init_command="SET SESSION TRANSACTION READ ONLY",
        autocommit=True,  # each statement sees what is committed by then
        cursorclass=SSCursor,  # rows stay on the server until they are fetched
    )
    with opened.cursor() as cursor:
        cursor.execute("SET SESSION time_zone = '+00:00'")
    return opened


def _tls(database: Database) -> ssl.SSLContext | None:
    if database.tls == "off":
        return None
    context = ssl.create_default_context(cadata=database.ca_certificates)
    if database.tls == "encrypt":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


@contextlib.contextmanager
def _explaining(where: str) -> Iterator[None]:
    """Turn what the drivers raise into one line that repeats nothing of the data."""
    try:
        yield
    except (OSError, pg8000.Error, pymysql.Error) as error:
        # PyMySQL wraps what the network says.
        cause = getattr(error, "original_exception", None) or error
        raise DatabaseError(f"{where} {_explanation(cause)}") from None


def _explanation(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"has a certificate that is not trusted ({error.verify_message})"
        return f"{why}: name its authority in `ca_certificates`"
    if isinstance(error, OSError):
        why = f"cannot be reached ({error.strerror or type(error).__name__})"
        return f"{why}: check host, port, subnets, security groups and `tls`"
    first = error.args[0] if error.args else None
    code = first.get("C") if isinstance(first, dict) else first
    if known := _EXPLAINED.get(code) if isinstance(code, str | int) else None:
        return f"refuses: {known} (code {code})"
    known_code = isinstance(first, dict | int)
    return f"fails with code {code}" if known_code else f"fails with {type(error).__name__}"
