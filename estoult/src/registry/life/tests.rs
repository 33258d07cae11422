//! Every order in which a few callers connect, give up, fail, end and overtake each other, up to a bound.

use std::collections::HashSet;

use super::*;

/// Where one caller stands. It begins outside, and connects so many times at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Caller {
    Outside,
    /// Waits for an attempt.
    Waiting(Turn),
    /// Waits for what runs on disconnect.
    BehindParting(Turn),
    /// Has a lifespan.
    Holding,
    /// Is to disconnect the database; what runs on disconnect has not ended.
    Parting(Turn),
    /// Has been told that its parting was overtaken, or has closed what it could.
    Closing(Turn),
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
    life: Life,
    has_farewell: bool,
    callers: Vec<(Caller, u8)>,
    /// The attempts that have ended.
    outcomes: Vec<(Turn, Outcome)>,
}

impl World {
    fn new(callers: usize, lives: u8, has_farewell: bool) -> Self {
        Self {
            life: Life::default(),
            has_farewell,
            callers: vec![(Caller::Outside, lives); callers],
            outcomes: Vec::new(),
        }
    }

    fn outcome(&self, turn: Turn) -> Option<Outcome> {
        let found = self.outcomes.iter().find(|(known, _)| *known == turn);
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
        if let Phase::Connecting {
            turn, is_greeting, ..
        } = self.life.phase()
        {
            if !is_greeting {
                worlds.push(self.after(|world| assert!(world.life.greet(turn))));
            }
            worlds.push(self.after(|world| {
                assert!(world.life.succeed(turn));
                world.outcomes.push((turn, Outcome::Succeeded));
            }));
            worlds.push(self.after(|world| {
                assert!(world.life.fail(turn));
                world.outcomes.push((turn, Outcome::Failed));
            }));
        }
        // What belongs to an attempt that is over comes too late, and changes nothing.
        for &(turn, _) in &self.outcomes {
            let mut late = self.life.clone();
            assert!(!late.greet(turn) && !late.succeed(turn) && !late.fail(turn));
            assert_eq!(late, self.life);
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
                let entry = world.life.enter();
                put(world, entered(entry));
            })],
            Caller::BehindParting(turn) => self.steps_behind_parting(number, turn),
            Caller::Waiting(turn) => self.steps_of_waiting(number, turn),
            Caller::Holding => vec![self.after(|world| world.leave(number))],
            Caller::Parting(turn) => vec![self.after(|world| {
                let next = if world.life.part(turn) {
                    Caller::Closing(turn)
                } else {
                    Caller::Outside
                };
                put(world, next);
            })],
            Caller::Closing(turn) => vec![self.after(|world| {
                world.life.close(turn);
                put(world, Caller::Outside);
            })],
        }
    }

    /// Somebody who waits for a parting looks again, goes on without its end, or gives up.
    fn steps_behind_parting(&self, number: usize, turn: Turn) -> Vec<Self> {
        let put = |world: &mut Self, caller| world.callers[number].0 = caller;
        vec![
            self.after(|world| {
                let entry = world.life.enter();
                put(world, entered(entry));
            }),
            self.after(|world| {
                let entry = world.life.overtake(turn);
                put(world, entered(entry));
            }),
            self.after(|world| put(world, Caller::Outside)),
        ]
    }

    /// Somebody who waits for an attempt hears of its end, or gives up at any time.
    fn steps_of_waiting(&self, number: usize, turn: Turn) -> Vec<Self> {
        let mut worlds = Vec::new();
        if let Some(outcome) = self.outcome(turn) {
            worlds.push(self.after(|world| {
                world.callers[number].0 = match outcome {
                    Outcome::Succeeded => Caller::Holding,
                    Outcome::Failed => Caller::Outside,
                };
            }));
        }
        worlds.push(self.after(|world| {
            world.callers[number].0 = Caller::Outside;
            if world.life.withdraw(turn) == Withdrawal::Over {
                match world.outcome(turn) {
                    // It has a lifespan that it does not want.
                    Some(Outcome::Succeeded) => world.leave(number),
                    Some(Outcome::Failed) => {}
                    None => panic!("an attempt is over without an outcome: {self:?}"),
                }
            }
        }));
        worlds
    }

    fn leave(&mut self, number: usize) {
        self.callers[number].0 = match self.life.leave(self.has_farewell) {
            Departure::Others(0) => panic!("a lifespan ended that did not count: {self:?}"),
            Departure::Others(_) => Caller::Outside,
            Departure::Last(turn) if self.has_farewell => Caller::Parting(turn),
            Departure::Last(turn) => Caller::Closing(turn),
        };
    }

    /// What holds at any moment.
    fn check(&self) {
        let holding = self.count(|caller| caller == Caller::Holding);
        let given = self.count(|caller| {
            matches!(caller, Caller::Waiting(turn) if self.outcome(turn) == Some(Outcome::Succeeded))
        });
        match self.life.phase() {
            Phase::Connected { lifespans } => {
                assert_eq!(lifespans, holding + given, "{self:?}");
                assert!(lifespans > 0, "{self:?}");
            }
            Phase::Connecting { turn, waiting, .. } => {
                assert_eq!(holding + given, 0, "{self:?}");
                assert_eq!(
                    waiting,
                    self.count(|caller| caller == Caller::Waiting(turn)),
                    "{self:?}"
                );
                assert!(waiting > 0, "nobody waits for the attempt: {self:?}");
            }
            Phase::Parting { turn } => {
                assert_eq!(holding + given, 0, "{self:?}");
                assert_eq!(
                    self.count(|caller| caller == Caller::Parting(turn)),
                    1,
                    "{self:?}"
                );
            }
            Phase::Closing { turn } => {
                assert_eq!(holding + given, 0, "{self:?}");
                assert_eq!(
                    self.count(|caller| caller == Caller::Closing(turn)),
                    1,
                    "{self:?}"
                );
            }
            Phase::Idle => assert_eq!(holding + given, 0, "{self:?}"),
        }
        assert!(!self.life.is_open() || self.life.is_kept(), "{self:?}");
    }

    fn is_at_rest(&self) -> bool {
        self.count(|caller| caller != Caller::Outside) == 0
    }
}

fn entered(entry: Entry) -> Caller {
    match entry {
        Entry::Joined => Caller::Holding,
        Entry::Begun(turn) | Entry::Shared(turn) => Caller::Waiting(turn),
        Entry::AfterParting(turn) => Caller::BehindParting(turn),
    }
}

/// Tries every order; tells how many different worlds there were.
fn explore(callers: usize, lives: u8, has_farewell: bool) -> usize {
    let first = World::new(callers, lives, has_farewell);
    let mut known = HashSet::from([first.clone()]);
    let mut open = vec![first];
    while let Some(world) = open.pop() {
        world.check();
        if world.is_at_rest() {
            // Whatever happened: nobody is left, and so nothing is.
            assert_eq!(world.life.phase(), Phase::Idle, "{world:?}");
        }
        let successors = world.successors();
        let is_stuck = successors.is_empty() && !world.is_at_rest();
        assert!(!is_stuck, "nobody can go on: {world:?}");
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
fn every_order_of_three_callers_with_a_farewell_is_balanced() {
    assert!(explore(3, 2, true) > 1_000);
}

#[test]
fn every_order_of_four_callers_is_balanced() {
    assert!(explore(4, 1, true) > 1_000);
}
