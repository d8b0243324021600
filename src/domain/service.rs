//! A service: the join key of SLOs, releases and incidents, and what belongs to it.

use std::collections::BTreeMap;

/// What a service is called, and what a reader may need when it burns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// The name every pane uses.
    pub name: String,
    /// What sources call it.
    pub aliases: Vec<String>,
    /// Services it needs.
    pub depends_on: Vec<String>,
    /// Who owns it.
    pub team: Option<String>,
    /// How much it matters, 1 most.
    pub tier: Option<u8>,
    /// What to do when it burns.
    pub runbook: Option<String>,
    /// Name to URL.
    pub links: BTreeMap<String, String>,
}

impl Service {
    /// The page to look at first: its dashboard, else the first of its links by name.
    pub fn page(&self) -> Option<&str> {
        let page = self
            .links
            .get("dashboard")
            .or_else(|| self.links.values().next());
        page.map(String::as_str)
    }
}
