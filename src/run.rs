//! The only event loop: waits, updates the model, does what it asks for, and draws what changed.
//!
//! The first frame is on the screen before anything is asked over the network. From then on a frame
//! is drawn only when the projected screen differs from the one that is shown.

mod errands;
mod export;
mod journal;
mod keep;
mod lending;
mod news;
mod outgoing;
mod pace;
mod scene;
mod signals;
pub mod wall;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use ratatui::Terminal;
use ratatui::backend::Backend as _;
use tokio::runtime::{self, Runtime};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::act::Leave;
use crate::app::keymap::Keymap;
use crate::app::screen;
use crate::app::screen::Screen;
use crate::app::{Effect, ExportFormat, Memory, Model, Msg, Size, update};
use crate::config::{NotifyChoice, Settings, ThemeChoice};
use crate::journal::{Clerk, Entry, Place};
use crate::poll::{Ears, Polls, Reply};
use crate::store::Store;
use crate::term::{self, Handle, Input, Paint, Sent, Tty};
use crate::text::Shown;
use crate::ui;
use crate::ui::theme::{Depth, Theme};

use errands::Errands;
use lending::Lending;
use news::{News, said};
use outgoing::Outgoing;
use pace::Pace;
pub use scene::Scene;
use signals::Signal;
use wall::{Attendant, Lines, Renewal, Upkeep};

/// The exit status when there can be no screen.
const NO_SCREEN: u8 = 3;
/// The exit status after the terminal vanished: that of SIGHUP, which says the same.
const TERMINAL_GONE: u8 = 128 + 1;
/// How many messages of one kind are taken before a frame is drawn.
const BATCH: usize = 64;
/// How long a terminal that takes no bytes is left alone before it is looked at again.
const RETRY_DRAWING: Duration = Duration::from_millis(25);
/// How long orders that are under way hold up who leaves: less than the watchdog waits.
const LAST_ORDERS: Duration = Duration::from_millis(700);
/// A wall clock that went further than the ticks by this much was set, or the machine slept.
const CLOCK_JUMP: SignedDuration = SignedDuration::from_secs(5);

/// Something that cannot wait for a report: a key, a signal, or a changed configuration.
enum Urgent {
    Input(Input),
    Signal(Signal),
    Renewed(Box<Renewal>),
}

/// Why the loop ended.
#[derive(Clone, Copy, Debug)]
enum Ending {
    Quit,
    Signal(Signal),
    TerminalGone,
}

/// Shows the screen until somebody or something ends it; gives the exit status.
///
/// 0 after a quit, 128 + n after signal n, 3 when there can be no screen. Must be called on the
/// thread that lives longest, outside any runtime: it draws on this thread and polls on others.
pub fn run(settings: &Settings, keymap: Keymap, scene: Scene) -> ExitCode {
    run_as(settings, keymap, scene, None)
}

/// The same as an unattended wall, which acts on nothing.
pub fn wall(settings: &Settings, keymap: Keymap, scene: Scene, upkeep: Upkeep) -> ExitCode {
    run_as(settings, keymap, scene, Some(upkeep))
}

fn run_as(settings: &Settings, keymap: Keymap, scene: Scene, upkeep: Option<Upkeep>) -> ExitCode {
    if let Some(obstacle) = term::obstacle() {
        return refuse(&obstacle);
    }
    let runtimes = one_thread().and_then(|runtime| Ok((runtime, one_thread()?)));
    let (runtime, polling) = match runtimes {
        Ok(runtimes) => runtimes,
        Err(error) => return refuse(&format!("cannot start threads: {error}")),
    };
    let shown = show(settings, keymap, (scene, upkeep), polling.handle());
    let ended = runtime.block_on(shown);
    // A poll that is stuck must not hold up who wants to leave.
    polling.shutdown_background();
    runtime.shutdown_background();
    match ended {
        Ok(Ending::Quit) => ExitCode::SUCCESS,
        Ok(Ending::Signal(signal)) => ExitCode::from(signal.status()),
        Ok(Ending::TerminalGone) => ExitCode::from(TERMINAL_GONE),
        Err(error) => refuse(&format!("the terminal cannot be used: {error}")),
    }
}

/// A runtime with one thread of its own.
///
/// There are two: sources are asked in one, signals are heard in the other, whatever an answer takes
/// to be understood. An allocator keeps what is large for a moment for the thread that needed it, so
/// answers of ten thousand SLOs are read on a single one.
fn one_thread() -> io::Result<Runtime> {
    runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
}

