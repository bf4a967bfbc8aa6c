//! Tells a worker that computes and gets nowhere from one that is slow.

use std::time::Duration;

/// How often it is looked.
pub(crate) const INTERVAL: Duration = Duration::from_secs(10);
/// Processor time, of all threads together, that may go by without any progress. One step between
/// two signs of progress takes seconds at most; what waits for a slow disk, for memory or for a
/// stopped process takes none.
pub(crate) const ALLOWANCE: Duration = Duration::from_secs(300);

/// What was seen of a worker last, and when it was new.
#[derive(Debug)]
pub(crate) struct Watchdog<T> {
    allowance: Duration,
    last: Option<(T, Duration)>,
}

impl<T: PartialEq> Watchdog<T> {
    /// One that allows so much processor time between two different sights.
    pub(crate) fn new(allowance: Duration) -> Self {
        Self {
            allowance,
            last: None,
        }
    }

    /// Whether a worker that has used so much processor time is stuck, since `seen` has been the
    /// same for too long.
    pub(crate) fn is_stuck(&mut self, seen: T, used: Duration) -> bool {
        match &self.last {
            Some((last, since)) if *last == seen => used.saturating_sub(*since) > self.allowance,
            _ => {
                self.last = Some((seen, used));
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_processor_time_without_progress_counts() {
        let seconds = Duration::from_secs;
        let mut watchdog = Watchdog::new(seconds(300));
        assert!(!watchdog.is_stuck("a", seconds(1000)), "the first sight");
        assert!(!watchdog.is_stuck("a", seconds(1300)), "not above it");
        assert!(!watchdog.is_stuck("b", seconds(1301)), "something new");
        for _ in 0..1000 {
            assert!(!watchdog.is_stuck("b", seconds(1301)), "it waits");
        }
        assert!(!watchdog.is_stuck("b", seconds(1601)));
        assert!(watchdog.is_stuck("b", seconds(1602)));
    }
}
