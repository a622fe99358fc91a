"""Repair: distributed maps batch their items, write their results to S3, and speak JSONata."""

from __future__ import annotations

import copy
import json
from typing import Any

from ministack.services import s3, stepfunctions

from local_cloud.adapters.patching import replace, require
from local_cloud.repairs.state_machine_limits import too_large
from local_cloud.repairs.state_machine_paths import resolve_template
from local_cloud.settings import Settings

_OK = 200
# What the emulator's own map would apply; the rest of the state's fields it is given.
_APPLIED_HERE = (
    "ItemReader",
    "ItemSelector",
    "Parameters",
    "ItemBatcher",
    "ResultWriter",
    "ResultSelector",
    "ResultPath",
    "OutputPath",
    "Items",
    "Output",
    "Assign",
)
_COMPUTED = ("MaxConcurrency", "ToleratedFailurePercentage", "ToleratedFailureCount")
_CHILD_FIELDS = {
    "ExecutionArn": "executionArn",
    "Input": "input",
    "InputDetails": "inputDetails",
    "Name": "name",
    "Output": "output",
    "OutputDetails": "outputDetails",
    "StartDate": "startDate",
    "StateMachineArn": "stateMachineArn",
    "Status": "status",
    "StopDate": "stopDate",
    "Error": "error",
    "Cause": "cause",
}


def install(settings: Settings) -> None:
    """Prepare the items before the emulator runs them, and place the results after."""
    require(s3, "_put_object", "bucket_name key body headers")
    require(stepfunctions, "_read_map_items", "reader effective ctx")
    replace(
        stepfunctions,
        "_run_distributed_map",
        "state_def raw_input effective iterator execution ctx",
        _prepared_and_placed,
    )


def _prepared_and_placed(original: Any) -> Any:
    def run_distributed_map(
        state_def: dict[str, Any], raw_input: Any, effective: Any, iterator: Any, execution: Any, ctx: Any
    ) -> Any:
        jsonata = stepfunctions._state_query_language(state_def, ctx) == "JSONata"
        fill = _Fill(jsonata, effective, raw_input)
        items = _batched(
            state_def.get("ItemBatcher"),
            _selected(state_def, _items(state_def, fill, ctx), fill, ctx),
            fill,
            ctx,
        )
        plain = {name: value for name, value in state_def.items() if name not in _APPLIED_HERE}
        plain |= {name: fill(plain[name], ctx) for name in _COMPUTED if name in plain}
        plain["ItemsPath"] = "$"
        results, _ = original(plain, items, items, iterator, execution, ctx)
        if writer := state_def.get("ResultWriter"):
            results = _write_results(writer, fill, execution, ctx)
        return _output(state_def, raw_input, results, ctx, jsonata), stepfunctions._next_or_end(state_def)

    return run_distributed_map


class _Fill:
    """Fills in a template in the state's query language."""

    def __init__(self, jsonata: bool, effective: Any, raw_input: Any) -> None:
        self.jsonata = jsonata
        self.effective = effective
        self._raw_input = raw_input

    def __call__(self, template: Any, ctx: dict[str, Any]) -> Any:
        if self.jsonata:
            return stepfunctions._apply_jsonata_template(template, self._raw_input, ctx)
        return resolve_template(template, self.effective, ctx)


def _items(state_def: dict[str, Any], fill: _Fill, ctx: dict[str, Any]) -> list[Any]:
    if reader := state_def.get("ItemReader"):
        arguments = fill(reader.get("Arguments") or reader.get("Parameters") or {}, ctx)
        read: list[Any] = stepfunctions._read_map_items(
            {**reader, "Parameters": arguments}, fill.effective, ctx
        )
        return read
    if "Items" in state_def:
        items = fill(state_def["Items"], ctx)
    else:
        items = stepfunctions._resolve_path_or_ctx(state_def.get("ItemsPath", "$"), fill.effective, ctx)
    return items if isinstance(items, list) else [items]


