//! The sensitive data that Macie found, in its own findings and in Security Hub's copies of them.
//!
//! Source: Macie API reference, `ClassificationResult`; Security Hub API reference,
//! `ClassificationResult`.

use super::lenient::{List, Str, object};
use super::phrase::{listed, part};

/// The most types that are shown.
const NAMED_MAX: usize = 5;

object! {
    struct SensitiveData<'a> {
        categories: List<Category<'a>, NAMED_MAX> = "sensitiveData",
        custom: List<Detection<'a>, NAMED_MAX> = "customDataIdentifiers" / "detections",
    }
    struct Category<'a> {
        name: Str<'a> = "category",
        count: Option<u64> = "totalCount",
        detections: List<Detection<'a>, NAMED_MAX> = "detections",
    }
    struct Detection<'a> {
        /// A custom identifier has a name.
        name: Str<'a> = "type" | "name",
        count: Option<u64> = "count",
    }
}

impl SensitiveData<'_> {
    /// `CREDIT_CARD_NUMBER 12, NAME 3`.
    pub fn describe(&self) -> Option<String> {
        let (mut shown, mut total) = (Vec::new(), self.custom.total);
        for category in &self.categories.items {
            let detections = &category.detections;
            total += detections.total.max(1);
            shown.extend(detections.items.iter().filter_map(Detection::describe));
            if detections.items.is_empty() {
                shown.extend(counted(&category.name, category.count));
            }
        }
        shown.extend(self.custom.items.iter().filter_map(Detection::describe));
        shown.truncate(NAMED_MAX);
        listed(shown, total)
    }
}

impl Detection<'_> {
    fn describe(&self) -> Option<String> {
        counted(&self.name, self.count)
    }
}

fn counted(name: &Str<'_>, count: Option<u64>) -> Option<String> {
    let name = part(name.as_deref()?);
    Some(count.map_or_else(|| name.clone().into_owned(), |count| format!("{name} {count}")))
}

#[cfg(test)]
mod tests {
    use super::super::json::json;
    use super::super::lenient::Read as _;
    use super::*;

    #[test]
    fn types_and_counts() {
        for (raw, said) in [
            (
                r#"{"sensitiveData":[
                    {"category":"FINANCIAL_INFORMATION","totalCount":12,
                        "detections":[{"type":"CREDIT_CARD_NUMBER","count":12}]},
                    {"category":"PERSONAL_INFORMATION","detections":[{"type":"NAME","count":3}]}]}"#,
                Some("CREDIT_CARD_NUMBER 12, NAME 3"),
            ),
            (
                r#"{"SensitiveData":[{"Category":"CREDENTIALS","TotalCount":2}],
                    "CustomDataIdentifiers":{"Detections":[{"Arn":"a","Name":"staff id","Count":7}]}}"#,
                Some("CREDENTIALS 2, staff id 7"),
            ),
            (
                r#"{"customDataIdentifiers":{"detections":[{"name":"a"},{"name":"b"},{"name":"c"},
                    {"name":"d"},{"name":"e"},{"name":"f"}]}}"#,
                Some("a, b, c, d, e +1 more"),
            ),
            (r#"{"status":{"code":"COMPLETE"}}"#, None),
        ] {
            let data = SensitiveData::read(json(raw)).unwrap();
            assert_eq!(data.describe().as_deref(), said, "{raw}");
        }
    }
}
