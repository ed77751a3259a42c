"""Which rule takes which event: the patterns are read back from the service that has them, and held against real findings of every
source. The expectation is worked out here, from what the finding says of itself."""

import json

from findings import FIXTURES

# By their names, as the sources publish other events too.
FINDINGS = {
    "GuardDuty Finding", "Security Hub Findings - Imported", "Findings Imported V2", "Inspector2 Finding", "Macie Finding",
    "GuardDuty Malware Protection Object Scan Result", "GuardDuty Runtime Protection Unhealthy",
    "Security Hub Findings - Custom Action", "Security Hub Insight Results", "Access Analyzer Finding", "Unused Access Finding for IAM entities", "Internal Access Finding",
}
SOURCES = {"aws.guardduty", "aws.securityhub", "aws.inspector2", "aws.macie", "aws.access-analyzer"}


def is_number(value) -> bool:
    """EventBridge compares JSON's numbers alone. A severity that is text goes by the standard lane."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def wanted(event: dict) -> set[str]:
    source, detail = event.get("source"), event.get("detail", {})
    # The bus's rule and the forwarder's admit the same types.
    if source not in SOURCES or event["detail-type"] not in FINDINGS:
        return set()
    taken = {"hansho-standard"}
    if event["detail-type"] in ("Security Hub Findings - Custom Action", "Security Hub Insight Results"):
        return taken | {"hansho-express-custom-action"}
    if detail.get("scanResultDetails", {}).get("scanResultStatus") == "THREATS_FOUND":
        return taken | {"hansho-express-malware"}
    urgent = {
        "aws.guardduty": lambda: event["detail-type"] == "GuardDuty Finding" and is_number(detail.get("severity")) and detail["severity"] >= 7,
        "aws.securityhub": lambda: "Severity" in (first := (detail.get("findings") or [{}])[0]) and first["Severity"].get("Label") in ("HIGH", "CRITICAL"),
        "aws.inspector2": lambda: detail.get("severity") in ("HIGH", "CRITICAL"),
        "aws.macie": lambda: detail["severity"].get("description") in ("High", "Critical"),
        "aws.access-analyzer": lambda: False,
    }[source]
    if urgent():
        taken.add("hansho-express-" + {"aws.inspector2": "inspector"}.get(source, source.removeprefix("aws.")))
    return taken


def check(aws, forwarder_pattern: dict | None, into, group: str) -> None:
    """Every fixture that is one event of EventBridge, against every rule of the bus and the forwarder's."""
    rules = {rule["Name"]: rule["EventPattern"] for rule in aws.events.list_rules(EventBusName="hansho")["Rules"]}
    if forwarder_pattern:
        rules["hansho-forwarder"] = json.dumps(forwarder_pattern)
    events = {}
    for path in sorted(FIXTURES.glob("*.json")):
        event = json.loads(path.read_text())
        if isinstance(event, dict) and isinstance(event.get("detail"), dict) and "detail-type" in event:
            events[path.stem] = event
    into.check(len(events) > 25, group, "fixtures were found", f"there are {len(events)}")
    for name, event in events.items():
        expected = wanted(event)
        if forwarder_pattern and expected:
            expected.add("hansho-forwarder")
        taken = {rule for rule, pattern in rules.items() if aws.events.test_event_pattern(EventPattern=pattern, Event=json.dumps(event))["Result"]}
        into.check(taken == expected, group, name, f"taken by {sorted(taken)}, and should be by {sorted(expected)}")
