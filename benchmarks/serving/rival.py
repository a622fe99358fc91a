"""The rival: a scikit-learn pipeline behind FastAPI and uvicorn, as tutorials show it."""

from __future__ import annotations

import io
import os
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI, Request, Response

from benchmarks.serving.problem import CATEGORIES, FEATURES

app = FastAPI()
_MODEL: Any = joblib.load(os.environ["RIVAL_MODEL"])


@app.get("/ping")
async def ping() -> dict[str, str]:
    """Say that the model is loaded."""
    return {}


@app.post("/invocations", response_model=None)
async def invocations(request: Request) -> Response | dict[str, Any]:
    """Answer rows with the probability of each class."""
    if request.headers["content-type"] == "text/csv":
        body = io.BytesIO(await request.body())
        # A column without a value would be read as numbers, which the encoder refuses.
        frame = pd.read_csv(body, header=None, names=list(FEATURES), dtype=dict.fromkeys(CATEGORIES, object))
        values = _MODEL.predict_proba(frame)[:, 1]
        return Response("".join(f"{value}\n" for value in values.tolist()), media_type="text/csv")
    frame = pd.DataFrame((await request.json())["instances"], columns=list(FEATURES))
    return {"predictions": _MODEL.predict_proba(frame).tolist()}
