//! The stacks that a rollout makes, from the templates of `infra/`.

use std::collections::BTreeMap;

use crate::ports::rollout::Deployment;
use crate::rollout::{
    CODE_STACK, Desired, FORWARDER_STACK, PIPELINE_STACK, Step, Subject, WORKER_STACK,
    hansho_bus_arn,
};

/// The templates are part of the program.
const PIPELINE: &str = include_str!("../../../infra/pipeline.yaml");
const FORWARDER: &str = include_str!("../../../infra/forwarder.yaml");
const CODE: &str = include_str!("../../../infra/code-bucket.yaml");
const WORKER: &str = include_str!("../../../infra/worker-lambda.yaml");

/// What a person chose for the stacks.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// The organisation whose accounts may send events to the bus. None: no other account may.
    pub organisation_id: Option<String>,
    /// Gets the alarms. Empty: nobody.
    pub alarm_email: String,
    /// Whom a finding of each level mentions, by the worker's parameter. Levels without: nobody.
    pub mentions: BTreeMap<&'static str, String>,
    /// Further parameters of the worker, of its configuration file.
    pub configured: Vec<(&'static str, String)>,
}

/// The stack of a step. None: the step deploys none, or it is the worker's: see [`worker`].
pub fn deployment(step: &Step, desired: &Desired, choices: &Choices) -> Option<Deployment> {
    let organisation = choices.organisation_id.clone().unwrap_or_default();
    let bus = hansho_bus_arn(&desired.partition, &desired.home, &desired.security);
    let email = ("AlarmEmail", choices.alarm_email.clone());
    let (name, template, given) = match step.subject {
        Subject::Pipeline => {
            (PIPELINE_STACK, PIPELINE, vec![("OrganizationId", organisation), email])
        }
        Subject::Forwarder => (FORWARDER_STACK, FORWARDER, vec![("HomeBusArn", bus), email]),
        Subject::Code => (CODE_STACK, CODE, Vec::new()),
        _ => return None,
    };
    Some(Deployment { name, template, parameters: parameters(given) })
}

/// The worker's stack, with the place of its code and the outputs of the pipeline's stack. What
/// else it needs of the pipeline it imports.
pub fn worker(
    code: BTreeMap<&'static str, String>,
    pipeline: &BTreeMap<String, String>,
    choices: &Choices,
) -> Deployment {
    let of_pipeline = [("AlarmTopicArn", "AlarmTopicArn"), ("CustomerKeyArn", "KeyArn")];
    let of_pipeline = of_pipeline
        .map(|(key, output)| (key, pipeline.get(output).cloned().unwrap_or_default()))
        // The pipeline says so where it has no key of its own.
        .map(|(key, value)| (key, if value.starts_with("arn:") { value } else { String::new() }));
    let mentions = choices.mentions.clone();
    let given = code.into_iter().chain(of_pipeline).chain(mentions);
    let given = given.chain(choices.configured.iter().cloned()).collect();
    Deployment { name: WORKER_STACK, template: WORKER, parameters: parameters(given) }
}

/// What changes of the worker's stack with its code. All else stays as it is.
pub fn worker_changes(
    code: BTreeMap<&'static str, String>,
    choices: &Choices,
) -> Vec<(String, String)> {
    let given = code.into_iter().chain(choices.configured.iter().cloned());
    given.map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Parameters without a value keep their defaults.
fn parameters(given: Vec<(&'static str, String)>) -> Vec<(String, String)> {
    let given = given.into_iter().filter(|(_, value)| !value.is_empty());
    given.map(|(key, value)| (key.to_owned(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: CloudFormation API reference, CreateStack, `TemplateBody`.
    const TEMPLATE_BYTES_MAX: usize = 51_200;

    #[test]
    fn each_template_fits_into_a_call_and_has_every_parameter_that_is_given() {
        let choices = Choices {
            organisation_id: Some("o-1".to_owned()),
            alarm_email: "a@a.example".to_owned(),
            mentions: BTreeMap::from([("MentionHigh", "<!here>".to_owned())]),
            configured: vec![("MinSeverity", "high".to_owned())],
        };
        let desired = crate::commands::rollout::text::tests::desired(1);
        let of = |subject| {
            let step = Step::new(subject, crate::rollout::Action::Deploy, "1", "eu-west-1");
            deployment(&step, &desired, &choices).unwrap()
        };
        let key = "arn:aws:kms:eu-west-1:111122223333:key/1".to_owned();
        let outputs = [("AlarmTopicArn", "arn:aws:sns:1".to_owned()), ("KeyArn", key)];
        let outputs = outputs.map(|(name, value)| (name.to_owned(), value)).into();
        let code = ["CodeBucket", "CodeKey", "CodeVersion", "Architecture"];
        let code = code.map(|key| (key, "x".to_owned())).into();
        for (made, parameters) in [
            (of(Subject::Pipeline), 2),
            (of(Subject::Forwarder), 2),
            (of(Subject::Code), 0),
            (worker(code, &outputs, &choices), 8),
        ] {
            assert!(made.template.len() <= TEMPLATE_BYTES_MAX, "{}", made.name);
            assert_eq!(made.parameters.len(), parameters, "{}", made.name);
            for (key, _) in &made.parameters {
                assert!(made.template.contains(&format!("\n  {key}:\n")), "{key} in {}", made.name);
            }
        }
    }
}
