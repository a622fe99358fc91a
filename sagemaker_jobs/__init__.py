"""What runs in SageMaker's containers: training, evaluation, serving. Files in, files out; nothing here knows AWS."""
