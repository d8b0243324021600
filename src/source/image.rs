//! The names of container images, and the versions in them.
//!
//! The grammar is that of the distribution project's references: `[host[:port]/]path[:tag][@digest]`.

/// How many characters of a digest name it well enough.
const SHORT_DIGEST: usize = 12;
/// The most versions that are named side by side.
const MAX_NAMED: usize = 3;

/// An image as it is written in a manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Image<'a> {
    /// The last part of its path: `checkout` of `ghcr.io/acme/checkout:v2`.
    name: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    /// Reads an image; whatever it is, it has a name.
    pub(super) fn read(text: &'a str) -> Self {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (text, None),
        };
        // A colon before a slash is the port of a registry.
        let last = rest.rsplit('/').next().unwrap_or(rest);
        let (name, tag) = match last.split_once(':') {
            Some((name, tag)) if !tag.is_empty() => (name, Some(tag)),
            _ => (last, None),
        };
        Self { name, tag, digest }
    }

    /// Its tag; the short digest where there is no tag, or one that names nothing.
    pub(super) fn version(self) -> Option<String> {
        let digest = self
            .digest
            .map(|digest| digest.split_once(':').map_or(digest, |(_, hex)| hex));
        let digest = digest.map(|hex| hex.get(..SHORT_DIGEST).unwrap_or(hex).to_owned());
        match self.tag {
            Some("latest") => digest.or_else(|| Some("latest".to_owned())),
            Some(tag) => Some(tag.to_owned()),
            None => digest,
        }
    }
}

/// The versions that images speak of: that of the one that is named like the service, else each once
/// in the order they are given.
fn versions<'a>(images: impl IntoIterator<Item = &'a str>, service: &str) -> Vec<String> {
    let images: Vec<Image<'_>> = images.into_iter().map(Image::read).collect();
    let own = images.iter().find(|image| image.name == service);
    if let Some(version) = own.and_then(|image| image.version()) {
        return vec![version];
    }
    let mut versions: Vec<String> = Vec::new();
    for version in images.iter().filter_map(|image| image.version()) {
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    versions
}

/// The version that images speak of, unless they do not agree and none is the service's own.
pub(super) fn one_version<'a>(
    images: impl IntoIterator<Item = &'a str>,
    service: &str,
) -> Option<String> {
    let mut versions = versions(images, service).into_iter();
    versions.next().filter(|_| versions.next().is_none())
}

/// The version that images speak of; where they do not agree, of at most three of them.
pub(super) fn joint_version<'a>(
    images: impl IntoIterator<Item = &'a str>,
    service: &str,
) -> Option<String> {
    let mut versions = versions(images, service);
    versions.truncate(MAX_NAMED);
    (!versions.is_empty()).then(|| versions.join(" + "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:9f3c1d2aa0b1c2d3e4f5061728394a5b6c7d8e9f00112233445566778899aabb";

    #[test]
    fn an_image_is_named_by_its_tag_or_else_by_its_short_digest() {
        let pinned = format!("ghcr.io/acme/checkout@{DIGEST}");
        let both = format!("ghcr.io/acme/checkout:v2@{DIGEST}");
        let latest = format!("checkout:latest@{DIGEST}");
        for (text, name, version) in [
            ("ghcr.io/acme/checkout:v2.31.0", "checkout", Some("v2.31.0")),
            ("localhost:5000/checkout", "checkout", None),
            ("localhost:5000/checkout:1", "checkout", Some("1")),
            (pinned.as_str(), "checkout", Some("9f3c1d2aa0b1")),
            (both.as_str(), "checkout", Some("v2")),
            (latest.as_str(), "checkout", Some("9f3c1d2aa0b1")),
            ("checkout:latest", "checkout", Some("latest")),
            ("checkout:", "checkout:", None),
            ("", "", None),
        ] {
            let image = Image::read(text);
            assert_eq!(image.name, name, "{text}");
            assert_eq!(image.version().as_deref(), version, "{text}");
        }
    }

    #[test]
    fn the_image_that_is_named_like_the_service_speaks_for_it() {
        for (images, service, version) in [
            (
                vec!["envoy:1.29", "acme/checkout:v2"],
                "checkout",
                Some("v2"),
            ),
            (
                vec!["acme/api:v2", "acme/worker:v2"],
                "checkout",
                Some("v2"),
            ),
            (
                vec!["acme/api:v2", "envoy:1.29"],
                "checkout",
                Some("v2 + 1.29"),
            ),
            (vec!["a:1", "b:2", "c:3", "d:4"], "x", Some("1 + 2 + 3")),
            (vec!["a"], "x", None),
            (vec![], "x", None),
        ] {
            assert_eq!(
                joint_version(images.clone(), service).as_deref(),
                version,
                "{images:?}"
            );
            let one = version.filter(|version| !version.contains(" + "));
            assert_eq!(
                one_version(images.clone(), service).as_deref(),
                one,
                "{images:?}"
            );
        }
    }
}
