"""A small reader of IAM policies: which actions on which resources a document allows. Conditions are not weighed: what is looked for is
a right that is missing, or one too many."""

import re


def listed(value) -> list:
    return value if isinstance(value, list) else [value]


def matches(pattern: str, text: str) -> bool:
    """IAM's * and ?, in actions without regard to case."""
    parts = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(parts, text, re.I | re.S) is not None


def allows(document: dict, action: str, resource: str) -> bool:
    return any(
        statement["Effect"] == "Allow"
        and any(matches(each, action) for each in listed(statement["Action"]))
        and any(matches(each, resource) for each in listed(statement["Resource"]))
        for statement in document["Statement"]
    )


def actions(documents: list[dict]) -> set[str]:
    return {
        action for document in documents for statement in document["Statement"] if statement["Effect"] == "Allow" for action in listed(statement["Action"])
    }