def _selected(state_def: dict[str, Any], items: list[Any], fill: _Fill, ctx: dict[str, Any]) -> list[Any]:
    selector = state_def.get("ItemSelector") or state_def.get("Parameters")
    if not selector:
        return items
    return [
        fill(selector, {**copy.deepcopy(ctx), "Map": {"Item": {"Index": i, "Value": item}}})
        for i, item in enumerate(items)
    ]


def _batched(batcher: dict[str, Any] | None, items: list[Any], fill: _Fill, ctx: dict[str, Any]) -> list[Any]:
    """Put items into batches of at most ``MaxItemsPerBatch`` and ``MaxInputBytesPerBatch``."""
    if not batcher:
        return items
    given = fill({name: value for name, value in batcher.items() if name.startswith("Max")}, ctx)
    most_items = int(given.get("MaxItemsPerBatch") or len(items) or 1)
    most_bytes = int(given.get("MaxInputBytesPerBatch") or 0)
    common = {"BatchInput": fill(batcher["BatchInput"], ctx)} if "BatchInput" in batcher else {}
    batches: list[dict[str, Any]] = []
    for item in items:
        if not batches or _is_full(batches[-1], item, most_items, most_bytes):
            batches.append({**common, "Items": []})
        batches[-1]["Items"].append(item)
    return batches


def _is_full(batch: dict[str, Any], item: Any, most_items: int, most_bytes: int) -> bool:
    items = [*batch["Items"], item]
    with_item = {**batch, "Items": items}
    return (
        len(items) > most_items
        or too_large(with_item)
        or bool(most_bytes and len(json.dumps(with_item).encode()) > most_bytes)
    )


# --- results


def _write_results(
    writer: dict[str, Any], fill: _Fill, execution: dict[str, Any], ctx: dict[str, Any]
) -> dict[str, Any]:
    """Write the children's results to S3 with a manifest, and return where."""
    place = fill(writer.get("Arguments") or writer.get("Parameters") or {}, ctx)
    runs = [r for r in stepfunctions._map_runs.values() if r["executionArn"] == execution["executionArn"]]
    run = runs[-1]["mapRunArn"]
    children = [c for c in stepfunctions._executions.values() if c.get("mapRunArn") == run]
    folder = "/".join(part for part in (place.get("Prefix", "").strip("/"), run.rpartition(":")[2]) if part)
    files: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    for status, listed in files.items():
        if told := [_told(child) for child in children if child["status"] == status]:
            key = f"{folder}/{status}_0.json"
            listed.append({"Key": key, "Size": _put(place["Bucket"], key, told)})
    manifest = {"DestinationBucket": place["Bucket"], "MapRunArn": run, "ResultFiles": files}
    _put(place["Bucket"], f"{folder}/manifest.json", manifest)
    return {
        "MapRunArn": run,
        "ResultWriterDetails": {"Bucket": place["Bucket"], "Key": f"{folder}/manifest.json"},
    }


def _told(child: dict[str, Any]) -> dict[str, Any]:
    return {theirs: child[ours] for theirs, ours in _CHILD_FIELDS.items() if child.get(ours) is not None}


def _put(bucket: str, key: str, content: Any) -> int:
    """Write JSON to S3 and return its size in bytes."""
    body = json.dumps(content).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    if s3._put_object(bucket, key, body, headers)[0] != _OK:
        raise stepfunctions._ExecutionError(
            "States.ResultWriterFailed", f"The results could not be written to s3://{bucket}/{key}"
        )
    return len(body)


def _output(
    state_def: dict[str, Any], raw_input: Any, results: Any, ctx: dict[str, Any], jsonata: bool
) -> Any:
    if jsonata:
        output = stepfunctions._apply_jsonata_output(
            state_def, raw_input, ctx, result=results, default=results
        )
        stepfunctions._apply_state_assign(state_def, raw_input, ctx, result=results)
        return output
    selected = stepfunctions._apply_result_selector(state_def, results)
    placed = stepfunctions._apply_result_path(state_def, raw_input, selected)
    return stepfunctions._apply_output_path(state_def, placed, ctx)
