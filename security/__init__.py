"""Proves what the stacks claim: nothing that a checker finds, and no permission that nobody needs."""

import infra  # noqa: F401 - says which Node runs, before anything here imports the CDK
