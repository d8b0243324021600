//! The settings of the kind, with those of a preset beneath them.

use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use super::digest::Plan;
use super::paging::{How, Paging};
use super::preset::{self, Preset};
use super::rows::Terms;
use super::sandbox::Sandboxed;
use crate::config::{Problem, SourceSettings};
use crate::domain::slo::rounded;
use crate::domain::{Period, Window};
use crate::http::Method;
use crate::source::severity::Severities;

/// How many pages one poll reads, unless the settings say otherwise.
const PAGES: usize = 20;
/// The most that they may say.
const MAX_PAGES: usize = 200;

/// The settings of this kind alone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    /// Consumed before: its settings lie beneath these.
    #[serde(rename = "preset")]
    _preset: Option<String>,
    method: Option<String>,
    #[serde(default)]
    path: String,
    #[serde(default)]
    query: toml::Table,
    body: Option<toml::Value>,
    #[serde(default)]
    paginate: Paginate,
    slos: Option<String>,
    releases: Option<String>,
    incidents: Option<String>,
    on_call: Option<String>,
    #[serde(default)]
    severities: Severities,
    objective: Option<f64>,
    period: Option<String>,
}

/// How a list goes on: one of `link`, `cursor`, `page` and `offset`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Paginate {
    link: bool,
    cursor: Option<String>,
    param: Option<String>,
    page: Option<String>,
    first: Option<u64>,
    offset: Option<String>,
    limit: Option<u64>,
    limit_param: Option<String>,
    #[serde(rename = "in")]
    place: Option<String>,
    total: Option<String>,
    pages: Option<usize>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    pub(super) method: Method,
    /// Below the `url`.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Body,
    pub(super) accept: &'static str,
}

/// What a request carries.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Body {
    None,
    Json(Value),
    Text(String),
}

/// Everything that the settings say.
pub(super) struct Setup {
    pub(super) question: Question,
    pub(super) plan: Plan,
    pub(super) preset: Option<&'static Preset>,
    /// The program that emits SLOs, as it is written.
    slos: String,
    /// What the words of incidents mean.
    severities: Severities,
    /// What SLOs are measured by that do not say it themselves.
    objective: Option<f64>,
    period: Period,
}

impl Setup {
    /// Reads the settings; the problem names the one that is wrong.
    pub(super) fn read(settings: &SourceSettings) -> Result<Self, Problem> {
        let preset = preset::chosen(settings)?;
        let mut settings = settings.clone();
        if let Some(preset) = preset {
            settings.table = preset.beneath(settings.table);
        }
        let options: Options = settings.options()?;
        let plan = Plan {
            slos: program(&settings, "slos", options.slos.as_deref())?,
            releases: program(&settings, "releases", options.releases.as_deref())?,
            incidents: program(&settings, "incidents", options.incidents.as_deref())?,
            on_call: program(&settings, "on_call", options.on_call.as_deref())?,
            paging: options.paginate.read(&settings)?,
        };
        if !plan.has_program() {
            return Err(settings.problem(
                "releases",
                "is missing, and so are `incidents`, `slos` and `on_call`: give a jq program that \
                 emits rows, for example `.deploys[] | {id, service, version}`, or a `preset`",
            ));
        }
        let body = match options.body {
            None => Body::None,
            Some(toml::Value::String(text)) => Body::Text(text),
            Some(table) => Body::Json(serde_json::to_value(table).map_err(|error| {
                settings.problem("body", format!("cannot be written as JSON: {error}"))
            })?),
        };
        if plan.paging.in_body && matches!(body, Body::Text(_)) {
            let message = "is a text, and `paginate` puts a parameter into it: write it as a table";
            return Err(settings.problem("body", message));
        }
        let carries = body != Body::None || plan.paging.in_body;
        Ok(Self {
            question: Question {
                method: method(&settings, options.method.as_deref(), carries)?,
                path: options.path,
                query: query(&settings, &options.query)?,
                body,
                accept: preset.map_or("application/json", |preset| preset.accept),
            },
            plan,
            preset,
            slos: options.slos.unwrap_or_default(),
            severities: options.severities,
            objective: objective(&settings, options.objective)?,
            period: period(&settings, options.period.as_deref())?,
        })
    }

    /// What is known of SLOs without their rows.
    pub(super) fn terms(&self, settings: &SourceSettings, zone: TimeZone) -> Terms {
        Terms {
            source: settings.name.clone(),
            program: self.slos.as_str().into(),
            severities: self.severities.clone(),
            objective: self.objective,
            period: self.period,
            zone,
            moment: jiff::Timestamp::UNIX_EPOCH,
            is_past: false,
            stale_after: settings.stale_after,
        }
    }
}

fn program(
    settings: &SourceSettings,
    key: &str,
    code: Option<&str>,
) -> Result<Option<Sandboxed>, Problem> {
    let compiled = code.map(Sandboxed::check).transpose();
    compiled.map_err(|error| settings.problem(key, format!("is no jq program: {error}")))
}

