//! Facts about a call to a Kubernetes cluster: the command, the answer, the caller's rights, and
//! what the workload may do to its node.

use percent_encoding::percent_decode_str;

use super::super::super::fact::Facts;
use super::super::super::lenient::Str;
use super::super::super::phrase::{Phrase, joined, part, several};
use super::super::schema::{
    Activity, KubernetesCall, KubernetesUser, NAMED_MAX, Resource, Workload,
};
use super::container::host_access;

pub(super) fn add(facts: &mut Facts, resource: &Resource<'_>, activity: &Activity<'_>) {
    let call = &activity.kubernetes;
    facts.add("Command", call.command());
    facts.add("Call", call.describe_call());
    facts.add("Role", activity.describe_role());
    let user = &resource.kubernetes.user;
    facts.add("User", user.describe_rights());
    // The cluster maps an IAM principal to the user.
    facts.add("Credential", user.name.as_ref().and_then(|_| resource.access_key.describe()));
    facts.add("Workload", resource.kubernetes.workload.describe_access());
}

impl KubernetesCall<'_> {
    /// `/bin/sh -c id`: the arguments of an `exec`, from the parameters or the request's query.
    fn command(&self) -> Option<String> {
        let query = self.uri.as_deref().and_then(|uri| Some(uri.split_once('?')?.1));
        self.parameters.as_deref().and_then(arguments).or_else(|| query.and_then(arguments))
    }

    /// `HTTP 403 (denied), kubectl/v1.33`. The actor names the verb and the URI. Without a URI the
    /// target stands here.
    fn describe_call(&self) -> Option<String> {
        let resource = joined([plain(&self.resource), plain(&self.subresource)], "/");
        let name = joined([plain(&self.namespace), plain(&self.resource_name)], "/");
        let target = joined([resource, name], " ").filter(|_| self.uri.is_none());
        let status = self.status.map(|status| format!("HTTP {status} ({})", outcome(status)));
        joined([target, status, plain(&self.user_agent)], ", ")
    }
}

fn plain(text: &Str<'_>) -> Option<String> {
    text.as_deref().map(|text| part(text).into_owned())
}

/// Joins the values of `command` in a query, in their order.
fn arguments(query: &str) -> Option<String> {
    let values =
        query.trim_start_matches('?').split('&').filter_map(|pair| pair.strip_prefix("command="));
    let values = values.map(|value| {
        let value = value.replace('+', " ");
        Some(percent_decode_str(&value).decode_utf8_lossy().into_owned())
    });
    joined(values, " ")
}

/// Source: RFC 9110, "Status Codes". A successful `exec` switches protocols, with 101.
fn outcome(status: u64) -> &'static str {
    match status {
        100..=399 => "succeeded",
        401 | 403 => "denied",
        _ => "failed",
    }
}

impl Activity<'_> {
    /// `ClusterRoleBinding ops grants ClusterRole cluster-admin`, `Role reader`, or the permission
    /// that was checked: `may create pods in kube-system`.
    fn describe_role(&self) -> Option<String> {
        let (binding, role, checked) = (&self.binding, &self.role, &self.permission);
        let named = |kind: &Str<'_>, name: &Str<'_>| joined([plain(kind), plain(name)], " ");
        let granted = named(&binding.role_kind, &binding.role);
        let bound = joined([named(&binding.kind, &binding.name), granted], " grants ");
        let may = match checked.allowed {
            Some(true) => "may",
            Some(false) => "may not",
            None => "asked to",
        };
        let action = named(&checked.verb, &checked.resource);
        let permission = action.map(|action| [may, " ", &action].concat());
        let permission = joined([permission, plain(&checked.namespace)], " in ");
        joined([bound, named(&role.kind, &role.name), permission], ", ")
    }
}

impl KubernetesUser<'_> {
    /// `groups system:masters, ci, impersonates admin, session deploy`.
    fn describe_rights(&self) -> Option<String> {
        let impersonated = &self.impersonated;
        let sessions = self.sessions.items.iter().map(AsRef::as_ref);
        Phrase::default()
            .with_list("groups", groups(self.groups.items.iter().map(AsRef::as_ref)))
            .with_labelled("impersonates", impersonated.name.as_deref())
            .with_list("with groups", groups(impersonated.groups.items.iter().map(AsRef::as_ref)))
            .with_list("session", several(sessions, self.sessions.total))
            .build()
    }
}

/// Lists groups, the one that may do everything first.
/// Source: Kubernetes documentation, "Using RBAC Authorization", "User-facing roles".
fn groups<'a>(groups: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut groups: Vec<&str> = groups.collect();
    groups.sort_by_key(|group| *group != "system:masters");
    several(groups.iter().copied().take(NAMED_MAX), groups.len())
}

impl Workload<'_> {
    /// `privileged, hostPath /, host network, service account ci`.
    fn describe_access(&self) -> Option<String> {
        let if_set = |set: Option<bool>, word| (set == Some(true)).then_some(word);
        host_access(&self.containers, &self.volumes)
            .with(if_set(self.host_network, "host network"))
            .with(if_set(self.host_pid, "host PID"))
            .with(if_set(self.host_ipc, "host IPC"))
            .with_labelled("service account", self.service_account.as_deref())
            .build()
    }
}
