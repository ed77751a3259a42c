//! Principals: the owner of an access key, and a user of Kubernetes.

use super::super::arn::is_account_id;
use super::super::phrase::{Phrase, principal};
use super::schema::{AccessKey, KubernetesUser};

impl AccessKey<'_> {
    /// `IAMUser alice (access key AKIA…)`, `AssumedRole Admin (session bob, access key ASIA…)`,
    /// `root user (…)`.
    pub fn describe(&self) -> Option<String> {
        self.phrase(self.session())?.build()
    }

    /// Like [`AccessKey::describe`], with the principal's id, and without a session that is the
    /// instance beside it.
    pub fn describe_beside(&self, instance: Option<&str>) -> Option<String> {
        let session = self.session().filter(|session| instance != Some(*session));
        let id = self.principal_parts().map(|(id, _)| id);
        // The id of the root user is the account's.
        let id = id.filter(|id| self.user.is_some() && !is_account_id(id));
        self.phrase(session)?.with_labelled("principal", id).build()
    }

    /// The instance whose role this is.
    /// Source: IAM user guide, "Use an IAM role to grant permissions to applications running on
    /// Amazon EC2 instances".
    pub fn instance(&self) -> Option<&str> {
        let is_instance = |session: &&str| {
            session
                .strip_prefix("i-")
                .is_some_and(|id| id.len() >= 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        self.session().filter(is_instance)
    }

    fn session(&self) -> Option<&str> {
        self.principal_parts()?.1
    }

    /// The unique id, and the session of a role: `AROA…:session`.
    /// Source: IAM user guide, "IAM JSON policy elements: Principal", `aws:userid`.
    fn principal_parts(&self) -> Option<(&str, Option<&str>)> {
        let principal = self.principal.as_deref()?;
        Some(match principal.split_once(':') {
            Some((id, session)) => (id, Some(session)),
            None => (principal, None),
        })
    }

    fn phrase<'t>(&'t self, session: Option<&'t str>) -> Option<Phrase<'t>> {
        let name = self.user.as_deref().or(self.principal.as_deref());
        if name.is_none() && self.id.is_none() {
            return None;
        }
        let phrase = principal(self.kind.as_deref(), "principal", name)
            .with_labelled("session", session.filter(|_| self.user.is_some()))
            .with_labelled("access key", self.id.as_deref());
        Some(phrase)
    }
}

impl KubernetesUser<'_> {
    /// The caller of the cluster. It is shown with the actor.
    pub fn describe(&self) -> Option<String> {
        Phrase::new("Kubernetes user", Some(self.name.as_deref()?)).build()
    }
}
