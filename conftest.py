"""What is looked at to find examples in the code."""


def pytest_ignore_collect(collection_path):
    """Import no module for its examples that has none: PyTorch and TensorFlow alone take seconds in every worker."""
    if collection_path.suffix != ".py" or collection_path.name.startswith(("test_", "conftest")):
        return None
    return ">>>" not in collection_path.read_text(encoding="utf-8") or None
