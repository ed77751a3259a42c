//! HTTP/1.1 as far as the workers and the stand-ins use it: messages with a `Content-Length`.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt};

const HEAD_BYTES_MAX: usize = 64 * 1024;
const BODY_BYTES_MAX: usize = 16 << 20;

/// A request or an answer, byte for byte.
#[derive(Clone, Debug)]
pub struct Message {
    /// The first line and the headers, with the empty line.
    pub head: String,
    pub body: Vec<u8>,
}

impl Message {
    /// An answer of the proxy itself. The connection stays open after it.
    pub fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Message {
        let mut head = format!("HTTP/1.1 {status} Fault\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        Message { head, body: body.to_vec() }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().skip(1).filter_map(|line| line.split_once(':'));
        lines.clone().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The path of a request, or the status of an answer.
    pub fn second_word(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub fn status(&self) -> u16 {
        self.second_word().parse().unwrap_or(0)
    }

    pub fn bytes(&self) -> Vec<u8> {
        [self.head.as_bytes(), &self.body].concat()
    }
}

/// The next message of a connection. None: the other side closed it.
pub async fn read(from: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Option<Message>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let limit = (HEAD_BYTES_MAX - head.len()) as u64;
        if from.take(limit).read_until(b'\n', &mut head).await? == 0 {
            return Ok(None);
        }
    }
    let head = String::from_utf8(head).map_err(io::Error::other)?;
    let mut message = Message { head, body: Vec::new() };
    if message.header("transfer-encoding").is_some() {
        return Err(io::Error::other("a message without a length"));
    }
    let length = message.header("content-length").map_or(Ok(0), str::parse::<usize>);
    let length = length.map_err(io::Error::other)?;
    if length > BODY_BYTES_MAX {
        return Err(io::Error::other("a body that is too long"));
    }
    message.body.resize(length, 0);
    from.read_exact(&mut message.body).await?;
    Ok(Some(message))
}
