//! One line that holds a sample: name, labels, value, time and exemplar.

use std::borrow::Cow;

use super::Format;

/// Labels, borrowed from the body where nothing is escaped.
pub(super) type Labels<'b> = Vec<(Cow<'b, str>, Cow<'b, str>)>;

/// A sample without its labels.
pub(super) struct Sample<'b> {
    pub(super) name: Cow<'b, str>,
    pub(super) value: f64,
    pub(super) at: Option<i64>,
}

/// What is left to read of a line.
pub(super) struct Line<'b> {
    rest: &'b str,
    format: Format,
}

impl<'b> Line<'b> {
    pub(super) fn new(text: &'b str, format: Format) -> Self {
        let text = match format {
            Format::OpenMetrics => text,
            Format::Text => text.trim_matches([' ', '\t', '\r']),
        };
        Self { rest: text, format }
    }

    /// Reads the whole line; `labels` is empty before.
    pub(super) fn sample(mut self, labels: &mut Labels<'b>) -> Result<Sample<'b>, &'static str> {
        let plain = self.name(true);
        let mut name = (!plain.is_empty()).then_some(Cow::Borrowed(plain));
        let unread = self.rest.len();
        self.blanks();
        if self.rest.starts_with('{') {
            self.labels(&mut name, labels)?;
            self.blanks();
        } else if self.rest.len() == unread || name.is_none() {
            return Err("this is no sample: expected a name, then a value");
        }
        let name = name.ok_or("the name of the series is missing")?;
        let value = number(self.word()).ok_or("the value is no number")?;
        self.blanks();
        let at = match self.rest.as_bytes().first() {
            None | Some(b'#') => None,
            Some(_) => Some(self.time()?),
        };
        self.blanks();
        self.exemplar()?;
        if self.rest.is_empty() {
            Ok(Sample { name, value, at })
        } else {
            Err("something follows the sample")
        }
    }

    /// A name without quotes, or nothing; only a metric's may hold colons.
    fn name(&mut self, colons: bool) -> &'b str {
        let is_part =
            |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (colons && byte == b':');
        let bytes = self.rest.as_bytes();
        if bytes.first().is_some_and(u8::is_ascii_digit) {
            return "";
        }
        let end = bytes.iter().position(|&byte| !is_part(byte));
        self.take(end.unwrap_or(bytes.len()))
    }

    /// Everything between braces, and the name when it stands there in quotes.
    fn labels(
        &mut self,
        name: &mut Option<Cow<'b, str>>,
        labels: &mut Labels<'b>,
    ) -> Result<(), &'static str> {
        self.skip("{");
        loop {
            self.blanks();
            if self.skip("}") {
                return Ok(());
            }
            if self.rest.starts_with('"') {
                let quoted = self.quoted()?;
                self.blanks();
                if self.skip("=") {
                    self.label(quoted, labels)?;
                } else if name.is_none() && labels.is_empty() {
                    *name = Some(quoted);
                } else {
                    return Err("a label has no value");
                }
            } else {
                let label = self.name(false);
                if label.is_empty() {
                    return Err("the name of a label is missing or not allowed");
                }
                self.blanks();
                if !self.skip("=") {
                    return Err("a label has no value");
                }
                self.label(Cow::Borrowed(label), labels)?;
            }
            self.blanks();
            if !self.skip(",") && !self.rest.starts_with('}') {
                return Err("labels are not closed: expected `,` or `}`");
            }
        }
    }

    fn label(&mut self, name: Cow<'b, str>, labels: &mut Labels<'b>) -> Result<(), &'static str> {
        self.blanks();
        if !self.rest.starts_with('"') {
            return Err("the value of a label stands in quotes");
        }
        let value = self.quoted()?;
        if name == "__name__" || labels.iter().any(|(known, _)| *known == name) {
            return Err("a label stands there twice");
        }
        labels.push((name, value));
        Ok(())
    }

    /// A text in quotes; `\\`, `\"` and `\n` are undone, any other `\` stands for itself.
    fn quoted(&mut self) -> Result<Cow<'b, str>, &'static str> {
        self.skip("\"");
        let mut escaped = false;
        let mut end = None;
        let mut bytes = self.rest.bytes().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'"' => {
                    end = Some(at);
                    break;
                }
                b'\\' => {
                    escaped = true;
                    bytes.next();
                }
                _ => {}
            }
        }
        let text = self.take(end.ok_or("a quote is not closed")?);
        self.skip("\"");
        Ok(if escaped {
            Cow::Owned(unescaped(text))
        } else {
            Cow::Borrowed(text)
        })
    }

    /// A time in Unix milliseconds.
    fn time(&mut self) -> Result<i64, &'static str> {
        const WRONG: &str = "the time is no number";
        let word = self.word();
        match self.format {
            Format::Text => word.parse().map_err(|_| WRONG),
            Format::OpenMetrics => {
                let seconds = number(word).filter(|seconds| seconds.abs() < 1e12);
                Ok(milliseconds(seconds.ok_or(WRONG)?))
            }
        }
    }

    /// ` # {labels} value [time]`: checked and left out.
    fn exemplar(&mut self) -> Result<(), &'static str> {
        const WRONG: &str = "the exemplar is not `# {labels} value`";
        if self.format == Format::Text || !self.skip("#") {
            return Ok(());
        }
        self.blanks();
        if !self.rest.starts_with('{') {
            return Err(WRONG);
        }
        self.labels(&mut None, &mut Labels::new())?;
        self.blanks();
        number(self.word()).ok_or(WRONG)?;
        self.blanks();
        if !self.rest.is_empty() {
            self.time()?;
        }
        Ok(())
    }

    fn word(&mut self) -> &'b str {
        let end = self.rest.find([' ', '\t']);
        self.take(end.unwrap_or(self.rest.len()))
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn skip(&mut self, token: &str) -> bool {
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn take(&mut self, length: usize) -> &'b str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some(c @ ('\\' | '"')) => out.push(c),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// A number of the formats: also `NaN`, `Inf` and `Infinity` in any case.
fn number(word: &str) -> Option<f64> {
    word.parse().ok()
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn milliseconds(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}
