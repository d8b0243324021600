//! Meaning to style: the terminal's own 16 colours, or none; and shapes for every locale.

use ratatui::style::{Color, Modifier, Style};

use crate::app::wall::pieces::Ground;
use crate::config::ThemeChoice;
use crate::pane::{Mark, Role};

/// How meaning looks on this terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Theme {
    palette: Palette,
    depth: Depth,
    is_ascii: bool,
    has_italics: bool,
}

/// How many colours the terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// 8 colours.
    Eight,
    /// Its own 16.
    Sixteen,
    /// 256: a ramp from grey to amber to red for trends and charts.
    Indexed,
    /// Any: themes that are asked for have colours of their own.
    True,
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
    /// The bright ones, and nothing dim.
    Contrast,
    /// Bold, dim and reverse alone.
    Mono,
}

/// Red, yellow, green, cyan and magenta of a palette where the terminal has any colour.
type Colours = [(u8, u8, u8); 5];

/// For dark backgrounds.
const DARK: Colours = [
    (255, 112, 112),
    (245, 196, 94),
    (140, 214, 140),
    (120, 214, 214),
    (214, 160, 250),
];
/// For light backgrounds; blue stands for cyan.
const LIGHT: Colours = [
    (176, 18, 30),
    (146, 84, 0),
    (20, 112, 44),
    (0, 84, 164),
    (122, 40, 146),
];
/// The strongest on black.
const CONTRAST: Colours = [
    (255, 80, 80),
    (255, 240, 0),
    (0, 255, 80),
    (0, 255, 255),
    (255, 130, 255),
];

