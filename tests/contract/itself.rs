//! The checks themselves: what is wrong is found, and what is right passes.

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::description::Description;
use crate::exchange::{Exchange, Message};
use crate::proxy::Checked;
use crate::settings::{ask, source};

/// A small API in the shape of `OpenAPI` 3.0.
fn openapi() -> Value {
    let problem = json!({"description": "no", "content": {"application/json": {"schema":
        {"type": "object", "required": ["message"]}}}});
    json!({
        "openapi": "3.0.3",
        "servers": [{"url": "https://{region}.example/api", "variables": {"region": {"default": "eu"}}}],
        "paths": {
            "/rows": {
                "parameters": [{"$ref": "#/components/parameters/limit"}],
                "get": {
                    "parameters": [
                        {"name": "from", "in": "header", "required": true,
                         "schema": {"type": "string", "format": "email"}},
                        {"name": "states[]", "in": "query",
                         "schema": {"type": "array", "items": {"enum": ["open", "closed"]}}},
                        {"name": "at", "in": "query", "style": "deepObject",
                         "schema": {"type": "object"}},
                    ],
                    "responses": {
                        "200": {"description": "rows", "content": {"application/json": {"schema":
                            {"type": "array", "items": {"$ref": "#/components/schemas/row"}}}}},
                        "4XX": problem,
                    },
                },
                "post": {
                    "requestBody": {"required": true, "content": {"application/json": {"schema":
                        {"$ref": "#/components/schemas/row"}}}},
                    "responses": {"204": {"description": "made"}},
                },
            },
            "/rows/{id}": {"get": {
                "parameters": [{"name": "id", "in": "path", "required": true,
                                "schema": {"type": "integer"}}],
                "responses": {"200": {"description": "one", "content": {"text/*": {}}}},
            }},
            "/rows/newest": {"get": {"responses": {"304": {"description": "as it was"}}}},
        },
        "components": {
            "parameters": {"limit": {"name": "limit", "in": "query",
                "schema": {"type": "integer", "maximum": 100}}},
            "schemas": {
                "row": {"type": "object", "required": ["id", "owner", "made"], "properties": {
                    "id": {"type": "integer", "readOnly": true},
                    "owner": {"type": "string", "enum": ["mara", "lee"], "nullable": true},
                    "made": {"type": "string", "format": "date-time"},
                    "parent": {"nullable": true, "allOf": [{"$ref": "#/components/schemas/link"}]},
                }},
                "link": {"type": "object", "required": ["id"]},
            },
        },
    })
}

fn message(headers: &[(&'static str, &'static str)], body: Option<&Value>) -> Message {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, HeaderValue::from_static(value));
    }
    if body.is_some() {
        map.insert(
            "content-type",
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
    }
    let body = body.map(|body| serde_json::to_vec(body).unwrap());
    Message {
        headers: map,
        body: body.unwrap_or_default(),
    }
}

fn exchange(method: &str, address: &str, status: u16, answer: Option<&Value>) -> Exchange {
    Exchange {
        method: method.parse::<Method>().unwrap(),
        url: format!("http://stand-in{address}").parse().unwrap(),
        request: message(&[("from", "mara@acme.example")], None),
        status: StatusCode::from_u16(status).unwrap(),
        answer: message(&[], answer),
    }
}

/// What is found, in one text.
fn found(exchange: &Exchange) -> String {
    Description::new(openapi()).check(exchange).1.join("\n")
}

#[test]
fn what_is_right_passes() {
    let rows = json!([
        {"id": 1, "owner": "mara", "made": "2026-11-22T13:40:00Z", "parent": null},
        {"id": 2, "owner": null, "made": "2026-11-22T13:40:00+01:00", "parent": {"id": 1}},
    ]);
    for address in [
        "/api/rows",
        "/api/rows?limit=100&states[]=open&states%5B%5D=closed&at[gte]=2026",
    ] {
        assert_eq!(
            found(&exchange("GET", address, 200, Some(&rows))),
            "",
            "{address}"
        );
    }
    let refused = json!({"message": "no"});
    assert_eq!(
        found(&exchange("GET", "/api/rows", 429, Some(&refused))),
        ""
    );
    assert_eq!(found(&exchange("GET", "/api/rows/newest", 304, None)), "");
    let made = json!({"owner": "lee", "made": "2026-11-22T13:40:00Z"});
    let post = Exchange {
        request: message(&[], Some(&made)),
        ..exchange("POST", "/api/rows", 204, None)
    };
    assert_eq!(found(&post), "", "what is read only is not sent");
}

