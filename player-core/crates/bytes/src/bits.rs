/// Reads a slice bit by bit, most significant first; `None` past the end.
#[derive(Debug, Clone, Copy)]
pub struct BitCursor<'a> {
    bytes: &'a [u8],
    bit: usize,
}

impl<'a> BitCursor<'a> {
    /// A cursor at the first bit of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        BitCursor { bytes, bit: 0 }
    }

    /// Number of bits read.
    pub fn position(&self) -> usize {
        self.bit
    }

    /// Number of bits not read.
    pub fn remaining(&self) -> usize {
        self.bytes.len() * 8 - self.bit
    }

    /// The next bit.
    pub fn flag(&mut self) -> Option<bool> {
        let byte = *self.bytes.get(self.bit / 8)?;
        let set = byte >> (7 - self.bit % 8) & 1 == 1;
        self.bit += 1;
        Some(set)
    }

    /// The next `n` bits, at most 64, as a number. Reads nothing when fewer are left.
    pub fn bits(&mut self, n: u32) -> Option<u64> {
        if n > 64 || n as usize > self.remaining() {
            return None;
        }
        let mut value = 0;
        for _ in 0..n {
            value = value << 1 | u64::from(self.flag()?);
        }
        Some(value)
    }

    /// Passes over `n` bits.
    pub fn skip(&mut self, n: usize) -> Option<()> {
        if n > self.remaining() {
            return None;
        }
        self.bit += n;
        Some(())
    }

    /// Unsigned Exp-Golomb code, ITU-T H.264 9.1.
    pub fn ue(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        let tail = self.bits(zeros)?;
        u32::try_from((1u64 << zeros) - 1 + tail).ok()
    }

    /// Signed Exp-Golomb code, ITU-T H.264 9.1.1.
    pub fn se(&mut self) -> Option<i32> {
        let k = i64::from(self.ue()?);
        let magnitude = (k + 1) / 2;
        i32::try_from(if k % 2 == 1 { magnitude } else { -magnitude }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_decode_as_in_the_standards_table() {
        let mut b = BitCursor::new(&[0b1010_0110, 0b0100_0010, 0b1000_0000]);
        assert_eq!((b.ue(), b.ue(), b.ue(), b.ue(), b.ue()), (Some(0), Some(1), Some(2), Some(3), Some(4)));
    }

    #[test]
    fn exp_golomb_of_only_zeros_is_none() {
        assert_eq!(BitCursor::new(&[0; 16]).ue(), None);
    }
}
