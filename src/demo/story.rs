//! Captions of the demo, and their times.

use jiff::SignedDuration;

use super::Speed;
use super::cast;
use super::world::Moment;

/// How long the 5m window remembers the last failure.
const WINDOW: f64 = 300.0;
/// When the page rule fires, in seconds at speed 1.
const PAGES: Moment = 62.0;

/// The lines of the caption, each with the time after the start from which on it holds.
pub fn chapters(speed: Speed) -> Vec<(SignedDuration, String)> {
    let Speed(speed) = speed;
    let scripted = |at: Moment| at / speed;
    let chapters = [
        (
            0.0,
            "all is calm, one ticket burns slowly · :tour shows the screen",
        ),
        (
            scripted(cast::RELEASE),
            "checkout v2.38.0 is rolling out · press d when it pages",
        ),
        (
            scripted(cast::ARRIVED),
            "checkout v2.38.0 is out and requests fail · press d when it pages",
        ),
        (
            scripted(PAGES),
            "checkout pages · d suspect release, x numbers, a acknowledge",
        ),
        (
            scripted(cast::ROLLBACK),
            "checkout is rolled back · t shows what happened",
        ),
        (
            scripted(cast::RECOVERED),
            "nothing fails any more · the page ends when the 5m window is clean",
        ),
        (
            scripted(cast::RECOVERED) + WINDOW,
            "the page is over, the budget is not back · W shows the wall, q leaves",
        ),
    ];
    let dated = chapters.into_iter().map(|(at, text)| {
        let at = SignedDuration::try_from_secs_f64(at).unwrap_or_default();
        (at, text.to_owned())
    });
    dated.collect()
}