/// Says on stderr why there is no screen.
fn refuse(why: &str) -> ExitCode {
    // Nobody is left to tell when stderr is closed.
    let _ = writeln!(io::stderr(), "watchfire: {}", Shown::new(why));
    ExitCode::from(NO_SCREEN)
}

/// Takes the terminal, shows the first frame, starts polling, and loops.
async fn show(
    settings: &Settings,
    keymap: Keymap,
    (scene, upkeep): (Scene, Option<Upkeep>),
    polling: &runtime::Handle,
) -> io::Result<Ending> {
    let (urgent, mut inbox) = mpsc::channel(BATCH);
    let signals = signals::listen()?;
    let tty = Tty::enter_with_mouse(settings.ui.mouse && upkeep.is_none())?;
    signals.forward(&urgent, &tty.handle());
    let ends_at_once = keymap.exit_keys();
    let caption = scene.story();
    let is_live = matches!(scene, Scene::Watch(_));
    let (store, sources, place, memory) = scene.parts(settings);
    let mut stage = Stage::new(settings, keymap, store.clone(), tty)?;
    if let Some(story) = caption {
        stage.model = stage.model.with_story(story);
    }
    if upkeep.is_some() {
        stage.model = stage.model.on_the_wall(Timestamp::now());
    }
    stage.lending.keys = Some((ends_at_once, urgent.clone()));
    stage.read_keys()?;
    if stage.draw().is_err() {
        return Ok(Ending::TerminalGone);
    }
    let (reports, answers) = mpsc::channel(BATCH);
    let (told, explanations) = mpsc::channel(BATCH);
    let (recalled, pasts) = mpsc::channel(BATCH);
    let (replies, outcomes) = mpsc::channel(BATCH);
    let (ran, ended) = mpsc::channel(BATCH);
    let ears = Ears {
        reports,
        told,
        recalled,
        replies,
    };
    let leave = match upkeep {
        Some(_) => Leave::default(),
        None => Leave::of(settings),
    };
    let (remembered, memories) = mpsc::channel(BATCH);
    if let Some(upkeep) = upkeep {
        let lines = Lines {
            urgent: urgent.clone(),
            say: remembered.clone(),
            ears: ears.clone(),
            polling: polling.clone(),
        };
        let terminal = stage.tty.handle();
        stage.attendant = Some(Attendant::start(upkeep, &settings.wall, lines, terminal)?);
    }
    if is_live {
        stage.outgoing = Some(Outgoing::start(settings, &remembered));
    }
    if let Ok(clerk) = journal::start(place, settings, &store, remembered) {
        stage.remember(clerk, memory);
    }
    drop(store);
    stage.polls = {
        let _inside = polling.enter();
        Polls::start(sources, &ears, &leave)
    };
    stage.errands = Some(Errands::new(leave, ran));
    let mut news = News {
        answers,
        explanations,
        pasts,
        outcomes,
        ended,
        memories,
    };
    // What goes wrong with the terminal from here on means that it is gone: it worked before.
    stage.tell(Msg::Tick)?;
    let ending = stage
        .play(&mut inbox, &mut news)
        .await
        .unwrap_or(Ending::TerminalGone);
    // Who confirms an order and leaves has given it: it has a moment to go out.
    let _ = tokio::time::timeout(LAST_ORDERS, stage.finish(&mut news)).await;
    Ok(ending)
}

/// Ends the program after a person asked for that, even when a write to the terminal never returns:
/// the loop may hang in the frame before the key, or in giving the terminal back after it.
struct Watchdog {
    runtime: tokio::runtime::Handle,
    terminal: Handle,
}

impl Watchdog {
    /// Must be called within the runtime.
    fn new(tty: &Tty) -> Self {
        Self {
            runtime: tokio::runtime::Handle::current(),
            terminal: tty.handle(),
        }
    }

    /// From now on the program has as long as after a signal.
    fn release(&self) {
        let ending = signals::end_regardless(0, self.terminal.clone());
        self.runtime.spawn(ending);
    }
}

