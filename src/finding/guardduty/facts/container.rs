//! Facts about where a container runs: the task of ECS, the container itself, its host.

use super::super::super::fact::Facts;
use super::super::super::lenient::List;
use super::super::super::phrase::{Phrase, several};
use super::super::schema::{Container, Ecs, HostVolume, NAMED_MAX, Resource};

pub(super) fn add(facts: &mut Facts, resource: &Resource<'_>) {
    let kind = resource.kind.as_deref().unwrap_or_default().to_ascii_lowercase();
    facts.add("Task", resource.ecs.describe_task());
    if kind != "container" {
        facts.add("Container", resource.container.describe_inside());
    }
    if matches!(kind.as_str(), "ekscluster" | "kubernetescluster" | "ecscluster" | "container") {
        facts.add("Host", resource.instance.describe());
    }
}

/// What lets containers reach into their host: `privileged, hostPath /, /var/run`.
pub(super) fn host_access<'t, const N: usize>(
    containers: &List<Container<'_>, N>,
    volumes: &'t List<HostVolume<'_>, N>,
) -> Phrase<'t> {
    let privileged = containers.items.iter().any(|container| container.privileged == Some(true));
    let paths = volumes.items.iter().filter_map(|volume| volume.path.as_deref());
    let paths: Vec<&str> = paths.collect();
    let shown = several(paths.iter().copied().take(NAMED_MAX), paths.len());
    Phrase::default().with(privileged.then_some("privileged")).with_list("hostPath", shown)
}

impl Ecs<'_> {
    /// `service:web, FARGATE, privileged, hostPath /`.
    fn describe_task(&self) -> Option<String> {
        let task = &self.task;
        host_access(&task.containers, &task.volumes)
            .with(task.group.as_deref())
            .with(task.launch_type.as_deref())
            .build()
    }
}

impl Container<'_> {
    /// `api (image shop/api:41, privileged)`.
    fn describe_inside(&self) -> Option<String> {
        Phrase::new("", self.name.as_deref().or(self.id.as_deref()))
            .with_labelled("image", self.image.as_deref())
            .with((self.privileged == Some(true)).then_some("privileged"))
            .build()
    }
}
