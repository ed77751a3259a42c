//! Lanes of testing. CONTRIBUTING.md describes them.

/// A number for each lane that runs all tests.
pub struct ByLane {
    pub all: u64,
    pub deep: u64,
}

impl ByLane {
    /// The number for the lane that `HANSHO_TEST_LANE` names, by default `all`.
    pub fn get(&self) -> u64 {
        match std::env::var("HANSHO_TEST_LANE").as_deref() {
            Err(_) | Ok("all") => self.all,
            Ok("deep") => self.deep,
            Ok(other) => panic!("HANSHO_TEST_LANE is {other:?}: set it to all or deep"),
        }
    }
}
