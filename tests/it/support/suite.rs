//! A suite of checks that runs on many subjects: each check on a subject of its own, all of them
//! even if one fails, and those that a subject is known to fail skipped by name, aloud.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;

/// What became of the checks so far.
pub struct Report<'a> {
    subject: &'a str,
    skips: &'a [&'a str],
    failed: Vec<&'a str>,
}

impl<'a> Report<'a> {
    /// A skip that names no check is an error: it would hide nothing, or what it did not mean to.
    pub fn new(subject: &'a str, checks: &[&str], skips: &'a [&'a str]) -> Report<'a> {
        for skip in skips {
            assert!(checks.contains(skip), "{subject}: {skip} is to be skipped, but is no check");
        }
        Report { subject, skips, failed: Vec::new() }
    }

    pub async fn run(&mut self, check: &'a str, work: impl Future<Output = ()>) {
        if self.skips.contains(&check) {
            println!("{}: {check} SKIPPED, a known deviation", self.subject);
            return;
        }
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(()) => println!("{}: {check} passed", self.subject),
            Err(_) => {
                println!("{}: {check} FAILED", self.subject);
                self.failed.push(check);
            }
        }
    }

    /// Fails if any check did.
    pub fn finish(self) {
        assert!(self.failed.is_empty(), "{} fails: {}", self.subject, self.failed.join(", "));
    }
}

/// Makes `exercise` out of `async fn check<H: Harness>(h: &H)` functions.
macro_rules! suite {
    ($harness:ident: $($check:ident),+ $(,)?) => {
        /// Runs every check on a harness of its own, except those that `skips` names. `subject` is
        /// what the output calls it.
        pub async fn exercise<H: $harness>(
            subject: &str,
            skips: &[&str],
            fresh: impl AsyncFn() -> H,
        ) {
            let checks = [$(stringify!($check)),+];
            let mut report = crate::support::suite::Report::new(subject, &checks, skips);
            $(report.run(stringify!($check), async { $check(&fresh().await).await }).await;)+
            report.finish();
        }
    };
}
