//! What only MySQL and MariaDB do: transactions that end under a program, sessions that its SQL changes, statements
//! that are cancelled from a second connection.

mod cancel;
mod session;

use estoult::{Database, ErrorKind, Result, Schema, Transaction, batch, insert_all, new, sql};

use super::transaction::{names, put};
use crate::support::{
    Backend, run, runtime,
    schemas::{Author, create_tables},
    servers::{Server, private_mysql_with},
};

/// Runs something in a transaction that ends it, and looks that nothing after it is kept.
async fn end_within(db: &Database, end: impl AsyncFn(&Transaction)) -> Result<()> {
    let tx = db.begin().await?;
    put(&tx, "before").await?;
    end(&tx).await;
    let refused = put(&tx, "after").await.unwrap_err();
    assert!(refused.message().contains("ended it"), "{refused}");
    let nested = tx.transaction(async |tx| put(tx, "nested").await).await;
    assert!(nested.is_err());
    assert!(tx.commit().await.is_err());
    let kept = names(db).await?;
    assert!(kept.iter().all(|name| name == "before"), "{kept:?}");
    put(db, "later").await?.delete(db).await?;
    sql("delete from authors").execute(db).await.map(drop)
}

#[test]
fn a_transaction_that_the_programs_sql_ends_refuses_all_but_rollback() {
    run(Backend::MySql, async |db| {
        create_tables(db).await?;
        batch(
            db,
            "create procedure commits() commit;
             create procedure begins() start transaction;
             create procedure defines() create table if not exists defined (id int)",
        )
        .await?;
        for text in [
            "commit",
            "rollback",
            "commit and chain",
            "rollback and chain",
            "call commits()",
            "call begins()",
            "call defines()",
            "begin not atomic commit; end",
        ] {
            end_within(db, async |tx| {
                sql(text).execute(tx).await.unwrap();
            })
            .await?;
        }
        Ok(())
    });
}

#[test]
fn a_script_that_fails_behind_its_commit_has_ended_the_transaction() {
    run(Backend::MySql, async |db| {
        create_tables(db).await?;
        let tx = db.begin().await?;
        put(&tx, "before").await?;
        let script = "commit; insert into nowhere (id) values (1)";
        batch(&tx, script).await.unwrap_err();
        put(&tx, "after").await.unwrap_err();
        tx.commit().await.unwrap_err();
        assert_eq!(names(db).await?, ["before"]);
        Ok(())
    });
}

#[test]
fn what_leaves_the_transaction_open_does_not_end_it() {
    run(Backend::MySql, async |db| {
        create_tables(db).await?;
        batch(
            db,
            "create procedure adds() insert into authors (name) values ('called')",
        )
        .await?;
        let tx = db.begin().await?;
        put(&tx, "Ada").await?;
        for text in [
            "call adds()",
            "create temporary table aside (id int)",
            "set @seen = 1",
            "select get_lock('estoult', 0)",
            "savepoint mine",
            "insert into authors (name) values ('undone')",
            "rollback to savepoint mine",
        ] {
            sql(text).execute(&tx).await?;
        }
        let doubled = "insert into authors (id, name) select id, name from authors";
        sql(doubled).execute(&tx).await.unwrap_err();
        batch(&tx, "savepoint again; release savepoint again").await?;
        put(&tx, "Kurt").await?;
        tx.commit().await?;
        assert_eq!(names(db).await?, ["Ada", "called", "Kurt"]);
        Ok(())
    });
}

#[test]
fn a_deadlock_that_is_swallowed_ends_the_transaction() {
    run(Backend::MySql, async |db| {
        create_tables(db).await?;
        let (ada, kurt) = (put(db, "Ada").await?, put(db, "Kurt").await?);
        let (first, second) = (db.begin().await?, db.begin().await?);
        let lock = async |tx: &Transaction, author: &Author| {
            let text = "update authors set email = :id where id = :id";
            sql(text).bind("id", author.id).execute(tx).await
        };
        lock(&first, &ada).await?;
        lock(&second, &kurt).await?;
        let (one, other) = tokio::join!(lock(&first, &kurt), lock(&second, &ada));
        let (victim, winner) = match (one, other) {
            (Err(_), Ok(_)) => (first, second),
            (Ok(_), Err(_)) => (second, first),
            both => panic!("no deadlock: {both:?}"),
        };
        let refused = put(&victim, "lost").await.unwrap_err();
        assert!(
            matches!(refused.kind(), ErrorKind::Conflict(_)),
            "{refused}"
        );
        assert!(victim.commit().await.is_err());
        winner.rollback().await?;
        assert_eq!(names(db).await?, ["Ada", "Kurt"]);
        Ok(())
    });
}

#[test]
fn rows_join_a_transaction_that_autocommit_left_open() {
    run(Backend::MySql, async |db| {
        create_tables(db).await?;
        let pinned = db.pin().await?;
        sql("set autocommit = 0").execute(&pinned).await?;
        assert!(pinned.is_in_transaction().await);
        put(&pinned, "Ada").await?;
        let many = (0..3_000).map(|number: u32| {
            let name = number.to_string();
            new!(Author { name, email: None })
        });
        assert_eq!(insert_all(&pinned, many).await?, 3_000);
        sql("rollback").execute(&pinned).await?;
        assert!(pinned.is_in_transaction().await);
        sql("set autocommit = 1").execute(&pinned).await?;
        assert!(!pinned.is_in_transaction().await);
        assert_eq!(names(db).await?, [""; 0]);
        Ok(())
    });
}

/// With this setting the server rolls the whole transaction back, otherwise only the statement.
#[test]
fn a_transaction_that_ended_at_a_lock_timeout_keeps_nothing() {
    for is_ended in [true, false] {
        let setting = format!("innodb_rollback_on_timeout={}", u8::from(is_ended));
        let server = private_mysql_with(&setting);
        runtime()
            .block_on(time_out_within(&server, is_ended))
            .unwrap();
    }
}

async fn time_out_within(server: &Server, is_ended: bool) -> Result<()> {
    let db = Database::builder(server.url()).max_connections(2).build()?;
    let lifespan = db.connect().await?;
    create_tables(&db).await?;
    let locked = put(&db, "locked").await?;
    let holder = db.begin().await?;
    // By its key: by another column the server locks the gaps, too, and no row could be inserted.
    let lock = sql("select id from authors where id = :id for update");
    lock.bind("id", locked.id).rows(&holder).await?;
    let outcome: Result<()> = db
        .transaction(async |tx| {
            sql("set innodb_lock_wait_timeout = 1").execute(tx).await?;
            put(tx, "before").await?;
            let timeout = locked.delete(tx).await.unwrap_err();
            assert_eq!(timeout.code(), Some("1205"), "{timeout:?}");
            let after = put(tx, "after").await;
            assert_eq!(after.is_err(), is_ended, "{after:?}");
            Ok(())
        })
        .await;
    assert_eq!(outcome.is_err(), is_ended, "{outcome:?}");
    holder.rollback().await?;
    let kept: &[&str] = match is_ended {
        true => &["locked"],
        false => &["after", "before", "locked"],
    };
    assert_eq!(names(&db).await?, kept);
    lifespan.close().await
}
