//! Every way in which a server misbehaves here, and what a source must make of it.

use watchfire::domain::FaultKind::{
    self, Auth, Connect, Decode, Forbidden, NotFound, Query, RateLimited, Redirect, Server,
    Timeout, TooLarge,
};

/// What a server does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Answers as its API does.
    Healthy,
    /// Reads the request and never answers.
    Hang,
    /// Sends the head, then one byte of the body a second.
    Trickle,
    /// Sends a header byte after byte, and never its end.
    SlowHeader,
    /// Sends header after header, as fast as they are read.
    EndlessHeaders,
    /// Sends one header of a megabyte.
    HugeHeader,
    /// Sends `100 Continue` again and again.
    Continues,
    /// Resets the connection before an answer.
    Reset,
    /// Closes the connection before an answer.
    Close,
    /// Closes the connection in the middle of the body.
    HalfBody,
    /// Sends half of the body, then nothing more.
    HalfBodyHang,
    /// Sends a chunk of a size that is no number.
    BadChunk,
    /// Sends what is not HTTP.
    Garbage,
    /// Sends a body of 10 GB, without saying how long it is.
    EndlessBody,
    /// Announces a body of 10 GB.
    AnnouncedHuge,
    /// Sends 64 MiB of zeros in a gzip of 65 kB.
    GzipBomb,
    /// Sends a body that it calls brotli.
    Brotli,
    /// Sends a body that it calls zstd.
    Zstd,
    /// Sends a gzip that is none.
    DamagedGzip,
    /// Sends a login page with status 200.
    Html,
    /// Sends an empty body with status 200.
    Empty,
    /// Sends 204.
    NoContent,
    /// Sends an object of another API.
    OtherObject,
    /// Sends a number.
    Scalar,
    /// Sends `null`.
    Null,
    /// Sends `NaN` where a value is expected.
    NotANumber,
    /// Sends a million opening brackets.
    Deep,
    /// Sends bytes that are not UTF-8.
    NotText,
    /// Sends half of the body as if it were all.
    CutOff,
    /// Repeats its first row a million times.
    ManyRows,
    /// Redirects to itself.
    RedirectLoop,
    /// Redirects to another host.
    RedirectAway(u16),
    /// Answers well, and names the next page at another host.
    NextPageAway,
    /// Answers with this status, and repeats the request in every field that tells what is wrong.
    Echo(u16),
    /// Answers with this status and nothing else.
    Status(u16),
    /// Answers 429 with this `Retry-After`.
    Limited(&'static str),
    /// Answers 503 with this `Retry-After`.
    Unavailable(&'static str),
    /// No server listens on the port.
    Dead,
    /// Answers well, with a clock that is a day ahead.
    Skewed,
}

use Behaviour as B;

/// Every misbehaviour.
pub(crate) const ALL: &[Behaviour] = &[
    B::Hang,
    B::Trickle,
    B::SlowHeader,
    B::EndlessHeaders,
    B::HugeHeader,
    B::Continues,
    B::Reset,
    B::Close,
    B::HalfBody,
    B::HalfBodyHang,
    B::BadChunk,
    B::Garbage,
    B::EndlessBody,
    B::AnnouncedHuge,
    B::GzipBomb,
    B::Brotli,
    B::Zstd,
    B::DamagedGzip,
    B::Html,
    B::Empty,
    B::NoContent,
    B::OtherObject,
    B::Scalar,
    B::Null,
    B::NotANumber,
    B::Deep,
    B::NotText,
    B::CutOff,
    B::ManyRows,
    B::RedirectLoop,
    B::RedirectAway(301),
    B::RedirectAway(302),
    B::RedirectAway(307),
    B::RedirectAway(308),
    B::Status(401),
    B::Status(403),
    B::Status(404),
    B::Status(418),
    B::Status(500),
    B::Status(502),
    B::Status(504),
    B::Limited("2"),
    B::Limited("0"),
    B::Limited("-1"),
    B::Limited("99999999999999999999"),
    B::Limited("soon"),
    B::Limited("Sun, 06 Nov 1994 08:49:37 GMT"),
    B::Limited("Fri, 31 Dec 9999 23:59:59 GMT"),
    B::Unavailable("7"),
    B::Unavailable(""),
    B::Dead,
    B::Skewed,
];

/// What a poll may come to.
pub(crate) struct Expected {
    /// The kinds of the fault.
    pub(crate) kinds: &'static [FaultKind],
    /// Words of which one is in its sentence.
    pub(crate) words: &'static [&'static str],
}

