//! Describes the resources of an ASFF finding.

use super::super::arn::short_name;
use super::super::aws_types::plain_kind;
use super::super::lenient::List;
use super::super::phrase::{Phrase, listed_once};
use super::schema::{AccessKey, NAMED_MAX, Resource};

/// Describes the resources that are targets, or all resources if none is a target. Resources in the
/// role of the actor belong to the actor's description.
pub(super) fn describe<const N: usize>(resources: &List<Resource<'_>, N>) -> Option<String> {
    let (actors, targets): (Vec<_>, Vec<_>) = resources.items.iter().partition(|r| r.is_actor());
    let (shown, hidden) = if targets.is_empty() { (&actors, 0) } else { (&targets, actors.len()) };
    list(shown, resources.total.saturating_sub(hidden))
}

/// The first resource that is a target, or else the first.
pub(super) fn target<'r, 'a, const N: usize>(
    resources: &'r List<Resource<'a>, N>,
) -> Option<&'r Resource<'a>> {
    resources.items.iter().find(|resource| !resource.is_actor()).or(resources.first())
}

/// Describes the resources in the role of the actor, if there is a target too.
pub(super) fn describe_actors<const N: usize>(resources: &List<Resource<'_>, N>) -> Option<String> {
    let (actors, targets): (Vec<_>, Vec<_>) = resources.items.iter().partition(|r| r.is_actor());
    if targets.is_empty() {
        return None;
    }
    list(&actors, actors.len())
}

/// Lists each resource once; Security Hub may repeat one.
fn list(resources: &[&Resource<'_>], total: usize) -> Option<String> {
    listed_once(resources, total, NAMED_MAX, Resource::is_like, Resource::describe)
}

impl Resource<'_> {
    fn is_actor(&self) -> bool {
        self.role.as_deref().is_some_and(|role| role.eq_ignore_ascii_case("actor"))
    }

    fn is_like(&self, other: &Resource<'_>) -> bool {
        self.id.is_some() && self.id == other.id && self.kind == other.kind
    }

    /// The outside principal that has access, for findings of Access Analyzer.
    pub fn external_principal(&self) -> Option<&str> {
        self.details.external_principal.as_deref()
    }

    /// `EC2 instance i-0abc (t3.micro, web-1)`, `S3 bucket data`, `IAM access key AKIA… (alice)`.
    fn describe(&self) -> Option<String> {
        let kind = self.kind.as_deref().unwrap_or_default();
        let tag =
            self.tags.0.iter().find(|(key, _)| key == "Name").map(|(_, value)| value.as_ref());
        let key = &self.details.access_key;
        let label = plain_kind(kind);
        let mut phrase = Phrase::new(&label, self.name())
            .with(self.details.instance.kind.as_deref())
            .with(key.owner())
            .with(key.kind.as_deref())
            .with(tag);
        for address in &self.details.instance.addresses.items {
            phrase = phrase.with(Some(address));
        }
        phrase.build()
    }

    /// The user's name, or else the end of the resource's id. A user's id, such as `AIDA…`, is no
    /// name.
    fn name(&self) -> Option<&str> {
        self.details.user.as_deref().or_else(|| Some(name_in(self.id.as_deref()?)))
    }
}

/// Returns the name in a resource's id: the end of an ARN, or `123456789012` for
/// `AWS::::Account:123456789012`, the form that Security Hub uses for resources without an ARN.
fn name_in(id: &str) -> &str {
    match id.strip_prefix("AWS::").and_then(|id| id.rsplit_once(':')) {
        Some((_, name)) if !name.is_empty() => name,
        _ => short_name(id),
    }
}

