//! Principals: the owner of an access key, and a user of Kubernetes.

use super::super::phrase::{Phrase, principal};
use super::schema::{AccessKey, KubernetesUser};

impl AccessKey<'_> {
    /// `IAMUser alice (access key AKIA…)`, `AssumedRole Admin (…)`, `root user (…)`.
    pub fn describe(&self) -> Option<String> {
        let name = self.user.as_deref().or(self.principal.as_deref());
        if name.is_none() && self.id.is_none() {
            return None;
        }
        principal(self.kind.as_deref(), "principal", name)
            .with_labelled("access key", self.id.as_deref())
            .build()
    }
}

impl KubernetesUser<'_> {
    /// The caller of the cluster. It is shown with the actor.
    pub fn describe(&self) -> Option<String> {
        Phrase::new("Kubernetes user", Some(self.name.as_deref()?)).build()
    }
}
