//! Whether a binary would start on Lambda, read from its bytes.
//!
//! It runs as `bootstrap` of the runtime `provided.al2023`, which has glibc 2.34 and no libraries
//! beside glibc's own and GCC's. Source: Lambda developer guide, "OS-only runtime"; Amazon Linux
//! 2023 user guide, "Comparing AL2 and AL2023", glibc.

use object::LittleEndian as LE;
use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::read::{ReadRef, StringTable};

use crate::finding::Text;
use crate::words::words;

/// The most bytes of a function with all that is in its package.
/// Source: Lambda developer guide, "Lambda quotas", deployment package, unzipped.
pub const UNZIPPED_BYTES_MAX: usize = 250 * 1024 * 1024;
/// The glibc of `provided.al2023`.
const GLIBC_MAX: Version = Version(2, 34);
/// The name of this version has no number. Source: glibc 2.36, NEWS, `DT_RELR`.
const RELR: (&str, Version) = ("GLIBC_ABI_DT_RELR", Version(2, 36));
/// What `provided.al2023` has: glibc's libraries, and that of GCC's unwinder.
const LIBRARIES: [&str; 9] = [
    "ld-linux-aarch64.so.1",
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "librt.so.1",
    "libutil.so.1",
];
/// A name that each hansho has, and no other program.
const HANSHO: &[u8] = b"HANSHO_QUEUE_QUARANTINE";
/// More libraries and versions than any program needs.
const ENTRIES_MAX: usize = 1_000;
/// The longest name that is shown, in characters.
const NAME_CHARS_MAX: usize = 80;

words! {
    /// A processor, in the word of Lambda.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Processor {
        Arm64 = "arm64",
        X86_64 = "x86_64",
    }
}

/// A version of glibc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(u32, u32);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Why a binary would not start on Lambda, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WontStart {
    #[error(
        "it is no program for 64-bit Linux: give one with --worker, such as that of a release for \
         Linux"
    )]
    NotLinux,
    #[error("its processor (ELF machine {0}) is none of Lambda's: build for x86_64 or aarch64")]
    Processor(u16),
    #[error("it is a library or a part of a program: give the program itself")]
    NotAProgram,
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
    #[error(
        "it is loaded by {0}, which Lambda does not have: build for the target *-linux-gnu, or link \
         it statically"
    )]
    Loader(Text),
    #[error("it needs {0}, which Lambda does not have: link that statically")]
    Library(Text),
    #[error(
        "it needs glibc {0}, and Lambda has {GLIBC_MAX}: build it on Amazon Linux 2023 or Debian 12, \
         or link it statically (target *-linux-musl)"
    )]
    Glibc(Version),
    #[error(
        "it has {0} bytes, and Lambda takes {UNZIPPED_BYTES_MAX}: build it with --profile production"
    )]
    TooLarge(usize),
    #[error("it is not hansho: give the hansho of a release")]
    NotHansho,
}

type Header = elf::FileHeader64<LE>;
type Segment = elf::ProgramHeader64<LE>;

/// The processor of a binary that starts on Lambda.
///
/// # Errors
/// It would not start, as far as its bytes say.
pub fn processor(bytes: &[u8]) -> Result<Processor, WontStart> {
    let header = Header::parse(bytes).map_err(|_| WontStart::NotLinux)?;
    if !header.is_little_endian() || !header.is_class_64() {
        return Err(WontStart::NotLinux);
    }
    let processor = match header.e_machine(LE) {
        elf::EM_X86_64 => Processor::X86_64,
        elf::EM_AARCH64 => Processor::Arm64,
        other => return Err(WontStart::Processor(other.0)),
    };
    if bytes.len() > UNZIPPED_BYTES_MAX {
        return Err(WontStart::TooLarge(bytes.len()));
    }
    // A shared library has no entry point.
    let is_program = matches!(header.e_type(LE), elf::ET_EXEC | elf::ET_DYN);
    if !is_program || header.e_entry(LE) == 0 {
        return Err(WontStart::NotAProgram);
    }
    let segments =
        header.program_headers(LE, bytes).map_err(|_| WontStart::Damaged("its program headers"))?;
    let program = Program { bytes, segments };
    program.loader(processor)?;
    program.dynamic()?;
    if !program.has(HANSHO) {
        return Err(WontStart::NotHansho);
    }
    Ok(processor)
}

struct Program<'a> {
    bytes: &'a [u8],
    segments: &'a [Segment],
}

