//! What the lifespans of a database come to: one state machine, as plain data.
//!
//! Each method is one transition, which the caller makes under a lock. Where an event comes too late, because the state
//! has moved on, the method says so and changes nothing.
//!
//! Invariant: nothing here waits, locks or talks to a database.

/// A number for each attempt to connect and each parting, so that one that comes too late is told apart.
pub(super) type Turn = u64;

/// How far one database is connected.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct Life {
    phase: Phase,
    last_turn: Turn,
}

/// The states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// No lifespan keeps it connected.
    #[default]
    Idle,
    /// One attempt to connect is under way, for all who wait.
    Connecting {
        turn: Turn,
        waiting: usize,
        /// Whether connections are there, and what runs on connect uses them.
        is_greeting: bool,
    },
    /// So many lifespans keep it connected.
    Connected { lifespans: usize },
    /// The last lifespan has ended, and what runs on disconnect still uses the connections.
    Parting { turn: Turn },
    /// The last lifespan has ended, and connections in use are waited for.
    Closing { turn: Turn },
}

/// What becomes of somebody who wants it connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// It is connected already, now by one lifespan more.
    Joined,
    /// An attempt to connect begins.
    Begun(Turn),
    /// The attempt that is under way is waited for.
    Shared(Turn),
    /// What runs on disconnect goes first; the caller asks again afterwards.
    AfterParting(Turn),
}

/// What becomes of an attempt that somebody no longer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Withdrawal {
    /// Others still wait for it.
    Shared,
    /// Nobody does: what it opened is to be closed.
    Abandoned,
    /// It is over: when it succeeded, the caller has a lifespan to end.
    Over,
}

/// What becomes of the database when a lifespan ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Departure {
    /// So many other lifespans go on.
    Others(usize),
    /// It was the last one: the database is to be disconnected.
    Last(Turn),
}

impl Life {
    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether statements run on connections that are kept.
    pub(super) fn is_open(&self) -> bool {
        match self.phase {
            Phase::Connecting { is_greeting, .. } => is_greeting,
            Phase::Connected { .. } | Phase::Parting { .. } => true,
            Phase::Idle | Phase::Closing { .. } => false,
        }
    }

    /// Whether connections that come back are kept.
    pub(super) fn is_kept(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::Closing { .. })
    }

    fn next_turn(&mut self) -> Turn {
        self.last_turn += 1;
        self.last_turn
    }

    /// Somebody wants it connected.
    pub(super) fn enter(&mut self) -> Entry {
        match &mut self.phase {
            Phase::Connected { lifespans } => {
                *lifespans += 1;
                Entry::Joined
            }
            Phase::Connecting { turn, waiting, .. } => {
                *waiting += 1;
                Entry::Shared(*turn)
            }
            Phase::Parting { turn } => Entry::AfterParting(*turn),
            // What is still waited for belongs to the time before, and is closed when it comes back.
            Phase::Idle | Phase::Closing { .. } => self.begin(),
        }
    }

    fn begin(&mut self) -> Entry {
        let turn = self.next_turn();
        self.phase = Phase::Connecting {
            turn,
            waiting: 1,
            is_greeting: false,
        };
        Entry::Begun(turn)
    }

    /// Somebody wants it connected and has waited long enough for a parting.
    pub(super) fn overtake(&mut self, parting: Turn) -> Entry {
        if self.phase == (Phase::Parting { turn: parting }) {
            self.begin()
        } else {
            self.enter()
        }
    }

    /// An attempt has opened its connections; whether it is still the one that counts.
    pub(super) fn greet(&mut self, attempt: Turn) -> bool {
        match &mut self.phase {
            Phase::Connecting {
                turn, is_greeting, ..
            } if *turn == attempt => {
                *is_greeting = true;
                true
            }
            _ => false,
        }
    }

    /// An attempt succeeded: everybody who waits has a lifespan. Whether it is still the one that counts.
    pub(super) fn succeed(&mut self, attempt: Turn) -> bool {
        match self.phase {
            Phase::Connecting { turn, waiting, .. } if turn == attempt => {
                self.phase = Phase::Connected { lifespans: waiting };
                true
            }
            _ => false,
        }
    }

    /// An attempt failed, for everybody who waits. Whether it is still the one that counts.
    pub(super) fn fail(&mut self, attempt: Turn) -> bool {
        match self.phase {
            Phase::Connecting { turn, .. } if turn == attempt => {
                self.phase = Phase::Idle;
                true
            }
            _ => false,
        }
    }

    /// Somebody no longer waits for an attempt.
    pub(super) fn withdraw(&mut self, attempt: Turn) -> Withdrawal {
        match &mut self.phase {
            Phase::Connecting { turn, waiting, .. } if *turn == attempt => {
                *waiting = waiting.saturating_sub(1);
                if *waiting > 0 {
                    return Withdrawal::Shared;
                }
                self.phase = Phase::Idle;
                Withdrawal::Abandoned
            }
            _ => Withdrawal::Over,
        }
    }

    /// A lifespan ends; `has_farewell` when something runs on disconnect.
    pub(super) fn leave(&mut self, has_farewell: bool) -> Departure {
        match &mut self.phase {
            Phase::Connected { lifespans } if *lifespans > 1 => {
                *lifespans -= 1;
                Departure::Others(*lifespans)
            }
            Phase::Connected { .. } => {
                let turn = self.next_turn();
                self.phase = if has_farewell {
                    Phase::Parting { turn }
                } else {
                    Phase::Closing { turn }
                };
                Departure::Last(turn)
            }
            // A lifespan counts for as long as it lives, so none can end in another state.
            _ => Departure::Others(0),
        }
    }

    /// What ran on disconnect has ended, or may not go on; whether nobody has overtaken it.
    pub(super) fn part(&mut self, parting: Turn) -> bool {
        let is_current = [
            Phase::Parting { turn: parting },
            Phase::Closing { turn: parting },
        ]
        .contains(&self.phase);
        if is_current {
            self.phase = Phase::Closing { turn: parting };
        }
        is_current
    }

    /// Nobody waits for connections in use any more.
    pub(super) fn close(&mut self, parting: Turn) {
        if self.part(parting) {
            self.phase = Phase::Idle;
        }
    }
}

#[cfg(test)]
mod tests;
