//! Describes the resources of an ASFF finding.

use super::super::aws_types::{plain_kind, resource_name};
use super::super::lenient::{List, Str};
use super::super::phrase::{Phrase, key_owner, listed_once, real_name};
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

    /// `EC2 instance i-0abc (t3.micro, web-1)`, `S3 bucket data`, `IAM access key AKIA… (alice)`,
    /// or without the key's id `IAM user alice`.
    fn describe(&self) -> Option<String> {
        let kind = self.kind.as_deref().unwrap_or_default();
        let tag =
            self.tags.0.iter().find(|(key, _)| key == "Name").map(|(_, value)| value.as_ref());
        let (key, name) = (&self.details.access_key, self.name());
        let label = plain_kind(kind);
        let (owner, key_kind) = (key.owner(), key.kind.as_deref());
        let phrase = match (name, owner) {
            (None, Some(owner)) => key_owner(key_kind, Some(owner)),
            _ => Phrase::new(&label, name)
                .with(self.details.instance.kind.as_deref())
                .with_labelled("tag", self.details.image.tags.first().map(AsRef::as_ref))
                .with(owner)
                .with(key_kind),
        };
        let session = key.session().filter(|session| Some(*session) != owner);
        let mut phrase = phrase.with_labelled("session", session).with(tag);
        for address in &self.details.instance.addresses.items {
            phrase = phrase.with(Some(address));
        }
        phrase.build()
    }

    /// The name of the user or of the image's repository, or else the end of the resource's id. A
    /// user's id, such as `AIDA…`, is no name.
    fn name(&self) -> Option<&str> {
        let name = named(&self.details.user).or(named(&self.details.image.repository));
        name.or_else(|| resource_name(self.id.as_deref()?))
    }
}

impl AccessKey<'_> {
    /// The name of the user or role that owns the key, or else the session's name, or else the id.
    fn owner(&self) -> Option<&str> {
        let owner = named(&self.user).or(named(&self.issuer)).or(self.session());
        owner.or(named(&self.principal))
    }

    /// The part after the role's id in `AROA…:session`.
    fn session(&self) -> Option<&str> {
        real_name(self.principal.as_deref()?.split_once(':')?.1)
    }
}

fn named<'t>(text: &'t Str<'_>) -> Option<&'t str> {
    text.as_deref().and_then(real_name)
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
                "IAM access key ASIAEXAMPLE (deploy, AssumedRole, session bob)",
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
            (
                r#"{"Type":"AwsIamAccessKey","Id":"AWS::IAM::AccessKey:null","Details":{
                    "AwsIamAccessKey":{"PrincipalName":"kapil","PrincipalType":"IAMUser"}}}"#,
                "IAM user kapil",
            ),
            (
                r#"{"Type":"AwsIamAccessKey","Id":"null","Details":{"AwsIamAccessKey":{
                    "PrincipalId":"AROAEXAMPLE:bob","PrincipalName":"deploy",
                    "PrincipalType":"AssumedRole"}}}"#,
                "IAM role deploy (session bob)",
            ),
            (
                r#"{"Type":"AwsIamAccessKey","Id":"ASIAEXAMPLE","Details":{"AwsIamAccessKey":{
                    "UserName":"null","PrincipalId":"None"}}}"#,
                "IAM access key ASIAEXAMPLE",
            ),
            (r#"{"Type":"AwsAccount","Id":"AWS::::Account:111122223333"}"#, "account 111122223333"),
            (r#"{"Type":"Other","Id":"111122223333"}"#, "111122223333"),
            (
                r#"{"Type":"AwsEcrContainerImage","Id":"arn:aws:ecr:r:1:repository/app/sha256:aa",
                    "Details":{"AwsEcrContainerImage":{"RepositoryName":"app",
                        "ImageTags":["41","latest"]}}}"#,
                "ECR container image app (tag 41)",
            ),
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
