//! Random schedules of transactions that are dropped at any await, lose their connection, swallow errors, nest and end
//! in every way: what returned `Ok` is there, nothing else is, and nothing is left open.
//!
//! `ESTOULT_CASES` says how many there are on each database; by default as many as fit into a quarter of a minute.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use estoult::{Database, Dialect, Error, ErrorKind, Query, Result, Schema, Transaction, new, sql};

use crate::support::{
    Dice, Listing, chosen, cut_after, eventually, first_seed, on_every_fresh, runtime,
    schemas::{Author, author, create_tables},
    within,
};

const TASKS: usize = 4;
/// How long the cases take by default.
const SAMPLED_FOR: Duration = Duration::from_secs(15);

/// What one transaction does.
#[derive(Debug)]
struct Plan {
    rows: usize,
    /// After which row an error is swallowed, the connection lost, a nested transaction kept or rolled back.
    swallows_at: usize,
    lost_at: usize,
    nested_at: usize,
    is_nested_kept: bool,
    end: End,
    /// After how many polls it is dropped, if it takes that many.
    polls: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Commit,
    Rollback,
    Drop,
    Error,
}

impl Plan {
    fn new(dice: &mut Dice) -> Self {
        // Each danger has a chance; a number beyond the rows means that it does not come.
        Self {
            rows: 1 + dice.roll(3),
            swallows_at: dice.roll(8),
            lost_at: dice.roll(16),
            nested_at: dice.roll(6),
            is_nested_kept: dice.roll(2) == 0,
            end: [
                End::Commit,
                End::Commit,
                End::Commit,
                End::Rollback,
                End::Drop,
                End::Error,
            ][dice.roll(6)],
            polls: match dice.roll(3) {
                0 => usize::MAX,
                _ => dice.roll(40),
            },
        }
    }

    /// How many rows it leaves when it is committed.
    fn kept(&self) -> u64 {
        let nested = self.nested_at < self.rows && self.is_nested_kept;
        u64::try_from(self.rows).unwrap() + u64::from(nested)
    }
}

async fn put(tx: &Transaction, name: &str) -> Result<()> {
    let row = new!(Author {
        name: name.to_owned(),
        email: None
    });
    row.insert(tx).await.map(drop)
}

/// Ends the connection of the transaction on the server.
async fn lose(tx: &Transaction, dialect: Dialect) -> Result<()> {
    let text = match dialect {
        Dialect::Sqlite => return Ok(()),
        Dialect::Postgres => "select pg_terminate_backend(pg_backend_pid())",
        _ => "kill connection_id()",
    };
    sql(text).execute(tx).await.map(drop)
}

async fn carry_out(plan: &Plan, db: &Database, name: &str) -> Result<()> {
    let tx = db.begin().await?;
    for number in 0..plan.rows {
        put(&tx, name).await?;
        if plan.swallows_at == number {
            // On PostgreSQL it aborts the transaction.
            let _ = sql("insert into nowhere values (1)").execute(&tx).await;
        }
        if plan.lost_at == number {
            let _ = lose(&tx, db.dialect()).await;
        }
        if plan.nested_at == number {
            let nested = tx.transaction(async |nested| {
                put(nested, name).await?;
                if plan.is_nested_kept {
                    return Ok(());
                }
                Err(Error::custom("given up"))
            });
            let nested = nested.await;
            if plan.is_nested_kept {
                nested?;
            }
        }
    }
    match plan.end {
        End::Commit => tx.commit().await,
        End::Rollback => tx.rollback().await,
        End::Drop => Ok(()),
        End::Error => Err(Error::custom("given up")),
    }
}

/// A transaction of which the program does not know whether it was committed.
#[derive(Debug)]
struct Unknown {
    name: String,
    kept: u64,
}

impl Unknown {
    /// Looks at what is left, once the database has ended all work: the transaction as a whole, or nothing.
    async fn check(&self, witness: &Database) -> Result<()> {
        let there = rows_of(&self.name).count(witness).await?;
        assert!(there == 0 || there == self.kept, "{there} rows of {self:?}");
        rows_of(&self.name).delete_all(witness).await.map(drop)
    }
}

fn rows_of(name: &str) -> Query<Author> {
    Author::query().filter(Author::name.eq(name.to_owned()))
}

/// Carries out one plan and looks at what is left.
async fn try_case(db: &Database, witness: &Database, seed: usize) -> Result<Option<Unknown>> {
    let mut dice = Dice::new(seed);
    let (plan, name) = (Plan::new(&mut dice), format!("case {seed}"));
    let work = cut_after(plan.polls, carry_out(&plan, db, &name));
    let outcome = within(&format!("{name} ends: {plan:?}"), work).await;
    let there = rows_of(&name).count(witness).await?;
    let expected = match &outcome {
        Some(Ok(())) if plan.end == End::Commit => plan.kept(),
        Some(Err(error)) if !matches!(error.kind(), ErrorKind::CommitUnknown) => 0,
        Some(Ok(())) => 0,
        Some(Err(_)) | None => {
            let kept = plan.kept();
            return Ok(Some(Unknown { name, kept }));
        }
    };
    assert_eq!(there, expected, "{name}: {outcome:?}, {plan:?}");
    rows_of(&name).delete_all(witness).await?;
    Ok(None)
}

on_every_fresh!(what_returned_ok_is_there_and_nothing_else, |fresh| {
    let db = Database::builder(&fresh.url)
        .max_connections(2)
        .acquire_timeout(Duration::from_secs(60))
        .build()?;
    let (witness, listing) = (fresh.database(), Listing::of(fresh)?);
    let (cases, first) = (chosen(10_000), first_seed());
    let next = std::sync::Arc::new(AtomicUsize::new(0));
    let deadline = Instant::now() + SAMPLED_FOR;
    runtime().block_on(async {
        let lifespans = (db.connect().await?, witness.connect().await?);
        create_tables(&db).await?;
        let tasks: Vec<_> = (0..TASKS)
            .map(|_| {
                let (db, witness, next) = (db.clone(), witness.clone(), next.clone());
                tokio::spawn(async move {
                    let mut unknown = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let is_over = match cases {
                            Some(cases) => number >= cases,
                            None => Instant::now() >= deadline,
                        };
                        if is_over {
                            return Ok::<_, Error>(unknown);
                        }
                        unknown.extend(try_case(&db, &witness, first + number).await?);
                    }
                })
            })
            .collect();
        let mut unknown = Vec::new();
        for task in tasks {
            unknown.extend(task.await.unwrap()?);
        }
        eprintln!("{} cases", next.load(Ordering::Relaxed));
        eventually("no connection is in use", async || db.status().in_use == 0).await;
        for case in &unknown {
            case.check(&witness).await?;
        }
        author(&db, "last").await?;
        assert_eq!(Author::query().count(&witness).await?, 1);
        assert!(db.status().open <= 2, "{:?}", db.status());
        lifespans.0.close().await?;
        lifespans.1.close().await?;
        eventually("the server lists none", async || {
            listing.count().await.unwrap() == 0
        })
        .await;
        Ok(())
    })
});
