"""The command line."""


def main() -> None:
    """Run the `headrace` command."""
    raise SystemExit("headrace: no commands yet")
