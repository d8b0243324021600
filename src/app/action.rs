//! The actions of keys: one table for help, footer, configuration and `docs/reference/keys.md`.

/// Which part of the help an action stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Moving about.
    Move,
    /// Choosing what is seen.
    Look,
    /// Doing something with a row.
    Row,
    /// Changing something at a source.
    Act,
    /// Sources and time.
    Watch,
    /// The program itself.
    Program,
}

impl Group {
    /// Every group, in the order of the help.
    pub const ALL: [Self; 6] = [
        Self::Move,
        Self::Look,
        Self::Row,
        Self::Act,
        Self::Watch,
        Self::Program,
    ];

    /// What stands above it in the help.
    pub fn title(self) -> &'static str {
        match self {
            Self::Move => "move",
            Self::Look => "look",
            Self::Row => "selected row",
            Self::Act => "act (asks first)",
            Self::Watch => "watch",
            Self::Program => "program",
        }
    }
}

macro_rules! actions {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $name:literal [$($key:literal),*] $group:ident $help:literal; )+) => {
        /// Something a key can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action {
            $( $(#[doc = $doc])+ $variant, )+
        }

        impl Action {
            /// Every action, in the order of the help.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name under `[keys]` in the configuration.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }

            /// Its keys unless configured otherwise.
            pub fn default_keys(self) -> &'static [&'static str] {
                match self { $( Self::$variant => &[$($key),*], )+ }
            }

            /// What it does, in a few words.
            pub fn help(self) -> &'static str {
                match self { $( Self::$variant => $help, )+ }
            }

            /// Where it stands in the help.
            pub fn group(self) -> Group {
                match self { $( Self::$variant => Group::$group, )+ }
            }
        }
    };
}