/// Everything between a message and a frame.
struct Stage {
    tty: Tty,
    terminal: Terminal<Paint<Sent>>,
    theme: Theme,
    model: Model,
    polls: Polls,
    /// How many orders are on their way.
    under_way: usize,
    /// `None` until sources are asked.
    errands: Option<Errands>,
    /// `None` where nothing is remembered.
    journal: Option<Clerk>,
    /// The screen as it was drawn last; `None` when it has to be drawn anew.
    shown: Option<Screen>,
    /// How often frames are drawn.
    pace: Pace,
    /// True while the terminal is another program's: the shell's after a stop, or that of a command of the
    /// user's own.
    is_away: bool,
    lending: Lending,
    /// Upkeep of a wall; `None` for a screen.
    attendant: Option<Attendant>,
    /// Messages to the outside; `None` where no present is shown.
    outgoing: Option<Outgoing>,
    /// The configuration file, if there is one.
    file: Option<PathBuf>,
}

impl Stage {
    fn new(settings: &Settings, keymap: Keymap, store: Store, tty: Tty) -> io::Result<Self> {
        let ui = &settings.ui;
        let charset = term::charset(ui.ascii);
        let size = term::size();
        Ok(Self {
            terminal: Terminal::new(Paint::new(size, charset, Sent::open()))?,
            theme: theme(ui.theme, ui.ascii),
            model: Model::new(ui, keymap, store, size)
                .with_acting(settings.actions.clone(), settings.commands.clone())
                .with_wall(&settings.wall)
                .with_file(
                    settings
                        .file
                        .as_ref()
                        .map(|file| file.display().to_string()),
                ),
            file: settings.file.clone(),
            tty,
            polls: Polls::default(),
            under_way: 0,
            errands: None,
            journal: None,
            shown: None,
            pace: Pace::new(),
            is_away: false,
            lending: Lending::default(),
            attendant: None,
            outgoing: None,
        })
    }

    /// Plays until the end: waits for something to happen, takes in all that has, draws once.
    async fn play(
        &mut self,
        inbox: &mut mpsc::Receiver<Urgent>,
        news: &mut News,
    ) -> io::Result<Ending> {
        let mut clock = Clock::new(Timestamp::now());
        let mut is_drawn = true;
        loop {
            if let Some(attendant) = &self.attendant {
                attendant.beat();
            }
            let wake = if is_drawn {
                clock.next_tick()
            } else {
                clock.next_tick().min(Instant::now() + RETRY_DRAWING)
            };
            let (first, message) = tokio::select! {
                biased;
                urgent = inbox.recv() => (urgent, None),
                message = news.next() => (None, message),
                () = sleep_until(wake) => (None, None),
            };
            let mut urgent = first;
            for _ in 0..BATCH {
                let Some(message) = urgent else { break };
                if let Some(ending) = self.answer(message)? {
                    return Ok(ending);
                }
                urgent = inbox.try_recv().ok();
            }
            let mut message = message;
            for _ in 0..BATCH {
                let Some(known) = message else { break };
                if let Some(ending) = self.tell(known)? {
                    return Ok(ending);
                }
                message = news.waiting();
            }
            if clock.is_due() {
                if let Some(step) = clock.tick(Timestamp::now()) {
                    self.polls.poke(None);
                    if let Some(ending) = self.tell(Msg::ClockStepped(step))? {
                        return Ok(ending);
                    }
                }
                if let Some(ending) = self.tell(Msg::Tick)? {
                    return Ok(ending);
                }
                if let Some(attendant) = &mut self.attendant {
                    attendant.tick(self.model.facts());
                }
            }
            is_drawn = self.is_away || self.draw_if_due()?;
        }
    }

    /// Draws what there is to see, where a frame is due; true when the terminal has taken all of it. A wall
    /// is looked at by people who never touch it.
    fn draw_if_due(&mut self) -> io::Result<bool> {
        let alarms = self.model.alarms();
        let is_wall = self.attendant.is_some() || self.model.is_wall();
        if !is_wall && !self.pace.is_due(alarms) {
            return Ok(true);
        }
        let is_drawn = term::is_writable() && self.draw()?;
        if is_drawn {
            self.pace.drawn(alarms);
        }
        Ok(is_drawn)
    }

