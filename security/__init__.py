"""Proves what the stacks claim: nothing that a checker finds, and no permission that nobody needs."""
