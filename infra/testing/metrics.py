"""Whether the worker writes what the alarms read: CloudWatch makes metrics out of lines of the log, in its embedded format."""

import json


def written(log: str) -> set[tuple[str, str]]:
    """Namespace and name of each metric without dimensions whose value is in its line."""
    found = set()
    for line in log.splitlines():
        if '"_aws"' not in line:
            continue
        values = json.loads(line)
        for directive in values["_aws"]["CloudWatchMetrics"]:
            if [] in directive["Dimensions"]:
                found |= {(directive["Namespace"], each["Name"]) for each in directive["Metrics"] if each["Name"] in values}
    return found


def check(log: str, aws, into, group: str) -> None:
    """Every alarm on a metric of the worker's own, as it stands in CloudWatch, reads one that the worker has written."""
    there = written(log)
    pages = aws.cloudwatch.get_paginator("describe_alarms").paginate()
    alarms = [alarm for page in pages for alarm in page["MetricAlarms"] if alarm["Namespace"] == "hansho"]
    names = sorted(alarm["AlarmName"] for alarm in alarms)
    into.check(names == ["hansho-destination-dead", "hansho-destination-failing", "hansho-heartbeat"], group, "three alarms read the worker's metrics", f"{names}")
    for alarm in alarms:
        known = (alarm["Namespace"], alarm["MetricName"]) in there and not alarm["Dimensions"]
        into.check(known, group, f"{alarm['AlarmName']}: the worker writes its metric", f"it writes {sorted(there)}")
