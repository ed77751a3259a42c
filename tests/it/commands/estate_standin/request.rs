//! Requests as the stand-in understands them, and answers in the protocol of each service.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::objects;

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Call {
    pub service: String,
    pub operation: String,
    /// The region of the signature.
    pub region: String,
    /// The account of the access key.
    pub account: String,
    pub method: String,
    pub path: Vec<String>,
    pub query: BTreeMap<String, String>,
    pub body: Value,
}

impl Call {
    pub fn of(parts: &Parts, body: &[u8]) -> Call {
        let (account, region, service) = scope(&parts.headers);
        let path: Vec<String> = parts
            .uri
            .path()
            .split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect();
        let query = pairs(parts.uri.query().unwrap_or_default());
        let body = match service.as_str() {
            "sts" | "cloudformation" => json!(pairs(std::str::from_utf8(body).unwrap())),
            "s3" => objects::of(parts, body),
            _ if body.is_empty() => Value::Object(Map::new()),
            _ => serde_json::from_slice(body).unwrap(),
        };
        let method = parts.method.to_string();
        let operation = operation(&service, &method, &path, &parts.headers, &body);
        Call { service, operation, region, account, method, path, query, body }
    }

    /// The id in `/detector/{id}/…`.
    pub fn detector(&self) -> &str {
        &self.path[1]
    }

    pub fn text(&self, key: &str) -> &str {
        self.body[key].as_str().unwrap_or_default()
    }

    pub fn list(&self, key: &str) -> Vec<Value> {
        self.body[key].as_array().cloned().unwrap_or_default()
    }
}

/// `Credential=AKIA111122223333/20261102/eu-west-1/guardduty/aws4_request`.
fn scope(headers: &HeaderMap) -> (String, String, String) {
    let text = headers.get(AUTHORIZATION).expect("a signed request").to_str().unwrap();
    let scope = text.split("Credential=").nth(1).unwrap().split(',').next().unwrap();
    let parts: Vec<&str> = scope.split('/').collect();
    let account = parts[0].trim_start_matches("AKIA").trim_start_matches("ASIA");
    (account.to_owned(), parts[2].to_owned(), parts[3].to_owned())
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        percent_encoding::percent_decode_str(&text).decode_utf8().unwrap().into_owned()
    };
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key), decoded(value))
    };
    text.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

fn operation(
    service: &str,
    method: &str,
    path: &[String],
    headers: &HeaderMap,
    body: &Value,
) -> String {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let name = match (service, method, path.as_slice()) {
        ("guardduty", "GET", ["detector"]) => "ListDetectors",
        ("guardduty", "POST", ["detector"]) => "CreateDetector",
        ("guardduty", "GET", ["detector", _]) => "GetDetector",
        ("guardduty", "POST", ["detector", _]) => "UpdateDetector",
        ("guardduty", "GET", ["detector", _, "member"]) => "ListMembers",
        ("guardduty", "POST", ["detector", _, "member"]) => "CreateMembers",
        ("guardduty", "POST", ["detector", _, "member", "invite"]) => "InviteMembers",
        ("guardduty", "POST", ["detector", _, "member", "detector", "get"]) => "GetMemberDetectors",
        ("guardduty", "POST", ["detector", _, "member", "detector", "update"]) => {
            "UpdateMemberDetectors"
        }
        ("guardduty", "GET", ["detector", _, "admin"]) => "DescribeOrganizationConfiguration",
        ("guardduty", "POST", ["detector", _, "admin"]) => "UpdateOrganizationConfiguration",
        ("guardduty", "POST", ["detector", _, "administrator"]) => "AcceptAdministratorInvitation",
        ("guardduty", "GET", ["detector", _, "administrator"]) => "GetAdministratorAccount",
        ("guardduty", "POST", ["detector", _, "member", "start"]) => "StartMonitoringMembers",
        ("guardduty", "POST", ["detector", _, "findings", "create"]) => "CreateSampleFindings",
        ("guardduty", "GET", ["admin"]) => "ListOrganizationAdminAccounts",
        ("guardduty", "POST", ["admin", "enable"]) => "EnableOrganizationAdminAccount",
        ("guardduty", "GET", ["invitation"]) => "ListInvitations",
        ("account", "POST", ["listRegions"]) => "ListRegions",
        ("s3", "GET", [_, _]) => "GetObject",
        ("s3", "HEAD", [_, _]) => "HeadObject",
        ("s3", "PUT", [_, _]) => "PutObject",
        ("organizations" | "events" | "secretsmanager", "POST", []) => {
            let target = headers["x-amz-target"].to_str().unwrap();
            return target.split_once('.').unwrap().1.to_owned();
        }
        ("sts" | "cloudformation", "POST", []) => {
            return body["Action"].as_str().unwrap().to_owned();
        }
        other => panic!("the stand-in does not know {other:?}"),
    };
    name.to_owned()
}

