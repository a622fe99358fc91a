"""The script that AWS Glue starts: makes the snapshot whose order lies in a folder."""

import sys

if __name__ == "__main__":
    # Glue has them, and nothing else that reads this file does.
    from awsglue.utils import getResolvedOptions
    from pyspark import SparkContext

    from glue_jobs.snapshot_data.job import snapshot_large_data
    from headrace.ml.privacy.redaction import redact_errors

    redact_errors(snapshot_large_data)(
        SparkContext.getOrCreate(), getResolvedOptions(sys.argv, ["folder"])["folder"]
    )