    /// Takes in a key or a signal; an ending when it asks for one.
    fn answer(&mut self, urgent: Urgent) -> io::Result<Option<Ending>> {
        self.pace.hurry();
        match urgent {
            // A key that was read before a command got the terminal.
            Urgent::Input(Input::Key(_) | Input::Paste(_)) if self.tty.is_lent() => {}
            Urgent::Input(Input::Gone) => return Ok(Some(Ending::TerminalGone)),
            Urgent::Input(Input::Focus(has_focus)) => self.pace.focus(has_focus),
            Urgent::Input(Input::Key(key)) => return self.tell(Msg::Key(key)),
            Urgent::Input(Input::Paste(text)) => return self.tell(Msg::Paste(text)),
            // A report that nobody asked for comes from another program on this terminal.
            Urgent::Input(Input::Mouse(button, place)) if self.tty.has_mouse() => {
                return self.tell(Msg::Mouse(button, place));
            }
            Urgent::Signal(signal) if signal.is_an_end() => {
                return Ok(Some(Ending::Signal(signal)));
            }
            Urgent::Signal(Signal::Resized) => return self.resize(term::size()),
            Urgent::Signal(signal @ (Signal::Stop | Signal::Continue)) if self.tty.is_lent() => {
                self.stop_while_lent(signal)?;
            }
            Urgent::Signal(Signal::Stop) => self.go_away()?,
            Urgent::Signal(Signal::Continue) => self.come_back()?,
            Urgent::Signal(_) | Urgent::Input(Input::Mouse(..)) => {}
            Urgent::Renewed(renewal) => self.renew(*renewal)?,
        }
        Ok(None)
    }

    /// Goes on by a changed configuration, with what is known.
    fn renew(&mut self, renewal: Renewal) -> io::Result<()> {
        let Renewal {
            settings,
            keymap,
            watch,
        } = renewal;
        let Some(attendant) = &mut self.attendant else {
            return Ok(());
        };
        let (ui, size) = (&settings.ui, term::size());
        let charset = term::charset(ui.ascii);
        self.terminal = Terminal::new(Paint::new(size, charset, Sent::open()))?;
        self.theme = theme(ui.theme, ui.ascii);
        let store = watch.store.inheriting(self.model.facts());
        attendant.heartbeat.follow(&settings.wall);
        self.outgoing = Some(Outgoing::start(&settings, &attendant.lines.say));
        self.polls = {
            let _inside = attendant.lines.polling.enter();
            Polls::start(watch.sources, &attendant.lines.ears, &Leave::default())
        };
        // The one before ends first: it holds the file.
        self.journal = None;
        let place = Place::of(&settings.journal);
        let journal = journal::start(place, &settings, &store, attendant.lines.say.clone());
        self.model = Model::new(ui, keymap, store, size)
            .with_wall(&settings.wall)
            .on_the_wall(attendant.began);
        if let Ok(clerk) = journal {
            self.remember(clerk, Memory::Journal);
        }
        self.repaint()
    }

    /// Updates the model and performs what it asks for.
    fn tell(&mut self, message: Msg) -> io::Result<Option<Ending>> {
        if matches!(message, Msg::Acted(_)) {
            self.under_way = self.under_way.saturating_sub(1);
        }
        // What could not even be handed on is known at once.
        let mut replies = Vec::new();
        let mut results = Vec::new();
        let is_report = matches!(message, Msg::Report(_));
        if matches!(&message, Msg::Ran(ran) if ran.errand.takes_terminal) {
            self.take_back()?;
        }
        let now = Timestamp::now();
        let effects = update(&mut self.model, message, now);
        if let Some(outgoing) = self.outgoing.as_mut().filter(|_| is_report) {
            outgoing.hear(self.model.facts(), now);
        }
        let spent = self.model.take_spent();
        if !spent.is_empty() {
            tokio::spawn(async move { drop(spent) });
        }
        for effect in effects {
            match effect {
                Effect::Poll(name) => self.polls.poke(name.as_ref()),
                Effect::Past(name, question) => self.polls.past(&name, &question),
                Effect::Explain(name, ids) => self.polls.explain(&name, &ids),
                Effect::Open(url) => {
                    let is_opened = term::open(&url);
                    results.push(Msg::Opened(url, is_opened));
                }
                Effect::Copy(text) => results.push(Msg::Copied(term::copy(&text)?)),
                Effect::Ring => {
                    self.pace.hurry();
                    self.terminal.backend_mut().ring();
                }
                Effect::Notify(choice, text) => {
                    self.pace.hurry();
                    if let Some(kind) = notification(choice) {
                        self.terminal.backend_mut().announce(&kind.bytes(&text));
                    }
                }
                Effect::Preview(order) => {
                    if let Err(reply) = self.polls.preview(*order) {
                        replies.push(*reply);
                    }
                }
                Effect::Act(order) => {
                    // An order that is refused at once has its reply as well.
                    self.under_way += 1;
                    if let Err(reply) = self.polls.act(*order) {
                        replies.push(*reply);
                    }
                }
                Effect::Keep(heard) => self.write(Entry::Heard(heard)),
                Effect::Note(event) => self.write(Entry::Done(event)),
                Effect::KeepFreezes(events) => self.write(Entry::Freezes(events)),
                Effect::Burns(slos, time) => self.write(Entry::Burns(slos, time)),
                Effect::Recall(at) => self.write(Entry::Recall(at)),
                Effect::HandOver(store, time) => self.write(Entry::Handoff(store, time)),
                Effect::Run(errand) => self.start_command(*errand),
                Effect::AppendSlo(entry) => results.push(self.append(&entry)),
                Effect::Export(format) => results.push(self.export(format)),
                Effect::Repaint => self.repaint()?,
                Effect::Theme(choice) => {
                    self.theme = theme(choice, self.theme.is_ascii());
                    self.shown = None;
                }
                Effect::Suspend if Tty::can_be_continued() => self.go_away()?,
                Effect::Suspend => {}
                Effect::Quit => {
                    Watchdog::new(&self.tty).release();
                    return Ok(Some(Ending::Quit));
                }
            }
        }
        for result in results {
            if let Some(ending) = self.tell(result)? {
                return Ok(Some(ending));
            }
        }
        for reply in replies {
            if let Some(ending) = self.tell(said(reply))? {
                return Ok(Some(ending));
            }
        }
        Ok(None)
    }

