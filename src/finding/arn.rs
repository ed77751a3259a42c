//! Amazon resource names (ARNs), and the names and ids in them.

use std::borrow::Cow;

use super::region::is_region_name;

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`; region and account may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub partition: &'a str,
    pub service: &'a str,
    pub region: &'a str,
    pub account: &'a str,
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    pub fn parse(text: &'a str) -> Option<Arn<'a>> {
        let mut parts = text.trim_start().strip_prefix("arn:")?.trim_end().splitn(5, ':');
        Some(Arn {
            partition: parts.next()?,
            service: parts.next()?,
            region: parts.next()?,
            account: parts.next()?,
            resource: parts.next()?,
        })
    }

    /// The region, if it has the form of one. In a malformed ARN another part may be in its place.
    pub fn region_name(&self) -> Option<&'a str> {
        is_region_name(self.region).then_some(self.region)
    }

    /// The account, if it has the form of one.
    pub fn account_id(&self) -> Option<&'a str> {
        is_account_id(self.account).then_some(self.account)
    }

    /// The partition, if it has the form of one: `aws`, or a name that begins with `aws-`.
    pub fn partition_name(&self) -> Option<&'a str> {
        (self.partition == "aws" || self.partition.starts_with("aws-")).then_some(self.partition)
    }

    /// Returns the id in the ARN of a finding: the part after `finding/` in
    /// `…:guardduty:…:detector/ID/finding/ID`, `…:inspector2:…:finding/ID` and the like.
    pub fn finding_id(&self) -> Option<&'a str> {
        let id = match self.resource.strip_prefix("finding/") {
            Some(id) => id,
            None => self.resource.rsplit_once("/finding/")?.1,
        };
        (!id.is_empty()).then_some(id)
    }

    /// Returns `aws` and `guardduty` for `…:securityhub:…:product/aws/guardduty` (or
    /// `productv2/…`).
    pub fn product(&self) -> Option<(&'a str, &'a str)> {
        let path = self
            .resource
            .strip_prefix("product/")
            .or_else(|| self.resource.strip_prefix("productv2/"))?;
        path.split_once('/')
    }

    /// The resource without its type: `manufacturer-api:7` of `task-definition/manufacturer-api:7`.
    /// Where a path or an id stands beside the name, only the name.
    /// Source: Service Authorization Reference, "Resource types" of each service.
    fn name(&self) -> &'a str {
        const SEPARATORS: [char; 2] = ['/', ':'];
        let resource = self.resource.trim_end().trim_matches(SEPARATORS);
        let (kind, name) = resource.split_once(SEPARATORS).unwrap_or(("", resource));
        let first = |text: &'a str| text.split(SEPARATORS).next().unwrap_or(text);
        match (self.service, kind) {
            // The name comes last, after a path, a cluster or an id.
            ("iam", kind) if kind != "oidc-provider" => last_part(name),
            ("ecs", kind) if kind != "task-definition" => last_part(name),
            ("autoscaling", _) => last_part(name),
            // The name comes first, and an id follows.
            ("apprunner" | "cloudformation" | "kafka", _) => first(name),
            ("sns", _) => first(resource),
            ("elasticloadbalancing", _) => {
                let kinds = ["app/", "net/", "gwy/"];
                first(kinds.iter().find_map(|kind| name.strip_prefix(kind)).unwrap_or(name))
            }
            ("wafv2", _) => name.split('/').nth(1).unwrap_or(name),
            // `:*` stands for all streams of a log group.
            ("logs", "log-group") => name.strip_suffix(":*").unwrap_or(name),
            // The name of a parameter in a path begins with a slash.
            ("ssm", "parameter") if name.contains('/') => {
                resource.strip_prefix(kind).unwrap_or(name)
            }
            // These have no type before the name.
            ("codepipeline" | "execute-api" | "sqs", _) | ("kms", "alias") => resource,
            ("s3", _) if self.account.is_empty() => resource,
            _ => name,
        }
    }
}

/// Returns whether a text has the form of an account's id: 12 digits.
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Returns the part after the last colon or slash of an ARN, a URL or a path: a queue's name, a
/// rule's name, a finding's id. A text without either is returned whole.
pub fn last_part(text: &str) -> &str {
    text.rsplit([':', '/']).next().unwrap_or(text)
}

/// Returns the id at the end of a finding's ARN, or any other id as it is.
pub(super) fn bare_id(id: Option<&str>) -> Option<Cow<'_, str>> {
    let id = id?;
    Some(Cow::Borrowed(Arn::parse(id).and_then(|arn| arn.finding_id()).unwrap_or(id)))
}

/// Returns the name of the resource that an ARN identifies. Any other text is returned as it is.
pub(super) fn short_name(text: &str) -> &str {
    Arn::parse(text).map(|arn| arn.name()).filter(|name| !name.is_empty()).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_name() {
        let arn = Arn::parse("arn:aws-cn:guardduty:cn-north-1:111122223333:detector/d/finding/f1");
        let arn = arn.unwrap();
        assert_eq!(
            (arn.partition, arn.service, arn.region, arn.account),
            ("aws-cn", "guardduty", "cn-north-1", "111122223333")
        );
        assert_eq!(arn.finding_id(), Some("f1"));
        for text in ["", "arn", "arn:aws:s3", "urn:aws:s3:::b", "i-0123"] {
            assert_eq!(Arn::parse(text), None, "{text}");
        }
    }

    #[test]
    fn parts_of_a_malformed_name_are_not_taken() {
        for (text, parts) in [
            (
                "arn:aws-cn:guardduty:cn-north-1:111122223333:x",
                (Some("aws-cn"), Some("cn-north-1"), Some("111122223333")),
            ),
            (
                "arn:aws:eu-west-1:guardduty:111122223333:detector/d/finding/f1",
                (Some("aws"), None, Some("111122223333")),
            ),
            ("arn:guardduty:eu-west-1:111122223333:x:y", (None, None, None)),
            ("arn:aws:iam::aws:policy/p", (Some("aws"), None, None)),
            ("arn:aws:s3:::b", (Some("aws"), None, None)),
            ("arn:awsx:s3:eu-west-1 :11112222333:b", (None, None, None)),
        ] {
            let arn = Arn::parse(text).unwrap();
            let got = (arn.partition_name(), arn.region_name(), arn.account_id());
            assert_eq!(got, parts, "{text}");
        }
    }

    #[test]
    fn ids_and_products() {
        for (text, id, product) in [
            ("arn:aws:inspector2:us-east-1:1:finding/abc", Some("abc"), None),
            ("arn:aws:guardduty:us-east-1:1:detector/d/finding/", None, None),
            ("arn:aws:s3:::bucket", None, None),
            (
                "arn:aws:securityhub:us-east-1::product/aws/guardduty",
                None,
                Some(("aws", "guardduty")),
            ),
            ("arn:aws:securityhub:us-east-1::productv2/aws/macie", None, Some(("aws", "macie"))),
            ("arn:aws:securityhub:us-east-1:1:product/1/default", None, Some(("1", "default"))),
        ] {
            let arn = Arn::parse(text).unwrap();
            assert_eq!((arn.finding_id(), arn.product()), (id, product), "{text}");
        }
    }

    #[test]
    fn last_parts() {
        for (text, last) in [
            ("arn:aws:sqs:us-east-1:111122223333:findings", "findings"),
            ("arn:aws:guardduty:us-east-1:1:detector/d/finding/f1", "f1"),
            ("https://sqs.us-east-1.amazonaws.com/111122223333/findings", "findings"),
            ("findings", "findings"),
            ("", ""),
        ] {
            assert_eq!(last_part(text), last, "{text}");
        }
    }

    #[test]
    fn short_names() {
        for (text, name) in [
            ("arn:aws:s3:::my-bucket", "my-bucket"),
            ("arn:aws:iam::111122223333:role/path/Admin", "Admin"),
            ("arn:aws:lambda:us-east-1:1:function:f", "f"),
            ("arn:aws:iam::1:role/", "role"),
            ("i-0123", "i-0123"),
            ("arn:aws:iam::1:", "arn:aws:iam::1:"),
        ] {
            assert_eq!(short_name(text), name, "{text}");
        }
    }
    #[test]
    fn short_names_by_service() {
        for (service, resource, name) in [
            ("apigateway", "/restapis/a1b2/stages/prod", "a1b2/stages/prod"),
            ("autoscaling", "autoScalingGroup:0a1b:autoScalingGroupName/web", "web"),
            ("backup", "recovery-point:0a1b", "0a1b"),
            ("bedrock", "foundation-model/anthropic.claude-v2:1", "anthropic.claude-v2:1"),
            ("cloudformation", "stack/web/0a1b", "web"),
            ("cloudformation", "stackset/web:0a1b", "web"),
            ("cloudtrail", "trail/audit", "audit"),
            ("cloudwatch", "alarm:CPU: high", "CPU: high"),
            ("codebuild", "build/web:0a1b", "web:0a1b"),
            ("dynamodb", "table/orders", "orders"),
            ("dynamodb", "table/orders/index/by-date", "orders/index/by-date"),
            ("ec2", "instance/i-0123", "i-0123"),
            ("ecr", "repository/team/app", "team/app"),
            ("ecs", "cluster/prod", "prod"),
            ("ecs", "service/prod/api", "api"),
            ("ecs", "task-definition/manufacturer-api:7", "manufacturer-api:7"),
            ("ecs", "task/prod/0a1b", "0a1b"),
            ("eks", "nodegroup/prod/workers/0a1b", "prod/workers/0a1b"),
            ("elasticloadbalancing", "listener/net/web/0a1b/2c3d", "web"),
            ("elasticloadbalancing", "loadbalancer/app/web/0a1b", "web"),
            ("elasticloadbalancing", "loadbalancer/classic", "classic"),
            ("elasticloadbalancing", "targetgroup/web/0a1b", "web"),
            ("execute-api", "a1b2/prod/GET/orders", "a1b2/prod/GET/orders"),
            ("glue", "table/sales/orders", "sales/orders"),
            ("iam", "oidc-provider/oidc.example.com/id/0A1B", "oidc.example.com/id/0A1B"),
            ("iam", "root", "root"),
            ("iam", "user/people/kapil", "kapil"),
            ("kms", "alias/aws/s3", "alias/aws/s3"),
            ("kms", "key/0a1b", "0a1b"),
            ("lambda", "function:resize", "resize"),
            ("lambda", "function:resize:3", "resize:3"),
            ("lambda", "function:resize:live", "resize:live"),
            ("lambda", "layer:images:3", "images:3"),
            ("logs", "log-group:/aws/lambda/resize:*", "/aws/lambda/resize"),
            ("logs", "log-group:/aws/lambda/resize", "/aws/lambda/resize"),
            ("logs", "log-group:app:log-stream:a/b", "app:log-stream:a/b"),
            ("rds", "cluster-snapshot:rds:orders-2026-11-02", "rds:orders-2026-11-02"),
            ("rds", "db:orders-1", "orders-1"),
            ("secretsmanager", "secret:prod/db-AbCdEf", "prod/db-AbCdEf"),
            ("sns", "alarms:0a1b2c3d", "alarms"),
            ("sqs", "jobs", "jobs"),
            ("ssm", "parameter/prod/db/password", "/prod/db/password"),
            ("ssm", "parameter/password", "password"),
            ("states", "execution:orders:0a1b", "orders:0a1b"),
            ("sts", "assumed-role/Admin/alice", "Admin/alice"),
            ("wafv2", "regional/webacl/shop/0a1b", "shop"),
        ] {
            let text = format!("arn:aws:{service}:eu-west-1:111122223333:{resource}");
            assert_eq!(short_name(&text), name, "{text}");
        }
        for (text, name) in [
            ("arn:aws:s3:::logs/2026/x.gz", "logs/2026/x.gz"),
            ("arn:aws:s3:eu-west-1:111122223333:accesspoint/reports", "reports"),
        ] {
            assert_eq!(short_name(text), name, "{text}");
        }
    }
}
