"""What a hostile file is, and what must become of it."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from headrace.ml.clean_file import clean_file
from headrace.ml.contract import ContractError, Fields, infer_contract
from headrace.ml.files.options import Corpus, ReadOptions
from headrace.ml.files.refusal import FileRefusedError
from headrace.ml.files.small import head_of, read_bytes
from headrace.ml.files.table_file import open_table

NAMES = ("id", "temp", "city", "cnt")
ROWS = [(f"{n:03}", f"{n}.5", "Bern" if n % 2 else "Zürich", str(n)) for n in range(1, 11)]


def csv(rows=ROWS, names=NAMES, delimiter=",", newline="\n"):
    return newline.join(delimiter.join(row) for row in [names, *rows]) + newline


@dataclass(frozen=True)
class Fault:
    """A hostile file.

    `verdict` is ``refused: <reason>`` or ``<good rows> rows`` with the refused rows' reasons behind it. `slow` files are
    made of many megabytes; they are for the measured campaign, not for the unit tests. `first` files come before there is
    a contract.
    """

    make: Callable[[], bytes]
    verdict: str
    slow: bool = False
    first: bool = False
    corpus: str | None = None
    key: str = "incoming/data"


TABLE = Fields("regression", "cnt", id="id")
CORPORA = {
    kind: (
        Corpus("label", "content", kind, "id"),
        Fields("multiclass", "label", id="id", columns={"content": kind}),
    )
    for kind in ("text", "image")
}


def verdict_on(path, fault):
    """Take a file in as far as files go: open, infer, clean; and say what became of it."""
    options, fields, contract = ReadOptions(key=fault.key), TABLE, None
    if fault.corpus:
        corpus, fields = CORPORA[fault.corpus]
        options = replace(options, corpus=corpus)
    elif not fault.first:
        contract = infer_contract(read_bytes(csv().encode()), TABLE)
        options = replace(options, columns=NAMES, expected=frozenset(NAMES))
    with tempfile.TemporaryDirectory() as scratch:
        try:
            table = open_table(path, Path(scratch), options)
            head = head_of(table, rows=1 if contract else 100_000)
            if not head.rows:
                return "refused: no_rows"
            cleaned = clean_file(table, contract or infer_contract(head, fields), Path(scratch))
        except FileRefusedError as refusal:
            return f"refused: {refusal.reason}"
        except ContractError:
            return "refused: contract"
    refused = sorted((str(reason), count) for reason, count in cleaned.summary.by_reason().items())
    return ", ".join([f"{cleaned.rows} rows", *(f"{count} {reason}" for reason, count in refused)])
