//! [`FindingsSource`] on Amazon GuardDuty, with one client for each region.
//!
//! Findings are returned as the JSON text of GuardDuty. The SDK's types would drop fields that they
//! do not know, and can't be written as JSON.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_guardduty::Client;
use aws_sdk_guardduty::config::interceptors::AfterDeserializationInterceptorContextRef;
use aws_sdk_guardduty::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_guardduty::config::{Builder, ConfigBag, Intercept, Region, RuntimeComponents};
use aws_sdk_guardduty::error::{BoxError, ProvideErrorMetadata, SdkError};
use aws_sdk_guardduty::types::{Condition, FindingCriteria, OrderBy, SortCriteria};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::cause::{Cause, Problem};
use super::time_limit;
use crate::ports::findings::{FINDINGS_PAGE_MAX, FindingsSource, ListAsk, Listed, SourceError};

const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// For a call with all of its attempts and the waits between them.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// The SDK may retry here: the calls only read, and no alert waits for them.
const ATTEMPTS_MAX: u32 = 3;

/// The fields by which GuardDuty sorts and filters.
/// Source: GuardDuty API reference, ListFindings, `findingCriteria`.
const UPDATED_AT: &str = "updatedAt";
const SEVERITY: &str = "severity";
const ARCHIVED: &str = "service.archived";

/// Reads findings of GuardDuty. Cheap to clone.
#[derive(Clone, Debug)]
pub struct GuardDuty {
    clients: BTreeMap<String, Client>,
}

impl GuardDuty {
    /// Makes no call.
    pub fn new<'a>(config: &SdkConfig, regions: impl IntoIterator<Item = &'a str>) -> GuardDuty {
        let limits = time_limit(CALL_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build();
        let client = |region: &str| {
            let builder = Builder::from(config)
                .region(Region::new(region.to_owned()))
                .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
                // Else a region that fails would use up the retries of all regions.
                .retry_partition(RetryPartition::new(region.to_owned()))
                .timeout_config(limits.clone());
            Client::from_conf(builder.build())
        };
        let clients = regions.into_iter().map(|region| (region.to_owned(), client(region)));
        GuardDuty { clients: clients.collect() }
    }

    fn client(&self, region: &str) -> Result<&Client, SourceError> {
        let unknown = || SourceError(format!("guardduty: no client was made for {region}"));
        self.clients.get(region).ok_or_else(unknown)
    }
}

impl FindingsSource for GuardDuty {
    /// An account has at most one detector in a region.
    /// Source: GuardDuty API reference, CreateDetector.
    async fn detector(&self, region: &str) -> Result<Option<String>, SourceError> {
        let call = self.client(region)?.list_detectors().send();
        let answer = call.await.map_err(|error| failed("ListDetectors", region, &error))?;
        Ok(answer.detector_ids().first().cloned())
    }

    async fn list(&self, ask: &ListAsk) -> Result<Listed, SourceError> {
        let at_least = |least: i64| Condition::builder().greater_than_or_equal(least).build();
        let criteria = FindingCriteria::builder()
            .criterion(UPDATED_AT, at_least(ask.since.0))
            .criterion(SEVERITY, at_least(ask.severity.into()))
            .criterion(ARCHIVED, Condition::builder().equals("false").build())
            .build();
        let answer = self
            .client(&ask.region)?
            .list_findings()
            .detector_id(&ask.detector)
            .finding_criteria(criteria)
            .sort_criteria(oldest_first())
            .max_results(i32::try_from(FINDINGS_PAGE_MAX).unwrap_or(i32::MAX))
            .set_next_token(ask.page.clone())
            .send()
            .await
            .map_err(|error| failed("ListFindings", &ask.region, &error))?;
        Ok(Listed {
            ids: answer.finding_ids().to_vec(),
            // The last page has an empty token, or none.
            next: answer.next_token().filter(|token| !token.is_empty()).map(str::to_owned),
        })
    }

    async fn get(
        &self,
        region: &str,
        detector: &str,
        ids: &[String],
    ) -> Result<Vec<String>, SourceError> {
        let kept = KeptText::default();
        let answer = self
            .client(region)?
            .get_findings()
            .detector_id(detector)
            .set_finding_ids(Some(ids.to_vec()))
            .sort_criteria(oldest_first())
            .customize()
            .interceptor(kept.clone())
            .send()
            .await;
        // The text is good even if the SDK's types can't hold it.
        match (kept.take(), answer) {
            (Some(text), _) => findings_in(&text)
                .map_err(|why| SourceError(format!("guardduty GetFindings in {region}: {why}"))),
            (None, Err(error)) => Err(failed("GetFindings", region, &error)),
            (None, Ok(_)) => {
                Err(SourceError(format!("guardduty GetFindings in {region}: the answer is empty")))
            }
        }
    }
}

fn oldest_first() -> SortCriteria {
    SortCriteria::builder().attribute_name(UPDATED_AT).order_by(OrderBy::Asc).build()
}

#[derive(Deserialize)]
struct GetFindingsAnswer<'a> {
    #[serde(borrow)]
    findings: Vec<&'a RawValue>,
}

/// Splits an answer into its findings. The error quotes nothing of the text.
fn findings_in(text: &str) -> Result<Vec<String>, String> {
    let answer: GetFindingsAnswer<'_> = serde_json::from_str(text).map_err(|error| {
        format!(
            "the answer can't be read: line {} column {} is not as expected",
            error.line(),
            error.column()
        )
    })?;
    Ok(answer.findings.iter().map(|finding| finding.get().to_owned()).collect())
}

/// Keeps the text of a successful answer.
#[derive(Clone, Debug, Default)]
struct KeptText(Arc<Mutex<Option<String>>>);

impl KeptText {
    fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Intercept for KeptText {
    fn name(&self) -> &'static str {
        "KeepTheText"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let response = context.response();
        let text = response.body().bytes().filter(|_| response.status().is_success());
        let text = text.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = text;
        Ok(())
    }
}

fn failed<E>(call: &str, region: &str, error: &SdkError<E>) -> SourceError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let rights = "allow guardduty:ListDetectors, ListFindings and GetFindings";
    let cause = Cause::of(error).or_if(Problem::Denied, rights);
    SourceError(format!("guardduty {call} in {region}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_of_each_finding_is_kept() {
        let text = r#"{"findings":[ {"id":"a", "x":1.50},{"id":"b"}], "other": null}"#;
        assert_eq!(findings_in(text).unwrap(), [r#"{"id":"a", "x":1.50}"#, r#"{"id":"b"}"#]);
        assert!(findings_in(r#"{"findings":[]}"#).unwrap().is_empty());
        for text in ["", "{}", "hush", r#"{"findings":{"hush":1}}"#] {
            let why = findings_in(text).unwrap_err();
            assert!(why.contains("can't be read") && !why.contains("hush"), "{why}");
        }
    }
}
