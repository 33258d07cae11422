//! LISTEN and NOTIFY: messages between sessions, and what happens when the connection is lost.

use std::time::Duration;

use estoult::{Dialect, ErrorKind, listen::Event, sql};

use crate::support::on_every_backend;

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
