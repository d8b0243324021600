//! A cluster as a kubeconfig or a service account describes it: who to be there, and how to get there.

mod fault;

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::client::Body;
use kube::config::{Config, ExecInteractiveMode, KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::core::Request;
use kube::core::params::ListParams;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use self::fault::{body_fault, fault, kubeconfig_fault};
use crate::domain::{Fault, FaultKind};
use crate::http::{Answer, MAX_BODY, Secrets, encoded, foreign_encoding, retry_after};

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The most characters of a server's own words that are repeated.
const MAX_REASON: usize = 160;

/// A cluster, and the connection to it once there is one.
pub(super) struct Cluster {
    pub(super) kubeconfig: Option<PathBuf>,
    pub(super) context: Option<String>,
    pub(super) timeout: Duration,
    client: Option<Client>,
    ahead: Option<SignedDuration>,
    /// Its credentials, to be redacted should the server repeat them.
    secrets: Secrets,
}

/// The reason in a refusal: `meta/v1` `Status`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Status {
    message: String,
}

impl Cluster {
    pub(super) fn new(
        kubeconfig: Option<PathBuf>,
        context: Option<String>,
        timeout: Duration,
    ) -> Self {
        Self {
            kubeconfig,
            context,
            timeout,
            client: None,
            ahead: None,
            secrets: Secrets::new(Vec::new()),
        }
    }

    /// How far the server's clock is ahead of ours, by the `Date` of its last answer.
    pub(super) fn skew(&self) -> Option<SignedDuration> {
        self.ahead
    }

    /// One page of a list; 404 and 410 come back as answers.
    pub(super) async fn page(
        &mut self,
        path: &str,
        limit: usize,
        next: &str,
    ) -> Result<Answer, Fault> {
        let limited = tokio::time::timeout(self.timeout, self.ask(path, limit, next)).await;
        limited.unwrap_or_else(|_| {
            let limit = self.timeout;
            let words = format!("no answer within {limit:?}; raise `timeout` if it is just slow");
            Err(Fault::new(FaultKind::Timeout, words))
        })
    }

    async fn ask(&mut self, path: &str, limit: usize, next: &str) -> Result<Answer, Fault> {
        let client = self.client().await?;
        let mut params = ListParams::default().limit(u32::try_from(limit).unwrap_or(u32::MAX));
        if !next.is_empty() {
            params = params.continue_token(next);
        }
        let request = Request::new(path).list(&params).map_err(|_| {
            Fault::new(
                FaultKind::Query,
                "the list cannot be asked for; check `namespaces`",
            )
        })?;
        let asked = Timestamp::now();
        let response = client
            .send(request.map(Body::from))
            .await
            .map_err(|error| fault(&error))?;
        let (head, body) = response.into_parts();
        let status = head.status.as_u16();
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let now = Timestamp::now();
        let wait = header("retry-after").and_then(|value| retry_after(value, now));
        if let Some(date) = header("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok()) {
            // `Date` has no fraction: on average half a second of it is gone.
            let middle = i64::midpoint(asked.as_millisecond(), now.as_millisecond());
            let ahead = date.timestamp().as_millisecond() + 500 - middle;
            self.ahead = Some(SignedDuration::from_millis(ahead));
        }
        let body = Limited::new(body, MAX_BODY).collect().await;
        let body = body
            .map_err(|error| body_fault(&*error))?
            .to_bytes()
            .to_vec();
        if !body.is_empty()
            && let Some(encoding) = foreign_encoding(&head.headers)
        {
            return Err(encoded(&encoding));
        }
        let body = self.secrets.redact_data(body);
        if (200..300).contains(&status) || matches!(status, 404 | 410) {
            return Ok(Answer::new(status, body));
        }
        if status == 401 {
            // A token may have been renewed in the kubeconfig since.
            self.client = None;
        }
        Err(self.refusal(status, &body, wait))
    }

    /// The connection, made anew when its credentials have run out.
    async fn client(&mut self) -> Result<Client, Fault> {
        let now = Timestamp::now();
        let is_good = |client: &&Client| client.valid_until().is_none_or(|until| until > now);
        if let Some(client) = self.client.as_ref().filter(is_good) {
            return Ok(client.clone());
        }
        let (kubeconfig, context) = (self.kubeconfig.clone(), self.context.clone());
        let mut config = config(kubeconfig, context).await?;
        self.secrets = Secrets::new(secrets(&config).await);
        config.default_retry = false;
        config.connect_timeout = Some(CONNECT_TIMEOUT.min(self.timeout));
        // The whole request has a limit already, and a message of its own.
        config.read_timeout = None;
        config.reset_reader_on_write = true;
        // A login command of the kubeconfig runs here, and takes its time.
        let client = tokio::task::spawn_blocking(move || Client::try_from(config)).await;
        let client = client
            .map_err(|_| Fault::new(FaultKind::Crash, "the Kubernetes client was not built"))?
            .map_err(|error| fault(&error))?;
        self.client = Some(client.clone());
        Ok(client)
    }

