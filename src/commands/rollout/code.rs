//! The code of a worker that is there, compared with what would be sent.

use super::worker::{Program, Worker, bucket_of};
use crate::config::FILE_BYTES_MAX;
use crate::estate::{Fact, Unreadable};
use crate::ports::rollout::{RolloutCalls, SentCode};
use crate::rollout::{Desired, Package, WORKER_STACK, WorkerCode, configuration_in};

/// How much of a name of an object is shown, in characters: 12 of its hash.
const KEY_CHARS: usize = "hansho-lambda-".len() + 12;

/// Compares, and packs what would be sent. `given` is the program of `--worker`, `configuration`
/// the text of `--config`. Without it the worker keeps its own. Code that no rollout sent is left
/// alone unless a program is given.
///
/// # Errors
/// The code or its configuration can't be read.
pub async fn compare<R: RolloutCalls>(
    calls: &R,
    desired: &Desired,
    given: Option<Program>,
    configuration: Option<&str>,
) -> Fact<(WorkerCode, Option<Worker>)> {
    let sent = calls.sent_code(&desired.home, WORKER_STACK).await?;
    let program = match program(&sent, given) {
        Ok(program) => program,
        Err(why) => return Ok((WorkerCode::Kept(why), None)),
    };
    let mut worker = Worker::new(&program, configuration)?;
    // A worker without a configuration file needs no download.
    if configuration.is_none() && worker.package.key() != sent.key {
        let own = own_configuration(calls, desired, &sent).await?;
        if own.is_some() {
            worker = Worker::new(&program, own.as_deref())?;
        }
    }
    let key = worker.package.key();
    if key == sent.key {
        return Ok((WorkerCode::Same, None));
    }
    let what = format!("it is {}, and {} would be sent", short(&sent.key), short(&key));
    Ok((WorkerCode::Differs(what), Some(worker)))
}

/// The program that is compared, or why none is.
fn program(sent: &SentCode, given: Option<Program>) -> Result<Program, String> {
    if let Some(given) = given {
        return Ok(given);
    }
    if !Package::is_sent_by_rollout(&sent.bucket, &sent.key) {
        return Err(format!(
            "no rollout sent its code ({}): give --worker to replace it",
            short(&sent.key)
        ));
    }
    let own = Program::read(None)
        .map_err(|why| format!("its code can't be compared with this program: {why}"))?;
    let (own_is, sent_is) = (own.processor.as_str(), &sent.architecture);
    if own_is != sent_is {
        return Err(format!(
            "it runs on {sent_is}, and this program is for {own_is}: give --worker to compare it"
        ));
    }
    Ok(own)
}

/// The configuration file beside the worker's program.
async fn own_configuration<R: RolloutCalls>(
    calls: &R,
    desired: &Desired,
    sent: &SentCode,
) -> Fact<Option<String>> {
    let named = |why: &str| {
        Unreadable::new(&format!(
            "the configuration in the worker's code can't be read: {why}; give it with --config"
        ))
    };
    let bucket = bucket_of(desired, &sent.bucket);
    let bytes = calls.download(&desired.home, &bucket, sent).await;
    let bytes = bytes.map_err(|why| named(why.why()))?;
    configuration_in(&bytes, FILE_BYTES_MAX).map_err(|why| named(&why))
}

fn short(key: &str) -> String {
    key.chars().take(KEY_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(bucket: &str, key: &str) -> SentCode {
        let architecture = "riscv".to_owned();
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        SentCode { bucket, key, architecture, version: String::new() }
    }

    #[test]
    fn only_code_of_a_rollout_is_compared_with_this_program() {
        let key = Package::new(b"program", None).unwrap().key();
        let why = |sent: &SentCode| program(sent, None).err().unwrap();
        let built = why(&sent("hansho-code-1-eu-west-1-an", "hansho-lambda-0123456789ab.zip"));
        assert!(built.contains("no rollout sent its code (hansho-lambda-0123456789ab)"), "{built}");
        // A test's own program is no hansho that Lambda has, or is for another processor.
        let own = why(&sent("hansho-code-code-1", &key));
        assert!(own.contains("this program"), "{own}");
    }
}
