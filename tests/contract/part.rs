//! A place in a description, with its references followed.

use serde_json::Value;

/// How many references may lead to one another.
const REFERENCES: usize = 20;

/// A part of the description, and the address that it has there.
#[derive(Clone)]
pub(crate) struct Part<'a> {
    pub(crate) whole: &'a Value,
    pub(crate) at: String,
    pub(crate) value: &'a Value,
}

impl<'a> Part<'a> {
    pub(crate) fn of(whole: &'a Value) -> Self {
        Self {
            whole,
            at: String::new(),
            value: whole,
        }
    }

    /// What is there by this name, behind all references.
    pub(crate) fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key)?;
        let at = format!("{}/{}", self.at, key.replace('~', "~0").replace('/', "~1"));
        Some(
            Self {
                whole: self.whole,
                at,
                value,
            }
            .resolved(),
        )
    }

    pub(crate) fn resolved(mut self) -> Self {
        for _ in 0..REFERENCES {
            let Some(at) = self.value.get("$ref").and_then(Value::as_str) else {
                return self;
            };
            let at = at.trim_start_matches('#').to_owned();
            let value = self.whole.pointer(&at);
            self.value = value.unwrap_or_else(|| panic!("{} refers to {at}: not there", self.at));
            self.at = at;
        }
        panic!("{} refers to itself", self.at)
    }

    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'a str, Self)> {
        let fields = self.value.as_object().into_iter().flatten();
        fields.filter_map(|(name, _)| Some((name.as_str(), self.get(name)?)))
    }

    pub(crate) fn items(&self) -> Vec<Self> {
        let items = self.value.as_array().into_iter().flatten().enumerate();
        items
            .map(|(index, value)| {
                let at = format!("{}/{index}", self.at);
                Self {
                    whole: self.whole,
                    at,
                    value,
                }
                .resolved()
            })
            .collect()
    }
}
