//! The loud faces: a banner with what pages or what is lost, and the rest in the other half.

use super::flow::{Row, place};
use super::pieces::{Ground, Wall};
use super::{Canvas, halves, side_by_side, tail};
use crate::app::layout::Area;
use crate::pane::wall::Burning;
use crate::pane::{Line, Role};
use crate::text::Shown;

/// The share of a banner that one row of letters may take, in fifths of its height.
const LETTERS: u16 = 2;

/// Something pages.
pub(super) fn page(canvas: Canvas<'_>, is_moved: bool) -> Wall {
    let (banner, rest) = halves(canvas, is_moved);
    let Some(burning) = &canvas.facts.burning else {
        return Wall::default();
    };
    let (rows, overflow) = page_rows(canvas, burning, banner.height);
    let mut pieces = place(rows, banner, canvas.margin, Some(Ground::Page));
    pieces.extend(place(
        below(canvas, burning, overflow, rest),
        rest,
        canvas.margin,
        None,
    ));
    Wall {
        grounds: vec![(banner, Ground::Page)],
        pieces,
        is_dim: false,
    }
}

/// The rows of a page's banner, and the row of letters that has no room in it.
fn page_rows(canvas: Canvas<'_>, burning: &Burning, height: u16) -> (Vec<Row>, Option<Row>) {
    let width = canvas.room();
    let letters = (width, (height * LETTERS / 5).max(4));
    let mut rows = headline(canvas, "PAGE", letters);
    let aside = side_by_side(
        &[Line::of(canvas.clock.1, Role::Plain), burning.paged.clone()],
        " · ",
        width,
    );
    rows.push(Row::words(4, Line::new(), 1).right(aside, width));
    let big = big_row(burning, letters);
    // The headline, this row and the two lines below it.
    let needed = 4 + 4 + 2;
    let (big, overflow) = if height >= needed {
        (big, None)
    } else {
        (None, big)
    };
    rows.extend(big.map(|row| row.spaced(1)));
    rows.extend(in_words(burning, width));
    (rows, overflow)
}

/// The worst SLO, its age and burn rate: in one line where it fits, else in two.
fn in_words(burning: &Burning, width: u16) -> Vec<Row> {
    let name = &burning.name;
    let fits = |line: &Line| line.width() <= usize::from(width);
    let courses = [&burning.since, &burning.pace];
    let both = courses.map(|course| side_by_side(&[name.clone(), course.clone()], "   ", u16::MAX));
    if let Some(both) = both.into_iter().find(fits) {
        return vec![Row::words(0, both, width).spaced(1)];
    }
    let course = courses.into_iter().find(|course| fits(course));
    vec![
        Row::words(0, name.clone(), width).spaced(1),
        Row::words(1, course.unwrap_or(&burning.pace).clone(), width),
    ]
}

/// A word and the clock in large letters.
fn headline(canvas: Canvas<'_>, word: &str, letters: (u16, u16)) -> Vec<Row> {
    let clock = (canvas.clock.0, Role::Plain);
    let row = Row::headline((word, Role::Strong), clock, letters);
    row.map(|row| row.spaced(1)).into_iter().collect()
}

/// Service, burn rate and age in large letters.
fn big_row(burning: &Burning, letters: (u16, u16)) -> Option<Row> {
    let service = (burning.service.as_str().to_owned(), Role::Strong);
    let figures: Vec<_> = [&burning.burn, &burning.age]
        .into_iter()
        .flatten()
        .map(|text| (text.clone(), Role::Strong))
        .collect();
    let all: Vec<_> = std::iter::once(service.clone()).chain(figures).collect();
    // A name that is cut to a few letters says less than no figures beside it.
    let is_whole = |row: &Row| row.has_whole(&service.0);
    let side = Row::letters(1, &all, letters).filter(is_whole);
    let pair = || Row::letters(1, &all[..2.min(all.len())], letters).filter(is_whole);
    let alone = || Row::letters(1, &all[..1], letters);
    side.or_else(pair).or_else(alone).or_else(|| {
        let name = Line::of(&service.0, Role::Strong);
        Some(Row::words(1, name, letters.0))
    })
}

/// Below the banner of a page: budget, suspect, who has it, the other fires.
fn below(canvas: Canvas<'_>, burning: &Burning, overflow: Option<Row>, area: Area) -> Vec<Row> {
    let width = canvas.room();
    let letters = (width, (area.height / 4).max(4));
    let mut rows: Vec<Row> = overflow.into_iter().collect();
    let left = burning
        .left
        .as_ref()
        .map(|left| (format!("{left} left"), Role::Page));
    let gone = burning
        .gone_in
        .as_ref()
        .map(|gone| (format!("{gone} to go"), Role::Page));
    let budget: Vec<_> = left.into_iter().chain(gone).collect();
    rows.extend(as_many(5, &budget, letters).map(|row| row.spaced(1)));
    rows.push(Row::words(1, burning.budget.clone(), width));
    if let Some(suspect) = &burning.suspect {
        let words = suspect
            .iter()
            .map(|word| (word.as_str().to_owned(), Role::Accent));
        let words: Vec<_> = words.collect();
        rows.extend(as_many(7, &words, letters).map(|row| row.spaced(1)));
    }
    let why = if burning.suspect.is_some() { 1 } else { 3 };
    rows.push(Row::words(why, burning.why.clone(), width));
    rows.push(Row::words(2, burning.who.clone(), width));
    rows.push(Row::rule(6, width).spaced(1));
    rows.push(tail::counts(canvas, 1));
    rows.extend(tail::fires(canvas, 3, 3));
    rows.extend(tail::rows(canvas).into_iter().map(|row| row.spaced(1)));
    rows.retain(|row| !row.is_blank());
    rows
}

