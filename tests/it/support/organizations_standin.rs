//! A stand-in for AWS Organizations, in this process and on a real socket, for tests with the real
//! SDK: the calls that a sync makes, in pages of two. Source: Organizations API reference.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const PAGE: usize = 2;
const ROOT: &str = "r-root";

#[derive(Default)]
struct Held {
    /// Units by the id of their parent.
    units: BTreeMap<String, Vec<Value>>,
    accounts: BTreeMap<String, Vec<Value>>,
    tags: BTreeMap<String, Vec<Value>>,
    calls: Vec<String>,
    failures: Vec<(u16, &'static str)>,
}

type Shared = Arc<Mutex<Held>>;

/// The running stand-in.
pub struct OrganizationsStandIn {
    shared: Shared,
    pub endpoint: String,
}

impl OrganizationsStandIn {
    pub async fn start() -> OrganizationsStandIn {
        let shared = Shared::default();
        let app = Router::new().route("/", post(answer)).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free loopback port");
        let endpoint = format!("http://{}", listener.local_addr().expect("a bound address"));
        // It ends with the runtime of the test.
        tokio::spawn(async move { axum::serve(listener, app).await });
        OrganizationsStandIn { shared, endpoint }
    }

    /// Adds a unit below another one, or below the root.
    pub fn unit(&self, parent: Option<&str>, id: &str, name: &str) {
        let mut held = self.shared.lock().unwrap();
        let siblings = held.units.entry(parent.unwrap_or(ROOT).to_owned()).or_default();
        siblings.push(json!({"Id": id, "Name": name, "Arn": "arn:x"}));
    }

    /// Adds an account below a unit, or below the root.
    pub fn account(&self, parent: Option<&str>, id: &str, name: &str, tags: &[(&str, &str)]) {
        let mut held = self.shared.lock().unwrap();
        let account = json!({
            "Id": id, "Name": name, "Email": format!("{id}@corp.example"), "Status": "ACTIVE",
            "State": "PENDING_CLOSURE", "JoinedMethod": "CREATED", "JoinedTimestamp": 1.5,
        });
        held.accounts.entry(parent.unwrap_or(ROOT).to_owned()).or_default().push(account);
        let tags = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value}));
        held.tags.insert(id.to_owned(), tags.collect());
    }

    /// The next calls fail so.
    pub fn fail(&self, times: usize, status: u16, code: &'static str) {
        self.shared.lock().unwrap().failures.extend(std::iter::repeat_n((status, code), times));
    }

    pub fn calls(&self, operation: &str) -> usize {
        self.shared.lock().unwrap().calls.iter().filter(|call| *call == operation).count()
    }
}

async fn answer(
    State(shared): State<Shared>,
    headers: HeaderMap,
    // Its type is not that of JSON, but AWS's own.
    body: String,
) -> Response {
    let body: Value = serde_json::from_str(&body).unwrap();
    let target = headers["x-amz-target"].to_str().unwrap();
    let operation = target.strip_prefix("AWSOrganizationsV20161128.").expect("the service");
    let mut held = shared.lock().unwrap();
    held.calls.push(operation.to_owned());
    if !held.failures.is_empty() {
        let (status, code) = held.failures.remove(0);
        let body = json!({"__type": code, "Message": "as ordered by the test"});
        return (StatusCode::from_u16(status).unwrap(), Json(body)).into_response();
    }
    let of = |lists: &BTreeMap<String, Vec<Value>>, key: &str| {
        lists.get(body[key].as_str().unwrap()).cloned().unwrap_or_default()
    };
    let (member, all) = match operation {
        "ListRoots" => ("Roots", vec![json!({"Id": ROOT, "Name": "Root"})]),
        "ListOrganizationalUnitsForParent" => ("OrganizationalUnits", of(&held.units, "ParentId")),
        "ListAccountsForParent" => ("Accounts", of(&held.accounts, "ParentId")),
        "ListTagsForResource" => ("Tags", of(&held.tags, "ResourceId")),
        other => panic!("{other}"),
    };
    let from: usize = body["NextToken"].as_str().map_or(0, |token| token.parse().unwrap());
    let page: Vec<Value> = all.iter().skip(from).take(PAGE).cloned().collect();
    let next = (from + PAGE < all.len()).then(|| (from + PAGE).to_string());
    Json(json!({member: page, "NextToken": next})).into_response()
}