impl<'a> Program<'a> {
    /// A statically linked program has no loader.
    fn loader(&self, processor: Processor) -> Result<(), WontStart> {
        let known: &[u8] = match processor {
            Processor::X86_64 => b"/lib64/ld-linux-x86-64.so.2",
            Processor::Arm64 => b"/lib/ld-linux-aarch64.so.1",
        };
        for segment in self.segments {
            let loader = segment.interpreter(LE, self.bytes);
            match loader.map_err(|_| WontStart::Damaged("the name of its loader"))? {
                Some(loader) if loader != known => return Err(WontStart::Loader(shown(loader))),
                _ => {}
            }
        }
        Ok(())
    }

    /// The libraries that it needs, and their versions.
    fn dynamic(&self) -> Result<(), WontStart> {
        const DAMAGED: WontStart = WontStart::Damaged("its table of libraries");
        let mut entries: &[elf::Dyn64<LE>] = &[];
        for segment in self.segments {
            let found = segment.dynamic(LE, self.bytes).map_err(|_| DAMAGED)?;
            entries = found.unwrap_or(entries);
        }
        let value = |tag: elf::DynamicTag| {
            entries.iter().find(|one| one.tag(LE) == tag).map(|one| one.val(LE))
        };
        // A statically linked one needs none.
        let Some(strings) = value(elf::DT_STRTAB) else { return Ok(()) };
        let strings = self.at(strings).ok_or(DAMAGED)?;
        let strings = StringTable::new(strings, 0, strings.len() as u64);
        let needed = entries.iter().filter(|one| one.tag(LE) == elf::DT_NEEDED);
        for library in needed.take(ENTRIES_MAX) {
            let library = u32::try_from(library.val(LE)).map_err(|_| DAMAGED)?;
            let library = strings.get(library).map_err(|()| DAMAGED)?;
            if !LIBRARIES.iter().any(|known| known.as_bytes() == library) {
                return Err(WontStart::Library(shown(library)));
            }
        }
        let Some(versions) = value(elf::DT_VERNEED) else { return Ok(()) };
        let versions = self.at(versions).ok_or(DAMAGED)?;
        let newest = newest_glibc(versions, strings).ok_or(DAMAGED)?;
        match newest {
            Some(newest) if newest > GLIBC_MAX => Err(WontStart::Glibc(newest)),
            _ => Ok(()),
        }
    }

    /// The bytes from an address to the end of its segment.
    fn at(&self, address: u64) -> Option<&'a [u8]> {
        let loaded = self.segments.iter().filter(|one| one.p_type(LE) == elf::PT_LOAD);
        loaded.into_iter().find_map(|segment| {
            let from = usize::try_from(address.checked_sub(segment.p_vaddr(LE))?).ok()?;
            segment.data(LE, self.bytes).ok()?.get(from..).filter(|rest| !rest.is_empty())
        })
    }

    /// Whether a name is among its constants. Some linkers put them beside the code.
    fn has(&self, name: &[u8]) -> bool {
        let in_segments = |code: bool| {
            let mut segments = self.segments.iter().filter(|one| {
                one.p_type(LE) == elf::PT_LOAD && one.p_flags(LE).contains(elf::PF_X) == code
            });
            segments.any(|segment| {
                let data = segment.data(LE, self.bytes).unwrap_or_default();
                data.windows(name.len()).any(|window| window == name)
            })
        };
        in_segments(false) || in_segments(true)
    }
}

/// The newest glibc that the versions of symbols ask for. None: they can't be read. None inside:
/// they ask for none.
fn newest_glibc(versions: &[u8], strings: StringTable<'_>) -> Option<Option<Version>> {
    let mut newest = None;
    let (mut at, mut left) = (0_u64, ENTRIES_MAX);
    loop {
        let file: &elf::Verneed<LE> = versions.read_at(at).ok()?;
        let mut inner = at.checked_add(file.vn_aux.get(LE).into())?;
        for _ in 0..file.vn_cnt.get(LE) {
            left = left.checked_sub(1)?;
            let version: &elf::Vernaux<LE> = versions.read_at(inner).ok()?;
            let name = strings.get(version.vna_name.get(LE)).ok()?;
            newest = newest.max(glibc(name));
            inner = inner.checked_add(version.vna_next.get(LE).into())?;
        }
        match file.vn_next.get(LE) {
            0 => return Some(newest),
            next => at = at.checked_add(next.into())?,
        }
        left = left.checked_sub(1)?;
    }
}

/// `GLIBC_2.17`. None: another name.
fn glibc(name: &[u8]) -> Option<Version> {
    let name = std::str::from_utf8(name).ok()?;
    if name == RELR.0 {
        return Some(RELR.1);
    }
    let mut parts = name.strip_prefix("GLIBC_")?.split('.').map(str::parse);
    Some(Version(parts.next()?.ok()?, parts.next()?.ok()?))
}

fn shown(name: &[u8]) -> Text {
    Text::new(&String::from_utf8_lossy(name), NAME_CHARS_MAX)
}

#[cfg(test)]
mod tests;
