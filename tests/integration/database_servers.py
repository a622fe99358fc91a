"""Real database servers for tests: on the loopback, of an unprivileged user, in a folder that is deleted with them."""

import contextlib
import datetime
import ipaddress
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pg8000
import pymysql
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER, PASSWORD = "reader", "Tr0ub4dor&3"
ADMIN = "admin"
_START_S = 60


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    engine: str
    port: int
    certificate: str

    def secret(self, **changes):
        """What the user's secret says about it."""
        return {
            "engine": "postgres" if self.engine == "postgresql" else "mysql",
            "host": "127.0.0.1",
            "port": self.port,
            "username": USER,
            "password": PASSWORD,
            "dbname": "shop",
            **changes,
        }

    def run(self, *statements):
        """Execute statements as the administrator, in one transaction."""
        with contextlib.closing(self.connect()) as connection:
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)
            connection.commit()

    def connect(self, user=ADMIN, password=PASSWORD, database="shop"):
        """Open a connection of the administrator, or of another user."""
        known = {"user": user, "password": password, "host": "127.0.0.1", "port": self.port}
        if self.engine == "postgresql":
            return pg8000.connect(**known, database=database, ssl_context=False)
        return pymysql.connect(**known, database=database, ssl_disabled=True)


@contextlib.contextmanager
def postgresql():
    """Run a PostgreSQL with the database `shop` and a user who may only read it."""
    programs = _programs("initdb", *sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True))
    with _folder() as folder:
        password_file = folder / "password"
        password_file.write_text(PASSWORD)
        certificate = _certificate(folder)
        _own(folder)
        initdb = ["-D", folder / "data", "-U", ADMIN, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C"]
        _run([programs / "initdb", *initdb, f"--pwfile={password_file}", "--no-sync"])
        port = _free_port()
        settings = {
            "port": port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "fsync": "off",
            "ssl": "on",
            "ssl_cert_file": folder / "server.crt",
            "ssl_key_file": folder / "server.key",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        server = Server("postgresql", port, certificate)
        with _serving([programs / "postgres", "-D", folder / "data", *options], server, "postgres"):
            with contextlib.closing(server.connect(database="postgres")) as connection:
                connection.autocommit = True
                cursor = connection.cursor()
                cursor.execute("CREATE DATABASE shop")
                cursor.execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
            server.run(
                f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {USER}",
                f"GRANT USAGE ON SCHEMA public TO {USER}",
            )
            yield server


@contextlib.contextmanager
def mysql():
    """Run a MariaDB with the database `shop` and a user who may only read it."""
    programs = _programs("mariadbd", Path("/usr/sbin"))
    with _folder() as folder:
        certificate = _certificate(folder)
        start = folder / "start.sql"
        statements = (  # one a line
            "CREATE DATABASE shop CHARACTER SET utf8mb4",
            f"CREATE USER {ADMIN}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
            f"GRANT ALL ON *.* TO {ADMIN}@'127.0.0.1'",
            f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'",
            f"GRANT SELECT ON shop.* TO {USER}@'127.0.0.1'",
        )
        start.write_text("".join(f"{statement};\n" for statement in statements))
        _own(folder)
        data = f"--datadir={folder / 'data'}"
        _run(["mariadb-install-db", "--no-defaults", data, "--skip-test-db"])
        port = _free_port()
        options = [
            "--no-defaults",
            data,
            f"--port={port}",
            "--bind-address=127.0.0.1",
            f"--socket={folder / 'socket'}",
            f"--pid-file={folder / 'pid'}",
            f"--init-file={start}",
            f"--ssl-cert={folder / 'server.crt'}",
            f"--ssl-key={folder / 'server.key'}",
            "--skip-name-resolve",
            "--innodb-flush-log-at-trx-commit=0",
        ]
        server = Server("mysql", port, certificate)
        with _serving([programs / "mariadbd", *options], server, "shop"):
            yield server


def _programs(program, *folders):
    """Return where a server's programs are; without them the test is skipped, but never in CI."""
    on_the_path = shutil.which(program)
    for folder in (*folders, *([Path(on_the_path).parent] if on_the_path else [])):
        if (folder / program).exists():
            return folder
    give_up = pytest.fail if os.environ.get("CI") else pytest.skip
    return give_up(f"{program} is not installed: apt-get install postgresql mariadb-server")


def _unprivileged():
    """Return who runs the server: neither of them runs as root."""
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid} if os.geteuid() == 0 else {}


@contextlib.contextmanager
def _folder():
    folder = Path(tempfile.mkdtemp(prefix="database-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _own(folder):
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, "nobody", pwd.getpwnam("nobody").pw_gid)


def _run(command):
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, cwd="/", **_unprivileged()
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextlib.contextmanager
def _serving(command, server, database):
    with tempfile.NamedTemporaryFile() as log:
        process = subprocess.Popen([*map(str, command)], stdout=log, stderr=log, cwd="/", **_unprivileged())
        try:
            _wait_for(server, database, process, Path(log.name))
            yield
        finally:
            # PostgreSQL ends at SIGINT without waiting for clients; MariaDB takes SIGTERM for it.
            process.send_signal(signal.SIGINT if server.engine == "postgresql" else signal.SIGTERM)
            process.wait(30)


def _wait_for(server, database, process, log):
    deadline = time.monotonic() + _START_S
    while True:
        try:
            server.connect(database=database).close()
            return
        except (pg8000.Error, pymysql.Error, OSError):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)


def _certificate(folder):
    """Make a certificate for the loopback that vouches for itself, and return it in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (folder / "server.crt").write_bytes(pem)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.key").write_bytes(secret)
    (folder / "server.key").chmod(0o600)
    return pem.decode()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
