//! The stacks that a rollout makes, from the templates of `infra/`.

use crate::ports::rollout::Deployment;
use crate::rollout::{
    Desired, FORWARDER_STACK, PIPELINE_STACK, Step, Subject, WORKER_STACK, hansho_bus_arn,
};

/// The templates are part of the program.
pub const PIPELINE: &str = include_str!("../../../infra/pipeline.yaml");
pub const FORWARDER: &str = include_str!("../../../infra/forwarder.yaml");
pub const WORKER: &str = include_str!("../../../infra/worker-lambda.yaml");

/// What a person chose for the stacks.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// The organisation whose accounts may send events to the bus. None: no other account may.
    pub organisation_id: Option<String>,
    /// Gets the alarms. Empty: nobody.
    pub alarm_email: String,
    /// Who is mentioned. Empty: nobody.
    pub mention: String,
    /// The code of the worker, once it is in its bucket.
    pub code: Option<Code>,
}

/// Where the worker's code is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    pub bucket: String,
    pub key: String,
    /// The version of the object.
    pub version: String,
    /// `x86_64` or `arm64`.
    pub processor: &'static str,
}

/// The stack of a step. None: the step deploys none.
pub fn deployment(step: &Step, desired: &Desired, choices: &Choices) -> Option<Deployment> {
    let (name, template, parameters) = match step.subject {
        Subject::Pipeline => (PIPELINE_STACK, PIPELINE, pipeline(choices)),
        Subject::Forwarder => (FORWARDER_STACK, FORWARDER, forwarder(desired, choices)),
        Subject::Worker => (WORKER_STACK, WORKER, worker(choices)?),
        _ => return None,
    };
    let given = parameters.into_iter().filter(|(_, value)| !value.is_empty());
    let parameters = given.map(|(key, value)| (key.to_owned(), value)).collect();
    Some(Deployment { name, template, parameters })
}

fn pipeline(choices: &Choices) -> Vec<(&'static str, String)> {
    let organisation = choices.organisation_id.clone().unwrap_or_default();
    vec![("OrganizationId", organisation), ("AlarmEmail", choices.alarm_email.clone())]
}

fn forwarder(desired: &Desired, choices: &Choices) -> Vec<(&'static str, String)> {
    let bus = hansho_bus_arn(&desired.partition, &desired.home, &desired.security);
    vec![("HomeBusArn", bus), ("AlarmEmail", choices.alarm_email.clone())]
}

fn worker(choices: &Choices) -> Option<Vec<(&'static str, String)>> {
    let code = choices.code.as_ref()?;
    let mention = || choices.mention.clone();
    let mut parameters = vec![
        ("CodeBucket", code.bucket.clone()),
        ("CodeKey", code.key.clone()),
        ("Architecture", code.processor.to_owned()),
        ("MentionHigh", mention()),
        ("MentionCritical", mention()),
    ];
    // The version pins the code, in templates that know it.
    if WORKER.contains("\n  CodeVersion:\n") {
        parameters.push(("CodeVersion", code.version.clone()));
    }
    if WORKER.contains("\n  MentionMedium:\n") {
        parameters.push(("MentionMedium", mention()));
    }
    Some(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: CloudFormation API reference, CreateStack, `TemplateBody`.
    const TEMPLATE_BYTES_MAX: usize = 51_200;

    #[test]
    fn each_template_fits_into_a_call_and_has_every_parameter_that_is_given() {
        let code = Code {
            bucket: "b".to_owned(),
            key: "k".to_owned(),
            version: "v".to_owned(),
            processor: "arm64",
        };
        let choices = Choices {
            organisation_id: Some("o-1".to_owned()),
            alarm_email: "a@a.example".to_owned(),
            mention: "@here".to_owned(),
            code: Some(code),
        };
        let desired = crate::commands::rollout::text::tests::desired(1);
        for subject in [Subject::Pipeline, Subject::Forwarder, Subject::Worker] {
            let step = Step::new(subject, crate::rollout::Action::Deploy, "1", "eu-west-1");
            let made = deployment(&step, &desired, &choices).unwrap();
            assert!(made.template.len() <= TEMPLATE_BYTES_MAX, "{}", made.name);
            assert!(made.parameters.len() >= 2);
            for (key, _) in &made.parameters {
                assert!(made.template.contains(&format!("\n  {key}:\n")), "{key} in {}", made.name);
            }
        }
    }
}
