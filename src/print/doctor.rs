//! `doctor`: what was looked at and what was found, as text or as `watchfire/doctor/v1`.

use std::collections::BTreeMap;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;

use super::github::{Annotation, Level};
use crate::domain::{Finding, Grade};
use crate::text::{Shown, Untrusted};

/// How many SLOs of one entry are named.
const NAMED: usize = 8;

/// What an examination of everything found.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The configuration file; `None` when there is none.
    pub file: Option<String>,
    /// What was looked at of each source, in the order of the configuration.
    pub sources: Vec<Examined>,
}

/// What was found at one source.
#[derive(Clone, Debug, PartialEq)]
pub struct Examined {
    /// Its name.
    pub source: String,
    /// Its kind.
    pub kind: &'static str,
    /// Whether it does not answer, so that what is wrong with it is not known.
    pub is_down: bool,
    /// What was looked at.
    pub findings: Vec<Finding>,
}

/// What an examination comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Nothing has to be done.
    Healthy,
    /// An error or a warning was found.
    Findings,
    /// A source does not answer, so not everything was looked at.
    Unknown,
}

#[derive(Serialize)]
struct DoctorJson<'a> {
    schema: &'static str,
    #[serde(serialize_with = "crate::print::seconds")]
    generated_at: Timestamp,
    healthy: bool,
    verdict: Health,
    /// The sources that do not answer.
    unreachable: Vec<&'a str>,
    config: ConfigJson<'a>,
    findings: Vec<FindingJson<'a>>,
}

#[derive(Serialize)]
struct ConfigJson<'a> {
    file: Option<&'a str>,
    sources: usize,
}

#[derive(Serialize)]
struct FindingJson<'a> {
    severity: Grade,
    check: &'static str,
    source: &'a str,
    slo: Option<&'a Untrusted>,
    what: &'a Untrusted,
    why: Option<&'a Untrusted>,
    advice: Option<&'a Untrusted>,
}

impl Diagnosis {
    /// True when nothing has to be done about anything.
    pub fn is_healthy(&self) -> bool {
        !self
            .findings()
            .any(|(_, finding)| finding.grade.is_trouble())
    }

    /// What it comes to.
    pub fn health(&self) -> Health {
        if self.down().next().is_some() {
            Health::Unknown
        } else if self.is_healthy() {
            Health::Healthy
        } else {
            Health::Findings
        }
    }

    fn down(&self) -> impl Iterator<Item = &str> {
        let down = self.sources.iter().filter(|source| source.is_down);
        down.map(|source| source.source.as_str())
    }

    fn findings(&self) -> impl Iterator<Item = (&Examined, &Finding)> {
        self.sources
            .iter()
            .flat_map(|source| source.findings.iter().map(move |finding| (source, finding)))
    }

    fn count(&self, grade: Grade) -> usize {
        self.findings()
            .filter(|(_, finding)| finding.grade == grade)
            .count()
    }

    /// Writes it for programs.
    pub fn json(&self, out: &mut impl Write, now: Timestamp) -> io::Result<()> {
        let said = |text: &'_ Untrusted| !text.is_empty();
        let json = DoctorJson {
            schema: "watchfire/doctor/v1",
            generated_at: now,
            healthy: self.is_healthy(),
            verdict: self.health(),
            unreachable: self.down().collect(),
            config: ConfigJson {
                file: self.file.as_deref(),
                sources: self.sources.len(),
            },
            findings: self
                .findings()
                .map(|(source, finding)| FindingJson {
                    severity: finding.grade,
                    check: finding.check,
                    source: &source.source,
                    slo: finding.slo.as_ref(),
                    what: &finding.what,
                    why: Some(&finding.why).filter(|text| said(text)),
                    advice: Some(&finding.advice).filter(|text| said(text)),
                })
                .collect(),
        };
        super::json(out, &json)
    }

