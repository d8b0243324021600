//! The environment variables that hold credentials of the settings.

use std::collections::BTreeSet;

use super::{Auth, HeaderSetting, SecretRef, Settings};

impl Settings {
    /// The names of the variables that any `{ env = "NAME" }` of a source reads.
    pub fn secret_variables(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut note = |secret: &SecretRef| {
            if let SecretRef::Env(name) = secret {
                found.insert(name.clone());
            }
        };
        for source in &self.sources {
            match &source.http.auth {
                Auth::None => {}
                Auth::Bearer(secret)
                | Auth::Token(secret)
                | Auth::Basic {
                    password: secret, ..
                } => note(secret),
            }
            for header in source.http.headers.values() {
                if let HeaderSetting::Secret(secret) = header {
                    note(secret);
                }
            }
        }
        for source in &self.sources {
            let values = source.table.values();
            values.for_each(|value| search(&mut found, value));
        }
        found
    }
}

/// Finds `{ env = "NAME" }` among the settings that only a kind of source knows.
fn search(found: &mut BTreeSet<String>, value: &toml::Value) {
    match value {
        toml::Value::Table(table) => {
            if let (1, Some(toml::Value::String(name))) = (table.len(), table.get("env")) {
                found.insert(name.clone());
            }
            table.values().for_each(|value| search(found, value));
        }
        toml::Value::Array(list) => list.iter().for_each(|value| search(found, value)),
        _ => {}
    }
}
