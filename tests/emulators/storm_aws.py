"""The storm's own calls to the emulator: queues, the table, and sending. Plain HTTP, without an SDK."""

import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

REGION = "eu-central-1"
# No emulator checks them; they only have to be there.
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION}
CALL_TIMEOUT_S = 60
# An emulator closes a connection that is idle, so one is not used again after so long.
IDLE_S = 1
TABLE = "storm-ledger"
# As infra/README.md has them, but for maxReceiveCount: lower, so that a message that comes back too often is seen.
QUEUE = {"VisibilityTimeout": "120", "MessageRetentionPeriod": "1209600", "MaximumMessageSize": "1048576"}
MAX_RECEIVES = 50


class Emulator:
    """Each thread that calls has a connection of its own."""

    def __init__(self, endpoint: str):
        self.address = urlsplit(endpoint).netloc
        self.local = threading.local()

    def call(self, service: str, target: str, **request) -> dict:
        # moto finds the service by the scope in this header.
        scope = f"Credential=test/20260101/{REGION}/{service}/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": target,
            "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
        }
        connection = self.connection()
        connection.request("POST", "/", json.dumps(request), headers)
        response = connection.getresponse()
        body = response.read()
        self.local.used_at = time.monotonic()
        if response.status != 200:
            raise RuntimeError(f"{target}: {response.status} {body[:300]!r}")
        return json.loads(body or b"{}")

    def connection(self) -> http.client.HTTPConnection:
        if time.monotonic() - getattr(self.local, "used_at", 0) > IDLE_S:
            self.local.connection = http.client.HTTPConnection(self.address, timeout=CALL_TIMEOUT_S)
        return self.local.connection

    def sqs(self, action: str, **request) -> dict:
        return self.call("sqs", f"AmazonSQS.{action}", **request)

    def dynamodb(self, action: str, **request) -> dict:
        return self.call("dynamodb", f"DynamoDB_20120810.{action}", **request)

    def queue(self, name: str, **attributes) -> str:
        return self.sqs("CreateQueue", QueueName=name, Attributes={**QUEUE, **attributes})["QueueUrl"]

    def queues(self) -> dict[str, str]:
        """The URLs of the lanes, the quarantine and the dead-letter queue, all new."""
        urls = {name: self.queue(f"storm-{name}") for name in ["dead", "quarantine"]}
        arn = self.sqs("GetQueueAttributes", QueueUrl=urls["dead"], AttributeNames=["QueueArn"])
        redrive = {"deadLetterTargetArn": arn["Attributes"]["QueueArn"], "maxReceiveCount": str(MAX_RECEIVES)}
        for name in ["express", "standard"]:
            urls[name] = self.queue(f"storm-{name}", RedrivePolicy=json.dumps(redrive))
        return urls

    def table(self, name: str = TABLE) -> None:
        keys = {"fingerprint": "HASH", "destination": "RANGE"}
        self.dynamodb(
            "CreateTable",
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        )
        expiry = {"Enabled": True, "AttributeName": "expires_at"}
        self.dynamodb("UpdateTimeToLive", TableName=name, TimeToLiveSpecification=expiry)

    def send(self, url: str, bodies: list[str]) -> float:
        """Sends up to ten messages in one call, and returns when it was answered."""
        if len(bodies) == 1:
            self.sqs("SendMessage", QueueUrl=url, MessageBody=bodies[0])
            return time.monotonic()
        entries = [{"Id": str(i), "MessageBody": body} for i, body in enumerate(bodies)]
        answer = self.sqs("SendMessageBatch", QueueUrl=url, Entries=entries)
        if answer.get("Failed"):
            raise RuntimeError(f"SendMessageBatch: {answer['Failed'][:1]}")
        return time.monotonic()

    def take(self, url: str) -> int:
        """Receives up to ten messages and deletes them."""
        messages = self.sqs("ReceiveMessage", QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        entries = [{"Id": str(i), "ReceiptHandle": m["ReceiptHandle"]} for i, m in enumerate(messages)]
        if entries:
            self.sqs("DeleteMessageBatch", QueueUrl=url, Entries=entries)
        return len(entries)

    def depth(self, url: str) -> tuple[int, int]:
        """How many messages can be received, and how many are hidden."""
        prefix = "ApproximateNumberOfMessages"
        names = [prefix, prefix + "NotVisible", prefix + "Delayed"]
        found = self.sqs("GetQueueAttributes", QueueUrl=url, AttributeNames=names)["Attributes"]
        visible, hidden, delayed = (int(found.get(name, 0)) for name in names)
        return visible, hidden + delayed


def probe(emulator: Emulator, bodies: list[str], connections: int, seconds: float) -> None:
    """How fast the emulator alone is: what a storm measures can't be better."""
    url = emulator.queue("storm-probe")
    emulator.table("storm-probe")

    def rate(what: str, step) -> None:
        """Calls `step` with 0, 1, 2… on all connections until the time is over or it answers with nothing."""
        numbers, lock = iter(range(10**9)), threading.Lock()
        until = time.monotonic() + seconds

        def work(_) -> int:
            done = 0
            while time.monotonic() < until:
                with lock:
                    number = next(numbers)
                if not (count := step(number)):
                    break
                done += count
            return done

        started = time.monotonic()
        with ThreadPoolExecutor(connections) as pool:
            done = sum(pool.map(work, range(connections)))
        took = time.monotonic() - started
        print(f"probe: {done / max(took, 1e-9):8.0f} /s  {what} ({done} in {took:.1f} s)", flush=True)

    def send(size: int, start: int):
        def step(number: int) -> int:
            some = bodies[start + number * size : start + (number + 1) * size]
            if some:
                emulator.send(url, some)
            return len(some)

        return step

    def write(number: int) -> int:
        key = {"fingerprint": {"S": f"probe-{number}"}, "destination": {"S": "probe"}}
        condition = "attribute_not_exists(fingerprint)"
        emulator.dynamodb("PutItem", TableName="storm-probe", Item=key, ConditionExpression=condition)
        return 1

    def take(_) -> int:
        return emulator.take(url)

    rate("conditional writes", write)
    rate("messages sent, one a call", send(1, 0))
    while emulator.take(url):
        pass
    rate("messages sent, ten a call", send(10, 0))
    visible, _ = emulator.depth(url)
    rate(f"messages received and deleted, ten a call, with {visible} in the queue at first", take)