    /// Writes it for a person: what is well in one line, trouble with its reason and what to do.
    pub fn text(&self, out: &mut impl Write) -> io::Result<()> {
        let file = self.file.as_deref().unwrap_or("no file, flags alone");
        writeln!(out, "configuration ({}): no mistake", Shown::new(file))?;
        for source in &self.sources {
            let (name, kind) = (Shown::new(&source.source), source.kind);
            writeln!(out, "\n{name} ({kind})")?;
            source.text(out)?;
        }
        let counts = [
            (self.count(Grade::Error), "error"),
            (self.count(Grade::Warning), "warning"),
        ];
        let told = counts.iter().filter(|(count, _)| *count > 0);
        let told = told.map(|(count, word)| {
            let plural = if *count == 1 { "" } else { "s" };
            format!("{count} {word}{plural}")
        });
        let told: Vec<_> = told.collect();
        let sum = if told.is_empty() {
            "healthy".to_owned()
        } else {
            told.join(", ")
        };
        let down: Vec<_> = self
            .down()
            .map(|name| Shown::new(name).to_string())
            .collect();
        match down.as_slice() {
            [] => writeln!(out, "\n{sum}"),
            names => writeln!(out, "\n{sum}; no answer from {}", names.join(", ")),
        }
    }

    /// Writes errors, warnings and notes as annotations of GitHub Actions.
    pub fn github(&self, out: &mut impl Write) -> io::Result<()> {
        for (source, finding) in self.findings() {
            let level = match finding.grade {
                Grade::Error => Level::Error,
                Grade::Warning => Level::Warning,
                Grade::Note => Level::Notice,
                Grade::Ok => continue,
            };
            let slo = finding.slo.as_ref().map(|id| format!("{}: ", id.raw()));
            let parts = [&finding.what, &finding.why, &finding.advice];
            let parts = parts.into_iter().filter(|text| !text.is_empty());
            let parts: Vec<_> = parts.map(Untrusted::raw).collect();
            let annotation = Annotation {
                level,
                file: self.file.clone().unwrap_or_default(),
                place: None,
                title: format!("{} {}", source.source, finding.check),
                message: format!("{}{}", slo.unwrap_or_default(), parts.join("\n")),
            };
            write!(out, "{annotation}")?;
        }
        Ok(())
    }
}

