//! The worker's code in S3: one object, named by its hash.
//!
//! S3's SDK is as large as those of all other services here together, so its three calls are
//! signed and sent by hand.
//! Source: S3 API reference, GetObject, HeadObject, PutObject; Signature Version 4, "Create a
//! signed request".

use std::time::{Duration, UNIX_EPOCH};

use aws_config::SdkConfig;
use aws_sdk_sts::config::ProvideCredentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Method, Response, StatusCode, redirect};

use super::{ATTEMPT_TIMEOUT, ATTEMPTS_MAX};
use crate::aws::CONNECT_TIMEOUT;
use crate::aws::cause::cause_of_other;
use crate::clock;
use crate::estate::{Fact, Unreadable};
use crate::policy::retry::Retry;
use crate::ports::rollout::{Bucket, SentCode};
use crate::rollout::{Package, UNZIPPED_BYTES_MAX, hex};

/// For the object itself: fifty MiB over a slow line.
const SEND_TIMEOUT: Duration = Duration::from_secs(15 * 60);
const RETRY_FIRST: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(10);
/// How much of an error is read.
const ERROR_BYTES_MAX: usize = 4096;
/// Of no bytes.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Sends the code, unless it is there already. Returns the version of the object; empty if the
/// bucket keeps none. Whatever owner the bucket has besides the right one, nothing is sent.
pub async fn upload(
    config: &SdkConfig,
    region: &str,
    bucket: &Bucket<'_>,
    package: &Package,
) -> Fact<String> {
    let objects = Objects::new(config, region, bucket, &package.key(), "")?;
    // As S3 writes it.
    let checksum = STANDARD.encode(package.sha256);
    if let Some(version) = objects.version(&checksum).await? {
        return Ok(version);
    }
    objects.put(package, &checksum).await
}

/// The code that a worker was made of.
pub async fn download(
    config: &SdkConfig,
    region: &str,
    bucket: &Bucket<'_>,
    code: &SentCode,
) -> Fact<Vec<u8>> {
    let objects = Objects::new(config, region, bucket, &code.key, &code.version)?;
    objects.get().await
}

/// What an answer means.
enum Outcome {
    Answer(Response),
    Absent,
    Retry(Unreadable),
    Failed(Unreadable),
}

struct Objects<'a> {
    http: Client,
    config: &'a SdkConfig,
    region: &'a str,
    bucket: &'a Bucket<'a>,
    url: String,
}

