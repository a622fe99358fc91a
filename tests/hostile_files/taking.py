"""Takes in one file in a process of its own, and says what that cost."""

import json
import re
import sys
import time
from pathlib import Path

from tests.hostile_files.faults import Fault, verdict_on

PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)

if __name__ == "__main__":
    fault = Fault(bytes, "", **json.loads(sys.argv[2]))
    started = time.perf_counter()
    verdict = verdict_on(Path(sys.argv[1]), fault)
    seconds = time.perf_counter() - started
    # Not `getrusage`, which counts the memory of the process that started this one.
    peak_mb = int(PEAK.search(Path("/proc/self/status").read_text())[1]) / 1024
    print(json.dumps({"verdict": verdict, "seconds": seconds, "peak_mb": peak_mb}))
