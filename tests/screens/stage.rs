//! A model with a fixed clock, keys to press, and a terminal that can be read.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use watchfire::app::screen::Screen;
use watchfire::app::{Effect, Keymap, Model, Msg, Size, update};
use watchfire::config::{
    ActionSettings, BellChoice, Settings, ThemeChoice, UiSettings, UserCommand, WallSettings,
};
use watchfire::domain::Report;
use watchfire::store::Store;
use watchfire::ui::{draw, theme::Theme};

/// The sizes that every world is drawn at.
pub(crate) const SIZES: [(u16, u16); 4] = [(40, 12), (80, 24), (120, 40), (200, 50)];

/// 22 November 2026, 14:02:31 UTC.
pub(crate) fn now() -> Timestamp {
    "2026-11-22T14:02:31Z".parse().expect("a moment")
}

/// A frame with each run of blanks as one, so that columns side by side read as a sentence.
pub(crate) fn squeezed(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        words.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// A running program without a terminal.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) model: Model,
    pub(crate) now: Timestamp,
    pub(crate) effects: Vec<Effect>,
    pub(crate) is_ascii: bool,
}

impl Stage {
    pub(crate) fn new(store: Store, width: u16, height: u16) -> Self {
        Self::in_zone(store, width, height, "UTC")
    }

    pub(crate) fn in_zone(store: Store, width: u16, height: u16, zone: &str) -> Self {
        let keymap = Keymap::new(&BTreeMap::new()).expect("the default keys");
        Self::with_keys(store, width, height, zone, keymap)
    }

    /// On a keyboard that has keys for these commands, where things may be done.
    pub(crate) fn commanding(
        store: Store,
        width: u16,
        height: u16,
        commands: &[UserCommand],
    ) -> Self {
        let keymap = Keymap::new(&BTreeMap::new()).expect("the default keys");
        let keymap = keymap.with_commands(commands).expect("free keys");
        Self::with_keys(store, width, height, "UTC", keymap).acting(commands)
    }

    /// On a terminal of the usual size that rings for this.
    pub(crate) fn with_bell(store: Store, bell: BellChoice) -> Self {
        let keymap = Keymap::new(&BTreeMap::new()).expect("the default keys");
        let ui = UiSettings {
            bell,
            ..Settings::empty().ui
        };
        Self::with_ui(store, 120, 40, keymap, &ui)
    }

    /// With these settings of the screen.
    pub(crate) fn with_settings(store: Store, width: u16, height: u16, ui: &UiSettings) -> Self {
        let keymap = Keymap::new(&BTreeMap::new()).expect("the default keys");
        Self::with_ui(store, width, height, keymap, ui)
    }

    fn with_keys(store: Store, width: u16, height: u16, zone: &str, keymap: Keymap) -> Self {
        let ui = UiSettings {
            timezone: TimeZone::get(zone).expect("a zone"),
            context: "acme-prod".to_owned(),
            ..Settings::empty().ui
        };
        Self::with_ui(store, width, height, keymap, &ui)
    }

    fn with_ui(store: Store, width: u16, height: u16, keymap: Keymap, ui: &UiSettings) -> Self {
        let mut stage = Self {
            model: Model::new(ui, keymap, store, Size { width, height }),
            now: now(),
            effects: Vec::new(),
            is_ascii: false,
        };
        stage.tell(Msg::Tick);
        stage
    }

    /// A wall in place of the screen, from now on.
    pub(crate) fn on_the_wall(mut self, settings: &WallSettings) -> Self {
        self.model = self.model.with_wall(settings).on_the_wall(self.now);
        self
    }

    /// The same, where things may be done, by these commands as well.
    /// Configured by a file.
    pub(crate) fn with_file(mut self, file: &str) -> Self {
        self.model = self.model.with_file(Some(file.to_owned()));
        self
    }

    pub(crate) fn acting(mut self, commands: &[UserCommand]) -> Self {
        let settings = ActionSettings {
            enabled: true,
            ..ActionSettings::default()
        };
        self.model = self.model.with_acting(settings, commands.to_vec());
        self
    }

    /// The same, where a silence needs a reason.
    pub(crate) fn wants_reasons(mut self) -> Self {
        let settings = ActionSettings {
            enabled: true,
            require_comment: true,
            ..ActionSettings::default()
        };
        self.model = self.model.with_acting(settings, Vec::new());
        self
    }

    pub(crate) fn tell(&mut self, msg: Msg) {
        let effects = update(&mut self.model, msg, self.now);
        self.effects.extend(effects);
    }

    /// The effects so far, of a copied summary its first word: the id of the row.
    pub(crate) fn effects_by_id(&self) -> Vec<Effect> {
        let by_id = |effect: &Effect| match effect {
            Effect::Copy(text) => {
                Effect::Copy(text.split(' ').next().unwrap_or_default().to_owned())
            }
            other => other.clone(),
        };
        self.effects.iter().map(by_id).collect()
    }

