//! The package of the worker: a zip with the program as `bootstrap`, and its configuration.
//!
//! The same files give the same bytes, so the hash of a package names its contents.

use std::io::{Cursor, Write};

use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, System, ZipWriter};

/// What Lambda starts. Source: Lambda developer guide, "Building a custom runtime".
const PROGRAM: &str = "bootstrap";
/// What the worker reads beside itself.
const CONFIGURATION: &str = "hansho.toml";
/// deflate's own middle: the best level takes four times as long for one hundredth less.
const LEVEL: i64 = 6;

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
        format!("hansho-lambda-{}.zip", hex(&self.sha256))
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
    fn the_same_code_has_the_same_key_and_other_code_another() {
        let key =
            |program: &[u8], configuration| Package::new(program, configuration).unwrap().key();
        assert_eq!(key(b"a", None), key(b"a", None));
        assert_ne!(key(b"a", None), key(b"b", None));
        assert_ne!(key(b"a", None), key(b"a", Some("")));
        assert_eq!(key(b"a", None).len(), "hansho-lambda-.zip".len() + 64);
    }
}