/// GET, or POST where there is something to carry. No other: a poll only asks.
fn method(
    settings: &SourceSettings,
    written: Option<&str>,
    carries: bool,
) -> Result<Method, Problem> {
    let problem = |message: &str| Err(settings.problem("method", message));
    match written.map(str::to_ascii_uppercase).as_deref() {
        Some("GET") if carries => problem("is GET, which carries no `body`: write \"POST\""),
        Some("POST") => Ok(Method::POST),
        None if carries => Ok(Method::POST),
        None | Some("GET") => Ok(Method::GET),
        Some(_) => problem("is neither \"GET\" nor \"POST\", and a poll only asks"),
    }
}

/// Parameters by name; a list is one that is sent several times.
fn query(settings: &SourceSettings, table: &toml::Table) -> Result<Vec<(String, String)>, Problem> {
    let mut query = Vec::new();
    for (name, value) in table {
        let values = match value {
            toml::Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        for value in values {
            let text = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => {
                    value.to_string()
                }
                _ => {
                    let message = format!("`{name}` is no text, number or list of these");
                    return Err(settings.problem("query", message));
                }
            };
            query.push((name.clone(), text));
        }
    }
    Ok(query)
}

/// The objective as a share.
fn objective(settings: &SourceSettings, percent: Option<f64>) -> Result<Option<f64>, Problem> {
    match percent {
        None => Ok(None),
        Some(percent) if percent > 0.0 && percent < 100.0 => Ok(Some(rounded(percent / 100.0))),
        Some(_) => Err(settings.problem(
            "objective",
            "is no percentage between 0 and 100, such as 99.9",
        )),
    }
}

fn period(settings: &SourceSettings, written: Option<&str>) -> Result<Period, Problem> {
    let Some(written) = written else {
        return Ok(Period::Rolling(Window::days(30)));
    };
    written.parse().map_err(|_| {
        settings.problem(
            "period",
            "is neither a duration such as \"30d\" nor \"week\", \"month\", \"quarter\" or \"year\"",
        )
    })
}

impl Paginate {
    fn read(self, settings: &SourceSettings) -> Result<Paging, Problem> {
        let problem = |message: String| settings.problem("paginate", message);
        let ways = [
            ("link", self.link),
            ("cursor", self.cursor.is_some()),
            ("page", self.page.is_some()),
            ("offset", self.offset.is_some()),
        ];
        let mut ways = ways.into_iter().filter(|(_, is_there)| *is_there);
        let way = ways.next().map(|(way, _)| way);
        if let Some((second, _)) = ways.next() {
            let first = way.unwrap_or_default();
            let message = format!("has `{first}` and `{second}`: a list goes on in one way");
            return Err(problem(message));
        }
        self.check_company(way).map_err(problem)?;
        let compile = |name: &str, code: &str| {
            Sandboxed::check(code)
                .map_err(|error| problem(format!("`{name}` is no jq program: {error}")))
        };
        let pages = self.pages.unwrap_or(PAGES);
        if pages == 0 || pages > MAX_PAGES {
            return Err(problem(format!("`pages` is 1 to {MAX_PAGES}")));
        }
        let total = self
            .total
            .as_deref()
            .map(|code| compile("total", code))
            .transpose()?;
        let in_body = match self.place.as_deref() {
            None | Some("query") => false,
            Some("body") => true,
            Some(_) => return Err(problem("`in` is \"query\" or \"body\"".to_owned())),
        };
        let how = match (self.cursor, self.page, self.offset) {
            _ if self.link => How::Link,
            (Some(code), ..) => How::Cursor {
                program: compile("cursor", &code)?,
                parameter: self.param,
            },
            (_, Some(parameter), _) => How::Page {
                parameter,
                first: self.first.unwrap_or(1),
            },
            (.., Some(parameter)) => How::Offset {
                parameter,
                limit: self
                    .limit
                    .filter(|limit| *limit > 0)
                    .ok_or_else(|| problem("needs `limit`: how many rows a page has".to_owned()))?,
                limit_parameter: self.limit_param.unwrap_or_else(|| "limit".to_owned()),
            },
            _ => return Ok(Paging::default()),
        };
        Ok(Paging {
            how,
            pages,
            in_body,
            total,
        })
    }

    /// Settings that mean nothing beside the chosen way.
    fn check_company(&self, way: Option<&str>) -> Result<(), String> {
        for (key, is_there, of) in [
            ("param", self.param.is_some(), "cursor"),
            ("first", self.first.is_some(), "page"),
            ("limit", self.limit.is_some(), "offset"),
            ("limit_param", self.limit_param.is_some(), "offset"),
        ] {
            if is_there && way != Some(of) {
                return Err(format!("has `{key}`, which belongs to `{of}`"));
            }
        }
        let is_lonely = self.pages.is_some() || self.place.is_some() || self.total.is_some();
        if way.is_none() && is_lonely {
            return Err("needs `link`, `cursor`, `page` or `offset`".to_owned());
        }
        Ok(())
    }
}
