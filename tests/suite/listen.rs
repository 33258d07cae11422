//! LISTEN and NOTIFY: messages between sessions, and what happens when the connection is lost.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use estoult::{
    Database, DatabaseNotConnected, Dialect, ErrorKind, Result,
    listen::{Event, Listener},
    sql,
};

use crate::support::{
    Backend, Fresh, eventually,
    fake_postgres::{FakePostgres, command_complete, error, message, ready},
    on_every_backend,
    relay::{Relay, Traffic},
    run_fresh, runtime,
    servers::postgres_url,
    within,
};

const WAIT: Duration = Duration::from_secs(10);

on_every_backend!(messages_arrive_in_order_also_after_a_loss, async |db| {
    let listening = db.listen(["orders", "Odd \"name\""]).await;
    if db.dialect() != Dialect::Postgres {
        let error = listening.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Unsupported), "{error:?}");
        return Ok(());
    }
    let mut listener = listening?;
    let notify = async |channel: &str, payload: &str| {
        let statement = sql("select pg_notify(:channel, :payload)");
        let statement = statement.bind("channel", channel.to_owned());
        statement
            .bind("payload", payload.to_owned())
            .execute(db)
            .await
    };
    // A wait that is dropped loses nothing.
    let early = tokio::time::timeout(Duration::from_millis(20), listener.next()).await;
    early.unwrap_err();
    notify("orders", "7").await?;
    notify("Odd \"name\"", "").await?;
    let mut received = Vec::new();
    for _ in 0..2 {
        match tokio::time::timeout(WAIT, listener.next()).await.unwrap()? {
            Event::Notification(message) => received.push((message.channel, message.payload)),
            other => panic!("{other:?}"),
        }
    }
    let expected = [("orders", "7"), ("Odd \"name\"", "")];
    assert_eq!(
        received,
        expected.map(|(channel, text)| (channel.to_owned(), text.to_owned()))
    );

    let killed = "select pg_terminate_backend(pid) from pg_stat_activity \
        where datname = current_database() and query like 'listen %'";
    sql(killed).execute(db).await?;
    let lost = tokio::time::timeout(WAIT, listener.next()).await.unwrap()?;
    assert_eq!(lost, Event::Reconnected);
    notify("orders", "8").await?;
    match tokio::time::timeout(WAIT, listener.next()).await.unwrap()? {
        Event::Notification(message) => assert_eq!(message.payload, "8"),
        other => panic!("{other:?}"),
    }
    Ok(())
});

const LISTENING: &str = "select count(*) from pg_stat_activity \
    where datname = current_database() and query like 'listen %'";

/// Runs a test on a database behind a relay, with another handle that goes past it.
fn behind_relay(test: impl AsyncFnOnce(&Database, &Relay, &Database) -> Result<()>) {
    run_fresh(Backend::Postgres, |fresh: &Fresh| {
        let relay = Relay::new(&fresh.url, Duration::ZERO);
        let (db, witness) = (Database::builder(relay.url()).build()?, fresh.database());
        runtime().block_on(async {
            let (lifespan, other) = (db.connect().await?, witness.connect().await?);
            test(&db, &relay, &witness).await?;
            lifespan.close().await?;
            other.close().await
        })
    });
}

async fn notify(db: &Database, payload: &str) -> Result<()> {
    let statement = sql("select pg_notify('orders', :payload)");
    let statement = statement.bind("payload", payload.to_owned());
    statement.rows(db).await.map(drop)
}

