"""How much of a text is written in capitals."""

import numpy as np

from sagemaker_jobs.features.registry import feature_step


@feature_step("shouting")
def shouting(columns):
    """Return the share of capitals."""
    texts = ["" if text is None else text for text in columns["text"]]
    return np.array([sum(map(str.isupper, text)) / max(1, len(text)) for text in texts])
