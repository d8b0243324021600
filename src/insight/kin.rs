//! Who needs whom: declared dependencies, and teams.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::domain::Service;

/// How far a chain of dependencies is followed.
const FARTHEST: usize = 4;

/// What one service is to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tie {
    /// The same.
    Own,
    /// Needed, over so many steps.
    Needed(usize),
    /// Of the same team, and not needed.
    Team,
    /// None that is known.
    Stranger,
}

/// The services by name.
pub(super) struct Kin<'a> {
    services: HashMap<&'a str, &'a Service>,
    names: HashMap<&'a str, &'a str>,
}

impl<'a> Kin<'a> {
    pub(super) fn of(services: &'a [Service]) -> Self {
        let aliases = services.iter().flat_map(|service| {
            let aliases = service.aliases.iter();
            aliases.map(|alias| (alias.as_str(), service.name.as_str()))
        });
        Self {
            names: aliases.collect(),
            services: services
                .iter()
                .map(|one| (one.name.as_str(), one))
                .collect(),
        }
    }

    fn name<'b>(&self, name: &'b str) -> &'b str
    where
        'a: 'b,
    {
        self.names.get(name).copied().unwrap_or(name)
    }

    /// What `other` is to `service`.
    pub(super) fn tie(&self, service: &str, other: &str) -> Tie {
        let (service, other) = (self.name(service), self.name(other));
        if service == other {
            return Tie::Own;
        }
        let mut seen = HashSet::from([service]);
        let mut queue = VecDeque::from([(service, 0)]);
        while let Some((name, steps)) = queue.pop_front() {
            if name == other {
                return Tie::Needed(steps);
            }
            let needs = self.services.get(name).filter(|_| steps < FARTHEST);
            for need in needs.iter().flat_map(|one| &one.depends_on) {
                let need = self.name(need);
                if seen.insert(need) {
                    queue.push_back((need, steps + 1));
                }
            }
        }
        let team = |name: &str| self.services.get(name).and_then(|one| one.team.as_deref());
        match (team(service), team(other)) {
            (Some(own), Some(others)) if own == others => Tie::Team,
            _ => Tie::Stranger,
        }
    }

    /// True when a fault of `cause` would be seen at `service`.
    pub(super) fn reaches(&self, cause: &str, service: &str) -> bool {
        matches!(self.tie(service, cause), Tie::Own | Tie::Needed(_))
    }
}
