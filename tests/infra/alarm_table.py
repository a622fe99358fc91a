"""The table of all alarms in docs/alarms.md, as the templates have them.

``python -m tests.infra.alarm_table`` writes it anew.
"""

import re
import tempfile
from pathlib import Path

from tests.infra.every_stack import CONTEXTS, PIPELINES, Synthesised
from tests.infra.test_alarms import EVERY_SWITCH, Pages, short
from tests.infra.test_monitoring_stack import synthesised

DOCUMENT = Path(__file__).parents[2] / "docs" / "alarms.md"
STRICT = "`compliance: strict`"
_BEGIN, _END = "<!-- alarms -->\n", "<!-- /alarms -->\n"
_DESCRIPTION = re.compile(r"Headrace [\w-]+: (?P<says>.*)\. Look: (?P<look>.*)\. Next: (?P<then>.*)\.")


def rows_of_monitoring():
    """Return name -> line of the table, of the stack that every pipeline has, with every switch on."""
    pages = Pages(EVERY_SWITCH)
    told_by = {member: name for name in pages.composites for member in pages.members(name)}
    alarms = synthesised(EVERY_SWITCH).find_resources("AWS::CloudWatch::Alarm")
    return {
        short(name): _row(short(name), told_by.get(short(name), "itself"), alarm["Properties"])
        for name, alarm in alarms.items()
    }


def rows_of_others(everything):
    """Return name -> line of the table, of the stacks of optional blocks, whose alarms tell by themselves."""
    return {
        short(name): _row(short(name), f"itself, `{kind}`", resource["Properties"])
        for kind, name, resource in everything.resources()
        if resource["Type"] == "AWS::CloudWatch::Alarm" and kind != "monitoring"
    }


def rows_of_strictness(hardened):
    """Return the lines of alarms that each stack has by ``compliance: strict``, which are alike."""
    return sorted(
        {
            _row(short(name), f"itself, {STRICT}", resource["Properties"])
            for _, name, resource in hardened.resources()
            if resource["Type"] == "AWS::CloudWatch::Alarm" and short(name).startswith("Undelivered")
        }
    )


def documented():
    """Return the lines of the table as the document has them."""
    return DOCUMENT.read_text().partition(_BEGIN)[2].partition(_END)[0].splitlines()[2:]


def _row(name, told_by, alarm):
    found = _DESCRIPTION.fullmatch(alarm["AlarmDescription"])
    cells = [f"`{name}`", told_by, found["says"], found["look"], found["then"]]
    line = f"| {' | '.join(cells)} |"
    return re.sub(r"(quarantine list) (bike|price)", r"\1 <pipeline>", line)


def _write():
    with tempfile.TemporaryDirectory() as folder:
        everything = Synthesised(PIPELINES["everything"], Path(folder))
        rows = [*rows_of_monitoring().values(), *rows_of_others(everything).values()]
    with tempfile.TemporaryDirectory() as folder:
        rows += rows_of_strictness(Synthesised(PIPELINES["hardened"], Path(folder), **CONTEXTS["hardened"]))
    head = "| alarm | page | what happened | where to look | what is next |\n|---|---|---|---|---|\n"
    before, _, rest = DOCUMENT.read_text().partition(_BEGIN)
    after = rest.partition(_END)[2]
    table = head + "".join(f"{row}\n" for row in rows)
    DOCUMENT.write_text(f"{before}{_BEGIN}{table}{_END}{after}")


if __name__ == "__main__":
    _write()
