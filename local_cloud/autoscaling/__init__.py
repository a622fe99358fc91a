"""Application Auto Scaling of SageMaker's variants: targets, policies, and what they decide."""
