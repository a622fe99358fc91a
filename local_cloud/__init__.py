"""AWS on this machine: MiniStack, with Lambda and SageMaker that really run."""
