//! The demo's three HTTP servers on loopback.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, response::IntoResponse, response::Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::promql::{Refusal, STACK};
use super::series::{Series, catalogue};
use super::silences::{Silences, Wanted};
use super::world::{Moment, World};
use super::{alertmanager, deploys, prometheus, rules};

/// What every request is answered from.
pub(super) struct Stage {
    world: World,
    series: Vec<Series>,
    silences: Silences,
}

type Shared = State<Arc<Stage>>;
type Asked = Vec<(String, String)>;
type Answering = fn(&World, &[Series], &prometheus::Asked, Moment) -> (StatusCode, Value);

impl Stage {
    /// Sets the stage for a world.
    pub(super) fn new(world: World) -> Self {
        Self {
            series: catalogue(&world),
            silences: Silences::new(&world),
            world,
        }
    }

    /// The present, to the millisecond, as the world tells it.
    fn time(&self) -> Timestamp {
        self.world.time(self.now())
    }

    fn now(&self) -> Moment {
        self.world.moment(Timestamp::now())
    }
}

/// The Prometheus: only what `prometheus` sources ask; the rest is 404.
pub(super) fn prometheus(stage: Arc<Stage>) -> Router {
    let query = |how: Answering| get(move |stage, asked| evaluate(how, stage, asked));
    let posted =
        |how: Answering| axum::routing::post(move |stage, asked| evaluate(how, stage, asked));
    Router::new()
        .route(
            "/api/v1/query",
            query(prometheus::instant).merge(posted(prometheus::instant)),
        )
        .route(
            "/api/v1/query_range",
            query(prometheus::range).merge(posted(prometheus::range)),
        )
        .route("/api/v1/label/__name__/values", query(prometheus::names))
        .route(
            "/api/v1/status/buildinfo",
            get(async || Json(prometheus::build_info())),
        )
        .route("/-/ready", get(async || "Prometheus Server is Ready.\n"))
        .route(
            "/api/v1/rules",
            get(async |State(stage): Shared| {
                Json(prometheus::success(&rules::groups(
                    &stage.world,
                    stage.now(),
                )))
            }),
        )
        .with_state(stage)
}

/// The Alertmanager.
pub(super) fn alertmanager(stage: Arc<Stage>) -> Router {
    Router::new()
        .route(
            "/api/v2/alerts",
            get(async |State(stage): Shared, Query(asked): Query<Asked>| {
                let (status, body) =
                    alertmanager::alerts(&stage.world, &stage.silences, stage.now(), &asked);
                (status, Json(body))
            }),
        )
        .route(
            "/api/v2/silences",
            get(async |State(stage): Shared| Json(stage.silences.list(stage.time()))).post(
                async |State(stage): Shared, Json(wanted): Json<Wanted>| {
                    let (status, body) = stage.silences.take(wanted, stage.time());
                    (status, Json(body))
                },
            ),
        )
        .route(
            "/api/v2/silence/{id}",
            get(async |State(stage): Shared, Path(id): Path<String>| {
                let (status, body) = stage.silences.one(&id, stage.time());
                (status, Json(body))
            })
            .delete(async |State(stage): Shared, Path(id): Path<String>| {
                stage.silences.expire(&id, stage.time())
            }),
        )
        .route(
            "/api/v2/status",
            get(async |State(stage): Shared| Json(alertmanager::status(&stage.world))),
        )
        .fallback(async |uri: axum::http::Uri| {
            let message = format!("path {} was not found", uri.path());
            (
                StatusCode::NOT_FOUND,
                Json(json!({"code": 404, "message": message})),
            )
        })
        .with_state(stage)
}

/// The deploy service.
pub(super) fn deploys(stage: Arc<Stage>) -> Router {
    Router::new()
        .route(
            "/deploys",
            get(async |State(stage): Shared| Json(deploys::list(&stage.world, stage.now()))),
        )
        .with_state(stage)
}

/// Answers a question on a thread of its own, whose stack the deepest admitted query fits in.
async fn evaluate(
    how: Answering,
    State(stage): Shared,
    asked: Result<Form<Asked>, FormRejection>,
) -> Response {
    let asked = match asked {
        Ok(Form(asked)) => asked,
        Err(rejection) => {
            let (status, body) = prometheus::refused(Refusal::BadData(rejection.body_text()));
            return (status, Json(body)).into_response();
        }
    };
    let (done, answer) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(move || {
            let now = stage.now();
            // Nobody waits any more when the client has gone: then there is nobody to tell.
            let _ = done.send(how(&stage.world, &stage.series, &asked, now));
        });
    let answer = match thread {
        Ok(_) => answer.await.map_err(|_| "the evaluation failed".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    let internal = |error| {
        let body = json!({"status": "error", "errorType": "internal", "error": error});
        (StatusCode::INTERNAL_SERVER_ERROR, body)
    };
    let (status, body) = answer.unwrap_or_else(internal);
    (status, Json(body)).into_response()
}
