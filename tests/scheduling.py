"""Which worker runs what, and when, where tests run side by side."""

import re

from xdist.scheduler import LoadFileScheduling

LONGEST_FIRST = tuple(
    re.compile(f"tests/{path}")
    for path in (
        "e2e/test_readme_by_hand",
        "e2e/local_cloud/",
        "infra/test_(alarm|dashboard|every_stack|hardening|monitoring_stack|permissions)",
        "e2e/test_releases",
        "infra/",
        "e2e/test_(batch_predictions|database_import|private_network)",
        "unit/sagemaker_jobs/learners/test_torch",
        "e2e/test_batches",
        "e2e/test_streams",
        "e2e/test_large_data",
        "unit/sagemaker_jobs/learners/test_keras",
        "unit/local_cloud/sagemaker/test_tuning",
    )
)
"""What begins first, so that the workers end at about the same time: what takes longest.

The tests of one line are run by one worker: they are of one file, or of files that share what is made once a session,
such as a local cloud or the stacks of a pipeline.
"""


def line_of(nodeid):
    """Return the number of the line of `LONGEST_FIRST` that a test is in; one more than the last if it is in none."""
    return next((n for n, line in enumerate(LONGEST_FIRST) if line.match(nodeid)), len(LONGEST_FIRST))


class Scheduling(LoadFileScheduling):
    """Deals out files, as ``--dist loadfile`` does, but the files of a line of `LONGEST_FIRST` to one worker."""

    def _split_scope(self, nodeid):
        line = line_of(nodeid)
        return super()._split_scope(nodeid) if line == len(LONGEST_FIRST) else LONGEST_FIRST[line].pattern
