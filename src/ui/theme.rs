//! Meaning to style: the terminal's own 16 colours, or none; and shapes for every locale.

use ratatui::style::{Color, Modifier, Style};

use crate::app::wall::pieces::Ground;
use crate::config::ThemeChoice;
use crate::pane::{Mark, Role};

/// How meaning looks on this terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    palette: Palette,
    is_ascii: bool,
}

/// Which of the terminal's own colours are legible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Palette {
    /// The eight plain ones: legible on light and on dark.
    Plain,
    /// The bright ones, for dark backgrounds.
    Bright,
    /// The plain ones for light backgrounds, on which yellow and cyan cannot be read.
    Light,
    /// Bold, dim and reverse alone.
    Mono,
}

/// What yellow is on a light background: no such colour is among the 16.
const DARK_ORANGE: Color = Color::Indexed(130);

impl Theme {
    /// The theme for a choice, the `NO_COLOR` convention, and a locale without Unicode.
    pub fn new(choice: ThemeChoice, no_color: bool, ascii: bool) -> Self {
        let palette = match choice {
            _ if no_color => Palette::Mono,
            ThemeChoice::Auto => Palette::Plain,
            ThemeChoice::Dark => Palette::Bright,
            ThemeChoice::Light => Palette::Light,
            ThemeChoice::Mono => Palette::Mono,
        };
        Self {
            palette,
            is_ascii: ascii,
        }
    }

    /// True when no byte above 0x7f may reach the terminal.
    pub fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        let plain = Style::new();
        match role {
            Role::Plain => plain,
            Role::Dim | Role::Old => plain.add_modifier(Modifier::DIM),
            Role::Strong | Role::Title => plain.add_modifier(Modifier::BOLD),
            Role::Alarm => plain.add_modifier(Modifier::REVERSED | Modifier::BOLD),
            Role::Page => self.colour(Color::Red).add_modifier(Modifier::BOLD),
            Role::WasPage => self.colour(Color::Red).add_modifier(Modifier::DIM),
            Role::Ticket => self.colour(Color::Yellow).add_modifier(Modifier::BOLD),
            Role::Ok => self.colour(Color::Green),
            Role::Accent => self.colour(Color::Cyan),
            Role::NoData | Role::Unknown => self.colour(Color::Magenta),
            Role::Fault => self.colour(Color::Magenta).add_modifier(Modifier::BOLD),
        }
    }

    /// How a role looks within the selected row: bold, and never dim unless it is old.
    pub fn selected(&self, role: Role) -> Style {
        let style = self.style(role);
        match role {
            Role::Old | Role::WasPage => style,
            _ => style
                .remove_modifier(Modifier::DIM)
                .add_modifier(Modifier::BOLD),
        }
    }

    /// The ground of a banner: the one place where a background is set.
    pub fn ground(&self, ground: Ground) -> Style {
        let colour = match (self.palette, ground) {
            (Palette::Mono, _) => return Style::new().add_modifier(Modifier::REVERSED),
            (_, Ground::Page) => Color::Red,
            (_, Ground::Blind) => Color::Magenta,
        };
        Style::new().fg(Color::White).bg(colour)
    }

    /// How a role looks on the ground of a banner: bold or not, never in a colour of its own.
    pub fn on_ground(&self, ground: Ground, role: Role) -> Style {
        let style = self.ground(ground);
        match role {
            Role::Strong | Role::Title | Role::Page | Role::Ticket | Role::Fault | Role::Alarm => {
                style.add_modifier(Modifier::BOLD)
            }
            _ => style,
        }
    }

    /// Borders and empty gauges.
    pub fn frame(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    fn colour(self, colour: Color) -> Style {
        let colour = match (self.palette, colour) {
            (Palette::Mono, _) => return Style::new(),
            (Palette::Bright, Color::Red) => Color::LightRed,
            (Palette::Bright, Color::Yellow) => Color::LightYellow,
            (Palette::Bright, Color::Green) => Color::LightGreen,
            (Palette::Bright, Color::Cyan) => Color::LightCyan,
            (Palette::Bright, Color::Magenta) => Color::LightMagenta,
            (Palette::Light, Color::Cyan) => Color::Blue,
            (Palette::Light, Color::Yellow) => DARK_ORANGE,
            (_, colour) => colour,
        };
        Style::new().fg(colour)
    }

    /// A shape, without the space after it.
    pub fn mark(&self, mark: Mark) -> &'static str {
        let (shape, ascii) = match mark {
            Mark::Page => ("●", "!!"),
            Mark::Ticket => ("▲", "!"),
            Mark::Ok => ("○", "."),
            Mark::NoData => ("?", "?"),
            Mark::Unknown => ("◌", "~"),
            Mark::Info => ("·", "-"),
            Mark::Succeeded => ("✓", "+"),
            Mark::Failed => ("✗", "x"),
            Mark::RolledBack => ("↺", "<"),
            Mark::Running => ("»", ">"),
            Mark::Pending => ("…", "="),
        };
        if self.is_ascii { ascii } else { shape }
    }

    /// `unicode`, or `ascii` where the locale has no Unicode.
    pub fn glyph<'a>(&self, unicode: &'a str, ascii: &'a str) -> &'a str {
        if self.is_ascii { ascii } else { unicode }
    }
}

/// A cluster of our own or of foreign text in 7 bits, as wide as it was.
pub(super) fn in_ascii(cluster: &str, width: usize) -> String {
    if cluster.is_ascii() {
        return cluster.to_owned();
    }
    let plain = match cluster {
        "·" | "–" | "—" | "─" | "╌" => "-",
        "…" | "±" => "~",
        "↑" | "▲" | "↗" => "^",
        "↓" | "↘" => "v",
        "→" | "›" => ">",
        "‹" | "◀" => "<",
        "⟦" => "[",
        "⟧" => "]",
        "⏎" | "▎" | "┊" => "|",
        "━" => "=",
        _ => return "?".repeat(width.max(1)),
    };
    plain.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 14] = [
        Role::Plain,
        Role::Dim,
        Role::Strong,
        Role::Title,
        Role::Accent,
        Role::Page,
        Role::Ticket,
        Role::Ok,
        Role::NoData,
        Role::Unknown,
        Role::Fault,
        Role::Old,
        Role::WasPage,
        Role::Alarm,
    ];

    #[test]
    fn no_theme_sets_a_background_and_mono_sets_no_colour() {
        for choice in [
            ThemeChoice::Auto,
            ThemeChoice::Dark,
            ThemeChoice::Light,
            ThemeChoice::Mono,
        ] {
            for no_color in [false, true] {
                let theme = Theme::new(choice, no_color, false);
                for role in ROLES {
                    for style in [theme.style(role), theme.selected(role)] {
                        assert_eq!(style.bg, None);
                        if no_color || choice == ThemeChoice::Mono {
                            assert_eq!(style.fg, None, "{role:?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_is_yellow_or_cyan_on_a_light_background() {
        let theme = Theme::new(ThemeChoice::Light, false, false);
        for role in ROLES {
            let fg = theme.style(role).fg;
            assert!(
                fg != Some(Color::Yellow) && fg != Some(Color::Cyan),
                "{role:?}"
            );
        }
        assert_ne!(theme.style(Role::Ticket).fg, theme.style(Role::Page).fg);
    }

    #[test]
    fn what_was_true_once_is_never_in_a_colour() {
        let theme = Theme::new(ThemeChoice::Auto, false, false);
        assert_eq!(theme.style(Role::Old).fg, None);
    }
}
