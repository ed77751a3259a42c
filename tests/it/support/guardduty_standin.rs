//! A stand-in for Amazon GuardDuty, in this process and on a real socket, for tests with the real
//! SDK: ListDetectors, ListFindings and GetFindings as far as this project uses them. One server
//! stands for all regions and tells them apart by the region that a request is signed for.
//! Source: GuardDuty API reference.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hansho::instants::Wall;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Call {
    pub operation: &'static str,
    pub region: String,
    pub body: Value,
}

#[derive(Default)]
struct Held {
    findings: BTreeMap<String, Vec<Value>>,
    calls: Vec<Call>,
    /// Answers to the next calls of a region, in place of the usual ones.
    failures: BTreeMap<String, Vec<(StatusCode, &'static str)>>,
    /// Put into each answer of GetFindings, as text.
    odd: Option<String>,
}

type Shared = Arc<Mutex<Held>>;

/// The running stand-in. It stops when it is dropped.
pub struct GuardDutyStandIn {
    shared: Shared,
    address: SocketAddr,
    server: JoinHandle<()>,
}

impl Drop for GuardDutyStandIn {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl GuardDutyStandIn {
    pub async fn start() -> GuardDutyStandIn {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
        let address = listener.local_addr().expect("a bound address");
        let shared = Shared::default();
        let app = Router::new()
            .route("/detector", get(list_detectors))
            .route("/detector/{id}/findings", post(list_findings))
            .route("/detector/{id}/findings/get", post(get_findings))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            // It ends with the task, when the stand-in is dropped.
            let _ = axum::serve(listener, app).await;
        });
        GuardDutyStandIn { shared, address, server }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Enables GuardDuty in a region, and puts findings there.
    pub fn hold(&self, region: &str, findings: impl IntoIterator<Item = Value>) {
        let mut held = self.shared.lock().unwrap();
        held.findings.entry(region.to_owned()).or_default().extend(findings);
    }

    /// The next calls of a region are answered so.
    pub fn fail(&self, region: &str, times: usize, status: u16, code: &'static str) {
        let status = StatusCode::from_u16(status).unwrap();
        let mut held = self.shared.lock().unwrap();
        let failures = held.failures.entry(region.to_owned()).or_default();
        failures.extend(std::iter::repeat_n((status, code), times));
    }

    /// What no type of the SDK can take in, in each finding from now on.
    pub fn add_to_findings(&self, member: &str) {
        self.shared.lock().unwrap().odd = Some(member.to_owned());
    }

    pub fn calls(&self, operation: &str) -> Vec<Call> {
        let held = self.shared.lock().unwrap();
        held.calls.iter().filter(|call| call.operation == operation).cloned().collect()
    }
}

/// `Credential=AKID/20261102/eu-west-1/guardduty/aws4_request`.
fn region(headers: &HeaderMap) -> String {
    let text = headers[header::AUTHORIZATION].to_str().unwrap();
    let scope = text.split("Credential=").nth(1).unwrap().split(',').next().unwrap();
    let parts: Vec<&str> = scope.split('/').collect();
    assert_eq!(parts[3], "guardduty", "{text}");
    parts[2].to_owned()
}

/// Takes note of the call; answers how it is to fail, if it is.
fn arrived(
    held: &mut Held,
    operation: &'static str,
    region: &str,
    body: &Value,
) -> Option<Response> {
    held.calls.push(Call { operation, region: region.to_owned(), body: body.clone() });
    let failures = held.failures.get_mut(region).filter(|all| !all.is_empty())?;
    let (status, code) = failures.remove(0);
    let body = Json(json!({"message": "as ordered by the test", "__type": code}));
    Some((status, [("x-amzn-errortype", code)], body).into_response())
}

fn refused(why: String) -> Response {
    let code = "BadRequestException";
    let body = Json(json!({"message": why, "__type": code}));
    (StatusCode::BAD_REQUEST, [("x-amzn-errortype", code)], body).into_response()
}

async fn list_detectors(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    let region = region(&headers);
    let mut held = shared.lock().unwrap();
    if let Some(failure) = arrived(&mut held, "ListDetectors", &region, &Value::Null) {
        return failure;
    }
    let ids: Vec<String> =
        held.findings.contains_key(&region).then(|| detector(&region)).into_iter().collect();
    Json(json!({"detectorIds": ids})).into_response()
}

fn detector(region: &str) -> String {
    format!("detector-of-{region}")
}

async fn list_findings(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let region = region(&headers);
    let mut held = shared.lock().unwrap();
    if let Some(failure) = arrived(&mut held, "ListFindings", &region, &body) {
        return failure;
    }
    if id != detector(&region) {
        return refused("the input detectorId is not owned by the current account".to_owned());
    }
    let max = body["maxResults"].as_u64().unwrap_or(50);
    if !(1..=50).contains(&max) {
        return refused(format!("maxResults {max}"));
    }
    let criteria = &body["findingCriteria"]["criterion"];
    let all = held.findings.get(&region).cloned().unwrap_or_default();
    let mut matching: Vec<Value> = all.into_iter().filter(|f| matches(f, criteria)).collect();
    let sort = &body["sortCriteria"];
    assert_eq!((&sort["attributeName"], &sort["orderBy"]), (&json!("updatedAt"), &json!("ASC")));
    matching.sort_by_key(updated_ms);
    let from: usize = body["nextToken"].as_str().map_or(0, |token| token.parse().unwrap());
    let ids: Vec<&Value> =
        matching.iter().skip(from).take(max as usize).map(|f| &f["id"]).collect();
    let end = from + ids.len();
    // The last page has an empty token.
    let next = if end < matching.len() { end.to_string() } else { String::new() };
    Json(json!({"findingIds": ids, "nextToken": next})).into_response()
}

fn updated_ms(finding: &Value) -> i64 {
    Wall::parse_rfc3339(finding["updatedAt"].as_str().unwrap()).unwrap().0
}

/// The criteria that are known here; another one is a mistake of the test or of the program.
fn matches(finding: &Value, criteria: &Value) -> bool {
    criteria.as_object().into_iter().flatten().all(|(key, condition)| match key.as_str() {
        "updatedAt" => updated_ms(finding) >= condition["greaterThanOrEqual"].as_i64().unwrap(),
        "severity" => {
            let least = condition["greaterThanOrEqual"].as_i64().unwrap();
            finding["severity"].as_f64().unwrap() >= least as f64
        }
        "service.archived" => {
            let archived = finding["service"]["archived"].as_bool().unwrap_or(false);
            condition["equals"] == json!([archived.to_string()])
        }
        other => panic!("{other}"),
    })
}

async fn get_findings(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let region = region(&headers);
    let mut held = shared.lock().unwrap();
    if let Some(failure) = arrived(&mut held, "GetFindings", &region, &body) {
        return failure;
    }
    let asked = body["findingIds"].as_array().unwrap();
    if id != detector(&region) || !(1..=50).contains(&asked.len()) {
        return refused(format!("{id}: {} findings", asked.len()));
    }
    let all = held.findings.get(&region).into_iter().flatten();
    let found = all.filter(|f| asked.contains(&f["id"])).map(Value::to_string);
    let with_odd = |text: String| match &held.odd {
        Some(member) => format!("{{{member},{}", text.trim_start_matches('{')),
        None => text,
    };
    let text = found.map(with_odd).collect::<Vec<_>>().join(",");
    ([(header::CONTENT_TYPE, "application/json")], format!(r#"{{"findings":[{text}]}}"#))
        .into_response()
}
