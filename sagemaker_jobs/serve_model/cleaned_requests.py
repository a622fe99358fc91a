"""Reads a request and cleans its cells as the rows of the training were."""

from __future__ import annotations

from headrace.ml.request_cleaning import RequestCleaning
from sagemaker_jobs.serve_model.requests import Cells, RequestError, read_cells


def read_cleaned(body: bytes, content_type: str, cleaning: RequestCleaning) -> tuple[Cells, Cells]:
    """Return the cells of a request as they came, and as the model reads them.

    A request that has the columns which steps make, instead of those that they are made of, was cleaned by its sender.

    Raises
    ------
    ContentTypeError, RequestError
        As `read_cells` does.
    CleaningStepError
        If a step fails.
    """
    if not cleaning.steps:
        cells = read_cells(body, content_type, cleaning.schema)
        return cells, cells
    try:
        cells = read_cells(body, content_type, cleaning.wanted)
    except RequestError as error:
        try:
            cells = read_cells(body, content_type, cleaning.schema)
        except RequestError:
            raise error from None
        return cells, cells
    return cells, cleaning.cleaned(cells)
