"""The steps that a pipeline file can name, one module each."""