/// The 256-colour ramp of trends: greys, ambers and reds, each from low to high.
const RAMP: [[u8; 4]; 3] = [
    [240, 243, 246, 250],
    [136, 172, 178, 214],
    [167, 203, 197, 196],
];
/// The same for light backgrounds.
const LIGHT_RAMP: [[u8; 4]; 3] = [
    [250, 247, 244, 241],
    [180, 172, 136, 130],
    [174, 167, 160, 124],
];

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
            ThemeChoice::HighContrast => Palette::Contrast,
            ThemeChoice::Mono => Palette::Mono,
        };
        Self {
            palette,
            depth: Depth::Sixteen,
            is_ascii: ascii,
            has_italics: true,
        }
    }

    /// The same on a terminal that has italics, or not: then what is old is underlined.
    #[must_use]
    pub fn with_italics(self, has_italics: bool) -> Self {
        Self {
            has_italics,
            ..self
        }
    }

    /// The same on a terminal with so many colours.
    #[must_use]
    pub fn with_depth(self, depth: Depth) -> Self {
        Self { depth, ..self }
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
            Role::Dim if self.palette == Palette::Contrast => plain,
            Role::Old if self.palette == Palette::Contrast => plain.add_modifier(self.slanted()),
            Role::Dim | Role::Old => plain.add_modifier(Modifier::DIM),
            Role::Strong | Role::Title => plain.add_modifier(Modifier::BOLD),
            Role::Alarm => plain.add_modifier(Modifier::REVERSED | Modifier::BOLD),
            Role::Page => self.colour(Color::Red).add_modifier(Modifier::BOLD),
            Role::WasPage if self.palette == Palette::Contrast => {
                self.colour(Color::Red).add_modifier(self.slanted())
            }
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
            (_, Ground::Page) if self.depth >= Depth::Indexed => Color::Indexed(88),
            (_, Ground::Blind) if self.depth >= Depth::Indexed => Color::Indexed(54),
            (_, Ground::Page) => Color::Red,
            (_, Ground::Blind) => Color::Magenta,
        };
        // The white of the 16 may be a grey.
        let ink = match self.depth {
            Depth::Eight => Color::Gray,
            Depth::Sixteen => Color::White,
            Depth::Indexed | Depth::True => Color::Indexed(231),
        };
        Style::new().fg(ink).bg(colour)
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
        if self.palette == Palette::Contrast {
            return Style::new();
        }
        Style::new().add_modifier(Modifier::DIM)
    }

    /// How a value of a trend or a chart looks: by what it means, and how high it stands between 0 and 1.
    pub fn ramp(&self, role: Role, height: f64) -> Style {
        let has_ramp = self.depth >= Depth::Indexed && self.palette != Palette::Mono;
        let row = match role {
            Role::Dim | Role::Plain => 0,
            Role::Ticket => 1,
            Role::Page => 2,
            _ => return self.style(role).remove_modifier(Modifier::BOLD),
        };
        if !has_ramp {
            return self.style(role).remove_modifier(Modifier::BOLD);
        }
        let ramp = if self.palette == Palette::Light {
            LIGHT_RAMP
        } else {
            RAMP
        };
        let place = usize::from(super::cells::steps(height, 3)).min(3);
        Style::new().fg(Color::Indexed(ramp[row][place]))
    }

    /// A colour of its own, where the theme was asked for and the terminal has any colour.
    fn true_colour(self, colour: Color) -> Option<Color> {
        let colours = match self.palette {
            _ if self.depth < Depth::True => return None,
            Palette::Bright => DARK,
            Palette::Light => LIGHT,
            Palette::Contrast => CONTRAST,
            Palette::Plain | Palette::Mono => return None,
        };
        let order = [
            Color::Red,
            Color::Yellow,
            Color::Green,
            Color::Cyan,
            Color::Magenta,
        ];
        let place = order.iter().position(|known| *known == colour)?;
        let (red, green, blue) = colours[place];
        Some(Color::Rgb(red, green, blue))
    }

    /// How text is slanted.
    fn slanted(self) -> Modifier {
        if self.has_italics {
            Modifier::ITALIC
        } else {
            Modifier::UNDERLINED
        }
    }

    fn colour(self, colour: Color) -> Style {
        if let Some(colour) = self.true_colour(colour) {
            return Style::new().fg(colour);
        }
        let colour = match (self.palette, colour) {
            (Palette::Mono, _) => return Style::new(),
            // The bright ones of 8 colours are bold.
            (Palette::Bright | Palette::Contrast, colour) if self.depth == Depth::Eight => {
                return Style::new().fg(colour).add_modifier(Modifier::BOLD);
            }
            (Palette::Bright | Palette::Contrast, Color::Red) => Color::LightRed,
            (Palette::Bright | Palette::Contrast, Color::Yellow) => Color::LightYellow,
            (Palette::Bright | Palette::Contrast, Color::Green) => Color::LightGreen,
            (Palette::Bright | Palette::Contrast, Color::Cyan) => Color::LightCyan,
            (Palette::Bright | Palette::Contrast, Color::Magenta) => Color::LightMagenta,
            (Palette::Light, Color::Cyan) => Color::Blue,
            // Bold tells it where there are 8 colours.
            (Palette::Light, Color::Yellow) if self.depth == Depth::Eight => return Style::new(),
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
        "┬" | "┤" | "├" | "└" | "┘" => "+",
        "…" | "±" => "~",
        "↑" | "▲" | "↗" => "^",
        "↓" | "↘" => "v",
        "→" | "›" | "▶" => ">",
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
            ThemeChoice::HighContrast,
            ThemeChoice::Mono,
        ] {
            for (no_color, depth) in [
                (false, Depth::Sixteen),
                (false, Depth::Indexed),
                (false, Depth::True),
                (true, Depth::True),
            ] {
                let theme = Theme::new(choice, no_color, false).with_depth(depth);
                for role in ROLES {
                    for height in [0.0, 0.4, 1.0] {
                        let style = theme.ramp(role, height);
                        assert_eq!(style.bg, None);
                        let is_mono = no_color || choice == ThemeChoice::Mono;
                        assert!(!is_mono || style.fg.is_none(), "{role:?}");
                    }
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
    fn a_ramp_goes_from_grey_to_amber_to_red_only_where_the_terminal_has_it() {
        let theme = Theme::new(ThemeChoice::Auto, false, false);
        assert_eq!(theme.ramp(Role::Page, 1.0).fg, Some(Color::Red));
        let rich = theme.with_depth(Depth::Indexed);
        let all = [
            (Role::Dim, 0.0),
            (Role::Plain, 1.0),
            (Role::Ticket, 0.5),
            (Role::Page, 1.0),
        ];
        let inks: Vec<_> = all.map(|(role, height)| rich.ramp(role, height).fg).into();
        let indexed = |index| Some(Color::Indexed(index));
        assert_eq!(
            inks,
            [indexed(240), indexed(250), indexed(178), indexed(196)]
        );
        assert_eq!(
            rich.style(Role::Page).fg,
            Some(Color::Red),
            "words keep the 16"
        );
    }

    #[test]
    fn a_theme_that_is_asked_for_has_its_own_colours_where_there_are_any() {
        for choice in [
            ThemeChoice::Dark,
            ThemeChoice::Light,
            ThemeChoice::HighContrast,
        ] {
            let theme = Theme::new(choice, false, false).with_depth(Depth::True);
            assert!(matches!(theme.style(Role::Page).fg, Some(Color::Rgb(..))));
        }
        let auto = Theme::new(ThemeChoice::Auto, false, false).with_depth(Depth::True);
        assert_eq!(auto.style(Role::Page).fg, Some(Color::Red));
        let contrast = Theme::new(ThemeChoice::HighContrast, false, false);
        let is_dim = |role| contrast.style(role).add_modifier.contains(Modifier::DIM);
        assert!(!ROLES.into_iter().any(is_dim));
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
