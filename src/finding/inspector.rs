//! Inspector's findings (Inspector2).
//!
//! Source: Inspector v2 API reference, `Finding`; user guide, "Amazon EventBridge event schema for
//! Amazon Inspector events".

mod facts;
mod schema;

use std::borrow::Cow;

use schema::{Document, Resource};

use super::arn::{bare_id, short_name};
use super::condition::{Condition, FindingState};
use super::contradiction::{Field, refuse};
use super::draft::Draft;
use super::envelope::Envelope;
use super::gauge::Gauge;
use super::json::Json;
use super::lenient::{Read, borrowed};
use super::model::{Finding, Group};
use super::phrase::{Phrase, listed, several};
use super::product::Product;
use super::reject::Rejection;
use super::resource_type::resource_type;
use super::tags;
use super::text::Text;

const PROBLEM_CHARS_MAX: usize = 40;
const RESOURCES_CHARS_MAX: usize = 80;
/// Source: EC2 Auto Scaling user guide, "Tag Auto Scaling groups and instances".
const AUTO_SCALING_TAG: &str = "aws:autoscaling:groupName";

pub(super) fn read(json: Json<'_>, envelope: &Envelope<'_>) -> Result<Finding, Rejection> {
    let document = Document::read(json).unwrap_or_default();
    let keys = [
        Field::of("findingArn", &document.arn),
        Field::of("awsAccountId", &document.account),
        Field::of("type", &document.kind),
    ];
    refuse(keys, envelope)?;
    let resource = document.resources.first();
    let arn = document.arn.as_deref();
    let mut draft = Draft {
        product: Product::Inspector,
        id_key: "findingArn",
        id: bare_id(arn),
        account: borrowed(&document.account),
        kind: borrowed(&document.kind),
        title: document.title().map(Cow::Owned),
        description: borrowed(&document.description),
        // Inspector writes UNTRIAGED while nobody has set the severity. That counts as unreadable.
        severity: document.severity.worst(Gauge::word).unwrap_or_default(),
        created_at: document.first_seen,
        updated_at: document.updated_at,
        first_seen: document.first_seen,
        last_seen: document.last_seen,
        condition: Condition::of_product(document.state()),
        group: document.group(),
        resource_type: resource.and_then(|one| resource_type(one.kind.as_deref()?)),
        tags: resource.map(|one| tags::texts(&one.tags.0)).unwrap_or_default(),
        resource: document.describe_resources(),
        facts: facts::collect(&document),
        ..Draft::default()
    };
    draft.dispute_state([document.status.is_disputed()]);
    draft.complete_from(arn);
    if let Some(resource) = resource {
        draft.complete(None, resource.region.as_deref());
        draft.partition = draft.partition.or_else(|| borrowed(&resource.partition));
    }
    draft.finish(envelope)
}

impl Document<'_> {
    /// Closed: the vulnerability is remediated. Suppressed: it matches a suppression rule.
    /// Source: Inspector v2 API reference, `FindingStatus`; user guide, "Viewing findings".
    fn state(&self) -> FindingState {
        FindingState::of_word(self.status.as_deref(), "CLOSED", "SUPPRESSED")
    }

    /// One vulnerability in many images of a repository, or in many instances of an Auto Scaling
    /// group.
    fn group(&self) -> Option<Group> {
        let problem = self.vulnerability.id.as_deref()?;
        let resource = self.resources.first()?;
        let (things, of) = match resource.kind.as_deref()? {
            "AWS_ECR_CONTAINER_IMAGE" => {
                ("images of repository", resource.details.image.repository.as_deref()?)
            }
            "AWS_EC2_INSTANCE" => ("instances of group", resource.tag(AUTO_SCALING_TAG)?),
            _ => return None,
        };
        Some(Group {
            problem: Text::new(problem, PROBLEM_CHARS_MAX),
            resources: Text::new(&format!("{things} {of}"), RESOURCES_CHARS_MAX),
        })
    }

    /// The title, with the vulnerability's id before it if the title does not name it.
    fn title(&self) -> Option<String> {
        let (title, id) = (self.title.as_deref(), self.vulnerability.id.as_deref());
        match (title, id) {
            (Some(title), Some(id)) if !title.contains(id) => Some(format!("{id} - {title}")),
            (title, id) => title.or(id).map(str::to_owned),
        }
    }

    /// `EC2 instance i-0abc (t3.micro, web-1)`.
    fn describe_resources(&self) -> Option<String> {
        let resources = self.resources.items.iter().filter_map(Resource::describe).collect();
        listed(resources, self.resources.total)
    }
}

impl Resource<'_> {
    fn tag(&self, name: &str) -> Option<&str> {
        self.tags.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    fn describe(&self) -> Option<String> {
        let details = &self.details;
        let tag = self.tag("Name");
        let id = self.id.as_deref();
        let addresses = details.instance.addresses.items.iter().map(AsRef::as_ref);
        match self.kind.as_deref() {
            Some("AWS_EC2_INSTANCE") => Phrase::new("EC2 instance", id.map(short_name))
                .with(details.instance.kind.as_deref())
                .with(tag)
                .with_list("", several(addresses, details.instance.addresses.total))
                .build(),
            Some("AWS_ECR_CONTAINER_IMAGE") => {
                let repository = details.image.repository.as_deref();
                Phrase::new("container image", repository.or(id.map(short_name)))
                    .with_labelled("tag", details.image.tags.first().map(AsRef::as_ref))
                    .build()
            }
            Some("AWS_LAMBDA_FUNCTION") => {
                let name = details.function.name.as_deref();
                Phrase::new("Lambda function", name.or(id.map(short_name)))
                    .with(details.function.runtime.as_deref())
                    .build()
            }
            kind => Phrase::new(kind.unwrap_or_default(), id).with(tag).build(),
        }
    }
}

#[cfg(test)]
mod tests;
