//! Every order in which a few callers connect, give up, fail, end and overtake each other, up to a bound.

use std::collections::HashSet;

use super::*;

/// The state of one caller. It begins outside, and connects a limited number of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Caller {
    Outside,
    /// Waits for an attempt.
    Waiting(AttemptId),
    /// Waits for the `on_disconnect` hooks.
    AfterHooks(AttemptId),
    /// Has a lifespan.
    Holding,
    /// Disconnects the database; the `on_disconnect` hooks have not ended.
    Disconnecting(AttemptId),
    /// Waits for connections in use.
    Closing(AttemptId),
}

/// How an attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Outcome {
    Succeeded,
    Failed,
}

/// Everything there is at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    state: State,
    has_hooks: bool,
    callers: Vec<(Caller, u8)>,
    /// The attempts that have ended.
    outcomes: Vec<(AttemptId, Outcome)>,
}

impl World {
    fn new(callers: usize, lifespans: u8, has_hooks: bool) -> Self {
        Self {
            state: State::default(),
            has_hooks,
            callers: vec![(Caller::Outside, lifespans); callers],
            outcomes: Vec::new(),
        }
    }

    fn outcome(&self, id: AttemptId) -> Option<Outcome> {
        let found = self.outcomes.iter().find(|(known, _)| *known == id);
        found.map(|(_, outcome)| *outcome)
    }

    fn count(&self, is_so: impl Fn(Caller) -> bool) -> usize {
        self.callers
            .iter()
            .filter(|(caller, _)| is_so(*caller))
            .count()
    }

    /// What can happen next: each possible world.
    fn successors(&self) -> Vec<Self> {
        let mut worlds = Vec::new();
        for number in 0..self.callers.len() {
            worlds.extend(self.steps(number));
        }
        if let Phase::Connecting { id, is_open, .. } = self.state.phase() {
            if !is_open {
                worlds.push(self.after(|world| assert!(world.state.opened(id))));
            }
            worlds.push(self.after(|world| {
                assert!(world.state.succeed(id));
                world.outcomes.push((id, Outcome::Succeeded));
            }));
            worlds.push(self.after(|world| {
                assert!(world.state.fail(id));
                world.outcomes.push((id, Outcome::Failed));
            }));
        }
        // An event of an attempt that is over comes too late, and changes nothing.
        for &(id, _) in &self.outcomes {
            let mut late = self.state.clone();
            assert!(!late.opened(id) && !late.succeed(id) && !late.fail(id));
            assert_eq!(late, self.state);
        }
        worlds
    }

    fn after(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut world = self.clone();
        change(&mut world);
        world
    }

    /// What one caller may do next.
    fn steps(&self, number: usize) -> Vec<Self> {
        let (caller, left) = self.callers[number];
        let put = |world: &mut Self, caller| world.callers[number].0 = caller;
        match caller {
            Caller::Outside if left == 0 => Vec::new(),
            Caller::Outside => vec![self.after(|world| {
                world.callers[number].1 -= 1;
                let entry = world.state.enter();
                put(world, entered(entry));
            })],
            Caller::AfterHooks(id) => self.steps_after_hooks(number, id),
            Caller::Waiting(id) => self.steps_of_waiting(number, id),
            Caller::Holding => vec![self.after(|world| world.leave(number))],
            Caller::Disconnecting(id) => vec![self.after(|world| {
                let next = if world.state.hooks_ended(id) {
                    Caller::Closing(id)
                } else {
                    Caller::Outside
                };
                put(world, next);
            })],
            Caller::Closing(id) => vec![self.after(|world| {
                world.state.closed(id);
                put(world, Caller::Outside);
            })],
        }
    }

    /// A caller that waits for hooks tries again, overtakes them, or gives up.
    fn steps_after_hooks(&self, number: usize, id: AttemptId) -> Vec<Self> {
        let put = |world: &mut Self, caller| world.callers[number].0 = caller;
        vec![
            self.after(|world| {
                let entry = world.state.enter();
                put(world, entered(entry));
            }),
            self.after(|world| {
                let entry = world.state.overtake(id);
                put(world, entered(entry));
            }),
            self.after(|world| put(world, Caller::Outside)),
        ]
    }

