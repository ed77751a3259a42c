//! The package of the worker: a zip with the program as `bootstrap`, and its configuration.
//!
//! The same files give the same bytes, so the hash of a package names its contents.

use std::io::{Cursor, Read, Write};

use sha2::{Digest, Sha256};
use zip::result::ZipError;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipArchive, ZipWriter};

/// What Lambda starts. Source: Lambda developer guide, "Building a custom runtime".
const PROGRAM: &str = "bootstrap";
/// What the worker reads beside itself.
const CONFIGURATION: &str = "hansho.toml";
/// deflate's own middle: the best level takes four times as long for one hundredth less.
const LEVEL: i64 = 6;

/// How the names of objects begin and end. Between them is the hash.
const KEY: (&str, &str) = ("hansho-lambda-", ".zip");
/// CloudFormation makes the bucket's name of the names of stack and resource in
/// infra/code-bucket.yaml, and an end of its own.
const BUCKET: &str = "hansho-code-code-";

/// A package, and the hash of its bytes.
pub struct Package {
    pub bytes: Vec<u8>,
    pub sha256: [u8; 32],
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Package({} bytes, {})", self.bytes.len(), self.key())
    }
}

impl Package {
    /// Packs the program, and the text of a configuration file if there is one.
    ///
    /// # Errors
    /// It is larger than a zip can be.
    pub fn new(program: &[u8], configuration: Option<&str>) -> std::io::Result<Package> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(PROGRAM, options(0o755))?;
        zip.write_all(program)?;
        if let Some(text) = configuration {
            zip.start_file(CONFIGURATION, options(0o644))?;
            zip.write_all(text.as_bytes())?;
        }
        let bytes = zip.finish()?.into_inner();
        Ok(Package { sha256: Sha256::digest(&bytes).into(), bytes })
    }

    /// The name of the object: other code has another name.
    pub fn key(&self) -> String {
        [KEY.0, &hex(&self.sha256), KEY.1].concat()
    }

    /// Whether an object is one that a rollout sent. `infra/build` has other buckets and shorter
    /// names.
    pub fn is_sent_by_rollout(bucket: &str, key: &str) -> bool {
        let hash = key.strip_prefix(KEY.0).and_then(|rest| rest.strip_suffix(KEY.1));
        let is_hash =
            |hash: &str| hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        bucket.starts_with(BUCKET) && hash.is_some_and(is_hash)
    }
}

/// The configuration file in a package. None: it has none.
///
/// # Errors
/// The bytes are no zip, or the file is larger than `bytes_max`.
pub fn configuration_in(package: &[u8], bytes_max: u64) -> Result<Option<String>, String> {
    let damaged = |why: ZipError| format!("it is no zip that can be read: {why}");
    let mut zip = ZipArchive::new(Cursor::new(package)).map_err(damaged)?;
    let file = match zip.by_name(CONFIGURATION) {
        Ok(file) => file,
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(why) => return Err(damaged(why)),
    };
    let mut text = String::new();
    let read = file.take(bytes_max + 1).read_to_string(&mut text);
    read.map_err(|why| format!("its {CONFIGURATION} can't be read: {why}"))?;
    match text.len() as u64 > bytes_max {
        true => Err(format!("its {CONFIGURATION} has more than {bytes_max} bytes")),
        false => Ok(Some(text)),
    }
}

/// Everything that could differ from run to run is fixed: the time, the system, the level.
fn options(mode: u32) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(LEVEL))
        .last_modified_time(DateTime::DEFAULT)
        .system(System::Unix)
        .unix_permissions(mode)
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use zip::ZipArchive;

    use super::*;

    #[test]
    fn the_program_can_be_started_and_its_configuration_read() {
        let program = [b"program".repeat(1_000), vec![0; 100_000]].concat();
        let package = Package::new(&program, Some("min_severity = \"high\"\n")).unwrap();
        assert!(package.bytes.len() < program.len() / 10);
        let mut zip = ZipArchive::new(Cursor::new(&package.bytes)).unwrap();
        assert_eq!(zip.len(), 2);
        for (name, mode, expected) in [
            (PROGRAM, 0o100_755, program.as_slice()),
            (CONFIGURATION, 0o100_644, b"min_severity = \"high\"\n"),
        ] {
            let mut file = zip.by_name(name).unwrap();
            assert_eq!(file.unix_mode(), Some(mode), "{name}");
            let mut found = Vec::new();
            file.read_to_end(&mut found).unwrap();
            assert_eq!(found, expected, "{name}");
        }
    }

    #[test]
    fn the_configuration_of_a_package_is_found_again() {
        let of = |text: Option<&str>| Package::new(b"program", text).unwrap().bytes;
        assert_eq!(configuration_in(&of(Some("a = 1\n")), 6), Ok(Some("a = 1\n".to_owned())));
        assert_eq!(configuration_in(&of(None), 6), Ok(None));
        assert!(configuration_in(&of(Some("a = 11\n")), 6).unwrap_err().contains("6 bytes"));
        let mut cut = of(Some("a = 1\n"));
        cut.truncate(60);
        assert!(configuration_in(&cut, 6).unwrap_err().contains("no zip"));
    }

    #[test]
    fn what_a_rollout_sent_is_told_from_what_the_guide_sends() {
        let key = Package::new(b"a", None).unwrap().key();
        assert!(Package::is_sent_by_rollout("hansho-code-code-1a2b", &key));
        for (bucket, key) in [
            ("hansho-code-111122223333-eu-west-1-an", key.as_str()),
            ("hansho-code-code-1a2b", "hansho-lambda-0123456789ab.zip"),
            ("hansho-code-code-1a2b", "hansho-lambda.zip"),
            ("", ""),
        ] {
            assert!(!Package::is_sent_by_rollout(bucket, key), "{bucket} {key}");
        }
    }

    #[test]
    fn the_same_code_has_the_same_key_and_other_code_another() {
        let key =
            |program: &[u8], configuration| Package::new(program, configuration).unwrap().key();
        assert_eq!(key(b"a", None), key(b"a", None));
        assert_ne!(key(b"a", None), key(b"b", None));
        assert_ne!(key(b"a", None), key(b"a", Some("")));
        assert_eq!(key(b"a", None).len(), "hansho-lambda-.zip".len() + 64);
    }
}
