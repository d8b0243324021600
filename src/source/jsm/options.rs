//! What can be configured, and the mistakes in it.

use serde::Deserialize;

use crate::config::{Auth, Problem, SourceSettings};
use crate::source::alert;
use crate::source::kit::incident_state::is_id;
use crate::source::severity::Severities;

/// Where Atlassian's gateway is.
pub(super) const DEFAULT_URL: &str = "https://api.atlassian.com";

/// The settings of this kind alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    cloud_id: Option<String>,
    email: Option<String>,
    #[serde(default = "alert::service_labels")]
    pub(super) service_labels: Vec<String>,
    #[serde(default)]
    pub(super) severities: Severities,
}

impl Options {
    /// The site that is asked.
    pub(super) fn cloud_id(&self, settings: &SourceSettings) -> Result<String, Problem> {
        let problem = |message: &str| Err(settings.problem("cloud_id", message));
        match self.cloud_id.as_deref() {
            None | Some("") => problem(
                "is missing: https://YOUR-SITE.atlassian.net/_edge/tenant_info tells it to whoever is logged in",
            ),
            Some(id) if !is_id(id) => problem("is the id of a site: letters, digits and dashes"),
            Some(id) => Ok(id.to_owned()),
        }
    }

    /// The settings with the login that Atlassian wants: an API token goes with its owner's address,
    /// as Basic authentication; an OAuth token goes as `bearer_token`, by itself.
    pub(super) fn login(&self, settings: &SourceSettings) -> Result<SourceSettings, Problem> {
        let mut settings = settings.clone();
        let email = self.email.as_deref().map(str::trim);
        match (email, &settings.http.auth) {
            (None, Auth::Token(_)) => Err(settings.problem(
                "email",
                "is missing: an API token belongs to an account, so give its address; an OAuth token is a `bearer_token`",
            )),
            (None, _) => Ok(settings),
            (Some(email), _) if !email.contains('@') || email.contains([':', ' ']) => {
                Err(settings.problem("email", "is no address; write that of the API token's owner"))
            }
            (Some(email), Auth::Token(secret)) => {
                settings.http.auth = Auth::Basic {
                    username: email.to_owned(),
                    password: secret.clone(),
                };
                Ok(settings)
            }
            (Some(_), _) => Err(settings.problem(
                "email",
                "belongs to a `token`: write `token = { env = \"JSM_TOKEN\" }` beside it",
            )),
        }
    }
}
