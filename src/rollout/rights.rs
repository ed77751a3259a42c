//! The rights that reading what is takes. Those of a step are in [`Step::rights`].
//!
//! [`Step::rights`]: super::Step::rights

use super::step::LoginOf;

/// By login. A plan needs no others, and an apply reads before it writes.
pub const READS: [(LoginOf, &[&str]); 3] = [
    (
        LoginOf::Security,
        &[
            "account:ListRegions",
            "cloudformation:DescribeStacks",
            "dynamodb:GetItem",
            "events:DescribeEventBus",
            "events:DescribeRule",
            "events:ListTargetsByRule",
            "guardduty:DescribeOrganizationConfiguration",
            "guardduty:GetDetector",
            "guardduty:GetMemberDetectors",
            "guardduty:ListDetectors",
            "guardduty:ListMembers",
            "organizations:DescribeOrganization",
            "organizations:ListAccounts",
            "organizations:ListAccountsForParent",
            "organizations:ListOrganizationalUnitsForParent",
            "organizations:ListRoots",
            "organizations:ListTagsForResource",
            // The configuration in the worker's code, where the code differs.
            "s3:GetObject",
            "s3:GetObjectVersion",
            "secretsmanager:DescribeSecret",
            "sts:AssumeRole",
            "sts:GetCallerIdentity",
        ],
    ),
    (
        LoginOf::Management,
        &[
            "guardduty:GetDetector",
            "guardduty:ListDetectors",
            "guardduty:ListOrganizationAdminAccounts",
            "organizations:ListAccounts",
            "organizations:ListAccountsForParent",
            "organizations:ListOrganizationalUnitsForParent",
            "organizations:ListRoots",
            "organizations:ListTagsForResource",
        ],
    ),
    (
        LoginOf::Member,
        &["guardduty:GetAdministratorAccount", "guardduty:GetDetector", "guardduty:ListDetectors"],
    ),
];