impl AccessKey<'_> {
    /// The name of the user or role that owns the key, or else the session's name (the part after
    /// the role's id in `AROA…:session`), or else the id.
    fn owner(&self) -> Option<&str> {
        let principal = self.principal.as_deref();
        let session = principal.and_then(|id| id.split_once(':')).map(|(_, name)| name);
        let issuer = self.issuer.as_deref();
        self.user.as_deref().or(issuer).or(session.filter(|name| !name.is_empty())).or(principal)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::json::json;
    use super::super::super::lenient::Slot as _;
    use super::*;

    fn described(raw: &str) -> Option<String> {
        let mut resources = List::<Resource<'_>, 10>::default();
        resources.fill(json(raw));
        describe(&resources)
    }

    #[test]
    fn people_are_shown_by_name() {
        for (raw, said) in [
            (
                r#"{"Type":"AwsIamUser","Id":"AIDAEXAMPLE",
                    "Details":{"AwsIamUser":{"UserId":"AIDAEXAMPLE","UserName":"alice"}}}"#,
                "IAM user alice",
            ),
            (
                r#"{"Type":"AwsIamUser","Id":"arn:aws:iam::111122223333:user/AIDAEXAMPLE",
                    "Details":{"AwsIamUser":{"UserName":"alice"}}}"#,
                "IAM user alice",
            ),
            (
                r#"{"Type":"AwsIamUser","Id":"arn:aws:iam::111122223333:user/staff/alice",
                    "Details":{"AwsIamUser":{"UserId":"AIDAEXAMPLE"}}}"#,
                "IAM user alice",
            ),
            (r#"{"Type":"AwsIamUser","Id":"AIDAEXAMPLE"}"#, "IAM user AIDAEXAMPLE"),
            (
                r#"{"Type":"AwsIamAccessKey","Id":"AWS::IAM::AccessKey:AKIAEXAMPLE",
                    "Details":{"AwsIamAccessKey":{"PrincipalId":"AIDAEXAMPLE",
                        "PrincipalName":"alice","PrincipalType":"IAMUser"}}}"#,
                "IAM access key AKIAEXAMPLE (alice, IAMUser)",
            ),
            (
                r#"{"Type":"AwsIamAccessKey","Id":"ASIAEXAMPLE","Details":{"AwsIamAccessKey":{
                    "PrincipalId":"AROAEXAMPLE:bob","PrincipalType":"AssumedRole",
                    "SessionContext":{"SessionIssuer":{"UserName":"deploy"}}}}}"#,
                "IAM access key ASIAEXAMPLE (deploy, AssumedRole)",
            ),
            (
                r#"{"Type":"AwsIamAccessKey","Id":"ASIAEXAMPLE",
                    "Details":{"AwsIamAccessKey":{"PrincipalId":"AROAEXAMPLE:bob"}}}"#,
                "IAM access key ASIAEXAMPLE (bob)",
            ),
            (
                r#"{"Type":"AwsIamAccessKey","Id":"AKIAEXAMPLE",
                    "Details":{"AwsIamAccessKey":{"PrincipalId":"AIDAEXAMPLE"}}}"#,
                "IAM access key AKIAEXAMPLE (AIDAEXAMPLE)",
            ),
            (r#"{"Type":"AwsAccount","Id":"AWS::::Account:111122223333"}"#, "account 111122223333"),
        ] {
            assert_eq!(described(raw).as_deref(), Some(said), "{raw}");
        }
    }

    #[test]
    fn a_resource_is_shown_once() {
        let bucket = r#"{"Type":"AwsS3Bucket","Id":"arn:aws:s3:::data"}"#;
        let function = r#"{"Type":"AwsLambdaFunction","Id":"arn:aws:lambda:r:1:function:f"}"#;
        let elsewhere = r#"{"Type":"AwsLambdaFunction","Id":"arn:aws:lambda:r:2:function:f"}"#;
        for (raw, said) in [
            (format!("[{bucket},{bucket},{bucket},{bucket}]"), "S3 bucket data"),
            (
                format!("[{bucket},{function},{bucket},{elsewhere}]"),
                "S3 bucket data, Lambda function f, Lambda function f",
            ),
        ] {
            assert_eq!(described(&raw).as_deref(), Some(said), "{raw}");
        }
    }
}
