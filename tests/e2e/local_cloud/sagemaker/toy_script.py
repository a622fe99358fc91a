"""A script for AWS's scikit-learn container: the model is what the training was given, and is put before every request."""

import json
import os
import sys
from pathlib import Path

from greeting import GREETING


def model_fn(model_dir):
    return json.loads((Path(model_dir) / "model.json").read_text())


def input_fn(body, content_type):
    return {"asked": body if isinstance(body, str) else list(body), "content_type": content_type}


def predict_fn(data, model):
    return {**data, "arguments": model["arguments"]}


def output_fn(prediction, accept):
    return json.dumps(prediction), accept


if __name__ == "__main__":
    if "--fail" in sys.argv:
        sys.exit("the script has failed")
    report = {
        "arguments": sys.argv[1:],
        "environment": dict(os.environ),
        "greeting": GREETING,
        "files": sorted(path.name for path in Path().iterdir()),
    }
    (Path(os.environ["SM_MODEL_DIR"]) / "model.json").write_text(json.dumps(report))
    print("trained", flush=True)
