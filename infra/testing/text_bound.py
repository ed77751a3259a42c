"""Each right of each role and policy, held to AWS's Service Authorization Reference as cfn-lint has it: what can be bound to a resource is bound to one of its kind, and
what can't is on *. On AWS a right that knows no resource and is bound to one is no right at all."""

import json
import re
from pathlib import Path

import cfnlint

import rights

GROUP = "rights and their resources"
REFERENCE = json.loads((Path(cfnlint.__file__).parent / "data/AdditionalSpecs/Policies.json").read_text())
POLICIES = {"AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"}


def documents(stack):
    """Each identity policy of a stack, with the name of its resource."""
    for key, about in stack.resources().items():
        asked = stack.properties(key)
        if about["Type"] in POLICIES:
            yield key, asked["PolicyDocument"]
        for policy in asked.get("Policies", []) if about["Type"] == "AWS::IAM::Role" else []:
            yield key, policy["PolicyDocument"]


def formats(action: str) -> list[str] | None:
    """The forms of the ARNs that an action can be bound to. None: the reference does not know the action."""
    service, name = action.split(":")
    known = REFERENCE.get(service, {"Actions": {}})
    about = {each.lower(): value for each, value in known["Actions"].items()}.get(name.lower())
    if about is None:
        return None
    kinds = {each.lower(): value for each, value in known["Resources"].items()}
    return [arn for kind in about.get("Resources", []) for arn in kinds.get(kind.lower(), {}).get("ARNFormats", [])]


def meet(one: str, other: str) -> bool:
    """Whether there is a text that both patterns stand for. A star stands for any text."""
    # Which ends of `other` are left, after each sign of `one`.
    left = {other} | ({other[1:]} if other.startswith("*") else set())
    for sign in one:
        if sign == "*":
            left = {rest[at:] for rest in left for at in range(len(rest) + 1)}
        else:
            left = {rest if rest[0] == "*" else rest[1:] for rest in left if rest and rest[0] in ("*", sign)}
        left |= {rest[1:] for rest in left if rest.startswith("*")}
    return "" in left


def fits(resource: str, form: str) -> bool:
    # The reference writes an end as .* and names as ${Account}.
    parts, wanted = resource.split(":", 5), re.sub(r"\$\{\w+\}", "*", form).replace(".*", "*").split(":", 5)
    return len(parts) == len(wanted) and all(meet(part, want) for part, want in zip(parts, wanted))


# What the templates allow on *: rights that IAM knows no resource for, by the policy that has them. They list, or make what has no name yet.
ON_ANY = {
    "operator.yaml ReplayerPolicy": {
        "guardduty:DescribeOrganizationConfiguration", "guardduty:GetMemberDetectors", "guardduty:ListDetectors", "guardduty:ListMembers", "organizations:ListAccounts",
        "organizations:ListDelegatedAdministrators", "organizations:ListRoots",
    },
    "operator.yaml OncallPolicy": {"guardduty:GetFindings", "guardduty:ListDetectors", "guardduty:ListFindings", "lambda:GetAccountSettings"},
}
# The others are held by their actions alone: the reference says that none knows a resource. These do, and the template says beside them why they are on *.
EXCEPTIONS = {"cloudformation:GetTemplateSummary", "s3:GetObject"}
KEY = "arn:aws:kms:eu-central-1:111122223333:key/1"
# With every switch that brings a policy.
GIVEN = {
    "operator.yaml": [{"CustomerKeyArn": KEY}], "rollout.yaml": [{"Login": login} for login in ("security", "management", "member")],
    "worker-lambda.yaml": [{"CustomerKeyArn": KEY, "ReconcileSchedule": "rate(1 day)", "ReconcileRegions": "eu-west-1", "CoverageSchedule": "rate(1 day)"}],
    "worker-ecs.yaml": [{"CustomerKeyArn": KEY, "ReconcileEvery": "1d", "ReconcileRegions": "eu-west-1", "CoverageEvery": "1d"}],
}


def bound(text, into) -> None:
    seen, on_any = set(), {}
    for name in text.NAMES:
        for given in GIVEN.get(name, [{}]):
            for key, document in documents(text.stack(name, **given)):
                for statement in document["Statement"]:
                    for action in rights.listed(statement["Action"]) if statement["Effect"] == "Allow" else []:
                        resources, forms, what = rights.listed(statement["Resource"]), formats(action), f"{name}: {key}: {action}"
                        seen.add(action)
                        if resources == ["*"]:
                            on_any.setdefault(f"{name} {key}", set()).add(action)
                        into.check(forms is not None, GROUP, f"{what} is known", "AWS has no such action")
                        into.check(bool(forms) or resources == ["*"], GROUP, f"{what} is on *", f"IAM knows no resource for it, and it is on {resources}")
                        into.check(not forms or resources != ["*"] or action in EXCEPTIONS, GROUP, f"{what} is not on *", f"it can be bound to {forms}")
                        fitting = any(fits(resource, form) for resource in resources for form in forms or [])
                        into.check(not forms or resources == ["*"] or fitting, GROUP, f"{what} is on one of its kind", f"{resources} are none of {forms}")
    into.check(len(seen) > 150, GROUP, "the rights were found", f"{len(seen)}")
    for policy, actions in ON_ANY.items():
        into.check(on_any.get(policy) == actions, GROUP, f"{policy}: what is on *", f"{sorted(on_any.get(policy, set()) ^ actions)} too many or missing")
