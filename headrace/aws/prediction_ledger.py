"""What the ledger knows of files that are to be answered: one item for each, and the queue of those that are not yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from boto3.dynamodb.conditions import Attr, Key

from headrace.aws.conditional_put import put_if
from headrace.aws.dropped_files import DroppedFile
from headrace.aws.queried_items import query_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.service_resource import Table

_FILE, _QUEUE = "prediction", "prediction_queue"

State = Literal["waiting", "predicted", "refused", "failed"]


@dataclass(frozen=True)
class Prediction:
    """What became of one version of one file under ``batch/``.

    Parameters
    ----------
    key, version_id : str
        Which file.
    dropped_at, began_at, ended_at : str
        ISO 8601, UTC; the last is empty until it has ended.
    execution : str
        ARN of the execution that answers it.
    state : {"waiting", "predicted", "refused", "failed"}
        ``waiting`` until it has ended.
    rows, refused_rows : int
        Rows that were answered, and rows that could not be.
    variant : str
        The model version that answered.
    result : str
        Folder of the predictions.
    why : str
        Why it was refused or failed, for people.
    """

    key: str
    version_id: str
    dropped_at: str
    began_at: str
    execution: str
    state: State = "waiting"
    rows: int = 0
    refused_rows: int = 0
    variant: str = ""
    result: str = ""
    why: str = ""
    ended_at: str = ""

    @classmethod
    def begun(cls, file: DroppedFile, execution: str, now: str) -> Prediction:
        """Return what is known when an execution begins."""
        return cls(file.key, file.version_id, file.dropped_at, now, execution)

    @property
    def is_over(self) -> bool:
        """Whether nothing more will become of it by itself."""
        return self.state != "waiting"

    @property
    def _digest(self) -> str:
        return DroppedFile("", self.key, self.version_id, 0, "").digest

    @property
    def _order(self) -> str:
        return f"{self.dropped_at}#{self._digest}"


class PredictionLedger:
    """The items of the ledger table about files to be answered, in the order in which they were dropped."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, file: DroppedFile) -> Prediction | None:
        """Return what is known of a version of a file."""
        key = {"pk": _FILE, "sk": file.digest}
        return _prediction(self._table.get_item(Key=key, ConsistentRead=True).get("Item"))

    def known(self) -> set[tuple[str, str]]:
        """Return keys and versions of all files that are known."""
        condition = Key("pk").eq(_FILE)
        items = query_items(self._table, KeyConditionExpression=condition, ConsistentRead=True)
        return {(str(item["key"]), str(item["version_id"])) for item in items}

    def begin(self, prediction: Prediction, *, instead_of: str | None = None) -> bool:
        """Put a file into the queue for one execution, and tell whether it is its.

        It is not if the file was answered or refused, or another execution is at it; but for the execution `instead_of`,
        which has ended and could not say so. A file that has failed may come again.
        """
        free = (
            Attr("pk").not_exists() | Attr("state").eq("failed") | Attr("execution").eq(prediction.execution)
        )
        if instead_of is not None:
            free |= Attr("execution").eq(instead_of)
        item = {"pk": _FILE, "sk": prediction._digest, **asdict(prediction)}
        if not put_if(self._table, item, free):
            return False
        self._table.put_item(Item={"pk": _QUEUE, "sk": prediction._order, **asdict(prediction)})
        return True

    def waiting(self) -> list[Prediction]:
        """Return the files that have not ended, in the order in which they were dropped."""
        condition = Key("pk").eq(_QUEUE)
        items = query_items(self._table, KeyConditionExpression=condition, ConsistentRead=True)
        return [found for item in items if (found := _prediction(item))]

    def end(self, prediction: Prediction, **changes: Any) -> Prediction:
        """Write down how a file has ended, and let the next have its turn."""
        ended = replace(prediction, **changes)
        self._table.put_item(Item={"pk": _FILE, "sk": ended._digest, **asdict(ended)})
        self._table.delete_item(Key={"pk": _QUEUE, "sk": ended._order})
        return ended


def _prediction(item: Mapping[str, Any] | None) -> Prediction | None:
    if item is None:
        return None
    values: dict[str, Any] = {name: item[name] for name in Prediction.__dataclass_fields__ if name in item}
    return Prediction(**{**values, **{name: int(values[name]) for name in ("rows", "refused_rows")}})
