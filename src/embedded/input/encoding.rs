//! How an input is written: plain, compressed, or in UTF-16. Its first bytes say it.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

/// How many of the first bytes are looked at.
const HEAD_BYTES: usize = 8 << 10;
/// A text has no more characters in a hundred that are no text, but for a few.
const STRANGE_PERCENT_MAX: usize = 10;
const STRANGE_FEW: usize = 8;
/// The marks of gzip and zstd. Sources: RFC 1952, 2.3.1; RFC 8878, 3.1.1.
const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

type Input = Box<dyn BufRead + Send>;
type WithHead<R> = Chain<Cursor<Vec<u8>>, R>;

/// The text of an input as UTF-8, unpacked. Reads its first line, at most 8 KiB of it, and waits
/// for no more, since a pipe may stay open with nothing in it.
///
/// # Errors
/// The input can't be read, or is binary.
pub fn decode(input: impl Read + Send + 'static) -> io::Result<Input> {
    let (head, input) = peek(input, |head| head.len() >= ZSTD.len())?;
    let unpacked: Box<dyn Read + Send> = match head.as_slice() {
        head if head.starts_with(GZIP) => Box::new(MultiGzDecoder::new(BufReader::new(input))),
        head if head.starts_with(ZSTD) => {
            let frames = StreamingDecoder::new(BufReader::new(input));
            Box::new(frames.map_err(|why| invalid(&format!("is no zstd: {why}")))?)
        }
        _ => Box::new(input),
    };
    // It takes a byte order mark away, and converts UTF-16.
    let text = DecodeReaderBytesBuilder::new().utf8_passthru(true).strip_bom(true).build(unpacked);
    let (head, text) = peek(text, |head| head.contains(&b'\n'))?;
    if is_binary(&head) {
        return Err(invalid("is binary: give JSON, plain or packed by gzip or zstd"));
    }
    Ok(Box::new(BufReader::new(text)))
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

/// The first bytes as soon as they are `enough`, and a reader that begins with them all the same.
fn peek<R: Read>(mut input: R, enough: fn(&[u8]) -> bool) -> io::Result<(Vec<u8>, WithHead<R>)> {
    let mut head = Vec::new();
    let mut piece = vec![0; HEAD_BYTES];
    while head.len() < HEAD_BYTES && !enough(&head) {
        match input.read(&mut piece[head.len()..]) {
            Ok(0) => break,
            Ok(read) => head.extend_from_slice(&piece[head.len()..][..read]),
            Err(why) if why.kind() == io::ErrorKind::Interrupted => {}
            Err(why) => return Err(why),
        }
    }
    Ok((head.clone(), Cursor::new(head).chain(input)))
}

/// Whether it has a zero byte, or much that is neither text nor white space. A few wrong characters
/// spoil a line, not the input.
fn is_binary(head: &[u8]) -> bool {
    let strange = |c: &char| {
        *c == char::REPLACEMENT_CHARACTER
            || (c.is_control() && !c.is_whitespace() && *c != '\u{1e}')
    };
    let text = String::from_utf8_lossy(head);
    let many = (text.chars().count() * STRANGE_PERCENT_MAX / 100).max(STRANGE_FEW);
    head.contains(&0) || text.chars().filter(strange).count() > many
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn decoded(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        decode(Cursor::new(bytes.to_vec()))?.read_to_string(&mut text)?;
        Ok(text)
    }

    fn utf16(text: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        format!("\u{feff}{text}").encode_utf16().flat_map(order).collect()
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn what_is_packed_or_in_utf_16_is_read() {
        let text = "{\"title\":\"半鐘 é\"}\n".repeat(2_000);
        let twice = [gzip(&text), gzip("more")].concat();
        let level = ruzstd::encoding::CompressionLevel::Fastest;
        let zstd = ruzstd::encoding::compress_to_vec(text.as_bytes(), level);
        for (bytes, expected) in [
            (text.clone().into_bytes(), text.clone()),
            (format!("\u{feff}{text}").into_bytes(), text.clone()),
            (utf16(&text, u16::to_le_bytes), text.clone()),
            (utf16(&text, u16::to_be_bytes), text.clone()),
            (gzip(&text), text.clone()),
            (twice, format!("{text}more")),
            (zstd, text.clone()),
            (Vec::new(), String::new()),
            (
                b"{\"a\":\"\xff\"}\nand more text".to_vec(),
                "{\"a\":\"\u{fffd}\"}\nand more text".to_owned(),
            ),
        ] {
            let mut lossy = Vec::new();
            decode(Cursor::new(bytes)).unwrap().read_to_end(&mut lossy).unwrap();
            assert_eq!(String::from_utf8_lossy(&lossy), expected);
        }
    }

    /// Gives its pieces, and then has nothing, as a pipe that stays open.
    struct Pipe(Vec<Vec<u8>>);

    impl Read for Pipe {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            assert!(!self.0.is_empty(), "waits for more");
            let piece = self.0.remove(0);
            buffer[..piece.len()].copy_from_slice(&piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn a_line_of_a_pipe_does_not_wait_for_the_next() {
        for pieces in [
            vec![b"{\"a\":1}\n".to_vec()],
            vec![b"{".to_vec(), b"\"a\"".to_vec(), b":1}\n".to_vec()],
        ] {
            let mut line = String::new();
            decode(Pipe(pieces)).unwrap().read_line(&mut line).unwrap();
            assert_eq!(line, "{\"a\":1}\n");
        }
    }

    #[test]
    fn binary_and_damaged_inputs_are_refused() {
        let mut random = fastrand::Rng::with_seed(7);
        let noise: Vec<u8> = std::iter::repeat_with(|| random.u8(1..)).take(20_000).collect();
        for bytes in
            [&b"\x7fELF\0\0"[..], b"SQLite format 3\0", &noise, &utf16("a", u16::to_le_bytes)[2..]]
        {
            let why = decode(Cursor::new(bytes.to_vec())).err().unwrap().to_string();
            assert!(why.contains("is binary"), "{why}");
        }
        let mut cut = gzip(&"{}\n".repeat(9_000));
        cut.truncate(cut.len() - 9);
        assert!(decoded(&cut).is_err());
        assert!(decoded(b"\x28\xb5\x2f\xfdnonsense").is_err());
    }
}
