//! CPU time of this process, from the operating system.

use std::time::Duration;

/// User and system time of all threads since the process began.
///
/// Read from `/proc/self/stat` (fields 14 and 15, in clock ticks of 1/100 s on Linux), because `unsafe` calls are
/// forbidden here; workloads run for seconds, so 10 ms of resolution are enough.
pub(crate) fn process_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = |field: usize| -> u64 {
        after_name.split(' ').nth(field).and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// Resident memory of a process in bytes.
pub(crate) fn resident_bytes(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap_or_default() * 1024
}
