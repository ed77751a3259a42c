//! The stacks that a rollout makes, from the templates of `infra/`.

use crate::ports::rollout::Deployment;
use crate::rollout::{Desired, FORWARDER_STACK, PIPELINE_STACK, Step, Subject, hansho_bus_arn};

/// The templates are part of the program.
const PIPELINE: &str = include_str!("../../../infra/pipeline.yaml");
const FORWARDER: &str = include_str!("../../../infra/forwarder.yaml");

/// What a person chose for the stacks.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// The organisation whose accounts may send events to the bus. None: no other account may.
    pub organisation_id: Option<String>,
    /// Gets the alarms. Empty: nobody.
    pub alarm_email: String,
}

/// The stack of a step. None: the step deploys none.
pub fn deployment(step: &Step, desired: &Desired, choices: &Choices) -> Option<Deployment> {
    let organisation = choices.organisation_id.clone().unwrap_or_default();
    let bus = hansho_bus_arn(&desired.partition, &desired.home, &desired.security);
    let (name, template, own) = match step.subject {
        Subject::Pipeline => (PIPELINE_STACK, PIPELINE, ("OrganizationId", organisation)),
        Subject::Forwarder => (FORWARDER_STACK, FORWARDER, ("HomeBusArn", bus)),
        _ => return None,
    };
    let given = [own, ("AlarmEmail", choices.alarm_email.clone())];
    let given = given.into_iter().filter(|(_, value)| !value.is_empty());
    let parameters = given.map(|(key, value)| (key.to_owned(), value)).collect();
    Some(Deployment { name, template, parameters })
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
        };
        let desired = crate::commands::rollout::text::tests::desired(1);
        for subject in [Subject::Pipeline, Subject::Forwarder] {
            let step = Step::new(subject, crate::rollout::Action::Deploy, "1", "eu-west-1");
            let made = deployment(&step, &desired, &choices).unwrap();
            assert!(made.template.len() <= TEMPLATE_BYTES_MAX, "{}", made.name);
            assert_eq!(made.parameters.len(), 2);
            for (key, _) in &made.parameters {
                assert!(made.template.contains(&format!("\n  {key}:\n")), "{key} in {}", made.name);
            }
        }
    }
}
