/// Reads a slice from front to back; every read is checked and gives `None` when the slice is too short, without moving.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a> {
    rest: &'a [u8],
    position: usize,
}

macro_rules! read {
    ($(#[$doc:meta] $name:ident: $ty:ty, $from:ident, $n:literal;)*) => {$(
        #[$doc]
        pub fn $name(&mut self) -> Option<$ty> {
            self.array::<$n>().map(<$ty>::$from)
        }
    )*};
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Cursor { rest: bytes, position: 0 }
    }

    /// What has not been read.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Number of bytes not read.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Number of bytes read.
    pub fn position(&self) -> usize {
        self.position
    }

    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(n)?;
        self.rest = tail;
        self.position += n;
        Some(head)
    }

    /// Passes over `n` bytes.
    pub fn skip(&mut self, n: usize) -> Option<()> {
        self.take(n).map(|_| ())
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    read! {
        /// One byte.
        u8: u8, from_be_bytes, 1;
        /// Big-endian 16 bits.
        u16_be: u16, from_be_bytes, 2;
        /// Big-endian 32 bits.
        u32_be: u32, from_be_bytes, 4;
        /// Big-endian 64 bits.
        u64_be: u64, from_be_bytes, 8;
        /// Big-endian signed 16 bits.
        i16_be: i16, from_be_bytes, 2;
        /// Big-endian signed 32 bits.
        i32_be: i32, from_be_bytes, 4;
        /// Big-endian signed 64 bits.
        i64_be: i64, from_be_bytes, 8;
        /// Little-endian 16 bits.
        u16_le: u16, from_le_bytes, 2;
        /// Little-endian 32 bits.
        u32_le: u32, from_le_bytes, 4;
        /// Little-endian 64 bits.
        u64_le: u64, from_le_bytes, 8;
        /// Little-endian signed 32 bits.
        i32_le: i32, from_le_bytes, 4;
        /// Little-endian signed 64 bits.
        i64_le: i64, from_le_bytes, 8;
    }

    /// Big-endian 24 bits.
    pub fn u24_be(&mut self) -> Option<u32> {
        self.array::<3>().map(|[a, b, c]| u32::from_be_bytes([0, a, b, c]))
    }
}