/// As many texts in large letters, from the first on, as fit whole.
fn as_many(rank: u8, texts: &[(String, Role)], letters: (u16, u16)) -> Option<Row> {
    (1..=texts.len()).rev().find_map(|count| {
        let row = Row::letters(rank, &texts[..count], letters)?;
        row.has_whole(&texts[0].0).then_some(row)
    })
}

/// A source of SLOs is lost.
pub(super) fn blind(canvas: Canvas<'_>, is_moved: bool) -> Wall {
    let (banner, rest) = halves(canvas, is_moved);
    let mut pieces = place(
        blind_rows(canvas, banner.height),
        banner,
        canvas.margin,
        Some(Ground::Blind),
    );
    pieces.extend(place(last_known(canvas, rest), rest, canvas.margin, None));
    Wall {
        grounds: vec![(banner, Ground::Blind)],
        pieces,
        is_dim: false,
    }
}

fn blind_rows(canvas: Canvas<'_>, height: u16) -> Vec<Row> {
    let width = canvas.room();
    let letters = (width, (height * LETTERS / 5).max(4));
    let lost = &canvas.facts.lost;
    let mut rows = vec![Row::stripes(5, width)];
    rows.extend(headline(canvas, "BLIND", letters));
    if let Some(first) = lost.first() {
        let age = first.age.clone().map(|age| (age, Role::Strong));
        let name = (first.name.as_str().to_owned(), Role::Strong);
        let texts: Vec<_> = std::iter::once(name).chain(age).collect();
        rows.extend(Row::letters(2, &texts, letters).map(|row| row.spaced(1)));
    }
    for (place, one) in lost.iter().enumerate() {
        let start = if place == 0 { "BLIND " } else { "      " };
        let line = Line::of(start, Role::Strong).join(one.why.clone());
        rows.push(Row::words(u8::from(place > 0) * 3, line, width).spaced(u16::from(place == 0)));
    }
    rows.push(Row::stripes(5, width).spaced(1));
    rows
}

/// The last answers of the lost sources, dated.
fn last_known(canvas: Canvas<'_>, area: Area) -> Vec<Row> {
    let width = canvas.room();
    let facts = canvas.facts;
    let letters = (width, (area.height / 4).max(4));
    let at = facts.lost.iter().find_map(|lost| lost.at.clone());
    let dated = match at {
        Some(at) => format!("known at {at}, may be worse now"),
        None => "nothing is known yet".to_owned(),
    };
    let mut rows = vec![Row::words(1, Line::of(dated, Role::Old), width).spaced(1)];
    let last = &facts.last;
    if last.page > 0 {
        let service = facts.last_paging.first();
        let service = service.map(|service| (service.as_str().to_owned(), Role::WasPage));
        let count = (format!("{} PAGE", last.page), Role::WasPage);
        let texts: Vec<_> = std::iter::once(count).chain(service).collect();
        rows.extend(as_many(2, &texts, letters).map(|row| row.spaced(1)));
    }
    if last.ticket > 0 {
        let text = vec![(format!("{} TICKET", last.ticket), Role::Old)];
        rows.extend(Row::letters(4, &text, letters).map(|row| row.spaced(1)));
    }
    let services: Vec<_> = facts.last_paging.iter().map(Shown::as_str).collect();
    let paged = if services.is_empty() {
        String::new()
    } else {
        format!(" · paged: {}", services.join(", "))
    };
    let words = format!("last known: {}{paged}", tail::in_words(last));
    if last.total() > 0 {
        rows.push(Row::words(1, Line::of(words, Role::Old), width).spaced(1));
    }
    if facts.counts.total() > 0 {
        rows.push(tail::counts(canvas, 3));
        rows.extend(tail::fires(canvas, 4, 2));
    }
    rows.extend(
        facts
            .incident_note
            .clone()
            .map(|note| Row::words(3, note, width)),
    );
    rows.extend(tail::rows(canvas).into_iter().map(|row| row.spaced(1)));
    rows
}

/// A source of SLOs is lost, and another one pages: half of the face each.
pub(super) fn both(canvas: Canvas<'_>, is_moved: bool) -> Wall {
    let (first, second) = halves(canvas, is_moved);
    let mut pieces = place(
        blind_rows(canvas, first.height),
        first,
        canvas.margin,
        Some(Ground::Blind),
    );
    if let Some(burning) = &canvas.facts.burning {
        let (mut rows, overflow) = page_rows(canvas, burning, second.height.saturating_sub(2));
        rows.extend(overflow.map(|mut row| {
            row.rank = 6;
            row
        }));
        rows.push(Row::words(5, burning.who.clone(), canvas.room()));
        rows.extend(tail::rows(canvas));
        rows.retain(|row| !row.is_blank());
        pieces.extend(place(rows, second, canvas.margin, Some(Ground::Page)));
    }
    Wall {
        grounds: vec![(first, Ground::Blind), (second, Ground::Page)],
        pieces,
        is_dim: false,
    }
}
