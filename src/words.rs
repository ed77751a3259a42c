//! Words: enums whose values have one, in logs, labels of metrics, JSON and records; and numbers of
//! things.

/// Declares an enum with the word of each value, and `as_str`, which returns it.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $($(#[$doc:meta])* $value:ident = $word:literal,)+
        }
    ) => {
        $(#[$meta])*
        pub enum $name {
            $($(#[$doc])* $value,)+
        }

        impl $name {
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$value => $word,)+
                }
            }
        }
    };
}
pub(crate) use words;

/// A number with commas: `1,234`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 finding`, `1,234 findings`. For words whose plural ends in `s`. A number that is no `u64` is
/// the greatest one.
pub fn number_of(number: impl TryInto<u64>, one: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{} {}", grouped(number), noun(number, one))
}

/// The word alone, for a number that stands in a column: `finding`, `findings`.
pub fn noun(number: u64, one: &str) -> String {
    format!("{one}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_no_plural() {
        for (number, said) in [(0, "0 posts"), (1, "1 post"), (2, "2 posts"), (1234, "1,234 posts")]
        {
            assert_eq!(number_of(number, "post"), said);
        }
        assert_eq!(number_of(-1_i64, "post"), "18,446,744,073,709,551,615 posts");
    }
}
