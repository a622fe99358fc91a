"""The pipeline file: its models, its limits, how it is read."""
