//! COPY: the data of a table as a stream, in both directions.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use estoult::{
    Dialect, ErrorKind,
    copy::{copy_in, copy_out},
    sql,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::support::{Backend, eventually, on_every_backend, run, within, wrap};

const TABLE: &str = "create table numbers (id integer primary key, name varchar(40))";

on_every_backend!(copy_in_and_copy_out_move_rows_as_text, async |db| {
    sql(TABLE).execute(db).await?;
    let data: String = (1..=5000).map(|id| format!("{id},name {id}\n")).collect();
    let copied = copy_in(db, "copy numbers from stdin (format csv)", data.as_bytes()).await;
    if db.dialect() != Dialect::Postgres {
        let mut nothing = Vec::new();
        let read = copy_out(db, "copy numbers to stdout", &mut nothing).await;
        for error in [copied.unwrap_err(), read.unwrap_err()] {
            assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
        }
        return Ok(());
    }
    assert_eq!(copied?, 5000);
    let mut read = Vec::new();
    let statement = "copy (select * from numbers order by id) to stdout (format csv)";
    assert_eq!(copy_out(db, statement, &mut read).await?, 5000);
    assert_eq!(String::from_utf8(read).unwrap(), data);
    Ok(())
});

#[test]
fn wrong_data_are_an_error_and_keep_no_row() {
    run(Backend::Postgres, async |db| {
        sql(TABLE).execute(db).await?;
        let statement = "copy numbers from stdin (format csv)";
        let data: String = (1..=50_000)
            .map(|id| format!("{},x\n", id % 40_000))
            .collect();
        let error = copy_in(db, statement, data.as_bytes()).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Constraint(_)),
            "{error:?}"
        );
        let error = copy_in(db, statement, "secret,x\n".as_bytes())
            .await
            .unwrap_err();
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        insta::assert_snapshot!(
            wrap(error.message()),
            @r#"invalid input syntax for type integer: "…" (COPY numbers, line 1, column id)"#
        );
        // As a plain statement it gets no data, and says so instead of waiting.
        for (statement, verb) in [
            (statement, "copy_in"),
            ("copy numbers to stdout", "copy_out"),
        ] {
            let error = sql(statement).execute(db).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
            assert!(error.to_string().contains(verb), "{error}");
            let error = estoult::batch(db, statement).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
        }
        let (count,): (i64,) = sql("select count(*) from numbers").one(db).await?;
        assert_eq!(count, 0);
        Ok(())
    });
}

#[test]
fn what_is_no_copy_is_not_run() {
    run(Backend::Postgres, async |db| {
        sql(TABLE).execute(db).await?;
        sql("insert into numbers values (1, 'x')")
            .execute(db)
            .await?;
        let file = std::env::temp_dir().join("estoult_copy_is_not_run");
        let to_file = format!("copy numbers to '{}'", file.display());
        let program = "copy numbers from program 'echo 2'";
        for wrong in [
            "copy nothing from stdin",
            "select 1",
            "delete from numbers",
            "truncate numbers",
            "set role pg_monitor",
            "copy numbers to stdout",
            program,
        ] {
            let error = copy_in(db, wrong, "1,x\n".as_bytes()).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Query), "{error:?}");
        }
        for wrong in [
            "delete from numbers returning *",
            "copy numbers from stdin",
            program,
            &to_file,
        ] {
            let mut read = Vec::new();
            let error = copy_out(db, wrong, &mut read).await.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Query), "{error:?}");
            assert!(read.is_empty());
        }
        assert!(!file.exists());
        let kept = "select id, current_setting('role') from numbers";
        let kept = sql(kept).all::<(i32, String)>(db).await?;
        assert_eq!(kept, [(1, "none".to_owned())]);
        Ok(())
    });
}

