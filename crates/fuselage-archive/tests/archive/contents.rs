//! Contents of files: the same ones every time.

use crate::mutations::Random;

/// What a file has in it, without having it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    pub(crate) kind: ContentKind,
    /// Bytes.
    pub(crate) length: usize,
    /// Two of one kind and seed begin alike.
    pub(crate) seed: u64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ContentKind {
    Text,
    Noise,
    /// Machine code, which BCJ filters change.
    Calls,
    Zeros,
    /// Zeros with a few words in between.
    Islands,
}

impl Content {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self.kind {
            ContentKind::Text => text(self.length, self.seed),
            ContentKind::Noise => noise(self.length, self.seed),
            ContentKind::Calls => calls(self.length, self.seed),
            ContentKind::Zeros => vec![0; self.length],
            ContentKind::Islands => islands(self.length, self.seed),
        }
    }
}

/// What no compressor makes smaller by much.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::of(seed);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend(random.next().to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Numbered lines.
pub(crate) fn text(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 80);
    for number in seed.. {
        if bytes.len() >= length {
            break;
        }
        bytes.extend(format!("line {number} of a text that has more of them\n").into_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Calls of a few functions from everywhere, for five processors in turn.
fn calls(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length + 8);
    for position in (0..length as u32).step_by(8) {
        let target = 0x1_0000 + (position / 8 % 7) * 0x1230;
        let distance = target.wrapping_sub(position);
        let words = distance >> 2;
        let section = u64::from(position >> 14);
        let call = match (seed + section) % 5 {
            0 => [&[0xe8][..], &distance.wrapping_sub(5).to_le_bytes()].concat(),
            1 => ((words.wrapping_sub(2) & 0xff_ffff) | 0xeb00_0000)
                .to_le_bytes()
                .to_vec(),
            2 => ((distance & 0x3ff_fffc) | 0x4800_0001)
                .to_be_bytes()
                .to_vec(),
            3 if words >> 29 == 0 => ((words & 0x3f_ffff) | 0x4000_0000).to_be_bytes().to_vec(),
            3 => ((words & 0x3f_ffff) | 0x7fc0_0000).to_be_bytes().to_vec(),
            _ => {
                let halves = distance.wrapping_sub(4) >> 1;
                let (high, low) = ((halves >> 11) & 0x7ff, halves & 0x7ff);
                ((high | 0xf000) | (low | 0xf800) << 16)
                    .to_le_bytes()
                    .to_vec()
            }
        };
        bytes.extend(&call);
        bytes.resize(position as usize + 8, 0x90);
    }
    bytes.truncate(length);
    bytes
}

fn islands(length: usize, seed: u64) -> Vec<u8> {
    let mut random = Random::of(seed);
    let mut bytes = vec![0; length];
    for _ in 0..=random.below(3) {
        let at = random.below(length);
        let end = (at + 1 + random.below(5000)).min(length);
        let island = text(end - at, seed);
        bytes[at..end].copy_from_slice(&island);
    }
    bytes
}
