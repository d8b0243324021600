//! Where the next page of a list is, as the server says it.

use super::pages::Next;
use crate::http::Answer;

/// The next page: `Link: <…>; rel="next"` (RFC 8288), or `X-Next-Page` (GitLab, also where a proxy has
/// dropped the former).
pub(in crate::source) fn next(answer: &Answer) -> Option<Next> {
    let address = answer
        .header("Link")
        .and_then(|links| relation(links, "next"));
    let number = || {
        let number = answer.header("X-Next-Page")?.trim();
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Next::Number(number.to_owned()))
    };
    address
        .map(|address| Next::Link(address.to_owned()))
        .or_else(number)
}

/// How many rows there are in all, where the server says so: `X-Total` (GitLab).
pub(in crate::source) fn total(answer: &Answer) -> Option<usize> {
    answer.header("X-Total")?.trim().parse().ok()
}

/// How many pages there are, where the server links to the last one by its number.
pub(in crate::source) fn pages(answer: &Answer) -> Option<usize> {
    let last = relation(answer.header("Link")?, "last")?;
    number(last)?.parse().ok()
}

/// The number of the page at an address, where its query has that: `page=2`.
pub(in crate::source) fn number(address: &str) -> Option<&str> {
    let (_, query) = address.split_once('?')?;
    let query = query.split('#').next()?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, number) = pairs.find(|(name, _)| *name == "page")?;
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then_some(number)
}

/// The address that has this relation to the page.
fn relation<'a>(links: &'a str, wanted: &str) -> Option<&'a str> {
    // A comma may stand in an address; what follows one between links is `<`.
    links.split('<').skip(1).find_map(|link| {
        let (address, parameters) = link.split_once('>')?;
        let mut parameters = parameters
            .split(';')
            .filter_map(|part| part.split_once('='));
        let (_, value) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("rel"))?;
        let mut values = value
            .trim_matches([' ', ',', '"', '\t'])
            .split_ascii_whitespace();
        values.any(|value| value == wanted).then_some(address)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_page_is_read_from_its_address() {
        for (address, want) in [
            ("https://a.example/x?page=2&per_page=100", Some("2")),
            ("https://a.example/x?per_page=100&page=12#top", Some("12")),
            ("https://a.example/x?per_page=100", None),
            ("https://a.example/x?page=", None),
            ("https://a.example/x?page=last", None),
            ("https://a.example/page=2", None),
        ] {
            assert_eq!(number(address), want, "{address}");
        }
    }

    #[test]
    fn a_relation_is_found_however_its_link_is_written() {
        let two = "<https://a.example/x?page=2>; rel=\"next\", <https://a.example/x?page=9>; rel=\"last\"";
        for (links, wanted, want) in [
            (two, "next", Some("https://a.example/x?page=2")),
            (two, "last", Some("https://a.example/x?page=9")),
            (two, "prev", None),
            ("</x?a=1,2>; rel=next", "next", Some("/x?a=1,2")),
            ("</x>; title=\"a\"; REL=\"prev next\"", "next", Some("/x")),
            ("</x>; rel=\"nextish\"", "next", None),
            ("", "next", None),
            ("<", "next", None),
            ("rel=\"next\"", "next", None),
        ] {
            assert_eq!(relation(links, wanted), want, "{links}");
        }
    }
}
