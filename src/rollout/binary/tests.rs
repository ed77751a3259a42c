//! ELF files made by hand, each with one thing that Lambda refuses.

use super::*;

/// What a file has. The default starts on Lambda.
#[derive(Clone)]
struct Made<'a> {
    machine: u16,
    kind: u16,
    entry: u64,
    loader: Option<&'a str>,
    libraries: &'a [&'a str],
    versions: &'a [&'a str],
    constant: &'a str,
    /// The flags of its only segment.
    flags: u32,
}

const MADE: Made<'static> = Made {
    machine: 62,
    kind: 3,
    entry: 0x1000,
    loader: Some("/lib64/ld-linux-x86-64.so.2"),
    libraries: &["libc.so.6", "libgcc_s.so.1"],
    versions: &["GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_PRIVATE", "GCC_4.2.0"],
    constant: "HANSHO_QUEUE_QUARANTINE",
    flags: 4,
};

const HEADER: usize = 64;
const SEGMENT: usize = 56;

/// Puts text with its end into the strings, and returns where it is.
fn add(strings: &mut Vec<u8>, text: &str) -> u64 {
    let at = strings.len() as u64;
    strings.extend(text.as_bytes());
    strings.push(0);
    at
}

/// One segment that holds the whole file at address 0, so that an address is an offset.
fn made(made: &Made<'_>) -> Vec<u8> {
    let mut strings = vec![0];
    let libraries: Vec<u64> = made.libraries.iter().map(|name| add(&mut strings, name)).collect();
    let versions: Vec<u64> = made.versions.iter().map(|name| add(&mut strings, name)).collect();
    add(&mut strings, made.constant);
    let segments = 2 + usize::from(made.loader.is_some());
    let loader = HEADER + segments * SEGMENT;
    let loader_text = made.loader.map(|name| [name.as_bytes(), &[0]].concat()).unwrap_or_default();
    let strings_at = loader + loader_text.len();
    let needs = strings_at + strings.len();
    let mut needed = Vec::new();
    let count = u16::try_from(versions.len()).unwrap();
    needed.extend([1_u16.to_le_bytes(), count.to_le_bytes()].concat());
    needed.extend([1_u32, 16, 0].map(u32::to_le_bytes).concat());
    for (at, name) in versions.iter().enumerate() {
        let next = if at + 1 < versions.len() { 16 } else { 0 };
        needed.extend([0_u32, 0, *name as u32, next].map(u32::to_le_bytes).concat());
    }
    let table = needs + needed.len();
    let mut dynamic: Vec<[u64; 2]> = libraries.iter().map(|at| [1, *at]).collect();
    dynamic.push([5, strings_at as u64]);
    if !versions.is_empty() {
        dynamic.extend([[0x6fff_fffe, needs as u64], [0x6fff_ffff, 1]]);
    }
    dynamic.push([0, 0]);
    let table_bytes: Vec<u8> = dynamic.iter().flatten().flat_map(|n| n.to_le_bytes()).collect();
    let size = table + table_bytes.len();

    let mut file = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend([made.kind.to_le_bytes(), made.machine.to_le_bytes()].concat());
    file.extend(1_u32.to_le_bytes());
    file.extend([made.entry, HEADER as u64, 0].map(u64::to_le_bytes).concat());
    file.extend(0_u32.to_le_bytes());
    let sizes = [HEADER as u16, SEGMENT as u16, segments as u16, 64, 0, 0];
    file.extend(sizes.map(u16::to_le_bytes).concat());
    let mut segment = |kind: u32, flags: u32, at: usize, size: usize| {
        file.extend([kind, flags].map(u32::to_le_bytes).concat());
        let (at, size) = (at as u64, size as u64);
        file.extend([at, at, at, size, size, 1].map(u64::to_le_bytes).concat());
    };
    segment(1, made.flags, 0, size);
    segment(2, 6, table, table_bytes.len());
    if made.loader.is_some() {
        segment(3, 4, loader, loader_text.len());
    }
    [file, loader_text, strings, needed, table_bytes].concat()
}

