"""Sends a night's events and checks the results: each owed finding is posted exactly once, no other finding is posted, the
unreadable one is quarantined with its reason, and no message is left."""

import json
import time

from aws import TooLate, wait_for
from findings import Night

# After the last post nothing more may come for this long: a mapping's window, and the pace between two posts.
QUIET_S = 6.0


def put(aws, night: Night, far=None) -> None:
    """Puts the events on the buses; those of a default bus on that of `far`, which is another region or account."""
    for bus in ("default", "hansho"):
        entries = [event for name, event in night.events if name == bus]
        for start in range(0, len(entries), 10):
            answer = ((far or aws) if bus == "default" else aws).events.put_events(Entries=entries[start:start + 10])
            if answer["FailedEntryCount"]:
                raise RuntimeError(f"PutEvents took not all: {answer['Entries']}")


def urls(aws) -> dict[str, str]:
    return {name: aws.sqs.get_queue_url(QueueName=f"hansho-{name}")["QueueUrl"] for name in ("express", "standard", "quarantine", "dead", "undelivered")}


def waiting(aws, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    found = aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found.get(name, 0)) for name in names)


def taken_out(aws, url: str) -> list[dict]:
    """Takes all messages out of a queue, so that the next proof begins with an empty one."""
    found = []
    while True:
        messages = aws.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=1).get("Messages", [])
        if not messages:
            return found
        for message in messages:
            found.append({"body": message["Body"], **{key: value["StringValue"] for key, value in message.get("MessageAttributes", {}).items()}})
            aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def in_lanes(aws, night: Night, into, group: str) -> None:
    """Before a worker runs: each rule passed what it should, as often as it should, and the copy went to both lanes."""
    where = urls(aws)
    for lane, wanted in (("standard", night.standard), ("express", night.express)):
        try:
            wait_for(lambda: waiting(aws, where[lane]) >= wanted, 20, f"{wanted} messages in hansho-{lane}")
        except TooLate:
            pass
        found = waiting(aws, where[lane])
        into.check(found == wanted, group, f"{wanted} messages in hansho-{lane}", f"there are {found}")


def all_posted(slack, night: Night, since: int) -> bool:
    posted = slack.posted(since)
    return all(identity in posted for identity in night.owed)


def judge(aws, slack, night: Night, since: int, into, group: str, seconds: float) -> bool:
    """Whether all was posted and no message was left within so many seconds. The other results are in `into`."""
    where, began = urls(aws), time.monotonic()

    def done():
        return all_posted(slack, night, since) and not any(waiting(aws, where[lane]) for lane in ("express", "standard"))

    try:
        wait_for(done, seconds, "all that is owed")
        in_time = True
        time.sleep(QUIET_S)
    except TooLate:
        in_time = False  # The checks below say what is missing.
    took = time.monotonic() - began
    posted = slack.posted(since)
    for identity, what in night.owed.items():
        into.check(posted.get(identity) == 1, group, f"{what}: posted exactly once", f"posted {posted.get(identity, 0)} times within {took:.0f} s")
    for identity, what in night.not_owed.items():
        into.check(identity not in posted, group, f"{what}: not posted", f"posted {posted.get(identity)} times")
    into.check(not slack.refused, group, "nothing that Slack would refuse", f"refused: {slack.refused}")
    for lane in ("express", "standard", "dead", "undelivered"):
        left = waiting(aws, where[lane])
        into.check(left == 0, group, f"hansho-{lane} is empty", f"{left} messages after {took:.0f} s")
    found = taken_out(aws, where["quarantine"])
    into.check(len(found) == 1, group, "one message in quarantine", f"there are {len(found)}")
    for message in found[:1]:
        into.check(night.malformed in message["body"], group, "it is the malformed one, unchanged", "its body is another")
        into.check(message.get("hansho.reason") == "no_identity", group, "its reason: no_identity", f"it says {message.get('hansho.reason')}")
        into.check("detail.id" in message.get("hansho.detail", ""), group, "its place: detail.id", f"it says {message.get('hansho.detail')}")
    records = ledger(aws)
    for identity, what in night.owed.items():
        marked = [record for record in records if identity in record and '"sent"' in record]
        into.check(len(marked) == 1, group, f"{what}: one record of the ledger, marked sent", f"there are {len(marked)}")
    return in_time


def ledger(aws) -> list[str]:
    pages = aws.dynamodb.get_paginator("scan").paginate(TableName="hansho-ledger")
    return [json.dumps(item) for page in pages for item in page["Items"]]
