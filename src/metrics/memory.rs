//! The memory of this process, as the kernel counts it.

/// The resident memory. Linux writes it to `/proc/self/status`, in KiB. None on other systems.
pub fn resident_bytes() -> Option<u64> {
    of_status(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn of_status(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_status_of_the_kernel() {
        let status = "Name:\thansho\nVmPeak:\t  9000 kB\nVmRSS:\t    8123 kB\nThreads:\t1\n";
        assert_eq!(of_status(status), Some(8123 * 1024));
        for odd in ["", "VmRSS:\t many kB\n", "VmRSS:\t1 MB\n"] {
            assert_eq!(of_status(odd), None, "{odd}");
        }
    }
}
