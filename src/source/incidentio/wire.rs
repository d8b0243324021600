//! What incident.io's API sends: the fields that are read.
//!
//! Shapes: the vendor's description 1.0.0, by its generated client `incident-io` 2.41. New values of
//! enumerations and new fields may come at any time, and any field may be `null` or absent here.

use crate::source::kit::lenient_wire::time;
use jiff::Timestamp;
use serde::Deserialize;

/// One row of `GET /v2/incidents`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Incident {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) reference: Option<String>,
    pub(super) summary: Option<String>,
    #[serde(rename = "incident_status")]
    pub(super) status: Option<Status>,
    pub(super) severity: Option<Severity>,
    #[serde(rename = "incident_role_assignments")]
    roles: Option<Vec<Option<RoleAssignment>>>,
    #[serde(rename = "incident_timestamp_values")]
    moments: Option<Vec<Option<Moment>>>,
    #[serde(rename = "custom_field_entries")]
    fields: Option<Vec<Option<FieldEntry>>>,
    #[serde(rename = "incident_type")]
    pub(super) kind: Option<Named>,
    team_ids: Option<Vec<Option<String>>>,
    pub(super) mode: Option<String>,
    pub(super) permalink: Option<String>,
    pub(super) call_url: Option<String>,
    pub(super) slack_channel_name: Option<String>,
    created_at: Option<String>,
    updated_at: Option<String>,
}

/// Where an incident stands; a row of `GET /v1/incident_statuses`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Status {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) category: Option<String>,
    pub(super) rank: Option<i64>,
}

/// How bad it is; a row of `GET /v1/severities`. A lower rank is less severe.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Severity {
    pub(super) name: Option<String>,
    pub(super) rank: Option<i64>,
}

/// Anything that has a name.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Named {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
}

/// Who has a role.
#[derive(Clone, Debug, Deserialize)]
struct RoleAssignment {
    role: Option<Role>,
    assignee: Option<User>,
}

#[derive(Clone, Debug, Deserialize)]
struct Role {
    role_type: Option<String>,
}

/// A person.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct User {
    id: Option<String>,
    name: Option<String>,
    email: Option<String>,
}

/// Something that happened to an incident, and when.
#[derive(Clone, Debug, Deserialize)]
struct Moment {
    incident_timestamp: Option<Named>,
    value: Option<MomentValue>,
}

#[derive(Clone, Debug, Deserialize)]
struct MomentValue {
    value: Option<String>,
}

/// A field of the account's own.
#[derive(Clone, Debug, Deserialize)]
struct FieldEntry {
    custom_field: Option<Named>,
    values: Option<Vec<Option<FieldValue>>>,
}

#[derive(Clone, Debug, Deserialize)]
struct FieldValue {
    #[serde(rename = "value_catalog_entry")]
    entry: Option<Named>,
    #[serde(rename = "value_option")]
    option: Option<FieldOption>,
    #[serde(rename = "value_text")]
    text: Option<String>,
    #[serde(rename = "value_numeric")]
    numeric: Option<String>,
    #[serde(rename = "value_link")]
    link: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct FieldOption {
    value: Option<String>,
}

/// One row of `GET /v2/schedules`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Schedule {
    pub(super) id: String,
    pub(super) name: Option<String>,
    team_ids: Option<Vec<Option<String>>>,
    current_shifts: Option<Vec<Option<Shift>>>,
    /// What comes after the next change; absent when more than 25 schedules a page are asked for.
    next_shifts: Option<Vec<Option<Shift>>>,
}

/// One entry of a schedule.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Shift {
    pub(super) user: Option<User>,
    start_at: Option<String>,
    end_at: Option<String>,
}

/// `GET /v2/schedule_entries`.
#[derive(Debug, Deserialize)]
pub(super) struct Entries {
    schedule_entries: Option<EntryLists>,
}

#[derive(Debug, Deserialize)]
struct EntryLists {
    #[serde(rename = "final")]
    effective: Option<Vec<Option<Shift>>>,
}

/// An incident by itself.
#[derive(Debug, Deserialize)]
pub(super) struct One {
    pub(super) incident: Incident,
}

