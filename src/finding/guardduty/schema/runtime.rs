//! What the agent of Runtime Monitoring reports.
//!
//! Source: GuardDuty API reference, `RuntimeDetails`, `ProcessDetails`, `LineageObject`,
//! `RuntimeContext`.

use std::borrow::Cow;

use super::super::super::lenient::{List, Str, object};
use super::NAMED_MAX;

/// The most parents of a process that are shown.
const PARENTS_MAX: usize = 5;

object! {
    struct Runtime<'a> {
        process: Process<'a> = "process",
        context: RuntimeContext<'a> = "context",
    }
    struct Process<'a> {
        name: Str<'a> = "name",
        path: Str<'a> = "executablePath",
        sha256: Str<'a> = "executableSha256",
        user: Str<'a> = "user",
        pid: Str<'a> = "pid",
        uuid: Str<'a> = "uuid",
        /// The parent comes first.
        lineage: List<Ancestor<'a>, PARENTS_MAX> = "lineage",
    }
    struct Ancestor<'a> {
        name: Str<'a> = "name",
        path: Str<'a> = "executablePath",
        uuid: Str<'a> = "uuid",
    }
    struct RuntimeContext<'a> {
        modifying: Process<'a> = "modifyingProcess",
        target: Process<'a> = "targetProcess",
        command: Str<'a> = "commandLineExample",
        tool: Str<'a> = "toolName",
        tool_category: Str<'a> = "toolCategory",
        /// A security service that was perhaps switched off.
        service: Str<'a> = "serviceName",
        script: Str<'a> = "scriptPath",
        library: Str<'a> = "libraryPath",
        preload: Str<'a> = "ldPreloadValue",
        file: Str<'a> = "filePath",
        file_operation: Str<'a> = "fileOperation",
        threat_file: Str<'a> = "threatFilePath",
        shell_history: Str<'a> = "shellHistoryFilePath",
        socket: Str<'a> = "socketPath",
        runc: Str<'a> = "runcBinaryPath",
        release_agent: Str<'a> = "releaseAgentPath",
        module: Str<'a> = "moduleName",
        module_file: Str<'a> = "moduleFilePath",
        module_sha256: Str<'a> = "moduleSha256",
        mount_source: Str<'a> = "mountSource",
        mount_target: Str<'a> = "mountTarget",
        file_system: Str<'a> = "fileSystemType",
        flags: List<Cow<'a, str>, NAMED_MAX> = "flags",
        memory_regions: List<Cow<'a, str>, NAMED_MAX> = "memoryRegions",
        address_family: Str<'a> = "addressFamily",
    }
}
