//! Variables that are known to hold a vendor's credential: what each logs in to, and one read-only
//! question that tells whether it is right and what it may do.

use serde::Deserialize;
use serde_json::Value;

use crate::config::SourceSettings;
use crate::http::Http;
use crate::text::Untrusted;

/// A vendor's credential as programs of that vendor name it.
pub struct Credential {
    /// The kind of source that it logs in to.
    pub kind: &'static str,
    /// The variables that hold it, the most usual first.
    pub variables: &'static [&'static str],
    /// The variable that holds the address of an instance, and what is in front of its host there.
    pub address: Option<(&'static str, &'static str)>,
    /// The setting that it goes into.
    pub setting: &'static str,
    /// The vendor's public API; empty where each has an address of its own.
    url: &'static str,
    /// How a `token` is sent, where not as a bearer token: the header, and what is before the token.
    header: Option<(&'static str, &'static str)>,
    path: &'static str,
    /// Where the answer says who that is.
    who: &'static str,
    scopes: Scopes,
    /// What the source needs besides, as a comment; such a source is proposed switched off.
    pub needs: Option<&'static str>,
}

/// Where an answer says what a credential may do.
enum Scopes {
    Header(&'static str),
    Body(&'static str),
    Unknown,
}

/// What a credential turned out to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Whose it is; empty where the answer does not say.
    pub who: String,
    /// What it may do; `None` where the answer does not say.
    pub scopes: Option<Vec<String>>,
    /// Repositories that it sees, the latest first.
    pub repositories: Vec<String>,
}

/// Every credential that is looked for.
pub const CREDENTIALS: &[Credential] = &[
    Credential {
        kind: "github",
        variables: &["GITHUB_TOKEN", "GH_TOKEN"],
        address: Some(("GITHUB_API_URL", "")),
        setting: "token",
        url: "https://api.github.com",
        header: None,
        path: "/user/repos?per_page=100&sort=pushed",
        who: "/0/owner/login",
        scopes: Scopes::Header("x-oauth-scopes"),
        needs: Some("the repositories, and the service that each deploys"),
    },
    Credential {
        kind: "gitlab",
        variables: &["GITLAB_TOKEN"],
        address: Some(("GITLAB_HOST", "https://")),
        setting: "token",
        url: "https://gitlab.com",
        header: Some(("PRIVATE-TOKEN", "")),
        path: "/api/v4/personal_access_tokens/self",
        who: "/name",
        scopes: Scopes::Body("/scopes"),
        needs: Some("the projects, and the service that each deploys"),
    },
    Credential {
        kind: "pagerduty",
        variables: &["PAGERDUTY_TOKEN", "PAGERDUTY_API_KEY"],
        address: Some(("PAGERDUTY_API_URL", "")),
        setting: "token",
        url: "https://api.pagerduty.com",
        header: Some(("authorization", "Token token=")),
        path: "/abilities",
        who: "",
        scopes: Scopes::Unknown,
        needs: None,
    },
    Credential {
        kind: "incidentio",
        variables: &["INCIDENT_IO_KEY", "INCIDENT_API_KEY"],
        address: Some(("INCIDENT_IO_URL", "")),
        setting: "token",
        url: "https://api.incident.io",
        header: None,
        path: "/v1/identity",
        who: "/identity/name",
        scopes: Scopes::Body("/identity/roles"),
        needs: None,
    },
    Credential {
        kind: "argocd",
        variables: &["ARGOCD_AUTH_TOKEN", "ARGOCD_TOKEN"],
        address: Some(("ARGOCD_SERVER", "https://")),
        setting: "token",
        url: "",
        header: None,
        path: "/api/v1/session/userinfo",
        who: "/username",
        scopes: Scopes::Body("/groups"),
        needs: None,
    },
];

/// A repository as it is listed.
#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

impl Credential {
    /// The address in its variable, with a scheme.
    pub fn url(&self, variable: impl Fn(&str) -> Option<String>) -> Option<String> {
        let (name, scheme) = self.address?;
        let address = variable(name)?;
        let has_scheme = address.contains("://");
        Some(if has_scheme {
            address
        } else {
            format!("{scheme}{address}")
        })
    }

    /// True where it has no place to go to unless a variable names one.
    pub fn needs_address(&self) -> bool {
        self.url.is_empty()
    }

    /// Asks the one question; changes nothing.
    ///
    /// # Errors
    /// When the server refuses it or does not answer.
    pub async fn validate(&self, settings: &SourceSettings) -> Result<Known, Untrusted> {
        let default = Some(self.url).filter(|url| !url.is_empty());
        let mut http = Http::new(settings, default).map_err(|problem| problem.message)?;
        if let Some((name, prefix)) = self.header {
            http = http.token_header(name, prefix);
        }
        let (path, query) = self.path.split_once('?').unwrap_or((self.path, ""));
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let request = pairs.fold(http.get(path), |request, (name, value)| {
            request.query(name, value)
        });
        let answer = request.send().await.map_err(|fault| fault.message)?;
        let body: Value = answer.whole_json().map_err(|fault| fault.message)?;
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let listed = |value: &Value| {
            let name = value.get("name").unwrap_or(value);
            name.as_str().map(str::to_owned)
        };
        let scopes = match self.scopes {
            Scopes::Header(name) => answer.header(name).map(|list| {
                let scopes = list.split(',').map(str::trim);
                scopes
                    .filter(|scope| !scope.is_empty())
                    .map(str::to_owned)
                    .collect()
            }),
            Scopes::Body(pointer) => body
                .pointer(pointer)
                .and_then(Value::as_array)
                .map(|list| list.iter().filter_map(listed).collect()),
            Scopes::Unknown => None,
        };
        let repositories = body.as_array().map_or_else(Vec::new, |list| {
            let all = list
                .iter()
                .filter_map(|one| Repository::deserialize(one).ok());
            all.map(|one| one.full_name).collect()
        });
        Ok(Known {
            who: text(self.who)
                .filter(|_| !self.who.is_empty())
                .unwrap_or_default()
                .to_owned(),
            scopes,
            repositories,
        })
    }
}
