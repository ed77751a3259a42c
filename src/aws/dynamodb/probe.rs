//! How the table is set up.

use std::error::Error;

use aws_sdk_dynamodb::config::http::HttpResponse;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::types::{KeyType, TimeToLiveStatus};

use super::DynamoLedger;
use crate::ports::probe::{Asked, TableFacts, TtlFacts};

impl DynamoLedger {
    /// By DescribeTable.
    pub async fn facts(&self) -> Asked<TableFacts> {
        let answer = self.client.describe_table().table_name(&self.table).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.refused("DescribeTable", &error),
        };
        let Some(table) = answer.table() else {
            return Asked::Failed("DescribeTable answered without a table".to_owned());
        };
        let kind = |name: &str| {
            let all = table.attribute_definitions();
            let found = all.iter().find(|attribute| attribute.attribute_name() == name);
            found.map_or("", |attribute| attribute.attribute_type().as_str()).to_owned()
        };
        let mut schema: Vec<_> = table.key_schema().iter().collect();
        schema.sort_by_key(|key| *key.key_type() != KeyType::Hash);
        let key = |name: &str| (name.to_owned(), kind(name));
        Asked::Answered(TableFacts {
            status: table.table_status().map_or("", |status| status.as_str()).to_owned(),
            key: schema.iter().map(|part| key(part.attribute_name())).collect(),
        })
    }

    /// By DescribeTimeToLive.
    pub async fn ttl(&self) -> Asked<TtlFacts> {
        let answer = self.client.describe_time_to_live().table_name(&self.table).send().await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return self.refused("DescribeTimeToLive", &error),
        };
        let ttl = answer.time_to_live_description();
        let is_on = |status: &TimeToLiveStatus| {
            matches!(status, TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)
        };
        let on = ttl.filter(|ttl| ttl.time_to_live_status().is_some_and(is_on));
        let attribute = on.and_then(|ttl| ttl.attribute_name()).map(str::to_owned);
        Asked::Answered(TtlFacts { attribute })
    }

    fn refused<T, E>(&self, call: &str, error: &SdkError<E, HttpResponse>) -> Asked<T>
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let code = match error {
            SdkError::ServiceError(answer) => answer.err().code().unwrap_or_default(),
            _ => "",
        };
        let why = self.failed(call, error).to_string();
        match code {
            "AccessDeniedException" | "AccessDenied" => Asked::NotAllowed(why),
            "ResourceNotFoundException" => Asked::Missing(why),
            _ => Asked::Failed(why),
        }
    }
}
