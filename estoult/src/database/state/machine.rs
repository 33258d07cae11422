//! Whether a database is connected, for all of its lifespans: one state machine, as plain data.
//!
//! Each method is one transition, which the caller makes under a lock. An event that comes too late, because the state
//! has moved on, changes nothing, and the method says so.
//!
//! Invariant: nothing here waits, locks or talks to a database.

/// The number of an attempt to connect or to disconnect: an event that comes too late has the number of an old one.
pub(in crate::database) type AttemptId = u64;

/// The state of one database.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(in crate::database) struct State {
    phase: Phase,
    last_id: AttemptId,
}

/// The states. The usual way is from the first to the last and around again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(in crate::database) enum Phase {
    /// No lifespan keeps it connected, and no caller works on it. The next caller starts an attempt.
    #[default]
    Idle,
    /// One attempt to connect is under way for all callers that wait. It ends in `Connected`, or in `Idle` when it
    /// fails or the last caller gives up.
    Connecting {
        id: AttemptId,
        waiting: usize,
        /// Whether connections are open, and the `on_connect` hooks use them.
        is_open: bool,
    },
    /// This many lifespans keep it connected. The last one to end leads to `Disconnecting` if there are hooks, else to
    /// `Closing`.
    Connected { lifespans: usize },
    /// The last lifespan has ended, and the `on_disconnect` hooks still use the connections. Callers that connect wait
    /// for the hooks; one that has waited long enough starts an attempt.
    Disconnecting { id: AttemptId },
    /// The last lifespan has ended, and its caller waits for connections in use. Callers that connect wait for nothing:
    /// they start an attempt, whose connections are of a new generation.
    Closing { id: AttemptId },
}

/// What happens to a caller that connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) enum Entry {
    /// The database is connected already, now by one more lifespan.
    Joined,
    /// The caller starts an attempt.
    Begun(AttemptId),
    /// The caller waits for the attempt that is under way.
    Shared(AttemptId),
    /// The `on_disconnect` hooks run first; the caller tries again afterwards.
    AfterHooks(AttemptId),
}

/// What happens to an attempt that one caller no longer waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) enum Withdrawal {
    /// Other callers still wait for it.
    Shared,
    /// No other caller waits: the connections that it opened must be closed.
    Abandoned,
    /// It is over: when it succeeded, the caller has a lifespan to end.
    Over,
}

/// What happens to the database when a lifespan ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) enum Leave {
    /// This many other lifespans keep it connected.
    Others(usize),
    /// It was the last one: the database must be disconnected.
    Last(AttemptId),
}

impl State {
    pub(in crate::database) fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether statements run on pooled connections.
    pub(in crate::database) fn is_open(&self) -> bool {
        match self.phase {
            Phase::Connecting { is_open, .. } => is_open,
            Phase::Connected { .. } | Phase::Disconnecting { .. } => true,
            Phase::Idle | Phase::Closing { .. } => false,
        }
    }

    /// Whether released connections are pooled.
    pub(in crate::database) fn is_pooled(&self) -> bool {
        !matches!(self.phase, Phase::Idle | Phase::Closing { .. })
    }

    fn next_id(&mut self) -> AttemptId {
        self.last_id += 1;
        self.last_id
    }

    /// A caller connects.
    pub(in crate::database) fn enter(&mut self) -> Entry {
        match &mut self.phase {
            // Counted here, under the lock: the lifespan that ends at the same time is not the last one then.
            Phase::Connected { lifespans } => {
                *lifespans += 1;
                Entry::Joined
            }
            Phase::Connecting { id, waiting, .. } => {
                *waiting += 1;
                Entry::Shared(*id)
            }
            // The hooks of one lifespan end before those of the next one begin, unless they are late.
            Phase::Disconnecting { id } => Entry::AfterHooks(*id),
            // Connections that are still in use belong to the earlier lifespans, and are closed on release.
            Phase::Idle | Phase::Closing { .. } => self.begin(),
        }
    }

    fn begin(&mut self) -> Entry {
        let id = self.next_id();
        self.phase = Phase::Connecting {
            id,
            waiting: 1,
            is_open: false,
        };
        Entry::Begun(id)
    }

    /// A caller connects that has waited long enough for the `on_disconnect` hooks.
    pub(in crate::database) fn overtake(&mut self, disconnecting: AttemptId) -> Entry {
        // Other hooks may run by now, which this caller has not waited for, so the number counts.
        if self.phase == (Phase::Disconnecting { id: disconnecting }) {
            self.begin()
        } else {
            self.enter()
        }
    }

    /// An attempt has opened its connections. Whether the attempt is still the current one.
    pub(in crate::database) fn opened(&mut self, attempt: AttemptId) -> bool {
        match &mut self.phase {
            Phase::Connecting { id, is_open, .. } if *id == attempt => {
                *is_open = true;
                true
            }
            _ => false,
        }
    }

    /// An attempt succeeded: each waiting caller has a lifespan. Whether the attempt is still the current one.
    pub(in crate::database) fn succeed(&mut self, attempt: AttemptId) -> bool {
        match self.phase {
            Phase::Connecting { id, waiting, .. } if id == attempt => {
                self.phase = Phase::Connected { lifespans: waiting };
                true
            }
            _ => false,
        }
    }

    /// An attempt failed, for all waiting callers. Whether the attempt is still the current one.
    pub(in crate::database) fn fail(&mut self, attempt: AttemptId) -> bool {
        match self.phase {
            Phase::Connecting { id, .. } if id == attempt => {
                self.phase = Phase::Idle;
                true
            }
            _ => false,
        }
    }

    /// A caller no longer waits for an attempt.
    pub(in crate::database) fn withdraw(&mut self, attempt: AttemptId) -> Withdrawal {
        match &mut self.phase {
            Phase::Connecting { id, waiting, .. } if *id == attempt => {
                // The attempt goes on for the others, also when this caller started it.
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

    /// A lifespan ends. `has_hooks`: there are `on_disconnect` hooks.
    pub(in crate::database) fn leave(&mut self, has_hooks: bool) -> Leave {
        match &mut self.phase {
            // Others keep the database connected, so neither hooks nor connections are touched.
            Phase::Connected { lifespans } if *lifespans > 1 => {
                *lifespans -= 1;
                Leave::Others(*lifespans)
            }
            Phase::Connected { .. } => {
                let id = self.next_id();
                self.phase = if has_hooks {
                    Phase::Disconnecting { id }
                } else {
                    Phase::Closing { id }
                };
                Leave::Last(id)
            }
            // A lifespan is counted for as long as it lives, so none can end in another state.
            _ => Leave::Others(0),
        }
    }

    /// The `on_disconnect` hooks have ended, or were stopped. Whether no caller has connected again meanwhile.
    pub(in crate::database) fn hooks_ended(&mut self, disconnecting: AttemptId) -> bool {
        // Hooks may be stopped twice, by the caller that ends the lifespan and by one that overtakes them.
        let is_current = [
            Phase::Disconnecting { id: disconnecting },
            Phase::Closing { id: disconnecting },
        ]
        .contains(&self.phase);
        if is_current {
            self.phase = Phase::Closing { id: disconnecting };
        }
        is_current
    }

    /// No caller waits for connections in use any more.
    pub(in crate::database) fn closed(&mut self, disconnecting: AttemptId) {
        // A caller that connected meanwhile has moved the state on, and its connections are not those that were closed.
        if self.hooks_ended(disconnecting) {
            self.phase = Phase::Idle;
        }
    }
}

#[cfg(test)]
mod tests;
