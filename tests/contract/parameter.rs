//! Parameters as an operation declares them.

use serde_json::Value;

use crate::part::Part;

/// A parameter as it is declared.
pub(crate) struct Parameter<'a> {
    pub(crate) name: String,
    pub(crate) place: &'a str,
    pub(crate) is_required: bool,
    pub(crate) explode: bool,
    is_deep: bool,
    pub(crate) schema: Option<Part<'a>>,
}

impl<'a> Parameter<'a> {
    pub(crate) fn new(part: &Part<'a>) -> Option<Self> {
        let word = |key| part.value.get(key).and_then(Value::as_str);
        let is = |key, default| part.value.get(key).map_or(default, |value| *value == true);
        Some(Self {
            name: word("name")?.to_owned(),
            place: word("in")?,
            is_required: is("required", false),
            explode: is("explode", true),
            is_deep: word("style") == Some("deepObject"),
            schema: part
                .get("schema")
                .filter(|_| word("style") != Some("deepObject")),
        })
    }

    /// True for the name of a query parameter that this declares.
    pub(crate) fn takes(&self, name: &str) -> bool {
        let is_below = || {
            let below = name.strip_prefix(self.name.as_str());
            below.is_some_and(|rest| rest.starts_with('['))
        };
        self.place == "query" && (self.name == name || (self.is_deep && is_below()))
    }
}

/// The parameters of an operation and of its path; the operation's win.
pub(crate) fn declared<'a>(item: &Part<'a>, operation: &Part<'a>) -> Vec<Parameter<'a>> {
    let mut known: Vec<Parameter<'a>> = Vec::new();
    for part in [operation, item] {
        for parameter in part.get("parameters").iter().flat_map(Part::items) {
            if let Some(parameter) = Parameter::new(&parameter) {
                let (name, place) = (&parameter.name, parameter.place);
                if !known
                    .iter()
                    .any(|one| one.name == *name && one.place == place)
                {
                    known.push(parameter);
                }
            }
        }
    }
    known
}
