//! Inputs from a corpus: each is a seed of the corpus, changed as a number says.

/// A generator of numbers, the same ones for the same seed: `SplitMix64`, by Sebastiano Vigna.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).expect("a length")
    }
}

/// What parsers stumble over.
const WORDS: [&[u8]; 40] = [
    b"",
    b"\0",
    b"\n",
    b"\r\n",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b",",
    b":",
    b"null",
    b"true",
    b"NaN",
    b"+Inf",
    b"-Inf",
    b"-0",
    b"1e999",
    b"-1e-999",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551616",
    b"0x1p3",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\\ud800",
    b"\\u0000",
    b"\xe2\x80\xae",
    b"1970-01-01T00:00:00Z",
    b"9999-12-31T23:59:59Z",
    b"-9999-01-01T00:00:00Z",
    b"0s",
    b"292y",
    b"$window",
    b"$__interval",
    b"# EOF",
    b"'''",
];

/// The longest input.
const MAX_LENGTH: usize = 128 * 1024;

/// A seed of the corpus with a few changes.
pub(crate) fn input(corpus: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(6) {
        change(&mut bytes, corpus, random);
    }
    bytes.truncate(MAX_LENGTH);
    bytes
}

fn change(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let length = random.below((bytes.len() - at).min(64) + 1);
    match random.below(9) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        1 if at < bytes.len() => bytes[at] = u8::try_from(random.below(256)).expect("a byte"),
        2 => drop(bytes.drain(at..at + length)),
        3 => {
            let part = bytes[at..at + length].to_vec();
            bytes.splice(at..at, part.repeat(1 + random.below(8)));
        }
        4 | 5 => {
            let word = WORDS[random.below(WORDS.len())];
            bytes.splice(at..at + length, word.iter().copied());
        }
        6 => bytes.truncate(at),
        7 => {
            // The end of another seed.
            let other = &corpus[random.below(corpus.len())];
            let from = random.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => number(bytes, at, random),
    }
}

/// Another number in place of the next one.
fn number(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let Some(start) = bytes[at..].iter().position(digit).map(|found| at + found) else {
        return;
    };
    let length = bytes[start..].iter().take_while(|byte| digit(byte)).count();
    let other = match random.below(4) {
        0 => random.next().to_string(),
        1 => random.below(10).to_string(),
        2 => format!("-{}", random.below(1_000)),
        _ => format!("{}e{}", random.below(10), random.below(400)),
    };
    bytes.splice(start..start + length, other.bytes());
}
