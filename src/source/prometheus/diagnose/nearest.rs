//! Why a selector has no series: the metric's name, a label's name or a label's value, and what
//! there is that is like it.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use promql_parser::label::{MatchOp, Matcher};

use super::super::api::{Api, envelope, seconds};
use super::super::promql;
use super::selector::Selector;
use crate::domain::Fault;
use crate::source::kit::nearest_name::{listed, nearest, ranked};

/// How far back names and values count as being there; [`Lack::words`] says so.
const RECENT: SignedDuration = SignedDuration::from_hours(6);

/// What is known of the names on one server, asked once.
pub(super) struct Names<'a> {
    api: &'a Api,
    now: Timestamp,
    metrics: Option<Vec<String>>,
}

/// Why a selector has no series.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lack {
    /// No metric has this name; these are like it.
    Metric { name: String, like: Vec<String> },
    /// The metric has no such label; it has these, the most alike first.
    Label {
        metric: String,
        label: String,
        has: Vec<String>,
    },
    /// The label has no such value; it has these, the most alike first.
    Value {
        matcher: String,
        label: String,
        value: String,
        /// True when it asks for one value and not for a pattern.
        is_exact: bool,
        has: Vec<String>,
    },
    /// Each of its matchers has series, all together have none.
    Together,
}

impl Lack {
    /// What is so, and what to do about it.
    pub(super) fn words(&self) -> (String, String) {
        match self {
            Self::Metric { name, like } if like.is_empty() => (
                format!("no metric was named `{name}` in the last 6h, and none like it"),
                "check that its target is scraped: the server's /targets page tells".to_owned(),
            ),
            Self::Metric { name, like } => (
                format!("no metric is named `{name}`"),
                format!("nearest: {}", listed(like)),
            ),
            Self::Label { metric, label, has } => (
                format!("no series of `{metric}` has a label `{label}`"),
                format!("its labels: {}", listed(has)),
            ),
            Self::Value {
                matcher,
                label,
                value,
                has,
                ..
            } if label == "le" || label == "quantile" => (
                format!(
                    "no {} is {matcher}",
                    if label == "le" { "bucket" } else { "quantile" }
                ),
                match has.iter().find(|one| same_number(one, value)) {
                    Some(same) => format!("write {label}={}: it is a text", promql::string(same)),
                    None if label == "quantile" => format!("the quantiles are {}", listed(has)),
                    None => format!("the buckets are {}; choose one of them", listed(has)),
                },
            ),
            Self::Value {
                matcher,
                value,
                is_exact: true,
                has,
                ..
            } if !nearest(value, has).is_empty() => (
                format!("no series has {matcher}"),
                format!("nearest: {}", listed(&nearest(value, has))),
            ),
            Self::Value { matcher, has, .. } => (
                format!("no series has {matcher}"),
                format!("its values: {}", listed(has)),
            ),
            Self::Together => (
                "each part of its selector has series, all together have none".to_owned(),
                "ask with fewer matchers and look at the labels that remain".to_owned(),
            ),
        }
    }
}

/// `0.25` and `0.250` are one number and two label values.
fn same_number(left: &str, right: &str) -> bool {
    let (left, right) = (left.parse::<f64>(), right.parse::<f64>());
    matches!((left, right), (Ok(left), Ok(right)) if left.total_cmp(&right).is_eq())
}

impl<'a> Names<'a> {
    pub(super) fn new(api: &'a Api, now: Timestamp) -> Self {
        Self {
            api,
            now,
            metrics: None,
        }
    }

    /// Why this selector, which has no series, has none. What it shares with those that are `known`
    /// to have some is not the reason, if anything else can be.
    pub(super) async fn lack(
        &mut self,
        selector: &Selector,
        known: &[&Selector],
    ) -> Result<Lack, Fault> {
        if let (Some(name), Some(bare)) = (selector.name(), selector.bare())
            && !self.has_series(&bare).await?
        {
            let name = name.to_owned();
            let mut like = nearest(&name, &self.metrics_with(selector).await?);
            if like.is_empty() {
                like = nearest(&name, self.metrics().await?);
            }
            return Ok(Lack::Metric { name, like });
        }
        let is_shared = |matcher: &Matcher| {
            let mut known = known.iter();
            known.any(|other| other.matchers().any(|theirs| theirs == matcher))
        };
        let mut matchers: Vec<_> = selector.matchers().collect();
        matchers.sort_by_key(|matcher| is_shared(matcher));
        // Without which matcher would there be series? That one is wrong.
        for matcher in &matchers {
            let rest = selector.without(matcher);
            if !rest.text().is_empty() && self.has_series(&rest.text()).await? {
                return self.wrong(selector, matcher, &rest).await;
            }
        }
        // Several are: the first that has nothing by itself.
        for matcher in &matchers {
            let others = matchers.iter().filter(|one| *one != matcher);
            let alone = others.fold(selector.clone(), |left, other| left.without(other));
            if !self.has_series(&alone.text()).await? {
                let bare = alone.without(matcher);
                return self.wrong(selector, matcher, &bare).await;
            }
        }
        Ok(Lack::Together)
    }

