//! The program that becomes the worker on Lambda: reading it, sending it, and its stack.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::stacks::{self, Choices};
use crate::estate::{Fact, Unreadable};
use crate::ports::rollout::{Bucket, RolloutCalls};
use crate::rollout::{
    CODE_STACK, Desired, PIPELINE_STACK, Package, Processor, UNZIPPED_BYTES_MAX, WORKER_STACK,
    processor,
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
    pub package: Package,
    pub processor: Processor,
}

impl Worker {
    /// Packs a program, with the text of a configuration file. It takes seconds.
    ///
    /// # Errors
    /// It can't be packed.
    pub fn new(program: &Program, configuration: Option<&str>) -> Fact<Worker> {
        let package = Package::new(&program.bytes, configuration)
            .map_err(|why| Unreadable::new(&format!("the worker's code can't be packed: {why}")))?;
        Ok(Worker { package, processor: program.processor })
    }
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

/// Sends the worker's code, and makes its stack. Each part that is done already is left as it is.
pub async fn deploy<R: RolloutCalls>(
    calls: &R,
    desired: &Desired,
    choices: &Choices,
    worker: &Worker,
) -> Fact<()> {
    let region = desired.home.as_str();
    let outputs = calls.outputs(region, PIPELINE_STACK).await?;
    let place = sent(calls, desired, worker).await?;
    calls.deploy(region, &stacks::worker(place, &outputs, choices)).await
}

/// Sends the worker's code, and gives it to the stack that is there.
pub async fn update<R: RolloutCalls>(
    calls: &R,
    desired: &Desired,
    choices: &Choices,
    worker: &Worker,
) -> Fact<()> {
    let place = sent(calls, desired, worker).await?;
    let changes = stacks::worker_changes(place, choices);
    calls.update(&desired.home, WORKER_STACK, &changes).await
}

/// Sends the code, unless it is there. Returns the parameters of the worker's stack that name it.
async fn sent<R: RolloutCalls>(
    calls: &R,
    desired: &Desired,
    worker: &Worker,
) -> Fact<BTreeMap<&'static str, String>> {
    let region = desired.home.as_str();
    let bucket = calls.outputs(region, CODE_STACK).await?;
    let name = bucket.get("BucketName").cloned().unwrap_or_default();
    let version = calls.upload(region, &bucket_of(desired, &name), &worker.package).await?;
    Ok(BTreeMap::from([
        ("CodeBucket", name),
        ("CodeKey", worker.package.key()),
        ("CodeVersion", version),
        ("Architecture", worker.processor.as_str().to_owned()),
    ]))
}

/// The worker's code must be in a bucket of the security account.
pub fn bucket_of<'a>(desired: &'a Desired, name: &'a str) -> Bucket<'a> {
    Bucket { name, owner: &desired.security, partition: &desired.partition }
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
