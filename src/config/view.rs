//! The settings as file, variables and flags come to, for `watchfire config view`: no value of a secret
//! is in them.

use toml::{Table, Value};

use super::excerpt::is_secretive;
use super::load::Loaded;

/// What stands in place of a value that may be a secret.
const HIDDEN: &str = "…";

impl Loaded {
    /// The settings that are set anywhere, as the tables of a configuration file.
    ///
    /// Secrets are in it as the places where they are kept. The values in the query of a URL, and texts
    /// under a key that speaks of a secret, are left out.
    pub fn merged(&self) -> Table {
        let mut merged = self.document();
        for (path, value) in self.variables() {
            let [section, key] = path else { continue };
            let table = merged
                .entry(section.clone())
                .or_insert_with(|| Table::new().into());
            if let Some(table) = table.as_table_mut() {
                table.insert(key.clone(), typed(value));
            }
        }
        let flags = self
            .settings
            .sources
            .iter()
            .filter(|source| source.folder.is_none());
        let flags: Vec<Value> = flags
            .map(|source| {
                let mut table = source.table.clone();
                table.insert("name".to_owned(), source.name.as_str().into());
                table.insert("kind".to_owned(), source.kind.as_str().into());
                if let Some(url) = &source.http.url {
                    table.insert("url".to_owned(), url.as_str().into());
                }
                table.into()
            })
            .collect();
        if !flags.is_empty() {
            let sources = merged
                .entry("source")
                .or_insert_with(|| Value::Array(Vec::new()));
            if let Some(sources) = sources.as_array_mut() {
                sources.extend(flags);
            }
        }
        for (key, value) in &mut merged {
            hide(key, value);
        }
        merged
    }

    /// The same as the text of a configuration file.
    pub fn merged_text(&self) -> String {
        // Tables of TOML are always written.
        toml::to_string_pretty(&self.merged()).unwrap_or_default()
    }
}

/// The text of a variable, which may be a switch.
fn typed(text: &str) -> Value {
    match text {
        "true" => Value::Boolean(true),
        "false" => Value::Boolean(false),
        text => text.into(),
    }
}

/// Takes what may be a secret out of a value.
fn hide(key: &str, value: &mut Value) {
    match value {
        Value::String(text) if is_secretive(key) && key != "basic" => HIDDEN.clone_into(text),
        Value::String(text) => {
            *text = without_login(text);
            if let Some((address, query)) = text.split_once('?').filter(|_| text.contains("://")) {
                let names = query
                    .split('&')
                    .map(|pair| pair.split('=').next().unwrap_or_default());
                let names: Vec<_> = names.map(|name| format!("{name}={HIDDEN}")).collect();
                *text = format!("{address}?{}", names.join("&"));
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| hide(key, value)),
        Value::Table(table) if is_place(table) => {}
        Value::Table(table) => {
            for (inner, value) in table {
                // A header is a tenant as often as a secret; its own name decides.
                hide(inner, value);
            }
        }
        _ => {}
    }
}

/// An address without the user and password before its host.
fn without_login(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        return text.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{HIDDEN}{}", &rest[at..]),
        None => text.to_owned(),
    }
}

/// True for `{ env = "NAME" }` and its like: where a secret is, not what it is.
fn is_place(table: &Table) -> bool {
    let mut keys = table.keys();
    let only = (keys.next(), keys.next());
    matches!(only, (Some(key), None) if ["env", "file", "command"].contains(&key.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::load::{Environment, load_text};
    use crate::source::known_kinds;

    #[test]
    fn settings_of_every_layer_are_there_and_no_secret_is() {
        let text = r#"
            [ui]
            theme = "dark"
            [[source]]
            name = "prod"
            kind = "prometheus"
            url = "https://prom.example/?tenant=hunter2"
            proxy = "http://mara:hunter2@proxy.example:3128/"
            bearer_token = { env = "PROM_TOKEN" }
            headers = { "X-Scope-OrgID" = "acme", "X-Api-Key" = { env = "PROM_API_KEY" } }
            [[source]]
            name = "deploys"
            kind = "json"
            url = "https://deploys.example"
            query = { api_key = "hunter2", limit = 5 }
            releases = ".[]"
        "#;
        let variables = [
            ("WATCHFIRE__UI__THEME", "mono"),
            ("WATCHFIRE__JOURNAL__ENABLED", "false"),
        ];
        let environment: Environment = variables
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let loaded = load_text("a.toml", text.to_owned(), &environment, &known_kinds());
        let loaded = loaded.unwrap();
        let shown = loaded.merged_text();
        assert!(!shown.contains("hunter2"), "{shown}");
        for want in [
            "theme = \"mono\"",
            "enabled = false",
            "https://prom.example/?tenant=…",
            "env = \"PROM_TOKEN\"",
            "env = \"PROM_API_KEY\"",
            "X-Scope-OrgID = \"acme\"",
            "limit = 5",
        ] {
            assert!(shown.contains(want), "no {want} in {shown}");
        }
        let again = load_text("b.toml", shown, &Environment::default(), &known_kinds());
        assert!(again.is_ok(), "{again:?}");
    }
}