    /// Presses keys, named and separated by spaces.
    pub(crate) fn keys(mut self, keys: &str) -> Self {
        for key in keys.split_whitespace() {
            let key = key.parse().expect("a key");
            self.tell(Msg::Key(key));
        }
        self
    }

    /// Presses one key for each character.
    pub(crate) fn types(mut self, text: &str) -> Self {
        for letter in text.chars() {
            let name = if letter == ' ' {
                "space".to_owned()
            } else {
                letter.to_string()
            };
            let key = name.parse().expect("a key");
            self.tell(Msg::Key(key));
        }
        self
    }

    pub(crate) fn report(mut self, report: Report) -> Self {
        self.tell(Msg::Report(Box::new(report)));
        self
    }

    pub(crate) fn later(mut self, seconds: i64) -> Self {
        self.now += SignedDuration::from_secs(seconds);
        self.tell(Msg::Tick);
        self
    }

    pub(crate) fn screen(&self) -> Screen {
        watchfire::app::screen(&self.model, self.now)
    }

    /// The frame's text.
    pub(crate) fn text(&self) -> String {
        let size = self.size();
        text(&self.draw_at(size.0, size.1))
    }

    /// The frame as a terminal of that size shows it.
    pub(crate) fn draw_at(&self, width: u16, height: u16) -> Buffer {
        self.draw_in(ThemeChoice::Auto, (width, height))
    }

    fn draw_in(&self, choice: ThemeChoice, (width, height): (u16, u16)) -> Buffer {
        let theme = Theme::new(choice, false, self.is_ascii);
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a terminal");
        let screen = self.screen();
        terminal
            .draw(|frame| draw(frame, &screen, &theme))
            .expect("a frame");
        terminal.backend().buffer().clone()
    }

    /// The frame's text, and below it its styles: one letter for each, a dot for plain.
    pub(crate) fn picture(&self) -> String {
        let size = self.size();
        let text = text(&self.draw_at(size.0, size.1));
        format!("{text}\n{}", self.styles(ThemeChoice::Auto))
    }

    /// The frame's styles in a theme: one letter for each, a dot for plain.
    pub(crate) fn styles(&self, choice: ThemeChoice) -> String {
        let size = self.size();
        let buffer = self.draw_in(choice, size);
        let mut legend: BTreeMap<String, char> = BTreeMap::new();
        let mut styles = String::new();
        for y in 0..size.1 {
            let row = (0..size.0).map(|x| letter(&buffer[(x, y)], &mut legend));
            let row: String = row.collect();
            styles.push_str(row.trim_end());
            styles.push('\n');
        }
        let names: Vec<_> = legend
            .iter()
            .map(|(name, letter)| format!("{letter} {name}"))
            .collect();
        format!("{styles}\n{}\n", names.join("\n"))
    }

    fn size(&self) -> (u16, u16) {
        let bars = self.screen().bars;
        bars.iter().fold((0, 0), |size: (u16, u16), bar| {
            (
                size.0.max(bar.area.x + bar.area.width),
                size.1.max(bar.area.y + bar.area.height),
            )
        })
    }
}

/// The text of a frame, without the blanks at the ends of lines.
pub(crate) fn text(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        let mut row = String::new();
        let mut skip = 0;
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if skip > 0 {
                skip -= 1;
                continue;
            }
            skip = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
            row.push_str(symbol);
        }
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

fn letter(cell: &Cell, legend: &mut BTreeMap<String, char>) -> char {
    if cell.modifier.is_empty() && cell.fg == Color::Reset {
        return if cell.symbol() == " " { ' ' } else { '.' };
    }
    let mut name = String::new();
    for (modifier, word) in [
        (Modifier::BOLD, "bold "),
        (Modifier::DIM, "dim "),
        (Modifier::REVERSED, "reversed "),
    ] {
        if cell.modifier.contains(modifier) {
            name.push_str(word);
        }
    }
    let (colour, small) = match cell.fg {
        Color::Red | Color::LightRed => ("red", 'r'),
        Color::Yellow | Color::LightYellow | Color::Indexed(130) => ("yellow", 'y'),
        Color::Green | Color::LightGreen => ("green", 'g'),
        Color::Magenta | Color::LightMagenta => ("magenta", 'm'),
        Color::Cyan | Color::LightCyan | Color::Blue => ("cyan", 'c'),
        _ => ("", 'w'),
    };
    name.push_str(colour);
    let reversed = cell.modifier.contains(Modifier::REVERSED);
    let bold = cell.modifier.contains(Modifier::BOLD);
    let sign = match (small, reversed, bold, cell.modifier.contains(Modifier::DIM)) {
        ('w', true, true, _) => '#',
        ('w', true, false, _) => '=',
        ('w', false, true, _) => 'B',
        ('w', false, false, true) => '-',
        ('r', true, ..) => '1',
        ('y', true, ..) => '2',
        (small, _, true, _) => small.to_ascii_uppercase(),
        (small, ..) => small,
    };
    legend.insert(name.trim().to_owned(), sign);
    sign
}
