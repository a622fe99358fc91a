"""Writes docs/reason-codes.md from the code, so that no code is without its meaning."""

from __future__ import annotations

from collections.abc import Iterable

from headrace.ml.files.refusal import FileReason
from headrace.ml.rejections import Reason

_HEAD = """\
# Reason codes

Whatever is refused lies in quarantine with a code. Codes are for machines and do not change their meaning; they are in
`rejected.csv`, in `reason.json`, in the ledger and in the metrics. This page is made from the code
(`headrace schema --reasons`).

## Rows

Other rows of the file are accepted.

| code | the row, or its cell in the column that is named, … |
|---|---|
"""

_FILES = """
## Files

The file is in quarantine whole. A code that begins with `contract` means that its maker has changed something: it counts in
the metric `ContractBreaches`, and [the contract](contract.md) says which changes can be allowed.

| code | the file … |
|---|---|
"""


def reasons_text() -> str:
    """Return the page."""
    return _HEAD + _rows(Reason) + _FILES + _rows(FileReason)


def _rows(reasons: Iterable[Reason | FileReason]) -> str:
    return "".join(f"| `{reason}` | {reason.text} |\n" for reason in reasons)
