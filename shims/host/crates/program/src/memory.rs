//! How much memory there is, and how the process deals with what it no longer needs.

/// Has large blocks go back to the system when they are freed, however large those before were. glibc otherwise keeps all blocks smaller than
/// the largest that was ever freed (mallopt(3), `M_MMAP_THRESHOLD`), and the first is a whole core that was read at start.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "a setting of the C library")]
pub fn give_back_memory() {
    /// Bytes from which on a block is large: glibc's own value before it moves it.
    const LARGE: i32 = 128 << 10;
    // SAFETY: sets a number of the allocator, under its lock; it is no pointer, and any value is allowed.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
}

/// Other C libraries give large blocks back.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back_memory() {}

/// Bytes of memory this system has.
#[cfg(target_os = "linux")]
pub fn memory_bytes() -> u64 {
    let info = rustix::system::sysinfo();
    // A `c_ulong`, which is 32 bits wide on 32-bit machines.
    #[allow(clippy::useless_conversion)]
    let units = u64::from(info.totalram);
    units * u64::from(info.mem_unit)
}
