//! Signals that come while node is asked: passed on to it, and obeyed in the end also where it does
//! not.

use std::io;
use std::time::{Duration, Instant};

use fuselage_linux::child_end::ChildEnd;
use fuselage_linux::poll::Watch;
use fuselage_linux::process::{self, ExitKind, Pid, Signal};
use fuselage_linux::signals::{Arrival, Borrowed};

/// So long may node take to end after a signal; a second signal ends it at once.
const GRACE: Duration = Duration::from_secs(2);

/// The signals of one asking.
pub(crate) struct Interruption<'a> {
    signals: &'a Borrowed,
    /// The first that came.
    pub(crate) came: Option<Signal>,
    until: Option<Instant>,
}

impl<'a> Interruption<'a> {
    pub(crate) fn new(signals: &'a Borrowed) -> Self {
        Self {
            signals,
            came: None,
            until: None,
        }
    }

    /// Ready when a signal has come.
    pub(crate) fn watch(&self) -> Watch<'a> {
        Watch {
            descriptor: self.signals.descriptor(),
            write: false,
        }
    }

    /// How long node has left; without a limit where no signal came.
    pub(crate) fn time_left(&self) -> Option<Duration> {
        self.until
            .map(|until| until.saturating_duration_since(Instant::now()))
    }

    /// Whether node has had its time.
    pub(crate) fn is_over(&self) -> bool {
        self.time_left() == Some(Duration::ZERO)
    }

    /// Notes what has come, and forwards it where node did not get it from the terminal itself.
    pub(crate) fn pass_on(&mut self, node: Pid) {
        while let Some(arrival) = self.signals.next() {
            let grace = match self.came {
                None => GRACE,
                Some(_) => Duration::ZERO,
            };
            self.came.get_or_insert(arrival.signal);
            self.until = Some(Instant::now() + grace);
            if let Some(signal) = forwarded(arrival) {
                process::send_signal(node, signal);
            }
        }
    }

    /// Waits until node has ended, which it is told to by the signals that come, and by SIGKILL
    /// when its time is over.
    ///
    /// # Errors
    /// As `process::wait_for`.
    pub(crate) fn await_end(&mut self, node: Pid) -> io::Result<ExitKind> {
        let end = ChildEnd::of(node);
        loop {
            if let Some(how) = process::has_ended(node)? {
                return Ok(how);
            }
            if self.is_over() {
                process::send_signal(node, Signal::SIGKILL);
                return process::wait_for(node);
            }
            end.wait_beside(self.watch(), self.time_left())?;
            self.pass_on(node);
        }
    }
}

/// Node opens its inspector on SIGUSR1 in place of ending, so it is told to end by another one.
fn forwarded(arrival: Arrival) -> Option<Signal> {
    match arrival {
        Arrival {
            from_terminal: true,
            ..
        } => None,
        Arrival {
            signal: Signal::SIGUSR1,
            ..
        } => Some(Signal::SIGTERM),
        Arrival { signal, .. } => Some(signal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_on_the_terminal_is_not_forwarded_and_usr1_ends_node() {
        let arrival = |signal, from_terminal| Arrival {
            signal,
            from_terminal,
        };
        assert_eq!(forwarded(arrival(Signal::SIGINT, true)), None);
        assert_eq!(
            forwarded(arrival(Signal::SIGINT, false)),
            Some(Signal::SIGINT)
        );
        assert_eq!(
            forwarded(arrival(Signal::SIGUSR1, false)),
            Some(Signal::SIGTERM)
        );
    }
}
