//! Replaces this folder in a build without the feature `rollout`. Nothing looks there.

pub mod timer {
    use std::convert::Infallible;

    use serde_json::Value;

    use crate::commands::note::NotePorts;
    use crate::config::Config;
    use crate::instants::Mono;
    use crate::metrics::Metrics;

    /// Never looks: the configuration of such a build has no `coverage.every`.
    pub struct Looks;

    impl Looks {
        pub fn new(_: &Config, _: &str) -> Looks {
            Looks
        }

        pub async fn follow<L, N, C>(self, _: &NotePorts<'_, L, N, C>, _: &Metrics) -> Infallible {
            std::future::pending().await
        }

        /// # Errors
        /// Always: the feature is missing, and how to get it.
        pub async fn in_call<L, N, C>(
            &mut self,
            _: &NotePorts<'_, L, N, C>,
            _: &Metrics,
            _: Mono,
        ) -> Result<Value, String> {
            Err("this hansho was built without the feature `rollout`, which looks at GuardDuty: \
                 build it with `--features rollout`"
                .to_owned())
        }
    }
}