impl<'a> Objects<'a> {
    /// The object of a key. Without a version it is the newest.
    fn new(
        config: &'a SdkConfig,
        region: &'a str,
        bucket: &'a Bucket<'a>,
        key: &str,
        version: &str,
    ) -> Fact<Objects<'a>> {
        let http = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(redirect::Policy::none())
            .build()
            .map_err(|why| {
                Unreadable::new(&format!("no HTTP client for S3: {}", cause_of_other(&why)))
            })?;
        let url = url(config, region, bucket, key, version)?;
        Ok(Objects { http, config, region, bucket, url })
    }

    /// The version of the object, if it has this checksum.
    async fn version(&self, checksum: &str) -> Fact<Option<String>> {
        let headers = [("x-amz-checksum-mode", "ENABLED")];
        let Some(answer) = self.call("s3:HeadObject", Method::HEAD, &headers, None).await? else {
            return Ok(None);
        };
        let same = header(&answer, "x-amz-checksum-sha256") == checksum;
        Ok(same.then(|| header(&answer, "x-amz-version-id")))
    }

    async fn put(&self, package: &Package, checksum: &str) -> Fact<String> {
        let headers = [("content-type", "application/zip"), ("x-amz-checksum-sha256", checksum)];
        match self.call("s3:PutObject", Method::PUT, &headers, Some(package)).await? {
            Some(answer) => Ok(header(&answer, "x-amz-version-id")),
            None => Err(self.failed("s3:PutObject", "the bucket is gone")),
        }
    }

    async fn get(&self) -> Fact<Vec<u8>> {
        const OPERATION: &str = "s3:GetObject";
        let Some(mut answer) = self.call(OPERATION, Method::GET, &[], None).await? else {
            return Err(self.failed(OPERATION, "the object is gone"));
        };
        let mut bytes = Vec::new();
        loop {
            match answer.chunk().await {
                Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                Ok(None) => return Ok(bytes),
                Err(why) => return Err(self.failed(OPERATION, &cause_of_other(&why))),
            }
            if bytes.len() > UNZIPPED_BYTES_MAX {
                return Err(self.failed(OPERATION, "the object is larger than Lambda takes"));
            }
        }
    }

    fn failed(&self, operation: &str, why: &str) -> Unreadable {
        let Objects { region, bucket, .. } = self;
        Unreadable::new(&format!("{operation} in {region}, bucket {}: {why}", bucket.name))
    }

    /// Repeats throttles and lost connections. None: there is no such object.
    async fn call(
        &self,
        operation: &str,
        method: Method,
        headers: &[(&str, &str)],
        package: Option<&Package>,
    ) -> Fact<Option<Response>> {
        let mut retry = Retry::new(RETRY_FIRST, RETRY_MAX, fastrand::u64(..));
        let mut attempt = 0;
        loop {
            attempt += 1;
            match self.attempt(operation, &method, headers, package).await? {
                Outcome::Answer(answer) => return Ok(Some(answer)),
                Outcome::Absent => return Ok(None),
                Outcome::Failed(why) => return Err(why),
                Outcome::Retry(why) if attempt == ATTEMPTS_MAX => return Err(why),
                Outcome::Retry(_) => tokio::time::sleep(retry.delay(attempt)).await,
            }
        }
    }

    async fn attempt(
        &self,
        operation: &str,
        method: &Method,
        headers: &[(&str, &str)],
        package: Option<&Package>,
    ) -> Fact<Outcome> {
        let mut all = vec![("x-amz-expected-bucket-owner", self.bucket.owner)];
        all.extend(headers);
        let hash = package.map_or_else(|| EMPTY_SHA256.to_owned(), |one| hex(&one.sha256));
        let signed = self.signed(method.as_str(), &all, hash).await?;
        let mut request = self.http.request(method.clone(), &self.url);
        for (name, value) in all {
            request = request.header(name, value);
        }
        for (name, value) in &signed {
            request = request.header(name, value);
        }
        request = match package {
            Some(package) => request.timeout(SEND_TIMEOUT).body(package.bytes.clone()),
            None if *method == Method::GET => request.timeout(SEND_TIMEOUT),
            None => request.timeout(ATTEMPT_TIMEOUT),
        };
        let place = format!("{operation} in {}", self.region);
        Ok(match request.send().await {
            Ok(answer) => outcome(&place, answer).await,
            // The address has no secret in it.
            Err(why) => {
                Outcome::Retry(Unreadable::new(&format!("{place}: {}", cause_of_other(&why))))
            }
        })
    }

    /// The headers that sign a request.
    async fn signed(
        &self,
        method: &str,
        headers: &[(&str, &str)],
        hash: String,
    ) -> Fact<Vec<(String, String)>> {
        let failed =
            |why: String| Unreadable::new(&format!("a request to S3 can't be signed: {why}"));
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| failed("there are no credentials".to_owned()))?;
        let credentials = provider.provide_credentials().await;
        let identity: Identity = credentials.map_err(|why| failed(cause_of_other(&why)))?.into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let now = u64::try_from(clock::wall().0).unwrap_or_default();
        let now = UNIX_EPOCH + Duration::from_millis(now);
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name("s3")
            .time(now)
            .settings(settings)
            .build()
            .map_err(|why| failed(why.to_string()))?
            .into();
        let body = SignableBody::Precomputed(hash);
        let request = SignableRequest::new(method, &self.url, headers.iter().copied(), body);
        let request = request.map_err(|why| failed(cause_of_other(&why)))?;
        let signed = sign(request, &parameters).map_err(|why| failed(cause_of_other(&why)))?;
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Ok(signed.output().headers().map(owned).collect())
    }
}

