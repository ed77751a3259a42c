"""The findings that are sent, made of the tests' fixtures, and who of them is owed to Slack."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from stage import SOURCE

FIXTURES = Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "findings"
DETAIL_TYPE = "GuardDuty Finding"
# The worker's default threshold: medium and above.
LEVELS = {"informational": (0.0, False), "low": (2.0, False), "medium": (5.0, True), "high": (8.0, True), "critical": (9.5, True)}
FORWARDED, DIRECT = "default", "hansho"


@dataclass
class Night:
    """What is sent, and what has to come of it."""

    events: list[tuple[str, dict]] = field(default_factory=list)
    owed: dict[str, str] = field(default_factory=dict)
    not_owed: dict[str, str] = field(default_factory=dict)
    malformed: str = ""
    # How many copies each lane gets in all.
    express: int = 0
    standard: int = 0


def detail(identity: str, severity: float) -> dict:
    fixture = "guardduty-attack-sequence" if severity >= 9 else "guardduty-instance"
    event = json.loads((FIXTURES / f"{fixture}.json").read_text())["detail"]
    event["arn"] = event["arn"].replace(event["id"], identity)
    event["id"], event["severity"] = identity, severity
    return event


def night(number: int, own: str = SOURCE) -> Night:
    """A finding of each level over the forwarder, one straight on the bus, its repetition, one that can't be read, and two of a
    foreign source, one before each of the rules. Another number gives other ids. `own` is the source that the rules take."""
    made = Night()

    def identity(what: int) -> str:
        return f"{number:04x}{what:04x}".ljust(32, "0")

    def send(bus: str, body: dict, source: str = own, kind: str = DETAIL_TYPE) -> None:
        made.events.append((bus, {"Source": source, "DetailType": kind, "Detail": json.dumps(body), "EventBusName": bus}))
        if source == own and (bus == DIRECT or kind == DETAIL_TYPE):
            made.standard += 1
            made.express += isinstance(body.get("severity"), float) and body["severity"] >= 7 and kind == DETAIL_TYPE

    for what, (level, (severity, owed)) in enumerate(LEVELS.items(), start=1):
        (made.owed if owed else made.not_owed)[identity(what)] = level
        send(FORWARDED, detail(identity(what), severity))
    again = identity(6)
    made.owed[again] = "high, sent twice"
    for count in (3, 4):
        body = detail(again, 8.0)
        body["service"]["count"] = count
        send(DIRECT, body)
    made.malformed = identity(7)
    nameless = detail(made.malformed, 5.0)
    # The title stays, so that the message can be found.
    nameless["title"] = f"nameless {made.malformed}"
    del nameless["id"], nameless["arn"]
    made.not_owed[made.malformed] = "malformed"
    send(FORWARDED, nameless)
    for what, bus in ((8, FORWARDED), (9, DIRECT)):
        made.not_owed[identity(what)] = f"foreign source, on the bus {bus}"
        send(bus, detail(identity(what), 9.0), source="test.foreign")
    # The forwarder takes findings alone: what else its source publishes stays in its region.
    made.not_owed[identity(10)] = "no finding, on the bus default"
    send(FORWARDED, detail(identity(10), 9.0), kind="GuardDuty Malware Protection Object Scan Result")
    return made