#[test]
fn a_wrong_request_is_found() {
    let none = json!([]);
    for (method, address, words) in [
        ("GET", "/rows", "no such path"),
        ("GET", "/api/lines", "no such path"),
        ("DELETE", "/api/rows", "no such method"),
        ("GET", "/api/rows?page=2", "`page` is not known"),
        ("GET", "/api/rows?limit=many", "query `limit`"),
        ("GET", "/api/rows?limit=101", "query `limit`"),
        ("GET", "/api/rows?limit=1&limit=2", "is given 2 times"),
        ("GET", "/api/rows?states[]=ajar", "query `states[]`"),
        ("GET", "/api/rows/first", "path `id`"),
    ] {
        let found = found(&exchange(method, address, 200, Some(&none)));
        assert!(found.contains(words), "{method} {address}: {found:?}");
    }
    let without = Exchange {
        request: message(&[], None),
        ..exchange("GET", "/api/rows", 200, Some(&none))
    };
    assert!(found(&without).contains("header `from` is missing"));
    let with_body = Exchange {
        request: message(&[("from", "mara@acme.example")], Some(&none)),
        ..exchange("GET", "/api/rows", 200, Some(&none))
    };
    assert!(found(&with_body).contains("none is described"));
    for (body, words) in [
        (None, "lacks its body"),
        (
            Some(json!({"owner": "lee"})),
            "\"made\" is a required property",
        ),
        (
            Some(json!({"owner": "eve", "made": "2026-11-22T13:40:00Z"})),
            "`/owner`",
        ),
        (Some(json!({"owner": "lee", "made": "today"})), "`/made`"),
    ] {
        let post = Exchange {
            request: message(&[], body.as_ref()),
            ..exchange("POST", "/api/rows", 204, None)
        };
        assert!(found(&post).contains(words), "{body:?}: {:?}", found(&post));
    }
}

#[test]
fn a_wrong_answer_is_found() {
    let row = |field: &str, value: Value| {
        let mut row = json!({"id": 1, "owner": "lee", "made": "2026-11-22T13:40:00Z"});
        row[field] = value;
        json!([row])
    };
    for (status, answer, words) in [
        (200, Some(json!({})), "the answer 200 at ``"),
        (200, Some(row("id", json!("1"))), "`/0/id`"),
        (200, Some(row("id", Value::Null)), "`/0/id`"),
        (200, Some(row("owner", json!("eve"))), "`/0/owner`"),
        (200, Some(row("made", json!("yesterday"))), "`/0/made`"),
        (200, Some(row("parent", json!({}))), "`/0/parent`"),
        (
            200,
            Some(json!([{"owner": "lee", "made": "2026-11-22T13:40:00Z"}])),
            "\"id\"",
        ),
        (200, None, "which is not described"),
        (
            404,
            Some(json!({"error": "no"})),
            "\"message\" is a required property",
        ),
        (
            500,
            Some(json!({"message": "no"})),
            "status 500 is not described",
        ),
    ] {
        let found = found(&exchange("GET", "/api/rows", status, answer.as_ref()));
        assert!(found.contains(words), "{status} {answer:?}: {found:?}");
    }
    let body = json!({});
    let changed = exchange("GET", "/api/rows/newest", 304, Some(&body));
    assert!(found(&changed).contains("has a body"));
}

#[test]
fn a_known_deviation_may_be_named() {
    let missing = json!([{"id": 1, "owner": "lee"}]);
    let exchange = exchange("GET", "/api/rows", 200, Some(&missing));
    let allowing = Description::new(openapi()).allowing("\"made\" is a required property");
    assert_eq!(allowing.check(&exchange).1.len(), 0);
    let allowing = Description::new(openapi()).allowing("\"owner\" is a required property");
    assert_eq!(allowing.check(&exchange).1.len(), 1);
}

