//! [`Program`]: how long a statement may take, as far as SQLite's program for it tells, and as its runs have shown.
//!
//! EXPLAIN lists the program. One without loops takes a bounded number of steps; a read with loops can be ended by a
//! budget of steps and run again; all else may take any time. What neither bounds, such as large values, is learnt.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use estoult_sql::session::changes_sqlite;
use foldhash::fast::RandomState as FastState;
use rusqlite::{CachedStatement, Connection, StatementStatus};

/// Instructions that repeat others, or stand for work of any length (opcode.html of SQLite).
const LOOPS: &[&str] = &[
    "Next",
    "Prev",
    "VNext",
    "SorterNext",
    "RowSetRead",
    "Yield",
    "Gosub",
    "Program",
    "Last",
    "RowSetTest",
    "SorterSort",
    "Sort",
];
/// Instructions that no budget of steps bounds.
const UNBOUNDED: &[&str] = &[
    "Count",
    "Clear",
    "Destroy",
    "Vacuum",
    "IncrVacuum",
    "Checkpoint",
    "JournalMode",
    "IntegrityCk",
    "ParseSchema",
    "LoadAnalysis",
    "VFilter",
    "VOpen",
    "VUpdate",
    "VCreate",
    "VDestroy",
    "Expire",
];
/// Instructions of statements that change tables, indexes, triggers or their statistics.
const DEFINES: &[&str] = &[
    "SetCookie",
    "ParseSchema",
    "LoadAnalysis",
    "DropTable",
    "DropIndex",
    "DropTrigger",
];
/// How many instructions a program without loops may have, each of which runs once.
const FEW_INSTRUCTIONS: usize = 2000;
/// From when on a run was a long one for an async thread.
const LONG: Duration = Duration::from_millis(1);
/// How many runs go to another thread before an async thread tries again.
const RUNS_ELSEWHERE: u32 = 64;

/// What bounds the time of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// Its program, which is short and has no loop.
    Program,
    /// A budget of steps: a read that may be ended and run again.
    Budget,
    Nothing,
}

/// What is known of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Program {
    /// Whether it writes to the database.
    pub(super) is_write: bool,
    /// Whether it changes what other statements compile to.
    pub(super) is_definition: bool,
    /// Whether the next caller of the connection would meet what it changes.
    pub(super) changes_connection: bool,
    bound: Bound,
    /// How many runs of late took long in a row.
    long_runs: u32,
    /// How many runs are still left to another thread.
    elsewhere: u32,
}

impl Program {
    /// Asks SQLite. `None` for a statement that does not compile; running it reports why.
    pub(super) fn of(connection: &Connection, sql: &str) -> Option<Self> {
        let unknown = Self {
            changes_connection: changes_sqlite(sql),
            ..Self::unknown()
        };
        if is_pragma(sql) {
            return Some(unknown);
        }
        let is_write = !connection.prepare_cached(sql).ok()?.readonly();
        let unknown = Self {
            is_write,
            ..unknown
        };
        let Ok(instructions) = instructions(connection, sql) else {
            return Some(unknown);
        };
        Some(Self {
            bound: bound(&instructions, is_write),
            is_definition: instructions
                .iter()
                .any(|found| DEFINES.contains(&&*found.name)),
            ..unknown
        })
    }

    /// One that is not known to write, nor how long it takes.
    pub(super) fn unknown() -> Self {
        Self {
            is_write: false,
            is_definition: false,
            changes_connection: false,
            bound: Bound::Nothing,
            long_runs: 0,
            elsewhere: 0,
        }
    }

    /// Whether it may run on an async thread.
    pub(super) fn is_short(&self) -> bool {
        self.bound != Bound::Nothing && self.elsewhere == 0
    }

    /// Whether it is ended after a number of steps where it must not take long.
    pub(super) fn has_budget(&self) -> bool {
        self.bound == Bound::Budget
    }