    /// A caller that waits for an attempt gets its outcome, or gives up at any time.
    fn steps_of_waiting(&self, number: usize, id: AttemptId) -> Vec<Self> {
        let mut worlds = Vec::new();
        if let Some(outcome) = self.outcome(id) {
            worlds.push(self.after(|world| {
                world.callers[number].0 = match outcome {
                    Outcome::Succeeded => Caller::Holding,
                    Outcome::Failed => Caller::Outside,
                };
            }));
        }
        worlds.push(self.after(|world| {
            world.callers[number].0 = Caller::Outside;
            if world.state.withdraw(id) == Withdrawal::Over {
                match world.outcome(id) {
                    // The caller has a lifespan that it no longer wants.
                    Some(Outcome::Succeeded) => world.leave(number),
                    Some(Outcome::Failed) => {}
                    None => panic!("an attempt is over without an outcome: {self:?}"),
                }
            }
        }));
        worlds
    }

    fn leave(&mut self, number: usize) {
        self.callers[number].0 = match self.state.leave(self.has_hooks) {
            Leave::Others(0) => panic!("a lifespan ended that was not counted: {self:?}"),
            Leave::Others(_) => Caller::Outside,
            Leave::Last(id) if self.has_hooks => Caller::Disconnecting(id),
            Leave::Last(id) => Caller::Closing(id),
        };
    }

    /// Checks the invariants of every state.
    fn check(&self) {
        let holding = self.count(|caller| caller == Caller::Holding);
        let given = self.count(|caller| {
            matches!(caller, Caller::Waiting(id) if self.outcome(id) == Some(Outcome::Succeeded))
        });
        match self.state.phase() {
            Phase::Connected { lifespans } => {
                assert_eq!(lifespans, holding + given, "{self:?}");
                assert!(lifespans > 0, "{self:?}");
            }
            Phase::Connecting { id, waiting, .. } => {
                assert_eq!(holding + given, 0, "{self:?}");
                assert_eq!(
                    waiting,
                    self.count(|caller| caller == Caller::Waiting(id)),
                    "{self:?}"
                );
                assert!(waiting > 0, "no caller waits for the attempt: {self:?}");
            }
            Phase::Disconnecting { id } => {
                assert_eq!(holding + given, 0, "{self:?}");
                assert_eq!(
                    self.count(|caller| caller == Caller::Disconnecting(id)),
                    1,
                    "{self:?}"
                );
            }
            Phase::Closing { id } => {
                assert_eq!(holding + given, 0, "{self:?}");
                assert_eq!(
                    self.count(|caller| caller == Caller::Closing(id)),
                    1,
                    "{self:?}"
                );
            }
            Phase::Idle => assert_eq!(holding + given, 0, "{self:?}"),
        }
        assert!(!self.state.is_open() || self.state.is_pooled(), "{self:?}");
    }

    fn is_at_rest(&self) -> bool {
        self.count(|caller| caller != Caller::Outside) == 0
    }
}

fn entered(entry: Entry) -> Caller {
    match entry {
        Entry::Joined => Caller::Holding,
        Entry::Begun(id) | Entry::Shared(id) => Caller::Waiting(id),
        Entry::AfterHooks(id) => Caller::AfterHooks(id),
    }
}

/// Tries every order; the number of different worlds.
fn explore(callers: usize, lifespans: u8, has_hooks: bool) -> usize {
    let first = World::new(callers, lifespans, has_hooks);
    let mut known = HashSet::from([first.clone()]);
    let mut open = vec![first];
    while let Some(world) = open.pop() {
        world.check();
        if world.is_at_rest() {
            // Without callers the database is idle, in whatever order they left.
            assert_eq!(world.state.phase(), Phase::Idle, "{world:?}");
        }
        let successors = world.successors();
        let is_stuck = successors.is_empty() && !world.is_at_rest();
        assert!(!is_stuck, "no caller can go on: {world:?}");
        for successor in successors {
            if known.insert(successor.clone()) {
                open.push(successor);
            }
        }
    }
    known.len()
}

#[test]
fn every_order_of_three_callers_is_balanced() {
    assert!(explore(3, 2, false) > 1_000);
}

#[test]
fn every_order_of_three_callers_with_hooks_is_balanced() {
    assert!(explore(3, 2, true) > 1_000);
}

#[test]
fn every_order_of_four_callers_is_balanced() {
    assert!(explore(4, 1, true) > 1_000);
}
