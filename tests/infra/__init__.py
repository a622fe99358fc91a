import infra  # noqa: F401 - before any test imports aws_cdk, which starts Node