/// The address of the object. An endpoint of the environment, such as an emulator's, knows no hosts
/// for buckets.
fn url(
    config: &SdkConfig,
    region: &str,
    bucket: &Bucket<'_>,
    key: &str,
    version: &str,
) -> Fact<String> {
    let Bucket { name, partition, .. } = bucket;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || name.len() > 63 || !name.chars().all(good) {
        return Err(Unreadable::new("the stack has no usable name of a bucket"));
    }
    let good = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    if key.is_empty() || !key.chars().chain(version.chars()).all(good) {
        return Err(Unreadable::new("the name of the object has signs that hansho does not send"));
    }
    let object = match version {
        "" => key.to_owned(),
        version => format!("{key}?versionId={version}"),
    };
    let given = std::env::var("AWS_ENDPOINT_URL_S3").ok().filter(|url| !url.is_empty());
    if let Some(endpoint) = given.as_deref().or(config.endpoint_url()) {
        return Ok(format!("{}/{name}/{object}", endpoint.trim_end_matches('/')));
    }
    let suffix = match *partition {
        "aws" | "aws-us-gov" => "amazonaws.com",
        "aws-cn" => "amazonaws.com.cn",
        other => {
            let why = format!("the host of S3 in the partition {other} is not known");
            return Err(Unreadable::new(&format!("{why}: set AWS_ENDPOINT_URL_S3")));
        }
    };
    Ok(format!("https://{name}.s3.{region}.{suffix}/{object}"))
}

fn header(answer: &Response, name: &str) -> String {
    let value = answer.headers().get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

async fn outcome(place: &str, answer: Response) -> Outcome {
    let status = answer.status();
    match status {
        StatusCode::OK => return Outcome::Answer(answer),
        StatusCode::NOT_FOUND => return Outcome::Absent,
        _ => {}
    }
    let says = error_of(answer).await;
    let why = format!("{place}: {status} {says}");
    match status {
        StatusCode::FORBIDDEN => Outcome::Failed(Unreadable::denied(&format!(
            "{why}: a right is missing (s3:GetObject, s3:ListBucket, s3:PutObject), or the bucket \
             is another account's"
        ))),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
            Outcome::Retry(Unreadable::new(&why))
        }
        _ if status.is_server_error() || says.starts_with("RequestTimeout") => {
            Outcome::Retry(Unreadable::new(&why))
        }
        _ => Outcome::Failed(Unreadable::new(&why)),
    }
}

/// Code and message. An answer to HEAD has neither.
async fn error_of(mut answer: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ERROR_BYTES_MAX {
            break;
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        rest.split_once("</").map(|(value, _)| value.to_owned())
    };
    [element("Code"), element("Message")].into_iter().flatten().collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_that_of_the_partition_and_of_a_bucket_only() {
        let config = SdkConfig::builder().build();
        let key = Package::new(b"program", None).unwrap().key();
        let of = |partition: &str, name: &str, version: &str| {
            let bucket = Bucket { name, owner: "111122223333", partition };
            url(&config, "eu-west-1", &bucket, &key, version).map_err(|why| why.why().to_owned())
        };
        for (partition, suffix) in [
            ("aws", "amazonaws.com"),
            ("aws-us-gov", "amazonaws.com"),
            ("aws-cn", "amazonaws.com.cn"),
        ] {
            let expected = format!("https://hansho-code-1.s3.eu-west-1.{suffix}/{key}");
            assert_eq!(of(partition, "hansho-code-1", ""), Ok(expected.clone()));
            let expected = format!("{expected}?versionId=a.B_1-");
            assert_eq!(of(partition, "hansho-code-1", "a.B_1-"), Ok(expected));
        }
        assert!(of("aws-iso", "hansho-code-1", "").unwrap_err().contains("AWS_ENDPOINT_URL_S3"));
        assert!(of("aws", "hansho-code-1", "a&b").unwrap_err().contains("signs"));
        for bucket in ["", "a/b", "a.example.com", "A", &"a".repeat(64)] {
            assert!(of("aws", bucket, "").unwrap_err().contains("name of a bucket"), "{bucket}");
        }
    }
}
