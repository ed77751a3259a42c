//! The program that becomes the worker on Lambda: reading it, sending it, and its stack.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::stacks::{self, Choices};
use crate::estate::{Fact, Unreadable};
use crate::ports::rollout::{Code, RolloutCalls};
use crate::rollout::{
    CODE_STACK, Desired, PIPELINE_STACK, Package, Processor, UNZIPPED_BYTES_MAX, processor,
};

/// The longest name of a file that is shown, in characters.
const PATH_CHARS_MAX: usize = 200;

/// A program that starts on Lambda.
pub struct Program {
    bytes: Vec<u8>,
    pub processor: Processor,
}

/// A worker that is to be deployed.
pub struct Worker {
    pub program: Program,
    /// The text of a configuration file.
    pub configuration: Option<String>,
}

impl Program {
    /// Reads a file, or the program that runs.
    ///
    /// # Errors
    /// It can't be read, or it would not start on Lambda. The text says what to do.
    pub fn read(file: Option<&Path>) -> Result<Program, String> {
        let path = match file {
            Some(path) => path.to_owned(),
            None => own_path().map_err(|why| format!("it can't be found: {why}"))?,
        };
        let named = |why: &str| {
            let name = path.display().to_string();
            let name = crate::finding::Text::new(&name, PATH_CHARS_MAX);
            format!("{}: {why}", name.as_str())
        };
        let bytes = bytes(&path).map_err(|why| named(&format!("it can't be read: {why}")))?;
        let processor = processor(&bytes).map_err(|why| named(&why.to_string()))?;
        Ok(Program { bytes, processor })
    }
}

fn own_path() -> std::io::Result<PathBuf> {
    std::env::current_exe()
}

/// One byte more than Lambda takes is enough to say so.
fn bytes(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = UNZIPPED_BYTES_MAX as u64 + 1;
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Packs and sends the worker's code, and makes its stack. Each part that is done already is left
/// as it is.
pub async fn deploy<R: RolloutCalls>(
    calls: &R,
    desired: &Desired,
    choices: &Choices,
    worker: &Worker,
) -> Fact<()> {
    let region = desired.home.as_str();
    let outputs = calls.outputs(region, PIPELINE_STACK).await?;
    let bucket = calls.outputs(region, CODE_STACK).await?;
    let bucket = bucket.get("BucketName").cloned().unwrap_or_default();
    // It takes seconds. Nothing else is under way meanwhile: other regions wait for the worker.
    let package = Package::new(&worker.program.bytes, worker.configuration.as_deref())
        .map_err(|why| Unreadable::new(&format!("the worker's code can't be packed: {why}")))?;
    let code = Code {
        bucket: &bucket,
        owner: &desired.security,
        partition: &desired.partition,
        package: &package,
    };
    let version = calls.upload(region, &code).await?;
    let place = BTreeMap::from([
        ("CodeBucket", bucket.clone()),
        ("CodeKey", package.key()),
        ("CodeVersion", version),
        ("Architecture", worker.program.processor.as_str().to_owned()),
    ]);
    calls.deploy(region, &stacks::worker(place, &outputs, choices)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_worker_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("hansho\u{1b}[31m");
        let why = Program::read(Some(&missing)).err().unwrap();
        assert!(why.contains("can't be read") && !why.contains('\u{1b}'), "{why}");
        let script = folder.path().join("hansho");
        std::fs::write(&script, "#!/bin/sh\n").unwrap();
        let why = Program::read(Some(&script)).err().unwrap();
        assert!(why.contains("no program for 64-bit Linux: give one with --worker"), "{why}");
        assert!(Program::read(Some(folder.path())).is_err());
    }
}
