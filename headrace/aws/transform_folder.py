"""What a transform job reads and writes: the folder of one file that is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from headrace.aws.captured_data import list_objects
from headrace.aws.json_folder import JsonFolder

_PREPARED, _REJECTED = "prepared.json", "rejected.csv"
_CHUNK = 2**20


class TransformFolder(JsonFolder):
    """Records below ``input/``, answers below ``output/``, and what is known of the file beside them."""

    def put_records(self, part: int, lines: bytes) -> None:
        """Write a part of the records."""
        self._put(f"input/part-{part:05d}.jsonl", lines)

    def put_prepared(self, document: dict[str, Any], rejected: Path | None) -> None:
        """Write what is known of the file, and the rows that were refused."""
        if rejected:
            self._client.upload_file(str(rejected), self.bucket, f"{self.prefix}{_REJECTED}")
        self._write(_PREPARED, document)

    def prepared(self) -> dict[str, Any]:
        """Return what `put_prepared` wrote."""
        return self._read(_PREPARED)

    def fetch_rejected(self, path: Path) -> None:
        """Write the rows that were refused to `path`."""
        self._client.download_file(self.bucket, f"{self.prefix}{_REJECTED}", str(path))

    def answers(self) -> Iterator[dict[str, Any]]:
        """Yield the records with their answers, part after part."""
        found = list_objects(self._client, self.bucket, f"{self.prefix}output/")
        # The answers' names, not their folders: SageMaker may put them into one that is named after the input's.
        for item in sorted(found, key=lambda item: item.key.rpartition("/")[2]):
            body = self._client.get_object(Bucket=self.bucket, Key=item.key)["Body"]
            for line in body.iter_lines(_CHUNK):
                if line:
                    yield json.loads(line)

    def _put(self, name: str, body: bytes) -> None:
        self._client.put_object(Bucket=self.bucket, Key=f"{self.prefix}{name}", Body=body)
