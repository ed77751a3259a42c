//! Faults under real sockets: the real binary, several processes at once, against stand-ins for
//! SQS, DynamoDB and Slack. A proxy stands before each service. It delays, cuts, doubles, reorders
//! and answers requests by itself, from one seed. Meanwhile workers are killed and frozen.
//!
//! All that passes the proxies becomes a history, which the simulator's checker and a judge of this
//! folder judge. `README.md` beside this file says what each of them can see.

mod bites;
mod fate;
mod judge;
mod load;
mod observe;
mod plan;
mod proxy;
mod report;
mod run;
mod wire;
mod workers;

use plan::Plan;

/// In the deep lane 300 findings, six strikes, and a network that fails. In other lanes 20
/// findings, and nothing fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn short() {
    report::conclude(&run::run(Plan::by_lane(1)).await);
}

/// As large as the variables say.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes as long as HANSHO_FAULTS_FINDINGS and …_KILLS say: see README.md"]
async fn long() {
    report::conclude(&run::run(Plan::from_environment()).await);
}
