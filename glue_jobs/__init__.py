"""Spark jobs on AWS Glue: what is too large for a function, done by the same functions on many machines."""