    /// What a matcher asks for that the series of `rest` do not have.
    async fn wrong(
        &self,
        selector: &Selector,
        matcher: &Matcher,
        rest: &Selector,
    ) -> Result<Lack, Fault> {
        let path = format!("/api/v1/label/{}/values", matcher.name);
        let mut has = self.list(&path, Some(&rest.text())).await?;
        if has.is_empty() {
            let mut labels = self.list("/api/v1/labels", Some(&rest.text())).await?;
            labels.retain(|label| label != "__name__");
            return Ok(Lack::Label {
                metric: selector.name().unwrap_or("any metric").to_owned(),
                has: ranked(&matcher.name, labels),
                label: matcher.name.clone(),
            });
        }
        if matcher.name == "le" {
            has.sort_by(|left, right| by_number(left, right));
        } else {
            has = ranked(&matcher.value, has);
        }
        Ok(Lack::Value {
            matcher: matcher.to_string(),
            label: matcher.name.clone(),
            value: matcher.value.clone(),
            is_exact: matches!(matcher.op, MatchOp::Equal),
            has,
        })
    }

    async fn has_series(&self, selector: &str) -> Result<bool, Fault> {
        let answer = self.api.query(&format!("count({selector})"), None).await?;
        Ok(!answer.data.is_empty())
    }

    /// The metrics of series that have what a selector asks of labels: one of these is meant.
    async fn metrics_with(&self, selector: &Selector) -> Result<Vec<String>, Fault> {
        let matchers: Vec<_> = selector.matchers().map(ToString::to_string).collect();
        if matchers.is_empty() {
            return Ok(Vec::new());
        }
        let matching = format!("{{{}}}", matchers.join(","));
        // A server refuses matchers that all accept the empty value.
        let answer = self
            .list("/api/v1/label/__name__/values", Some(&matching))
            .await;
        Ok(answer.unwrap_or_default())
    }

    async fn metrics(&mut self) -> Result<&[String], Fault> {
        let known = match self.metrics.take() {
            Some(known) => known,
            None => self.list("/api/v1/label/__name__/values", None).await?,
        };
        Ok(self.metrics.insert(known))
    }

    async fn list(&self, path: &str, matching: Option<&str>) -> Result<Vec<String>, Fault> {
        let start = seconds(self.now.saturating_sub(RECENT).unwrap_or(self.now));
        let mut request = self.api.http().get(path).query("start", &start);
        if let Some(matching) = matching {
            request = request.query("match[]", matching);
        }
        Ok(envelope(&request.send().await?)?.data)
    }
}

fn by_number(left: &str, right: &str) -> Ordering {
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(left), Ok(right)) => left.total_cmp(&right),
        _ => left.cmp(right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names_are_those_one_slip_away() {
        let all = [
            "http_requests_total",
            "http_request_bytes",
            "up",
            "go_gc_seconds",
        ];
        let all = all.map(str::to_owned);
        let near = nearest("http_request_total", &all);
        assert_eq!(near[0], "http_requests_total");
        assert!(!near.contains(&"up".to_owned()));
        assert_eq!(nearest("zzz", &all), [""; 0]);
    }

    #[test]
    fn a_bucket_that_is_not_there_names_those_that_are() {
        let lack = |value: &str| Lack::Value {
            matcher: format!("le=\"{value}\""),
            label: "le".to_owned(),
            value: value.to_owned(),
            is_exact: true,
            has: ["0.25", "0.5", "1.0", "+Inf"].map(str::to_owned).to_vec(),
        };
        let (what, advice) = lack("0.3").words();
        assert_eq!(what, "no bucket is le=\"0.3\"");
        assert_eq!(
            advice,
            "the buckets are 0.25, 0.5, 1.0, +Inf; choose one of them"
        );
        // Prometheus 3 writes `1.0` where version 2 wrote `1`.
        assert_eq!(lack("1").words().1, "write le=\"1.0\": it is a text");
    }

    #[test]
    fn long_lists_are_cut_and_say_so() {
        let many: Vec<_> = (0..30).map(|n| n.to_string()).collect();
        assert!(listed(&many).ends_with("11 and 18 more"));
    }
}