/// The payload of the next message.
async fn next_payload(listener: &mut Listener) -> Result<String> {
    match within("a message arrives", listener.next()).await? {
        Event::Notification(message) => Ok(message.payload),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wait_that_is_dropped_while_it_connects_again_connects_later() {
    behind_relay(async |db, relay, witness| {
        let mut listener = db.listen(["orders"]).await?;
        relay.set(Traffic::Swallow);
        relay.drop_connections();
        for _ in 0..3 {
            let waiting = tokio::time::timeout(Duration::from_millis(50), listener.next());
            waiting.await.unwrap_err();
        }
        relay.set(Traffic::Forward);
        relay.drop_connections();
        let next = within("it connects again", listener.next()).await?;
        assert_eq!(next, Event::Reconnected);
        notify(witness, "9").await?;
        assert_eq!(next_payload(&mut listener).await?, "9");
        Ok(())
    });
}

#[test]
fn closing_the_database_ends_a_wait_and_its_connection() {
    run_fresh(Backend::Postgres, |fresh: &Fresh| {
        let (db, witness) = (fresh.database(), fresh.database());
        runtime().block_on(async {
            let (lifespan, other) = (db.connect().await?, witness.connect().await?);
            let mut waiting = db.listen(["orders"]).await?;
            let mut idle = db.listen(["orders"]).await?;
            let waiting = tokio::spawn(async move {
                let outcome = waiting.next().await;
                (waiting, outcome)
            });
            lifespan.close().await?;
            let (mut waiting, outcome) = within("the wait ends", waiting).await.unwrap();
            for outcome in [outcome, waiting.next().await, idle.next().await] {
                let error = outcome.unwrap_err();
                let is_known = matches!(error.kind(), ErrorKind::Configuration);
                assert!(is_known, "{error:?}");
            }
            eventually("their connections are closed", async || {
                sql(LISTENING).one::<(i64,)>(&witness).await.unwrap() == (0,)
            })
            .await;
            let lifespan = db.connect().await?;
            let next = within("it connects again", waiting.next()).await?;
            assert_eq!(next, Event::Reconnected);
            notify(&db, "10").await?;
            assert_eq!(next_payload(&mut waiting).await?, "10");
            lifespan.close().await?;
            other.close().await
        })
    });
}

#[test]
fn a_database_that_must_be_connected_is_not_listened_to_before() {
    let db = Database::builder(postgres_url())
        .not_connected(DatabaseNotConnected::Error)
        .build()
        .unwrap();
    let error = runtime().block_on(db.listen(["orders"])).unwrap_err();
    let is_known = matches!(error.kind(), ErrorKind::Configuration);
    assert!(is_known, "{error:?}");
    assert_eq!(db.used_unconnected(), 1);
}

/// What a server answers to LISTEN.
fn listening() -> Vec<u8> {
    let answers = [message(b'1', b""), message(b'2', b"")];
    [
        answers.concat(),
        message(b'n', b""),
        command_complete("LISTEN"),
        ready(b'I'),
    ]
    .concat()
}

/// A handle on a server of the test's own, which connects again for a short time only.
fn on_fake(server: &FakePostgres) -> Result<Database> {
    Database::builder(format!("{}?sslmode=disable", server.url()))
        .min_connections(0)
        .connect_within(Duration::from_millis(300))
        .build()
}

#[test]
fn messages_that_arrive_with_the_end_of_the_session_are_delivered() {
    let server = FakePostgres::start(|wire| {
        wire.accept()?;
        wire.read_until(b'S')?;
        let messages = ["1", "2"].map(|payload| {
            let body = format!("\0\0\0\u{7}orders\0{payload}\0");
            message(b'A', body.as_bytes())
        });
        let end = error("57P01", "terminating connection");
        wire.send(&[listening(), messages.concat(), end].concat())
    });
    let outcome: Result<()> = runtime().block_on(async {
        let db = on_fake(&server)?;
        let lifespan = db.connect().await?;
        let mut listener = db.listen(["orders"]).await?;
        assert_eq!(next_payload(&mut listener).await?, "1");
        assert_eq!(next_payload(&mut listener).await?, "2");
        let next = within("it connects again", listener.next()).await?;
        assert_eq!(next, Event::Reconnected);
        lifespan.close().await
    });
    outcome.unwrap();
}

#[test]
fn a_listener_that_can_not_connect_again_tries_at_each_call() {
    let is_up = Arc::new(AtomicBool::new(true));
    let state = Arc::clone(&is_up);
    let server = FakePostgres::start(move |wire| {
        if !state.load(Ordering::SeqCst) {
            return Ok(());
        }
        wire.accept()?;
        wire.read_until(b'S')?;
        wire.send(&listening())?;
        while state.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    });
    let outcome: Result<()> = runtime().block_on(async {
        let db = on_fake(&server)?;
        let lifespan = db.connect().await?;
        let mut listener = db.listen(["orders"]).await?;
        is_up.store(false, Ordering::SeqCst);
        for _ in 0..2 {
            let next = within("it gives up", listener.next()).await;
            let error = next.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        }
        is_up.store(true, Ordering::SeqCst);
        let next = within("it connects again", listener.next()).await?;
        assert_eq!(next, Event::Reconnected);
        // The server's script ends with it.
        is_up.store(false, Ordering::SeqCst);
        lifespan.close().await
    });
    outcome.unwrap();
}

#[test]
fn channels_are_added_and_taken_away_while_it_listens() {
    behind_relay(async |db, relay, witness| {
        let say = async |channel: &str, payload: &str| {
            let statement = sql("select pg_notify(:channel, :payload)");
            let statement = statement.bind("channel", channel.to_owned());
            statement
                .bind("payload", payload.to_owned())
                .rows(witness)
                .await
                .map(drop)
        };
        // A name is one name, whatever is in it.
        let odd = "a\"; unlisten *; --";
        let mut listener = db.listen("orders").await?;
        listener.listen([odd, "prices"]).await?;
        listener.unlisten("orders").await?;
        for (channel, payload) in [("orders", "1"), (odd, "2"), ("prices", "3")] {
            say(channel, payload).await?;
        }
        assert_eq!(next_payload(&mut listener).await?, "2");
        assert_eq!(next_payload(&mut listener).await?, "3");
        // Another connection listens on the same channels.
        relay.drop_connections();
        let next = within("it connects again", listener.next()).await?;
        assert_eq!(next, Event::Reconnected);
        for (channel, payload) in [("orders", "4"), (odd, "5")] {
            say(channel, payload).await?;
        }
        assert_eq!(next_payload(&mut listener).await?, "5");

        let error = listener.unlisten("orders").await.unwrap_err();
        assert!(
            error
                .message()
                .contains("does not listen on `orders`, but on"),
            "{error}"
        );
        let error = listener.listen(Vec::<String>::new()).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Configuration),
            "{error:?}"
        );
        Ok(())
    });
}

#[test]
fn what_could_receive_no_message_is_refused() {
    let refused = |url: &str, channels: &[&str]| {
        let db = Database::builder(url).build().unwrap();
        let error = runtime().block_on(db.listen(channels)).unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::Configuration),
            "{error:?}"
        );
        error.message().to_owned()
    };
    let message = refused(postgres_url(), &[]);
    assert!(message.contains("there is none"), "{message}");
    // The server would cut it, and listen on another one.
    let message = refused(postgres_url(), &[&"c".repeat(64)]);
    assert!(message.contains("longer than the 63 bytes"), "{message}");
    let url = format!("{}?statement_cache_capacity=0", postgres_url());
    let message = refused(&url, &["orders"]);
    assert!(message.contains("behind a pooler"), "{message}");
}
