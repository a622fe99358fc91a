"""Whether a model is what was judged: archives that are read safely, and manifests that are signed."""
