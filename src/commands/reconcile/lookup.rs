//! One finding of GuardDuty, by its name.

use crate::ports::findings::{FindingsSource, SourceError};

/// The longest id of a finding of GuardDuty, in characters.
/// Source: GuardDuty API reference, `FindingId` (GetFindings, 1 to 300).
const ID_CHARS_MAX: usize = 300;

/// Where to look: regions, and ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lookup {
    /// In the order of the questions.
    pub regions: Vec<String>,
    ids: Vec<String>,
}

impl Lookup {
    /// `fingerprints` are those that a name has, `words` are what else may be its id. The regions
    /// are those of the fingerprints, else those of the configuration. None: the name is that of
    /// another product.
    pub fn of(fingerprints: &[String], words: &[String], configured: &[String]) -> Option<Lookup> {
        let parts = |print: &String| -> Option<(String, String)> {
            let mut parts = print.splitn(4, '/');
            let product = parts.next()?;
            let (_, region, id) = (parts.next()?, parts.next()?, parts.next()?);
            (product == "guardduty").then(|| (region.to_owned(), id.to_owned()))
        };
        let named: Vec<_> = fingerprints.iter().filter_map(parts).collect();
        let (regions, ids) = match (named.is_empty(), fingerprints.is_empty()) {
            (false, _) => named.into_iter().unzip(),
            (true, true) => (configured.to_vec(), words.to_vec()),
            (true, false) => return None,
        };
        // What else than an id is in the words of a name, GuardDuty would refuse.
        let is_id = |id: &String| {
            let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            !id.is_empty() && id.len() <= ID_CHARS_MAX && id.chars().all(allowed)
        };
        let ids: Vec<String> = ids.into_iter().filter(is_id).collect();
        (!ids.is_empty()).then_some(Lookup { regions, ids })
    }

    /// The finding as JSON, from the first region that has it. A region that fails is no answer,
    /// and the others are asked all the same: the second part has their errors.
    pub async fn find(&self, source: &impl FindingsSource) -> (Vec<String>, Vec<SourceError>) {
        let mut failed = Vec::new();
        for region in &self.regions {
            match self.in_region(source, region).await {
                Ok(found) if found.is_empty() => {}
                Ok(found) => return (found, failed),
                Err(why) => failed.push(why),
            }
        }
        (Vec::new(), failed)
    }

    async fn in_region(
        &self,
        source: &impl FindingsSource,
        region: &str,
    ) -> Result<Vec<String>, SourceError> {
        match source.detector(region).await? {
            Some(detector) => source.get(region, &detector, &self.ids).await,
            None => Ok(Vec::new()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_where_to_look() {
        let id = "1ab2c3d4e5f60718293a4b5c6d7e8f90";
        let print = format!("guardduty/111122223333/us-east-1/{id}");
        let at = |regions: &[&str]| {
            let regions = regions.iter().map(ToString::to_string).collect();
            Some(Lookup { regions, ids: vec![id.to_owned()] })
        };
        let configured = ["eu-central-1".to_owned(), "eu-west-1".to_owned()];
        for (fingerprints, words, expected) in [
            (vec![print.as_str()], vec![id], at(&["us-east-1"])),
            (vec![], vec![id], at(&["eu-central-1", "eu-west-1"])),
            (vec!["macie/111122223333/us-east-1/x"], vec!["x"], None),
            (vec![], vec!["not an id"], None),
            (vec![], vec!["a/b"], None),
            (vec![], vec![], None),
        ] {
            let owned = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
            let found = Lookup::of(&owned(&fingerprints), &owned(&words), &configured);
            assert_eq!(found, expected, "{fingerprints:?} {words:?}");
        }
    }
}