impl Behaviour {
    /// What a poll of a source of this kind must come to; `None` where it goes well.
    ///
    /// A flood ends at the limit that is reached first: of bytes, or of time on a busy machine.
    pub(crate) fn expected(self, kind: &str) -> Option<Expected> {
        let is_text = kind == "openmetrics";
        let (kinds, words): (&[FaultKind], &[&str]) = match self {
            // Its samples are not of the time that its `Date` tells, so they read as those of a cache.
            B::Skewed if kind == "prometheus" => (&[Decode], &["a cache before it"]),
            B::Healthy | B::Skewed | B::NextPageAway | B::Echo(_) => return None,
            B::Hang | B::Trickle | B::SlowHeader | B::Continues | B::HalfBodyHang => {
                (&[Timeout], &["no answer within", "no answer before"])
            }
            B::EndlessHeaders | B::HugeHeader => (&[TooLarge, Decode], &["headers"]),
            B::Reset | B::Close => (&[Connect], &["without an answer", "broke off"]),
            B::HalfBody => (&[Connect], &["broke off before its answer was whole"]),
            B::BadChunk => (&[Decode, Connect], &["HTTP's framing"]),
            B::Garbage => (&[Decode, Connect], &["did not answer in HTTP"]),
            B::EndlessBody | B::AnnouncedHuge | B::GzipBomb => (
                &[TooLarge, Timeout],
                &["exceeds 16 MiB", "no answer within"],
            ),
            B::Brotli => (&[Decode], &["compressed as `br`"]),
            B::Zstd => (&[Decode], &["compressed as `zstd`"]),
            B::DamagedGzip => (&[Decode], &["gzip is damaged"]),
            B::Html => (&[Decode], &["HTML"]),
            B::Empty | B::NoContent => (&[Decode], &["answered nothing", "no metrics", "empty"]),
            B::OtherObject
            | B::Scalar
            | B::Null
            | B::NotANumber
            | B::CutOff
            | B::NotText
            | B::Deep
                if is_text =>
            {
                (&[Decode], &["line", "metrics"])
            }
            B::OtherObject | B::Scalar | B::Null => {
                (&[Decode], &["another shape", "has no `", "does not fit"])
            }
            B::NotANumber | B::Deep | B::NotText | B::CutOff => {
                (&[Decode], &["not JSON", "another shape"])
            }
            B::ManyRows => (
                &[TooLarge, Timeout],
                &["exceeds 16 MiB", "more than", "no answer within"],
            ),
            B::RedirectLoop => (&[Redirect], &["to its own address", "answered 302"]),
            B::RedirectAway(_) => (
                &[Redirect],
                &["moved to http://elsewhere.example", "answered 30"],
            ),
            B::Status(401) => (&[Auth], &["(401"]),
            B::Status(403) => (&[Forbidden], &["(403"]),
            B::Status(404) => (&[NotFound], &["404"]),
            B::Status(418) => (&[Query], &["(418"]),
            B::Status(_) | B::Unavailable(_) => (&[Server], &["answered 5"]),
            B::Limited(_) => (&[RateLimited], &["rate limit", "(429"]),
            B::Dead => (&[Connect], &["connection refused"]),
        };
        Some(Expected { kinds, words })
    }
}
