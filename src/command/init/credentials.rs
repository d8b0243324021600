//! Credentials that variables of this process hold, each tried with one read-only question.

use crate::command::waiting::Progress;
use crate::config::{Environment, Proposal, ProposedSource, load_text};
use crate::source::credentials::{CREDENTIALS, Credential, Known};
use crate::source::known_kinds;
use crate::text::Untrusted;

/// The variable that names the clusters of a user.
const KUBECONFIG: &str = "KUBECONFIG";

/// A credential that was tried, and the source that it is for.
#[derive(Clone)]
pub(super) struct Validated {
    pub(super) source: ProposedSource,
    variable: &'static str,
    result: Result<Known, Untrusted>,
    is_linked: bool,
}

impl Validated {
    /// What the credential is, in words; never the credential itself.
    pub(super) fn words(&self) -> String {
        let variable = self.variable;
        let known = match &self.result {
            Ok(known) => known,
            Err(reason) => return format!("${variable} is not used: {}", reason.raw()),
        };
        let who = match known.who.as_str() {
            "" => String::new(),
            who => format!(" of {who}"),
        };
        let scopes = match &known.scopes {
            None => "its scopes are not told".to_owned(),
            Some(scopes) if scopes.is_empty() => "no scopes".to_owned(),
            Some(scopes) => format!("scopes: {}", scopes.join(", ")),
        };
        format!("${variable}{who} is accepted; {scopes}")
    }

    /// Repositories that are named like a service: each is taken to deploy it.
    pub(super) fn link(&mut self, services: &[String]) {
        let Ok(known) = &self.result else {
            return;
        };
        let links = known.repositories.iter().filter_map(|repository| {
            let name = repository.rsplit('/').next()?;
            let service = services.iter().find(|service| *service == name)?;
            Some(vec![
                ("repo", repository.as_str()),
                ("service", service.as_str()),
            ])
        });
        let links: Vec<_> = links.collect();
        if !links.is_empty() {
            self.source.set_tables("repos", &links);
            self.source.is_active = true;
            self.source.comments.truncate(1);
            self.is_linked = true;
        }
    }

    /// True once repositories were linked to services.
    pub(super) fn is_linked(&self) -> bool {
        self.is_linked
    }
}

/// Tries every known credential that a variable holds.
pub(super) async fn validate(environment: &Environment) -> Vec<Validated> {
    let tries = CREDENTIALS.iter().filter_map(|credential| {
        let mut variables = credential.variables.iter();
        let variable = *variables.find(|name| environment.text(name).is_some())?;
        let address = credential.url(|name| environment.text(name));
        (address.is_some() || !credential.needs_address())
            .then(|| try_one(credential, variable, address, environment))
    });
    let tries: Vec<_> = tries.collect();
    let progress = Progress::new();
    if !tries.is_empty() {
        progress.set("trying the credentials of this environment", None);
    }
    let mut found = futures_util::future::join_all(tries).await;
    drop(progress);
    found.extend(cluster(environment));
    found
}

async fn try_one(
    credential: &'static Credential,
    variable: &'static str,
    address: Option<String>,
    environment: &Environment,
) -> Validated {
    let mut source = ProposedSource::new(credential.kind, credential.kind);
    if let Some(address) = &address {
        source.set("url", address);
    }
    source.set_variable(credential.setting, variable);
    let proposal = Proposal {
        sources: vec![source.clone()],
        ..Proposal::default()
    };
    let loaded = load_text("init", proposal.text(), environment, &known_kinds());
    let result = match &loaded {
        Ok(loaded) => match loaded.settings.sources.first() {
            Some(settings) => credential.validate(settings).await,
            None => Err("no such source".into()),
        },
        Err(error) => Err(error.to_string().into()),
    };
    source.comments.push(format!(
        "Found by the variable {variable}, whose value is not written here."
    ));
    if let Some(needs) = credential.needs {
        source.comments.push(format!(
            "Switched off until it names {needs}; `watchfire config` shows how."
        ));
    }
    if result.is_err() {
        source
            .comments
            .push(format!("Switched off: {variable} was not accepted."));
    }
    source.is_active = result.is_ok() && credential.needs.is_none();
    Validated {
        source,
        variable,
        result,
        is_linked: false,
    }
}

/// The cluster of `KUBECONFIG`, which is asked when all sources are.
fn cluster(environment: &Environment) -> Option<Validated> {
    environment.text(KUBECONFIG)?;
    let mut source = ProposedSource::new("kubernetes", "kubernetes");
    source
        .comments
        .push(format!("The current context of {KUBECONFIG}."));
    Some(Validated {
        source,
        variable: KUBECONFIG,
        result: Ok(Known::default()),
        is_linked: false,
    })
}
