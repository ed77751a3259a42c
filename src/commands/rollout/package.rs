//! The worker's package for Lambda: this program as `bootstrap` in a zip file.
//!
//! A binary that would not start there is refused, with the reason. The same bytes give the same
//! package.
//! Source: Lambda developer guide, "Deploy Go and Rust functions with an OS-only runtime"
//! (`bootstrap`), "Lambda quotas"; Amazon Linux 2023 user guide, "glibc".

use std::fmt::Write as _;
use std::io::{Cursor, Write};

use goblin::elf::Elf;
use goblin::elf::header::{EI_OSABI, ELFOSABI_LINUX, ELFOSABI_NONE, EM_AARCH64, EM_X86_64, ET_DYN,
    ET_EXEC};
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// The glibc of the runtime `provided.al2023`.
const GLIBC_MAX: (u32, u32) = (2, 34);
/// What a function may take unpacked, in bytes.
pub const BINARY_BYTES_MAX: u64 = 250 << 20;

/// A package, ready for upload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub zip: Vec<u8>,
    /// `x86_64` or `arm64`, as the template has it.
    pub processor: &'static str,
    /// The SHA-256 of the zip file, in hexadecimal digits.
    pub sha256: String,
}

/// Packs a binary.
///
/// # Errors
/// It would not start on Lambda, and why.
pub fn package(binary: &[u8]) -> Result<Package, String> {
    let processor = processor(binary)?;
    let zip = zipped(binary).map_err(|why| format!("the zip file can't be written: {why}"))?;
    let mut sha256 = String::new();
    for byte in Sha256::digest(&zip) {
        _ = write!(sha256, "{byte:02x}");
    }
    Ok(Package { zip, processor, sha256 })
}

/// The processor of a binary that starts on Lambda.
fn processor(binary: &[u8]) -> Result<&'static str, String> {
    const OTHER: &str = "give --worker with a binary of Linux on x86_64 or arm64";
    if binary.len() as u64 > BINARY_BYTES_MAX {
        return Err(format!(
            "it takes {} MiB, and a function may take {}: build it with `--profile production`",
            binary.len() >> 20,
            BINARY_BYTES_MAX >> 20
        ));
    }
    let elf = Elf::parse(binary).map_err(|_| format!("it is no program of Linux (ELF): {OTHER}"))?;
    let system = elf.header.e_ident[EI_OSABI];
    if !matches!(system, ELFOSABI_NONE | ELFOSABI_LINUX) {
        return Err(format!("it is for another system than Linux: {OTHER}"));
    }
    if !matches!(elf.header.e_type, ET_EXEC | ET_DYN) || elf.header.e_entry == 0 {
        return Err(format!("it is a library or an object, and no program: {OTHER}"));
    }
    let processor = match elf.header.e_machine {
        EM_X86_64 if elf.is_64 => "x86_64",
        EM_AARCH64 if elf.is_64 => "arm64",
        _ => return Err(format!("it is for another processor: {OTHER}")),
    };
    // A program without an interpreter is statically linked.
    let Some(interpreter) = elf.interpreter else { return Ok(processor) };
    if interpreter.contains("musl") {
        return Err("it needs musl as a shared library, which Lambda does not have: link it \
                    statically"
            .to_owned());
    }
    let needed = glibc(&elf);
    if needed > GLIBC_MAX {
        return Err(format!(
            "it needs glibc {}.{}, and Lambda has {}.{}: build it on Amazon Linux 2023, Debian 12 \
             or older, or for the target {}-unknown-linux-musl",
            needed.0,
            needed.1,
            GLIBC_MAX.0,
            GLIBC_MAX.1,
            if processor == "arm64" { "aarch64" } else { "x86_64" },
        ));
    }
    Ok(processor)
}

/// The newest version of glibc that a program asks for.
fn glibc(elf: &Elf<'_>) -> (u32, u32) {
    let Some(needs) = &elf.verneed else { return (0, 0) };
    let names = needs.iter().flat_map(|need| need.iter().collect::<Vec<_>>());
    let versions = names.filter_map(|version| {
        let name = elf.dynstrtab.get_at(version.vna_name)?;
        let mut numbers = name.strip_prefix("GLIBC_")?.split('.');
        Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
    });
    versions.max().unwrap_or((0, 0))
}

fn zipped(binary: &[u8]) -> zip::result::ZipResult<Vec<u8>> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("bootstrap", options)?;
    zip.write_all(binary)?;
    Ok(zip.finish()?.into_inner())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// The head of an ELF file without sections and segments.
    fn elf(change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0];
        bytes.resize(16, 0);
        bytes.extend(ET_EXEC.to_le_bytes());
        bytes.extend(EM_X86_64.to_le_bytes());
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(0x40_0000_u64.to_le_bytes());
        bytes.resize(52, 0);
        bytes.extend(64_u16.to_le_bytes());
        bytes.resize(64, 0);
        change(&mut bytes);
        bytes
    }

    #[test]
    fn a_static_program_of_linux_is_packed_and_nothing_else() {
        let arm = elf(|bytes| bytes[18..20].copy_from_slice(&EM_AARCH64.to_le_bytes()));
        assert_eq!(processor(&elf(|_| {})), Ok("x86_64"));
        assert_eq!(processor(&arm), Ok("arm64"));
        for (binary, why) in [
            (Vec::new(), "no program of Linux"),
            (b"MZ\x90\x00".to_vec(), "no program of Linux"),
            (b"\xcf\xfa\xed\xfe\x0c\x00\x00\x01".to_vec(), "no program of Linux"),
            (b"#!/bin/sh\n".to_vec(), "no program of Linux"),
            (elf(|bytes| bytes.truncate(30)), "no program of Linux"),
            (elf(|bytes| bytes[7] = 9), "another system"),
            (elf(|bytes| bytes[16] = 1), "a library or an object"),
            (elf(|bytes| bytes[24..32].fill(0)), "a library or an object"),
            (elf(|bytes| bytes[18..20].copy_from_slice(&[40, 0])), "another processor"),
        ] {
            let refusal = package(&binary).unwrap_err();
            assert!(refusal.contains(why), "{refusal}");
        }
        let large = vec![0; (BINARY_BYTES_MAX + 1) as usize];
        assert!(package(&large).unwrap_err().contains("251 MiB") || large.len() >> 20 == 250);
    }

    #[test]
    fn a_package_holds_the_program_and_is_the_same_each_time() {
        let binary = elf(|_| {});
        let made = package(&binary).unwrap();
        assert_eq!(made, package(&binary).unwrap());
        assert_eq!(made.sha256.len(), 64);
        let mut archive = zip::ZipArchive::new(Cursor::new(&made.zip)).unwrap();
        assert_eq!(archive.len(), 1);
        let mut file = archive.by_name("bootstrap").unwrap();
        assert_eq!(file.unix_mode().unwrap() & 0o777, 0o755);
        let mut held = Vec::new();
        file.read_to_end(&mut held).unwrap();
        assert_eq!(held, binary);
    }

    /// This test itself is a program of this machine.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_glibc_of_a_real_program_is_read() {
        let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let elf = Elf::parse(&program).unwrap();
        if elf.interpreter.is_some() {
            assert!(glibc(&elf) >= (2, 2) && glibc(&elf) < (3, 0), "{:?}", glibc(&elf));
        }
    }
}
