//! Objects of S3, in buckets that stacks made.
//! Source: S3 API reference, GetObject, HeadObject, PutObject, "Error responses".

use axum::http::request::Parts;
use axum::http::response::Builder;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::request::{Answer, Call};
use super::state::{Held, Object};

/// The headers that count, and the bytes.
pub fn of(parts: &Parts, body: &[u8]) -> Value {
    let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap());
    // S3 refuses a body of another hash.
    let hash: String = Sha256::digest(body).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(header("x-amz-content-sha256"), Some(hash.as_str()));
    let signed = header("authorization").unwrap();
    for name in ["x-amz-expected-bucket-owner", "x-amz-content-sha256", "host"] {
        assert!(signed.contains(name), "{name} is not signed: {signed}");
    }
    json!({
        "owner": header("x-amz-expected-bucket-owner"),
        "checksum": header("x-amz-checksum-sha256"),
        "bytes": STANDARD.encode(body),
    })
}

pub fn answer(held: &mut Held, call: &Call) -> Answer {
    let (bucket, key) = (call.path[0].clone(), call.path[1].clone());
    let Some(owner) = held.buckets.get(&bucket) else {
        return Answer::error(404, "NoSuchBucket", "The specified bucket does not exist");
    };
    if *owner != call.account || call.text("owner") != owner {
        return Answer::error(403, "AccessDenied", "Access Denied");
    }
    let before = held.objects.get(&(bucket.clone(), key.clone()));
    match (call.operation.as_str(), before) {
        ("HeadObject" | "GetObject", None) => {
            Answer::error(404, "NoSuchKey", "The key does not exist.")
        }
        ("HeadObject", Some(object)) => found(object),
        ("GetObject", Some(object)) => {
            let asked = call.query.get("versionId");
            assert!(asked.is_none_or(|asked| *asked == format!("v{}", object.version)));
            let mut answer = found(object);
            answer.body["bytes"] = json!(STANDARD.encode(&object.bytes));
            answer
        }
        ("PutObject", before) => {
            let bytes = STANDARD.decode(call.text("bytes")).unwrap();
            let checksum = STANDARD.encode(Sha256::digest(&bytes));
            assert_eq!(call.text("checksum"), checksum);
            let version = before.map_or(0, |object| object.version) + 1;
            let object = Object { checksum, bytes, version };
            let answer = found(&object);
            held.objects.insert((bucket, key), object);
            answer
        }
        (other, _) => panic!("the stand-in does not know {other}"),
    }
}

fn found(object: &Object) -> Answer {
    Answer::ok(json!({
        "x-amz-version-id": format!("v{}", object.version),
        "x-amz-checksum-sha256": object.checksum,
    }))
}

/// The body of an object.
pub fn bytes(answer: &Answer) -> Option<Vec<u8>> {
    answer.body.get("bytes")?.as_str().map(|text| STANDARD.decode(text).unwrap())
}

/// An answer to HEAD has no body.
pub fn text(answer: &Answer, call: &Call) -> String {
    match &answer.code {
        Some(code) if call.method != "HEAD" => {
            let message = answer.body["message"].as_str().unwrap_or_default();
            format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>")
        }
        _ => String::new(),
    }
}

pub fn headers(answer: &Answer, mut builder: Builder) -> Builder {
    if answer.code.is_none() {
        let headers = answer.body.as_object().unwrap().iter().filter(|(name, _)| *name != "bytes");
        for (name, value) in headers {
            builder = builder.header(name, value.as_str().unwrap());
        }
    }
    builder
}

/// A statically linked program for aarch64 that has a name of hansho's: an ELF header, one segment,
/// and the name. Source: elf(5).
pub fn program_for_lambda() -> Vec<u8> {
    const SIZE: u64 = 256;
    let numbers =
        |numbers: &[u64]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([2, 0, 183, 0, 1, 0, 0, 0]);
    file.extend(numbers(&[0x1000, 64, 0]));
    file.extend([0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 64, 0, 0, 0, 0, 0]);
    file.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    file.extend(numbers(&[0, 0, 0, SIZE, SIZE, 1]));
    file.extend(b"HANSHO_QUEUE_QUARANTINE");
    file.resize(SIZE as usize, 0);
    file
}
