//! Scrolls what has focus.

use super::action::Action;
use super::model::Model;

/// Scrolls what has focus; other actions wait until it is closed.
pub(super) fn scroll(model: &mut Model, action: Action) {
    let page = usize::from(model.size.height.saturating_sub(6)).max(1);
    let Some(at) = model.modes.scroll_mut() else {
        return;
    };
    *at = match action {
        Action::Down => *at + 1,
        Action::Up => at.saturating_sub(1),
        Action::PageDown => *at + page,
        Action::PageUp => at.saturating_sub(page),
        Action::Top => 0,
        Action::Bottom => usize::MAX,
        _ => *at,
    };
}
