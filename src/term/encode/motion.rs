//! Ways of moving the cursor, each as the bytes it takes.

/// CUP: a row or column of 1 may be left out.
pub(super) fn absolute(x: u16, y: u16) -> Vec<u8> {
    match (x, y) {
        (0, 0) => b"\x1b[H".to_vec(),
        (0, y) => sequence(y + 1, b'H'),
        (x, 0) => format!("\x1b[;{}H", x + 1).into_bytes(),
        (x, y) => format!("\x1b[{};{}H", y + 1, x + 1).into_bytes(),
    }
}

/// A control sequence with one parameter, which may be left out when it is 1.
pub(super) fn sequence(count: u16, command: u8) -> Vec<u8> {
    let mut way = b"\x1b[".to_vec();
    if count != 1 {
        way.extend_from_slice(count.to_string().as_bytes());
    }
    way.push(command);
    way
}

/// CUF, CUB or backspaces.
pub(super) fn sideways(from: u16, to: u16) -> Vec<u8> {
    if to > from {
        return sequence(to - from, b'C');
    }
    let back = from - to;
    if back <= 4 {
        return vec![b'\x08'; usize::from(back)];
    }
    sequence(back, b'D')
}

/// CUD or CUU.
pub(super) fn upright(from: u16, to: u16) -> Vec<u8> {
    if to > from {
        sequence(to - from, b'B')
    } else {
        sequence(from - to, b'A')
    }
}

/// To the first columns of this row or one below it: CR, line feeds, CUF. A line feed only follows
/// a CR, so it does not matter whether the terminal adds one of its own.
pub(super) fn by_carriage_return(x: u16, y: u16, row: u16) -> Option<Vec<u8>> {
    let down = y.checked_sub(row)?;
    if down > 4 {
        return None;
    }
    let mut way = vec![b'\r'];
    way.extend(std::iter::repeat_n(b'\n', usize::from(down)));
    if x > 0 {
        way.extend_from_slice(&sequence(x, b'C'));
    }
    Some(way)
}
