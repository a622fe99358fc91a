"""Repair: a range of bytes can be read of one version of an object, too, and not only of the newest."""

from __future__ import annotations

from typing import Any

from ministack.services import s3

from local_cloud.adapters.patching import replace, require
from local_cloud.settings import Settings

_OK, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416


def install(settings: Settings) -> None:
    """Cut the range out of what the emulator answers with a whole version."""
    require(s3, "_parse_range", "range_header total")
    replace(s3, "_get_object", "bucket_name key headers query_params", _cutting)


def _cutting(original: Any) -> Any:
    def get_object(
        bucket_name: str, key: str, headers: dict[str, str], query_params: dict[str, Any] | None = None
    ) -> Any:
        answer = original(bucket_name, key, headers, query_params)
        status, found, body = answer
        asked = headers.get("range", "")
        if status != _OK or not asked or not s3._qp(query_params or {}, "versionId", ""):
            return answer
        place = s3._parse_range(asked, len(body))
        if place is None:
            about = {"Content-Type": "application/xml", "Content-Range": f"bytes */{len(body)}"}
            return _NOT_SATISFIABLE, about, s3._xml_body(s3._range_error_xml(bucket_name, key))
        start, end = place
        part = body[start : end + 1]
        # Checksums are of the whole object, and S3 leaves them out of a part of it.
        kept = {
            name: value for name, value in found.items() if not name.lower().startswith("x-amz-checksum-")
        }
        content = {"Content-Length": str(len(part)), "Content-Range": f"bytes {start}-{end}/{len(body)}"}
        return _PARTIAL, {**kept, **content}, part

    return get_object