    /// Notes a run on an async thread.
    pub(super) fn note_here(&mut self, begun: Instant, had_to_wait: bool) {
        self.long_runs = match begun.elapsed() > LONG {
            true => self.long_runs + 1,
            false => 0,
        };
        // One long run may be the machine's doing.
        if had_to_wait || self.long_runs > 1 {
            self.elsewhere = RUNS_ELSEWHERE;
            self.long_runs = 0;
        }
    }

    /// Notes a run on another thread.
    pub(super) fn note_elsewhere(&mut self) {
        self.elsewhere = self.elsewhere.saturating_sub(1);
    }
}

/// Whether a text is a pragma: SQLite carries some of them out when it compiles them.
pub(super) fn is_pragma(sql: &str) -> bool {
    let start = sql.trim_start();
    start
        .get(..6)
        .is_some_and(|word| word.eq_ignore_ascii_case("pragma"))
}

struct Instruction {
    name: String,
    cursor: i64,
}

fn instructions(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<Instruction>> {
    let mut explained = connection.prepare(&format!("explain {sql}"))?;
    let mut rows = explained.raw_query();
    let mut instructions = Vec::new();
    while let Some(row) = rows.next()? {
        instructions.push(Instruction {
            name: row.get(1)?,
            cursor: row.get(2)?,
        });
    }
    Ok(instructions)
}

fn bound(instructions: &[Instruction], is_write: bool) -> Bound {
    let has = |names: &[&str], found: &Instruction| names.contains(&&*found.name);
    if instructions.iter().any(|found| has(UNBOUNDED, found)) {
        return Bound::Nothing;
    }
    // RETURNING reads its rows out of a table of its own, in which a program without other loops puts few.
    let is_own = |cursor: i64| {
        let mut opened = instructions.iter();
        opened.any(|found| found.name == "OpenEphemeral" && found.cursor == cursor)
    };
    let loops = instructions.iter().any(|found| {
        has(LOOPS, found) && !(is_write && found.name == "Next" && is_own(found.cursor))
    });
    match is_write {
        _ if !loops && instructions.len() <= FEW_INSTRUCTIONS => Bound::Program,
        false => Bound::Budget,
        // Ended half way it would be carried out twice, and end the transaction around it.
        true => Bound::Nothing,
    }
}

/// What the run of a statement has shown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ran {
    /// Whether SQLite compiled the statement again, since the schema has changed.
    pub(super) is_compiled_again: bool,
}

impl Ran {
    pub(super) fn of(statement: &CachedStatement<'_>) -> Self {
        // The budget of steps counts on from the run before, unless the count begins anew.
        statement.reset_status(StatementStatus::VmStep);
        Self {
            is_compiled_again: statement.reset_status(StatementStatus::RePrepare) > 0,
        }
    }
}

/// The programs of a connection's statements, by their text.
#[derive(Debug, Default)]
pub(super) struct Programs {
    known: HashMap<Arc<str>, Program, FastState>,
    /// Of the schema that they were compiled for.
    generation: u64,
}

impl Programs {
    /// What is known of a statement under this generation of the schema.
    pub(super) fn get(&mut self, sql: &str, generation: u64) -> Option<Program> {
        if self.generation != generation {
            self.known.clear();
            self.generation = generation;
        }
        self.known.get(sql).copied()
    }

    /// Remembers a program, of as many texts as stay prepared.
    pub(super) fn insert(&mut self, sql: Arc<str>, program: Program, capacity: usize) {
        if self.known.len() >= capacity {
            self.known.clear();
        }
        self.known.insert(sql, program);
    }

    /// Notes what a run has shown.
    pub(super) fn note(&mut self, sql: &str, ran: Option<Ran>, note: impl FnOnce(&mut Program)) {
        if ran.is_some_and(|ran| ran.is_compiled_again) {
            // Another process, or a statement that is not known to, has changed the schema.
            self.known.remove(sql);
        } else if let Some(program) = self.known.get_mut(sql) {
            note(program);
        }
    }
}