/// `GET /v1/severities`.
#[derive(Debug, Deserialize)]
pub(super) struct Severities {
    pub(super) severities: Option<Vec<Option<Severity>>>,
}

/// `GET /v1/incident_statuses`.
#[derive(Debug, Deserialize)]
pub(super) struct Statuses {
    pub(super) incident_statuses: Option<Vec<Option<Status>>>,
}

impl Incident {
    pub(super) fn created(&self) -> Option<Timestamp> {
        time(self.created_at.as_deref())
    }

    pub(super) fn updated(&self) -> Option<Timestamp> {
        time(self.updated_at.as_deref())
    }

    pub(super) fn category(&self) -> &str {
        let category = self
            .status
            .as_ref()
            .and_then(|status| status.category.as_deref());
        category.unwrap_or_default()
    }

    /// When something happened, by the first of these names that has a time.
    pub(super) fn moment(&self, names: &[&str]) -> Option<Timestamp> {
        names.iter().find_map(|name| {
            let known = self.moments.iter().flatten().flatten();
            let mut same = known.filter(|moment| {
                let called = moment.incident_timestamp.as_ref();
                let called = called.and_then(|called| called.name.as_deref());
                called.is_some_and(|called| called.eq_ignore_ascii_case(name))
            });
            same.find_map(|moment| time(moment.value.as_ref()?.value.as_deref()))
        })
    }

    /// Who has a role, and whether that is the lead's. Who reported it does not have it.
    pub(super) fn holders(&self) -> impl Iterator<Item = (&User, bool)> {
        let roles = self.roles.iter().flatten().flatten();
        roles.filter_map(|row| {
            let role = row.role.as_ref().and_then(|role| role.role_type.as_deref());
            let holder = row.assignee.as_ref().filter(|_| role != Some("reporter"))?;
            Some((holder, role == Some("lead")))
        })
    }

    /// The account's own fields and their values.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, Vec<&str>)> {
        let fields = self.fields.iter().flatten().flatten();
        fields.filter_map(|field| {
            let name = field.custom_field.as_ref()?.name.as_deref()?;
            let values = field.values.iter().flatten().flatten();
            Some((name, values.filter_map(FieldValue::text).collect()))
        })
    }

    pub(super) fn team_ids(&self) -> impl Iterator<Item = &str> {
        self.team_ids.iter().flatten().filter_map(Option::as_deref)
    }
}

impl FieldValue {
    fn text(&self) -> Option<&str> {
        let entry = self.entry.as_ref().and_then(|entry| entry.name.as_deref());
        let option = self.option.as_ref();
        entry
            .or_else(|| option.and_then(|option| option.value.as_deref()))
            .or(self.text.as_deref())
            .or(self.numeric.as_deref())
            .or(self.link.as_deref())
    }
}

impl User {
    /// What people call them.
    pub(super) fn called(&self) -> Option<&str> {
        [&self.name, &self.email, &self.id]
            .into_iter()
            .filter_map(Option::as_deref)
            .find(|text| !text.is_empty())
    }
}

impl Schedule {
    pub(super) fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    pub(super) fn team_ids(&self) -> impl Iterator<Item = &str> {
        self.team_ids.iter().flatten().filter_map(Option::as_deref)
    }

    pub(super) fn current(&self) -> impl Iterator<Item = &Shift> {
        self.current_shifts.iter().flatten().flatten()
    }

    pub(super) fn next(&self) -> impl Iterator<Item = &Shift> {
        self.next_shifts.iter().flatten().flatten()
    }
}

impl Shift {
    pub(super) fn start(&self) -> Option<Timestamp> {
        time(self.start_at.as_deref())
    }

    pub(super) fn end(&self) -> Option<Timestamp> {
        time(self.end_at.as_deref())
    }
}

impl Entries {
    /// The entries with overrides in place.
    pub(super) fn effective(&self) -> impl Iterator<Item = &Shift> {
        let lists = self.schedule_entries.iter();
        lists.flat_map(|lists| lists.effective.iter().flatten().flatten())
    }
}
