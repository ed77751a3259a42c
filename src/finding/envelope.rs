pub fn parse(_body: &str) -> super::Parsed { super::Parsed::default() }