    fn refusal(&self, status: u16, body: &[u8], wait: Option<SignedDuration>) -> Fault {
        let said: Status = serde_json::from_slice(body).unwrap_or_default();
        // Redacted before it is cut: half a secret would not be recognised.
        let mut said = self.secrets.redact(&said.message);
        if let Some((end, _)) = said.char_indices().nth(MAX_REASON) {
            said.truncate(end);
            said.push('…');
        }
        let because = if said.is_empty() {
            String::new()
        } else {
            format!(": {said}")
        };
        let user = match &self.context {
            Some(context) => format!("of context \"{context}\""),
            None => "of the kubeconfig or service account".to_owned(),
        };
        let (kind, words) = match status {
            401 => (
                FaultKind::Auth,
                format!("credential {user} refused (401{because}); log in to the cluster again"),
            ),
            403 => (FaultKind::Forbidden, format!("not allowed (403{because})")),
            429 => (
                FaultKind::RateLimited,
                format!("too many requests (429{because}); raise `interval` if this repeats"),
            ),
            300..=399 => (
                FaultKind::Redirect,
                format!("answered {status}: is the kubeconfig's server the API server?"),
            ),
            500.. => (FaultKind::Server, format!("answered {status}{because}")),
            _ => (
                FaultKind::Query,
                format!("question refused ({status}{because})"),
            ),
        };
        Fault {
            retry_after: wait.filter(|_| matches!(status, 429 | 503)),
            ..Fault::new(kind, words)
        }
    }
}

/// Reads the kubeconfig, or what a pod is given where there is none.
///
/// A login command may ask nothing: the terminal is ours.
async fn config(kubeconfig: Option<PathBuf>, context: Option<String>) -> Result<Config, Fault> {
    let inside = context.is_none() && kubeconfig.is_none();
    let read = tokio::task::spawn_blocking(move || match kubeconfig {
        Some(path) => Kubeconfig::read_from(path),
        None => Kubeconfig::read(),
    });
    let read = read
        .await
        .map_err(|_| Fault::new(FaultKind::Crash, "the kubeconfig was not read"))?;
    let mut read = match read {
        Ok(read) => read,
        Err(error) if inside && is_missing(&error) => {
            return Config::incluster().map_err(|_| {
                let words = "no kubeconfig at $KUBECONFIG or ~/.kube/config, and not in a pod; set `kubeconfig`, or `url`";
                Fault::new(FaultKind::Secret, words)
            });
        }
        Err(error) => return Err(kubeconfig_fault(&error)),
    };
    for user in &mut read.auth_infos {
        if let Some(exec) = user.auth_info.as_mut().and_then(|info| info.exec.as_mut()) {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
    }
    let options = KubeConfigOptions {
        context,
        ..KubeConfigOptions::default()
    };
    let config = Config::from_custom_kubeconfig(read, &options).await;
    let mut config = config.map_err(|error| kubeconfig_fault(&error))?;
    trim_token(&mut config).await;
    Ok(config)
}

/// The secrets that a configuration holds or points to. What a login command prints is not among them.
async fn secrets(config: &Config) -> Vec<SecretString> {
    let user = &config.auth_info;
    let file = user.token_file.clone();
    let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(file?).ok()).await;
    let of_file = read.ok().flatten();
    let of_file = of_file.map(|token| SecretString::from(token.trim().to_owned()));
    [user.token.clone(), user.password.clone(), of_file]
        .into_iter()
        .flatten()
        .filter(|secret| !secret.expose_secret().is_empty())
        .collect()
}

/// Takes the end of line off a token that a person has put into a file: the client sends it as it is.
/// A file that cannot be read is left to it to complain about.
async fn trim_token(config: &mut Config) {
    let user = &mut config.auth_info;
    let Some(file) = user.token_file.clone().filter(|_| user.token.is_none()) else {
        return;
    };
    let read = tokio::task::spawn_blocking(move || std::fs::read_to_string(file)).await;
    if let Ok(Ok(token)) = read
        && token.trim() != token
    {
        user.token = Some(token.trim().to_owned().into());
        user.token_file = None;
    }
}

fn is_missing(error: &KubeconfigError) -> bool {
    match error {
        KubeconfigError::FindPath => true,
        KubeconfigError::ReadConfig(error, _) => error.kind() == io::ErrorKind::NotFound,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
