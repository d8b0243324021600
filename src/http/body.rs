//! An answer's bytes while they come.

/// How much is kept in one piece.
const BLOCK: usize = 64 * 1024;

/// A body in the making, in blocks.
///
/// One that grows as a whole would take twice its size while it moves, and memory allocators keep
/// pieces that large: a server that floods us would have grown us for good.
#[derive(Default)]
pub(super) struct Body {
    blocks: Vec<Vec<u8>>,
}

impl Body {
    /// Takes in what came next.
    pub(super) fn extend(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = self.blocks.last().map_or(0, |block| BLOCK - block.len());
            if room == 0 {
                self.blocks.push(Vec::with_capacity(BLOCK));
            } else if let Some(block) = self.blocks.last_mut() {
                let (fitting, rest) = bytes.split_at(room.min(bytes.len()));
                block.extend_from_slice(fitting);
                bytes = rest;
            }
        }
    }

    /// The body in one piece.
    pub(super) fn whole(self) -> Vec<u8> {
        self.blocks.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_whole_whatever_pieces_it_came_in() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3 * BLOCK + 7).collect();
        for size in [
            1,
            1_000,
            BLOCK - 1,
            BLOCK,
            BLOCK + 1,
            2 * BLOCK,
            bytes.len(),
        ] {
            let mut body = Body::default();
            bytes.chunks(size).for_each(|piece| body.extend(piece));
            assert!(body.whole() == bytes, "pieces of {size}");
        }
        assert!(Body::default().whole().is_empty());
    }
}