/// An answer: a body on success, or an error's code and message.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub code: Option<String>,
    pub body: Value,
}

impl Default for Answer {
    fn default() -> Answer {
        Answer::ok(json!({}))
    }
}

impl Answer {
    pub fn ok(body: Value) -> Answer {
        Answer { status: 200, code: None, body }
    }

    pub fn error(status: u16, code: &str, message: &str) -> Answer {
        Answer { status, code: Some(code.to_owned()), body: json!({ "message": message }) }
    }

    pub fn bad_request(message: &str) -> Answer {
        Answer::error(400, "BadRequestException", &format!("The request is rejected {message}"))
    }

    /// The body as it is sent. Null members are left out, as AWS does.
    pub fn text(&self, call: &Call) -> String {
        match call.service.as_str() {
            "sts" | "cloudformation" => return self.xml(&call.operation),
            "s3" => return objects::text(self, call),
            _ => {}
        }
        let mut body = self.body.clone();
        without_nulls(&mut body);
        if let Some(code) = &self.code {
            // Organizations and Account Management write the message so.
            let key = if call.service == "organizations" { "Message" } else { "message" };
            let message = body["message"].take();
            body = json!({ key: message });
            // In the protocol of GuardDuty and Account Management the code is a header.
            if matches!(call.service.as_str(), "organizations" | "events" | "secretsmanager") {
                body["__type"] = json!(code);
            }
        }
        body.to_string()
    }

    /// Source: STS API reference, CloudFormation API reference.
    fn xml(&self, operation: &str) -> String {
        if let Some(code) = &self.code {
            let message = self.body["message"].as_str().unwrap_or_default();
            return format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>"
            );
        }
        format!(
            "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <{operation}Result>{}</{operation}Result>\
             <ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></{operation}Response>",
            members(&self.body)
        )
    }

    pub fn into_response(self, call: &Call) -> Response {
        let bytes = match objects::bytes(&self) {
            Some(bytes) => bytes,
            None => self.text(call).into_bytes(),
        };
        let kind = match call.service.as_str() {
            "sts" | "cloudformation" | "s3" => "text/xml",
            "guardduty" | "account" => "application/json",
            _ => "application/x-amz-json-1.1",
        };
        let mut builder = Response::builder()
            .status(StatusCode::from_u16(self.status).unwrap())
            .header(CONTENT_TYPE, kind);
        if call.service == "s3" {
            builder = objects::headers(&self, builder);
        }
        if let Some(code) = self.code {
            builder = builder.header("x-amzn-errortype", code);
        }
        builder.body(Body::from(bytes)).unwrap()
    }
}

fn members(value: &Value) -> String {
    let member = |(key, value): (&String, &Value)| match value {
        Value::Object(_) => format!("<{key}>{}</{key}>", members(value)),
        Value::Array(entries) => {
            let entry = |entry| format!("<member>{}</member>", members(entry));
            format!("<{key}>{}</{key}>", entries.iter().map(entry).collect::<String>())
        }
        Value::String(text) => format!("<{key}>{text}</{key}>"),
        other => format!("<{key}>{other}</{key}>"),
    };
    value.as_object().into_iter().flatten().map(member).collect()
}

fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(without_nulls);
        }
        Value::Array(entries) => entries.iter_mut().for_each(without_nulls),
        _ => {}
    }
}
