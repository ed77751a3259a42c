"""The storm's findings: GuardDuty's, in EventBridge's envelope, of the tests' fixtures, each with an id of its own."""

import json
import random
from dataclasses import dataclass
from pathlib import Path

FIXTURES = Path(__file__).parent.parent / "fixtures" / "findings"
SEQUENCE = "guardduty-attack-sequence"
ORDINARY = ["instance", "access-key", "s3", "eks", "rds", "lambda", "role", "ecs"]
SCORES = {"critical": (9.0, 10.0), "high": (7.0, 8.9), "medium": (4.0, 6.9), "low": (1.0, 3.9)}
OWED = {"critical", "high", "medium"}
URGENT = {"critical", "high"}
# Of a message, at least: what is missing is filled up where GuardDuty puts what was unusual.
BYTES_MIN = 3000
ACCOUNTS = [str(111122220000 + 37 * i) for i in range(12)]
REGIONS = ["eu-central-1", "eu-west-1", "us-east-1", "ap-southeast-2"]


@dataclass(frozen=True)
class Finding:
    id: str
    level: str
    fixture: str
    score: float
    account: str
    region: str


def findings(counts: dict[str, int], seed: int) -> list[Finding]:
    """In the order in which they come: the criticals last, as they have times of their own."""
    chance = random.Random(f"{seed}/findings")
    levels = [level for level, count in counts.items() for _ in range(count) if level != "critical"]
    chance.shuffle(levels)
    return [finding(level, chance) for level in levels + ["critical"] * counts["critical"]]


def finding(level: str, chance: random.Random) -> Finding:
    fixture = SEQUENCE if level == "critical" else f"guardduty-{chance.choice(ORDINARY)}"
    score = round(chance.uniform(*SCORES[level]), 1)
    account, region = chance.choice(ACCOUNTS), chance.choice(REGIONS)
    return Finding(f"{chance.getrandbits(128):032x}", level, fixture, score, account, region)


TEMPLATES: dict[str, str] = {}


def body(finding: Finding) -> str:
    if finding.fixture not in TEMPLATES:
        TEMPLATES[finding.fixture] = (FIXTURES / f"{finding.fixture}.json").read_text()
    event = json.loads(TEMPLATES[finding.fixture])
    detail = event["detail"]
    event["id"] = f"{finding.id[:8]}-{finding.id[8:12]}-4000-8000-{finding.id[20:]}"
    event["account"] = detail["accountId"] = finding.account
    event["region"] = detail["region"] = finding.region
    detail["id"], detail["severity"] = finding.id, finding.score
    place = f"arn:aws:guardduty:{finding.region}:{finding.account}:detector/12abc34d567e8fa901bc2d34e56789f0"
    detail["partition"], detail["arn"] = "aws", f"{place}/finding/{finding.id}"
    missing = BYTES_MIN - len(json.dumps(event))
    if missing > 0:
        detail["service"]["additionalInfo"] = {"value": "u" * missing, "type": "default"}
    return json.dumps(event)