    /// Has everything from here on remembered, or a recording played.
    fn remember(&mut self, clerk: Clerk, memory: Memory) {
        self.journal = Some(clerk);
        self.model.recollect(memory);
    }

    /// Gives the journal something to do.
    fn write(&self, entry: Entry) {
        if let Some(journal) = &self.journal {
            journal.give(entry);
        }
    }

    /// Waits until no order is on its way.
    async fn finish(&mut self, news: &mut News) {
        while self.under_way > 0
            && let Some(reply) = news.outcomes.recv().await
        {
            if matches!(reply, Reply::Acted(_)) {
                self.under_way -= 1;
            }
        }
    }

    fn resize(&mut self, size: Size) -> io::Result<Option<Ending>> {
        self.terminal.backend_mut().resize(size);
        self.shown = None;
        self.tell(Msg::Resize(size))
    }

    /// Appends a table to the configuration file; gives what there is to say about it.
    fn append(&self, entry: &str) -> Msg {
        let Some(file) = &self.file else {
            return Msg::Remark("there is no configuration file".to_owned());
        };
        Msg::Remark(match keep::append(file, entry) {
            Ok(()) => format!("kept in {}", file.display()),
            Err(why) => format!("not kept: {why}"),
        })
    }

    /// Writes the view into a file; gives what there is to say about it.
    fn export(&self, format: ExportFormat) -> Msg {
        let now = Timestamp::now();
        let Size { width, height } = term::size();
        let buffer = ui::buffer(&screen(&self.model, now), &self.theme, (width, height));
        Msg::Remark(match export::write(&buffer, format, now) {
            Ok(path) => format!("exported to {}", path.display()),
            Err(error) => format!("not exported: no file can be written here: {error}"),
        })
    }

    /// Has everything drawn anew, over whatever is there.
    fn repaint(&mut self) -> io::Result<()> {
        self.shown = None;
        self.terminal.clear()
    }

    /// Leaves the terminal to the shell and stops.
    fn go_away(&mut self) -> io::Result<()> {
        self.is_away = true;
        self.tty.suspend()
    }

    /// Takes the terminal again after a stop; its size may have changed meanwhile.
    fn come_back(&mut self) -> io::Result<()> {
        self.is_away = !self.tty.resume()?;
        if self.is_away {
            return Ok(());
        }
        self.redraw()
    }

    /// Draws everything anew on a terminal that was away; its size may have changed meanwhile.
    fn redraw(&mut self) -> io::Result<()> {
        self.terminal.backend_mut().restart();
        self.resize(term::size())?;
        self.repaint()
    }

