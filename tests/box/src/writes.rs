//! All writes to a disk in their order, as the kernel's device-mapper target `log-writes` records them
//! (Documentation/admin-guide/device-mapper/log-writes.rst), so that a power cut after each can be tried.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::FileExt;

use crate::Disk;

/// `WRITE_LOG_MAGIC` and `WRITE_LOG_VERSION` of drivers/md/dm-log-writes.c.
const MAGIC: u64 = 0x006a_7366_7773_6872;
const VERSION: u64 = 1;
/// `LOG_DISCARD_FLAG` there.
const DISCARD: u64 = 1 << 2;
/// Bytes of `struct log_write_super` and `struct log_write_entry`.
const SUPER: usize = 28;
const ENTRY: usize = 32;
/// No write of a small disk is larger.
const MOST: u64 = 64 << 20;

/// Bytes that went to a place of the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// Where, in bytes from the disk's beginning.
    pub at: u64,
    /// What.
    pub bytes: Vec<u8>,
}

impl Write {
    /// Does it to a copy of the disk.
    pub fn apply(&self, disk: &Disk) -> Result<(), String> {
        let file = File::options().write(true).open(disk.path());
        let done = file.and_then(|file| file.write_all_at(&self.bytes, self.at));
        done.map_err(|e| format!("{}: {e}", disk.path().display()))
    }
}

/// The writes on a disk that was the log of another.
pub fn writes(log: &Disk) -> Result<Vec<Write>, String> {
    let read = || -> std::io::Result<Result<Vec<Write>, String>> {
        let mut file = File::open(log.path())?;
        let size = file.metadata()?.len();
        let mut header = [0; SUPER];
        file.read_exact(&mut header)?;
        if (number(&header, 0), number(&header, 8)) != (MAGIC, VERSION) {
            return Ok(Err("it is not a log of writes".into()));
        }
        let sector = u64::from(u32::from_le_bytes([header[24], header[25], header[26], header[27]]));
        let mut at = sector;
        let mut writes = Vec::new();
        for _ in 0..number(&header, 16) {
            file.seek(SeekFrom::Start(at))?;
            let mut entry = [0; ENTRY];
            file.read_exact(&mut entry)?;
            at += sector;
            // A mark has its words in the same sector, a discard nothing.
            let length = number(&entry, 8).saturating_mul(sector);
            if number(&entry, 16) & DISCARD != 0 || length == 0 {
                continue;
            }
            if length > MOST.min(size) {
                return Ok(Err(format!("a write of {length} bytes")));
            }
            let mut bytes = vec![0; length as usize];
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut bytes)?;
            at += length;
            writes.push(Write { at: number(&entry, 0).saturating_mul(sector), bytes });
        }
        Ok(Ok(writes))
    };
    let writes = read().unwrap_or_else(|e| Err(e.to_string()));
    writes.map_err(|why| format!("{}: {why}", log.path().display()))
}

fn number(bytes: &[u8], at: usize) -> u64 {
    bytes[at..].first_chunk().map_or(0, |number| u64::from_le_bytes(*number))
}
