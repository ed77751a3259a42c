//! Facts of Runtime Monitoring: what a process did, and where it comes from.

use super::super::super::fact::Facts;
use super::super::super::phrase::{Phrase, joined, part, several};
use super::super::schema::{Process, Runtime, RuntimeContext};

pub(super) fn add(facts: &mut Facts, runtime: &Runtime<'_>) {
    let Runtime { process, context, .. } = runtime;
    facts.add("Command", context.command.as_deref());
    facts.add("Context", context.describe(process));
    facts.add("Modified by", context.modifying.describe(""));
    facts.add("Parents", process.describe_parents());
    facts.add("SHA-256", process.sha256.as_deref().map(part));
}

impl Process<'_> {
    /// `/bin/sh ← /usr/sbin/sshd`: the parent, its parent and so on. The lineage may begin with the
    /// process itself.
    fn describe_parents(&self) -> Option<String> {
        let others = self.lineage.items.iter();
        let others = others.filter(|other| other.uuid.is_none() || other.uuid != self.uuid);
        let paths = others.map(|other| other.path.as_deref().or(other.name.as_deref()).map(part));
        let more = self.lineage.total > self.lineage.items.len();
        joined(paths.chain([more.then(|| "…".into())]), " ← ")
    }
}

impl RuntimeContext<'_> {
    /// `script /tmp/x.sh, library /tmp/x.so, mount /etc, at /host, flags MS_BIND`.
    fn describe(&self, process: &Process<'_>) -> Option<String> {
        let flags = self.flags.items.iter().map(AsRef::as_ref);
        let regions = self.memory_regions.items.iter().map(AsRef::as_ref);
        let known = [process.path.as_deref(), self.file.as_deref()];
        let target =
            self.target.path_or_name().filter(|path| Some(*path) != process.path_or_name());
        let threat_file = self.threat_file.as_deref().filter(|file| !known.contains(&Some(file)));
        Phrase::default()
            .with_labelled("tool", self.tool.as_deref())
            .with(self.tool_category.as_deref())
            .with_labelled("service", self.service.as_deref())
            .with_labelled("script", self.script.as_deref())
            .with_labelled("file", self.file.as_deref())
            .with(self.file_operation.as_deref())
            .with_labelled("threat file", threat_file)
            .with_labelled("library", self.library.as_deref())
            .with_labelled("LD_PRELOAD", self.preload.as_deref())
            .with_labelled("module", self.module.as_deref())
            .with_labelled("module file", self.module_file.as_deref())
            .with_labelled("module SHA-256", self.module_sha256.as_deref())
            .with_labelled("shell history", self.shell_history.as_deref())
            .with_labelled("socket", self.socket.as_deref())
            .with_labelled("runc", self.runc.as_deref())
            .with_labelled("release agent", self.release_agent.as_deref())
            .with_labelled("mount", self.mount_source.as_deref())
            .with_labelled("at", self.mount_target.as_deref())
            .with_labelled("file system", self.file_system.as_deref())
            .with_list("flags", several(flags, self.flags.total))
            .with_labelled("target process", target)
            .with_list("memory", several(regions, self.memory_regions.total))
            .with_labelled("address family", self.address_family.as_deref())
            .build()
    }
}