    /// Draws what there is to see, once the terminal has taken what was drawn before; true when it has
    /// taken all of it.
    fn draw(&mut self) -> io::Result<bool> {
        if !self.terminal.backend_mut().catch_up()? {
            return Ok(false);
        }
        let screen = screen(&self.model, Timestamp::now());
        if self.shown.as_ref() != Some(&screen) {
            self.terminal
                .draw(|frame| ui::draw(frame, &screen, &self.theme))?;
            self.shown = Some(screen);
        }
        // A bell goes out with the frame, or alone where nothing changed.
        self.terminal.backend_mut().flush()?;
        self.terminal.backend_mut().catch_up()
    }
}

/// The sequence of a choice.
fn notification(choice: NotifyChoice) -> Option<term::Notification> {
    match choice {
        NotifyChoice::Off => None,
        NotifyChoice::Osc9 => Some(term::Notification::Osc9),
        NotifyChoice::Osc777 => Some(term::Notification::Osc777),
        NotifyChoice::Osc99 => Some(term::Notification::Osc99),
    }
}

/// A theme on this terminal.
fn theme(choice: ThemeChoice, is_ascii: bool) -> Theme {
    let depth = match term::colours() {
        term::Colours::Eight => Depth::Eight,
        term::Colours::Sixteen => Depth::Sixteen,
        term::Colours::Indexed => Depth::Indexed,
        term::Colours::True => Depth::True,
    };
    Theme::new(choice, term::no_color(), is_ascii)
        .with_depth(depth)
        .with_italics(term::Abilities::of_this_terminal().italics)
}

/// Ticks at each full second of the wall clock, and notices when that clock jumped.
#[derive(Debug)]
struct Clock {
    wall: Timestamp,
    steady: Instant,
    due: Instant,
}

impl Clock {
    fn new(wall: Timestamp) -> Self {
        let steady = Instant::now();
        Self {
            wall,
            steady,
            due: steady + until_next_second(wall),
        }
    }

    fn next_tick(&self) -> Instant {
        self.due
    }

    fn is_due(&self) -> bool {
        Instant::now() >= self.due
    }

    /// Sets the next tick; returns by how much the wall clock stepped since the last one, where it
    /// did. The steady clock stands still while the machine sleeps, so waking up is such a step.
    fn tick(&mut self, wall: Timestamp) -> Option<SignedDuration> {
        let steady = Instant::now();
        let by_wall = wall.duration_since(self.wall);
        let by_steady = SignedDuration::try_from(steady.duration_since(self.steady))
            .unwrap_or(SignedDuration::MAX);
        *self = Self {
            wall,
            steady,
            due: steady + until_next_second(wall),
        };
        let step = by_wall.saturating_sub(by_steady);
        (step.abs() > CLOCK_JUMP).then_some(step)
    }
}

/// How long until the wall clock shows another second, and a hair more: a timer may be early by
/// its own resolution, and the same second must not be drawn twice.
fn until_next_second(wall: Timestamp) -> Duration {
    let past = u64::try_from(wall.as_millisecond().rem_euclid(1000)).unwrap_or(0);
    Duration::from_millis(1002 - past)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).expect("time")
    }

    fn in_virtual_time<T>(test: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("runtime")
            .block_on(test)
    }

    #[test]
    fn a_tick_comes_with_each_second_of_the_wall_clock() {
        in_virtual_time(async {
            let clock = Clock::new(moment(1_700_000_000_750));
            assert!(!clock.is_due());
            let began = Instant::now();
            sleep_until(clock.next_tick()).await;
            assert!(clock.is_due());
            assert_eq!(began.elapsed(), Duration::from_millis(252));
        });
    }

    #[test]
    fn a_clock_that_jumps_or_a_machine_that_slept_is_noticed_and_a_tick_is_not() {
        in_virtual_time(async {
            let mut clock = Clock::new(moment(1_700_000_000_000));
            sleep_until(clock.next_tick()).await;
            assert_eq!(clock.tick(moment(1_700_000_001_002)), None);
            sleep_until(clock.next_tick()).await;
            let slept = clock.tick(moment(1_700_028_800_000)).expect("a step");
            assert_eq!(slept.as_secs(), 28_797, "eight hours later");
            sleep_until(clock.next_tick()).await;
            assert_eq!(clock.tick(moment(1_700_028_801_002)), None);
            sleep_until(clock.next_tick()).await;
            let set_back = clock.tick(moment(1_700_000_000_000)).expect("a step");
            assert!(set_back.is_negative());
        });
    }
}