impl Examined {
    fn text(&self, out: &mut impl Write) -> io::Result<()> {
        let mut slos: BTreeMap<&Untrusted, Vec<&Finding>> = BTreeMap::new();
        for finding in &self.findings {
            match &finding.slo {
                None => write_finding(out, finding, "  ")?,
                Some(id) => slos.entry(id).or_default().push(finding),
            }
        }
        // Trouble first; an SLO that is well takes one line.
        let worst = |findings: &[&Finding]| findings.iter().map(|one| one.grade).max();
        let mut slos: Vec<_> = slos.into_iter().collect();
        slos.sort_by(|(a, left), (b, right)| worst(right).cmp(&worst(left)).then(a.cmp(b)));
        for (ids, findings) in alike(slos) {
            match (ids.as_slice(), findings.as_slice()) {
                ([id], [one]) if one.grade == Grade::Ok => {
                    writeln!(out, "  ok       {}: {}", id.shown(), one.what.shown())?;
                }
                _ => {
                    writeln!(out, "  {}", listed(&ids))?;
                    for finding in findings {
                        write_finding(out, finding, "    ")?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// SLOs of which the same has to be said are one entry; one that is well stands for itself.
fn alike<'a>(
    slos: Vec<(&'a Untrusted, Vec<&'a Finding>)>,
) -> Vec<(Vec<&'a Untrusted>, Vec<&'a Finding>)> {
    let mut entries: Vec<(Vec<&Untrusted>, Vec<&Finding>)> = Vec::new();
    for (id, mut findings) in slos {
        let mut seen: Vec<&Finding> = Vec::new();
        findings.retain(|finding| {
            let is_new = !seen.contains(finding);
            seen.push(finding);
            is_new
        });
        let is_well = |findings: &[&Finding]| findings.iter().all(|one| one.grade == Grade::Ok);
        let same = entries.iter_mut().find(|(_, known)| {
            !is_well(known)
                && known.len() == findings.len()
                && known
                    .iter()
                    .zip(&findings)
                    .all(|(a, b)| says_the_same(a, b))
        });
        match same {
            Some((ids, _)) => ids.push(id),
            None => entries.push((vec![id], findings)),
        }
    }
    entries
}

/// True for two findings that differ at most in the SLO that they are about.
fn says_the_same(one: &Finding, other: &Finding) -> bool {
    let said = |finding: &Finding| {
        let Finding {
            grade,
            check,
            what,
            why,
            advice,
            slo: _,
        } = finding.clone();
        (grade, check, what, why, advice)
    };
    said(one) == said(other)
}

/// The first ids in words, and how many more there are.
fn listed(ids: &[&Untrusted]) -> String {
    let named: Vec<_> = ids
        .iter()
        .take(NAMED)
        .map(|id| id.shown().to_string())
        .collect();
    let more = ids.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("{}{more}", named.join(", "))
}

fn write_finding(out: &mut impl Write, finding: &Finding, indent: &str) -> io::Result<()> {
    let word = match finding.grade {
        Grade::Ok => "ok",
        Grade::Note => "note",
        Grade::Warning => "WARNING",
        Grade::Error => "ERROR",
    };
    writeln!(out, "{indent}{word:<8} {}", finding.what.shown())?;
    for (label, text) in [("why:", &finding.why), ("do:", &finding.advice)] {
        if !text.is_empty() {
            writeln!(out, "{indent}         {label:<4} {}", text.shown())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn diagnosis(findings: Vec<Finding>) -> Diagnosis {
        Diagnosis {
            file: Some("watchfire.toml".to_owned()),
            sources: vec![Examined {
                source: "prod".to_owned(),
                kind: "prometheus",
                is_down: false,
                findings,
            }],
        }
    }

    fn text(diagnosis: &Diagnosis) -> String {
        let mut out = Vec::new();
        diagnosis.text(&mut out).expect("written");
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn what_is_well_is_short_and_trouble_comes_with_its_reason_and_its_cure() {
        let well = Finding::new(Grade::Ok, "series", "2 series").of_slo(&"cart/up".into());
        let bad = Finding::new(Grade::Error, "series", "no series")
            .because("nothing is counted")
            .advise("nearest: checkout")
            .of_slo(&"chekout/up".into());
        let reach = Finding::new(Grade::Ok, "reach", "answers in 3ms");
        let found = diagnosis(vec![well.clone(), bad, reach.clone()]);
        assert!(!found.is_healthy());
        insta::assert_snapshot!(text(&found));
        let found = diagnosis(vec![well, reach]);
        assert!(found.is_healthy());
        assert!(text(&found).ends_with("\nhealthy\n"));
        assert_eq!(found.health(), Health::Healthy);
    }

    #[test]
    fn a_source_that_is_down_is_neither_healthy_nor_a_finding() {
        let lost = Finding::new(Grade::Error, "reach", "connection refused");
        let mut found = diagnosis(vec![lost]);
        assert_eq!(found.health(), Health::Findings);
        found.sources[0].is_down = true;
        assert_eq!(found.health(), Health::Unknown);
        assert!(text(&found).ends_with("\n1 error; no answer from prod\n"));
    }

    #[test]
    fn annotations_are_of_what_has_to_be_known_alone() {
        let well = Finding::new(Grade::Ok, "reach", "answers in 3ms");
        let bad = Finding::new(Grade::Error, "series", "no series").of_slo(&"a/b".into());
        let mut out = Vec::new();
        diagnosis(vec![well, bad.advise("nearest: c")])
            .github(&mut out)
            .expect("written");
        assert_eq!(
            String::from_utf8(out).expect("UTF-8"),
            "::error file=watchfire.toml,title=prod series::a/b: no series%0Anearest%3A c\n"
                .replace("%3A", ":")
        );
    }

    #[test]
    fn findings_of_one_kind_are_one_entry() {
        let lost = |id: &str| Finding::new(Grade::Error, "series", "no label").of_slo(&id.into());
        let mut all: Vec<_> = (0..10).map(|n| lost(&format!("s{n}/up"))).collect();
        all.push(lost("s0/up"));
        all.push(Finding::new(Grade::Warning, "rules", "other").of_slo(&"t/up".into()));
        let shown = text(&diagnosis(all));
        assert_eq!(shown.matches("no label").count(), 1, "{shown}");
        assert!(shown.contains("s7/up and 2 more"), "{shown}");
        assert_eq!(shown.matches("other").count(), 1, "{shown}");
    }

    #[test]
    fn foreign_text_in_findings_steers_no_terminal() {
        let evil = "x\u{1b}[2J\u{202e}";
        let finding = Finding::new(Grade::Warning, "series", evil)
            .because(evil)
            .advise(evil)
            .of_slo(&evil.into());
        let found = diagnosis(vec![finding]);
        let shown = text(&found);
        assert!(
            !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
            "{shown:?}"
        );
        let mut json = Vec::new();
        found
            .json(&mut json, Timestamp::UNIX_EPOCH)
            .expect("written");
        assert!(!json.contains(&0x1b));
    }
}
