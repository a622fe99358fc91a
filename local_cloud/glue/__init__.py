"""Runs AWS Glue's Spark jobs for real: the job's script in a PySpark session of this machine."""