#[test]
fn wrong_data_are_reported_while_the_next_are_awaited() {
    run(Backend::Postgres, async |db| {
        sql(TABLE).execute(db).await?;
        let data = "wrong\n".as_bytes().chain(Broken {
            rows: 0,
            fails: false,
        });
        let copied = copy_in(db, "copy numbers from stdin (format csv)", data);
        let error = within("it is refused", copied).await.unwrap_err();
        assert_eq!(error.code(), Some("22P02"), "{error:?}");

        let waiting = Broken {
            rows: 1,
            fails: false,
        };
        let copied = copy_in(db, "copy numbers from stdin (format csv)", waiting);
        let killed = async {
            let working = "select pid from pg_stat_activity where datname = current_database() \
                and query like 'copy numbers%' and state = 'active'";
            let kill = format!("select pg_terminate_backend(pid) from ({working}) as found");
            eventually("it is ended", async || {
                sql(kill.as_str()).execute(db).await.unwrap() > 0
            })
            .await;
        };
        let (copied, ()) = tokio::join!(within("it is ended", copied), killed);
        let error = copied.unwrap_err();
        assert_eq!(error.code(), Some("57P01"), "{error:?}");
        assert_eq!(sql("select * from numbers").execute(db).await?, 0);
        Ok(())
    });
}

/// Takes some data, and then fails.
struct Full(usize);

impl AsyncWrite for Full {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let taken = data.len().min(self.0);
        self.0 -= taken;
        Poll::Ready(match taken {
            0 => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(taken),
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[test]
fn data_that_nobody_takes_are_not_waited_for() {
    run(Backend::Postgres, async |db| {
        // An hour of rows.
        let endless = "copy (select pg_sleep(0.01), repeat('x', 1000) from generate_series(1, 360000)) to stdout";
        let pinned = db.pin().await?;
        let copied = copy_out(&pinned, endless, Full(5000));
        let error = within("it is cancelled", copied).await.unwrap_err();
        assert!(error.message().contains("could not be written"), "{error}");
        assert_eq!(sql("select 1").execute(&pinned).await?, 1);
        drop(pinned);
        // The transaction is not aborted, and goes on.
        let tx = db.begin().await?;
        let many = "copy (select repeat('x', 1000) from generate_series(1, 10000)) to stdout";
        copy_out(&tx, many, Full(5000)).await.unwrap_err();
        assert_eq!(sql("select 1").execute(&tx).await?, 1);
        tx.commit().await?;
        assert_eq!(db.status().open, 1);
        Ok(())
    });
}

/// Gives some rows, and then waits for ever or fails.
struct Broken {
    rows: usize,
    fails: bool,
}

impl AsyncRead for Broken {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.rows == 0 {
            return if self.fails {
                Poll::Ready(Err(io::Error::other("the disk is gone")))
            } else {
                Poll::Pending
            };
        }
        buffer.put_slice(format!("{},x\n", self.rows).as_bytes());
        self.rows -= 1;
        Poll::Ready(Ok(()))
    }
}

#[test]
fn data_that_end_too_early_keep_no_row() {
    run(Backend::Postgres, async |db| {
        sql(TABLE).execute(db).await?;
        let statement = "copy numbers from stdin (format csv)";
        let broken = Broken {
            rows: 100,
            fails: true,
        };
        let error = copy_in(db, statement, broken).await.unwrap_err();
        assert!(error.to_string().contains("the disk is gone"), "{error}");

        // A copy that is dropped while its data are missing ends on the server, too.
        let waiting = Broken {
            rows: 100,
            fails: false,
        };
        let dropped =
            tokio::time::timeout(Duration::from_millis(100), copy_in(db, statement, waiting));
        dropped.await.unwrap_err();
        let count = sql("select count(*) from numbers")
            .one::<(i64,)>(db)
            .await?;
        assert_eq!(count, (0,));
        Ok(())
    });
}

#[test]
fn a_pipe_whose_writer_fails_is_rolled_back_with_its_transaction() {
    run(Backend::Postgres, async |db| {
        sql(TABLE).execute(db).await?;
        let (mut to, from) = tokio::io::duplex(1024);
        let tx = db.begin().await?;
        let writing = async {
            // Half of the rows are in the pipe when it fails.
            let broken = "copy (select i, 1 / (2000 - i) from generate_series(1, 4000) i) to stdout (format csv)";
            let written = copy_out(db, broken, &mut to).await;
            drop(to);
            written
        };
        let reading = copy_in(&tx, "copy numbers from stdin (format csv)", from);
        let (written, read) = tokio::join!(writing, reading);
        assert!(matches!(written.unwrap_err().kind(), ErrorKind::Query));
        read?;
        tx.rollback().await?;
        let count = sql("select count(*) from numbers")
            .one::<(i64,)>(db)
            .await?;
        assert_eq!(count, (0,));
        Ok(())
    });
}
