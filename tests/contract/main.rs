//! Requests of ours and answers of stand-ins, held to what the vendors themselves publish.
//!
//! A stand-in proves nothing when it has drifted from what it stands for. So these tests put a proxy
//! between source and stand-in that holds each exchange to the vendor's description (`OpenAPI`
//! 3.0 or 3.1, Swagger 2.0): path and method, parameters, headers, bodies, statuses. A case takes five lines:
//!
//! ```text
//! let stand_in = MockServer::start().await;                       // or a real server
//! let checked = Checked::start(Description::named("github"), &stand_in.uri()).await;
//! let mut source = source("github", &checked.url, "repos = [{ repo = \"acme/checkout\" }]");
//! source.fetch(&ask()).await.unwrap();                            // or `act`
//! assert_eq!(checked.kept(), ["GET /repos/{owner}/{repo}/deployments"]);  // fails on a violation
//! ```
//!
//! `descriptions/README.md` says where the descriptions are from and how another is added. What a
//! server is known to do otherwise is named with [`description::Description::allowing`].

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod alertmanager;
mod description;
mod exchange;
mod github;
mod itself;
mod parameter;
mod part;
mod proxy;
mod schema;
#[path = "../real/server.rs"]
#[expect(dead_code, reason = "the tests against real servers use the rest")]
mod server;
mod settings;
mod swagger;
