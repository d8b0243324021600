//! The servers that `urls` names: the members of one cluster, or of one highly available pair.

use crate::config::{Problem, SourceSettings, Step};
use crate::domain::Fault;
use crate::http::Http;
use crate::text::Untrusted;

/// A client for each server, in the order of `urls`; one for `url` where that is given instead.
///
/// # Errors
/// When both are given, `urls` is empty or one of them is no address. `what` is what they name.
pub(in crate::source) fn clients(
    settings: &SourceSettings,
    urls: Option<&[String]>,
    what: &str,
) -> Result<Vec<Http>, Problem> {
    let Some(urls) = urls else {
        return Ok(vec![Http::new(settings, None)?]);
    };
    if settings.http.url.is_some() {
        return Err(settings.problem("urls", "stands beside `url`: give one of the two"));
    }
    if urls.is_empty() {
        return Err(settings.problem("urls", format!("is empty: name {what}")));
    }
    let urls = urls.iter().enumerate();
    urls.map(|(index, url)| {
        let mut settings = settings.clone();
        settings.http.url = Some(url.clone());
        Http::new(&settings, None).map_err(|mut problem| {
            if problem.path.last() == Some(&Step::Key("url".to_owned())) {
                problem.path = settings.problem("urls", "").path;
                problem.path.push(Step::Index(index));
            }
            problem
        })
    })
    .collect()
}

/// What the members answered that did.
#[derive(Debug)]
pub(in crate::source) struct Answers<T> {
    /// Each with the place of the member in `urls`.
    pub(in crate::source) alive: Vec<(usize, T)>,
    /// Which member did not answer, where not all did.
    pub(in crate::source) warning: Option<Untrusted>,
}

impl<T> Answers<T> {
    /// What each member answered, in their order.
    ///
    /// # Errors
    /// The fault of the first when none answered.
    pub(in crate::source) fn of(answers: Vec<Result<T, Fault>>) -> Result<Self, Fault> {
        let asked = answers.len();
        let (mut alive, mut first) = (Vec::new(), None);
        for (member, answer) in answers.into_iter().enumerate() {
            match answer {
                Ok(answer) => alive.push((member, answer)),
                Err(fault) => {
                    first.get_or_insert((member, fault));
                }
            }
        }
        let mut warning = None;
        if let Some((member, fault)) = first {
            let reason = fault.message.raw();
            if alive.is_empty() {
                let message = match asked {
                    1 => fault.message,
                    _ => {
                        format!("none of {asked} members answered; urls[{member}]: {reason}").into()
                    }
                };
                return Err(Fault { message, ..fault });
            }
            let answered = alive.len();
            let text = format!("{answered} of {asked} members answered; urls[{member}]: {reason}");
            warning = Some(text.into());
        }
        Ok(Self { alive, warning })
    }
}
