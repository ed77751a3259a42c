//! Webhook addresses from Secrets Manager (and Parameter Store, with feature `ssm`), read with the
//! real SDK from a stand-in that knows a few of them.

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::{Value, json};

use hansho::aws::secrets::read_secret;

use crate::adapters::dynamodb::{fake_config, serve};

const WEBHOOK: &str = "https://hooks.slack.com/services/T000/B000/XXXX";
const ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:hansho/slack-AbCdEf";

/// GetSecretValue in AWS's JSON 1.1. It takes the region from the signature, as AWS does by host.
async fn answer(headers: HeaderMap, body: String) -> (StatusCode, String) {
    let header =
        |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    let asked: Value = serde_json::from_str(&body).unwrap_or_default();
    assert_eq!(header("x-amz-target"), "secretsmanager.GetSecretValue");
    let refuse = |kind: &str, message: &str| {
        (StatusCode::BAD_REQUEST, json!({"__type": kind, "Message": message}).to_string())
    };
    let secret = |text: &str| {
        (StatusCode::OK, json!({"ARN": ARN, "Name": "n", "SecretString": text}).to_string())
    };
    match asked["SecretId"].as_str().unwrap_or("") {
        "plain" => secret(&format!("{WEBHOOK}\n")),
        "json" => secret(&json!({"webhook": WEBHOOK, "number": 1}).to_string()),
        "empty" => secret(" \n"),
        "binary" => (StatusCode::OK, json!({"ARN": ARN, "SecretBinary": "aHVzaA=="}).to_string()),
        "garbled" => (StatusCode::OK, format!("{{\"SecretString\": \"{WEBHOOK}\" oops")),
        "forbidden" => refuse("AccessDeniedException", "not authorized to perform GetSecretValue"),
        ARN if header("authorization").contains("/eu-west-1/secretsmanager/") => secret(WEBHOOK),
        _ => {
            refuse("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        }
    }
}

#[tokio::test]
async fn secrets_are_read_and_errors_name_them_but_never_their_value() {
    let config = fake_config(&serve(Router::new().route("/", post(answer))).await);
    for (name, key, expected) in [
        ("plain", None, Ok(())),
        ("json", Some("webhook"), Ok(())),
        (ARN, None, Ok(())),
        ("json", Some("hook"), Err("has no key \"hook\"")),
        ("json", Some("number"), Err("holds no text under key \"number\"")),
        ("plain", Some("webhook"), Err("is no JSON")),
        ("empty", None, Err("is empty")),
        ("binary", None, Err("is binary")),
        ("garbled", None, Err("can't be read")),
        ("forbidden", None, Err("AccessDeniedException: not authorized")),
        ("missing", None, Err("ResourceNotFoundException: Secrets Manager can't find")),
    ] {
        match (read_secret(&config, name, key).await, expected) {
            (Ok(value), Ok(())) => assert_eq!(value, WEBHOOK),
            (Err(why), Err(part)) => {
                assert!(why.contains(part), "{why}");
                assert!(why.starts_with(&format!("secret {name:?} ")), "{why}");
                assert!(!why.contains("hooks.slack.com") && !why.contains("hush"), "{why}");
            }
            (value, _) => panic!("{name}: {value:?}"),
        }
    }
}

#[cfg(feature = "ssm")]
#[tokio::test]
async fn parameters_are_read_decrypted() {
    use hansho::aws::secrets::read_parameter;

    async fn answer(body: String) -> (StatusCode, String) {
        let asked: Value = serde_json::from_str(&body).unwrap_or_default();
        assert_eq!(asked["WithDecryption"], Value::Bool(true));
        match asked["Name"].as_str() {
            Some("/hansho/slack") => {
                (StatusCode::OK, json!({"Parameter": {"Value": WEBHOOK}}).to_string())
            }
            _ => (StatusCode::BAD_REQUEST, json!({"__type": "ParameterNotFound"}).to_string()),
        }
    }

    let config = fake_config(&serve(Router::new().route("/", post(answer))).await);
    assert_eq!(read_parameter(&config, "/hansho/slack").await.as_deref(), Ok(WEBHOOK));
    let why = read_parameter(&config, "/hansho/other").await.unwrap_err();
    assert!(why.contains("\"/hansho/other\"") && why.contains("ParameterNotFound"), "{why}");
}