actions! {
    /// The next row, or a line further.
    Down = "down" ["j", "down"] Move "down";
    /// The row before, or a line back.
    Up = "up" ["k", "up"] Move "up";
    /// The first row.
    Top = "top" ["g", "home"] Move "to the top";
    /// The last row.
    Bottom = "bottom" ["G", "end"] Move "to the bottom";
    /// A screenful further.
    PageDown = "page_down" ["ctrl-f", "pgdn"] Move "page down";
    /// A screenful back.
    PageUp = "page_up" ["ctrl-b", "pgup"] Move "page up";
    /// The pane after this one.
    NextPane = "next_pane" ["tab"] Move "next pane";
    /// The pane before this one.
    PreviousPane = "previous_pane" ["shift-tab"] Move "previous pane";
    /// The SLO pane.
    Slos = "slos" ["1"] Look "SLOs";
    /// The release pane.
    Releases = "releases" ["2"] Look "changes";
    /// The incident pane.
    Incidents = "incidents" ["3"] Look "incidents";
    /// The source view.
    Sources = "sources" ["4"] Look "sources";
    /// What has happened, and back to where one came from.
    Timeline = "timeline" ["t", "5"] Look "timeline";
    /// One row a service.
    Services = "services" ["6"] Look "services";
    /// How each service delivers.
    Delivery = "delivery" ["7"] Look "delivery";
    /// The focused pane alone, or all again.
    FullScreen = "full_screen" ["f"] Look "full screen";
    /// The wall, and back.
    Wall = "wall" ["W"] Look "wall";
    /// Fewer rows.
    Filter = "filter" ["/"] Look "filter";
    /// The next order of rows: by urgency, service, budget left, burn rate.
    Sort = "sort" ["S"] Look "sort";
    /// My rows, my team's, or all.
    Whose = "whose" ["u"] Look "mine/team/all";
    /// Times of day in UTC or in the local zone.
    Zone = "zone" ["z"] Look "UTC/local";
    /// The selected row in detail.
    Open = "open" ["enter"] Row "detail";
    /// The detail of the next row.
    NextRow = "next_row" ["J"] Row "next detail";
    /// The detail of the row before.
    PreviousRow = "previous_row" ["K"] Row "previous detail";
    /// A shorter time in the chart of a detail.
    ZoomIn = "zoom_in" ["+"] Row "zoom in";
    /// A longer time in the chart of a detail.
    ZoomOut = "zoom_out" ["-"] Row "zoom out";
    /// Every number of the row, with what it rests on.
    Explain = "explain" ["x"] Row "explain numbers";
    /// A suggested SLO as lines of the configuration, and into its file.
    Keep = "keep" ["A"] Row "keep suggested SLO";
    /// The release that may be behind what burns.
    Suspect = "suspect" ["d"] Row "suspect release";
    /// The row's page in a browser.
    Link = "link" ["o"] Row "open link";
    /// The runbook in a browser.
    Runbook = "runbook" ["b"] Row "runbook";
    /// A summary of the row to the clipboard: its id, and what is known in a sentence.
    CopyId = "copy_id" ["y"] Row "copy summary";
    /// The row's page to the clipboard.
    CopyUrl = "copy_url" ["Y"] Row "copy URL";
    /// The selected row among those that are acted on.
    Mark = "mark" ["space"] Row "mark";
    /// No row marked any more.
    ClearMarks = "clear_marks" ["ctrl-\\"] Row "clear marks";
    /// Say that I have it.
    Acknowledge = "acknowledge" ["a"] Act "acknowledge";
    /// Keep it quiet for a time.
    Silence = "silence" ["s"] Act "silence, snooze";
    /// Write something beside it.
    Note = "note" ["n"] Act "note";
    /// Take back what was done last.
    Undo = "undo" ["U"] Act "undo, for 10s";
    /// Say that it is over.
    Resolve = "resolve" [] Act "resolve";
    /// Page the next step.
    Escalate = "escalate" [] Act "page the next step";
    /// Give back what I have.
    Unacknowledge = "unacknowledge" [] Act "give back";
    /// Move the end of the silence that hides it.
    Extend = "extend" [] Act "extend its silence";
    /// End the silence or the snooze.
    Unsilence = "unsilence" [] Act "end its silence";
    /// How the last orders ended.
    Results = "results" [] Act "last results";
    /// What the last command of one's own printed.
    Output = "output" [] Act "last output";
    /// Ask the sources of this pane now.
    Poll = "poll" ["r"] Watch "poll pane";
    /// Ask all sources now.
    PollAll = "poll_all" ["R"] Watch "poll all";
    /// Let the view stand still.
    Pause = "pause" ["p"] Watch "pause";
    /// A minute back in time.
    Earlier = "earlier" ["["] Watch "a minute back";
    /// A minute forward in time.
    Later = "later" ["]"] Watch "a minute forward";
    /// Back to the previous event.
    EventBefore = "event_before" ["{"] Watch "previous event";
    /// Forward to the next event.
    EventAfter = "event_after" ["}"] Watch "next event";
    /// The present again.
    Live = "live" ["0"] Watch "back to live";
    /// The view as SVG, ANSI or text, into a file.
    Export = "export" ["e"] Watch "export the view";
    /// Mutes the fires that page now for half an hour: new incidents of theirs fold, without a bell.
    Awake = "awake" ["w"] Watch "mute known fires";
    /// The hand-over of the last eight hours, to read and to copy.
    Handoff = "handoff" [] Watch "hand-over";
    /// One level back.
    Back = "back" ["esc"] Program "one level back";
    /// One level back, and leave from the top.
    Quit = "quit" ["q"] Program "back, quit from the top";
    /// Leave from anywhere.
    Exit = "exit" ["ctrl-c"] Program "quit at once";
    /// What the keys do.
    Help = "help" ["?"] Program "help";
    /// Anything by its name.
    Palette = "palette" [":"] Program "go to anything";
    /// The screen in a few steps.
    Tour = "tour" [] Program "tour of the screen";
    /// Paint everything anew.
    Repaint = "repaint" ["ctrl-l"] Program "repaint";
    /// Stop like any shell job.
    Suspend = "suspend" ["ctrl-z"] Program "suspend";
}

impl Action {
    /// Actions that came after the first release: the keys that an older configuration gives to something
    /// else are not theirs.
    pub const LATER: [Self; 7] = [
        Self::Keep,
        Self::Sort,
        Self::Export,
        Self::NextRow,
        Self::PreviousRow,
        Self::ZoomIn,
        Self::ZoomOut,
    ];
}

/// The table of `docs/reference/keys.md`, as Markdown.
pub fn markdown_table() -> String {
    let mut table = String::from("| keys | what they do | name under `[keys]` |\n|---|---|---|\n");
    for action in Action::ALL {
        let keys: Vec<_> = action
            .default_keys()
            .iter()
            .map(|key| format!("`{key}`"))
            .collect();
        let keys = if keys.is_empty() {
            // Without a key of its own it is found in the palette.
            "`:`".to_owned()
        } else {
            keys.join(" ")
        };
        let row = format!("| {keys} | {} | `{}` |\n", action.help(), action.name());
        table.push_str(&row);
    }
    table
}

/// The actions that show each pane, in the order of [`PANES`](crate::pane::PANES).
pub const PANE_ACTIONS: [Action; 7] = [
    Action::Slos,
    Action::Releases,
    Action::Incidents,
    Action::Sources,
    Action::Timeline,
    Action::Services,
    Action::Delivery,
];
