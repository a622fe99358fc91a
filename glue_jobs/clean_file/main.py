"""The script that AWS Glue starts: cleans the file whose order lies in a folder."""

import sys

if __name__ == "__main__":
    # Glue has them, and nothing else that reads this file does.
    from awsglue.utils import getResolvedOptions
    from pyspark import SparkContext

    from glue_jobs.clean_file.job import clean_large_file
    from headrace.ml.privacy.redaction import redact_errors

    redact_errors(clean_large_file)(
        SparkContext.getOrCreate(), getResolvedOptions(sys.argv, ["folder"])["folder"]
    )