#[test]
fn swagger_two_is_read_as_well() {
    let description = || {
        Description::new(json!({
            "swagger": "2.0", "basePath": "/api/v2/",
            "paths": {"/rows": {
                "get": {
                    "parameters": [{"name": "active", "in": "query", "type": "boolean"},
                                   {"name": "filter", "in": "query", "type": "array",
                                    "collectionFormat": "multi", "items": {"type": "string"}}],
                    "responses": {"200": {"description": "", "schema": {"type": "array",
                                          "items": {"$ref": "#/definitions/row"}}}},
                },
                "post": {
                    "parameters": [{"$ref": "#/parameters/row"}],
                    "responses": {"200": {"description": "made"},
                                  "400": {"$ref": "#/responses/no"}},
                },
            }},
            "parameters": {"row": {"name": "row", "in": "body", "required": true,
                                   "schema": {"$ref": "#/definitions/row"}}},
            "responses": {"no": {"description": "", "schema": {"type": "string"}}},
            "definitions": {"row": {"type": "object", "required": ["id"],
                "properties": {"id": {"type": "string", "x-nullable": true}}}},
        }))
    };
    let found = |exchange: &Exchange| description().check(exchange).1.join("\n");
    let (good, bad) = (json!([{"id": null}]), json!([{"id": 1}]));
    let address = "/api/v2/rows?active=false&filter=a&filter=b%2Cc";
    assert_eq!(found(&exchange("GET", address, 200, Some(&good))), "");
    assert!(found(&exchange("GET", address, 200, Some(&bad))).contains("`/0/id`"));
    let maybe = exchange("GET", "/api/v2/rows?active=maybe", 200, Some(&good));
    assert!(found(&maybe).contains("query `active`"));
    let post = |body: &Value, status, answer: Option<&Value>| Exchange {
        request: message(&[], Some(body)),
        ..exchange("POST", "/api/v2/rows", status, answer)
    };
    assert_eq!(found(&post(&json!({"id": "a"}), 200, None)), "");
    assert_eq!(
        found(&post(&json!({"id": "a"}), 400, Some(&json!("no")))),
        ""
    );
    assert!(found(&post(&json!({}), 200, None)).contains("the request at"));
    let object = json!({"message": "no"});
    assert!(found(&post(&json!({"id": "a"}), 400, Some(&object))).contains("the answer 400"));
}

#[test]
fn the_committed_descriptions_lead_nowhere_else() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contract/descriptions");
    let files = std::fs::read_dir(folder).unwrap();
    let files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    let is_json = |path: &&std::path::PathBuf| path.extension().is_some_and(|end| end == "json");
    let descriptions: Vec<_> = files.iter().filter(is_json).collect();
    assert!(descriptions.len() >= 2, "{files:?}");
    for path in descriptions {
        let dangling = Description::load(path).dangling();
        assert!(dangling.is_empty(), "{}: {dangling:?}", path.display());
    }
}

#[tokio::test]
async fn a_stand_in_that_has_drifted_is_caught_on_the_way() {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(ResponseTemplate::new(200).set_body_json(json!([{"id": 1}])))
        .mount(&server)
        .await;
    let checked = Checked::start(Description::named("github"), &server.uri()).await;
    let options = "repos = [{ repo = \"acme/checkout\" }]";
    let _ = source("github", &checked.url, options).fetch(&ask()).await;
    let violations = checked.violations();
    assert!(
        violations
            .iter()
            .any(|words| words.contains("\"sha\" is a required property")),
        "{violations:?}"
    );
}

#[tokio::test]
async fn links_to_the_stand_in_lead_through_the_proxy() {
    let server = MockServer::start().await;
    let next = format!("<{}/page/2>; rel=\"next\"", server.uri());
    let body = json!({"next": format!("{}/page/2", server.uri())});
    Mock::given(any())
        .respond_with(
            ResponseTemplate::new(200)
                .set_body_json(body)
                .insert_header("link", next),
        )
        .mount(&server)
        .await;
    let description = json!({"openapi": "3.1.0", "paths": {"/page/{number}": {"get": {"responses":
        {"200": {"content": {"application/json": {"schema": {"type": ["object", "null"]}}}}}}}}});
    let checked = Checked::start(Description::new(description), &server.uri()).await;
    let answer = reqwest::get(format!("{}/page/1", checked.url))
        .await
        .unwrap();
    let link = answer
        .headers()
        .get("link")
        .unwrap()
        .to_str()
        .unwrap()
        .to_owned();
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(link, format!("<{}/page/2>; rel=\"next\"", checked.url));
    assert_eq!(body["next"], format!("{}/page/2", checked.url));
    assert_eq!(checked.kept(), ["GET /page/{number}"]);
}