#[test]
fn a_program_that_starts_there_has_its_processor() {
    let of = |one: &Made<'_>| processor(&made(one));
    assert_eq!(of(&MADE), Ok(Processor::X86_64));
    // Some linkers put constants beside the code.
    assert_eq!(of(&Made { flags: 5, ..MADE }), Ok(Processor::X86_64));
    let arm = Made { machine: 183, loader: Some("/lib/ld-linux-aarch64.so.1"), ..MADE };
    assert_eq!(of(&arm), Ok(Processor::Arm64));
    let fixed = Made { loader: None, libraries: &[], versions: &[], kind: 2, ..MADE };
    assert_eq!(of(&fixed), Ok(Processor::X86_64));
}

#[test]
fn each_reason_not_to_start_is_named() {
    let other = "libssl.so.3\u{1b}[2J";
    for (one, words) in [
        (Made { machine: 243, ..MADE }, "ELF machine 243"),
        (Made { kind: 1, ..MADE }, "a part of a program"),
        (Made { entry: 0, ..MADE }, "a library"),
        (Made { machine: 183, ..MADE }, "loaded by /lib64/ld-linux-x86-64.so.2"),
        (Made { loader: Some("/lib/ld-musl-x86_64.so.1"), ..MADE }, "loaded by /lib/ld-musl"),
        (Made { libraries: &["libc.so.6", other], ..MADE }, "needs libssl.so.3 [2J, which"),
        (Made { versions: &["GLIBC_2.35", "GLIBC_2.9"], ..MADE }, "needs glibc 2.35, and"),
        (Made { versions: &["GLIBC_ABI_DT_RELR"], ..MADE }, "needs glibc 2.36, and"),
        (Made { versions: &["GLIBC_3.0.1"], ..MADE }, "needs glibc 3.0, and"),
        (Made { constant: "HANSHO_QUEUE", ..MADE }, "it is not hansho"),
    ] {
        let why = processor(&made(&one)).unwrap_err().to_string();
        assert!(why.contains(words), "{words}: {why}");
        assert!(!why.contains('\u{1b}'), "{why}");
    }
}

#[test]
fn what_is_no_program_for_linux_is_refused() {
    let good = made(&MADE);
    let with = |at: usize, byte: u8| {
        let mut file = good.clone();
        file[at] = byte;
        file
    };
    for file in [
        Vec::new(),
        b"#!/bin/sh\n".to_vec(),
        b"MZ\x90\0".repeat(40),
        b"\xcf\xfa\xed\xfe".repeat(40),
        with(4, 1),
        with(5, 2),
        good[..40].to_vec(),
    ] {
        assert_eq!(processor(&file), Err(WontStart::NotLinux), "{:?}", file.get(..8));
    }
    let large = [good, vec![0; UNZIPPED_BYTES_MAX]].concat();
    assert!(matches!(processor(&large), Err(WontStart::TooLarge(size)) if size == large.len()));
}

/// Any byte changed, and any length: an answer, and never a panic.
#[test]
fn damaged_files_are_answered() {
    let good = made(&MADE);
    for length in 0..good.len() {
        assert!(processor(&good[..length]).is_err(), "{length} bytes");
    }
    let mut refused = 0;
    for at in 0..good.len() {
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let mut file = good.clone();
            file[at] = byte;
            refused += usize::from(processor(&file).is_err());
        }
    }
    assert!(refused > good.len(), "{refused}");
}

/// The linker of this machine makes what the check reads.
#[cfg(target_os = "linux")]
#[test]
fn the_program_of_this_test_is_read() {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let own = if std::env::consts::ARCH == "aarch64" { "arm64" } else { std::env::consts::ARCH };
    match processor(&program) {
        Ok(found) => assert_eq!(found.as_str(), own),
        // The glibc of this machine may be newer than Lambda's.
        Err(why) => assert!(matches!(why, WontStart::Glibc(_)), "{why}"),
    }
}
