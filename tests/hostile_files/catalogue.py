"""All hostile files by their names."""

from tests.hostile_files.archives import COMPRESSED, CORPORA, ZIP
from tests.hostile_files.columnar import AVRO, ORC, PARQUET
from tests.hostile_files.texts import CSV, JSON
from tests.hostile_files.workbooks import WORKBOOKS

KINDS = {
    "csv": CSV,
    "json": JSON,
    "compressed": COMPRESSED,
    "zip": ZIP,
    "corpus": CORPORA,
    "workbook": WORKBOOKS,
    "parquet": PARQUET,
    "avro": AVRO,
    "orc": ORC,
}
FAULTS = {f"{kind}: {name}": fault for kind, faults in KINDS.items() for name, fault in faults.items()}
