"""The command lines of the README, as a reader would type them."""

import re
from pathlib import Path

REPO = Path(__file__).parents[2]


def blocks_under(heading):
    """Return the ```bash blocks of one section of the README, in their order."""
    text = (REPO / "README.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
