"""Evidence that is made where a model is trained: it needs the training rows, or further fits."""
