//! Ending what an operation whose future was dropped has left behind, so that the session can be used again.
//!
//! The server is asked to cancel, on a connection of its own. Nothing is sent on the session before that connection has
//! ended and every answer that is owed was read: the cancellation would else hit the next statement.

use std::{
    future::{Future, poll_fn},
    io,
    pin::pin,
    task::Poll,
    time::Duration,
};

use super::{
    classify::lost,
    login::{cancel, connect_again},
    session::PostgresSession,
};
use crate::{
    error::Result,
    runtime::{check_timers, sleep, within},
};

/// A statement that ends by itself in this time spares the server the process that a cancellation costs.
const GRACE: Duration = Duration::from_millis(2);
/// How long the server may take until it is asked again. A cancellation that arrives between two statements of a
/// pipeline hits neither of them.
const AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What undoes what the program's own SQL may have changed of a session. Prepared statements are kept: their names are
/// estoult's own.
const RESET: [&str; 7] = [
    "close all",
    "set session authorization default",
    "reset all",
    "unlisten *",
    "select pg_advisory_unlock_all()",
    "discard temp",
    "discard sequences",
];

impl PostgresSession {
    /// See [`Session::recover`](crate::backend::Session::recover).
    pub(super) async fn recover_now(&mut self) -> Result<()> {
        self.deferred.clear();
        self.asking = None;
        if self.wire.is_lost() {
            return Err(lost(io::Error::other("it was lost before")));
        }
        // Without timers it would wait for the end of the statement instead of cancelling it.
        check_timers()?;
        self.attach()?;
        let abandoned = self.abandon().await;
        abandoned.map_err(|error| self.lost(error))?;
        if self.wire.status.is_open() {
            self.run_control(&["rollback"]).await?;
            self.transactions_ended += 1;
        }
        if self.is_changed {
            self.run_control(&RESET).await?;
            self.wire.notifications.clear();
            (self.is_changed, self.is_prepared) = (false, false);
        }
        Ok(())
    }

    /// Ends what is under way, and forgets it.
    pub(super) async fn abandon(&mut self) -> io::Result<()> {
        self.settle().await?;
        // Whether the server had prepared them by then does not matter: closing what is not there is no error.
        self.closing.extend(self.preparing.remove_all());
        self.note_changes();
        Ok(())
    }

    /// Waits for what the server owes, and asks it to cancel while it does not come.
    async fn settle(&mut self) -> io::Result<()> {
        if self.has_to_stop() {
            self.take_arrived().await?;
        }
        if self.has_to_stop() {
            return self.stop().await;
        }
        self.commits_each = false;
        self.wire.abandon_unit()?;
        if self.wire.owed == 0 {
            return self.wire.flush().await;
        }
        if let Some(settled) = within(GRACE, self.read_owed()).await {
            return settled;
        }
        while self.wire.owed > 0 {
            self.cancel_once().await?;
            if let Some(settled) = within(AGAIN_AFTER, self.read_owed()).await {
                settled?;
            }
        }
        Ok(())
    }

    /// Whether statements of a pipeline are under way that would be committed one by one. Behind a pooler the server
    /// does not see how this connection ends.
    fn has_to_stop(&self) -> bool {
        self.commits_each && self.wire.owed > 1 && self.statements.is_enabled()
    }

    /// Ends the session on the server together with its statement. A cancellation ends only that, and what has arrived
    /// behind it would run; a server that can't send an answer ends before it takes the next statement
    /// ("ClientConnectionLost" in its source).
    async fn stop(&mut self) -> io::Result<()> {
        let (peer, is_encrypted) = (
            self.wire.stream.socket().peer()?,
            self.wire.stream.is_encrypted(),
        );
        self.wire.give_up();
        self.wire.stream.reset()?;
        let tls = self.database.tls.as_ref().filter(|_| is_encrypted);
        for again in [true, false] {
            let stream = connect_again(&peer, tls, &self.database.address).await?;
            cancel(stream, self.key).await?;
            // The first one may have arrived before a statement that was not hit by the end of the connection either.
            if again {
                sleep(AGAIN_AFTER).await;
            }
        }
        Err(io::Error::other(
            "it was closed, so that no further statement of a dropped pipeline runs",
        ))
    }

    async fn cancel_once(&mut self) -> io::Result<()> {
        let stream = &self.wire.stream;
        let tls = self.database.tls.as_ref();
        let tls = tls.filter(|_| stream.is_encrypted());
        let stream = connect_again(&stream.socket().peer()?, tls, &self.database.address).await?;
        // Meanwhile the session is read: a server whose answers are not taken can't get to its end.
        let mut cancelling = pin!(cancel(stream, self.key));
        poll_fn(|context| {
            if let Poll::Ready(cancelled) = cancelling.as_mut().poll(context) {
                return Poll::Ready(cancelled);
            }
            let reading = pin!(self.read_owed());
            match reading.poll(context) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                // All was answered; the cancellation is still waited for, since it would hit what is sent next.
                Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// Takes the answers that have arrived. Nothing is sent: what still waits for that must not run.
    async fn take_arrived(&mut self) -> io::Result<()> {
        if self.wire.is_sent() {
            let taken = poll_fn(|context| Poll::Ready(pin!(self.read_owed()).poll(context)));
            if let Poll::Ready(taken) = taken.await {
                return taken;
            }
        }
        Ok(())
    }

    async fn read_owed(&mut self) -> io::Result<()> {
        while self.wire.owed > 0 {
            let message = self.wire.buffered()?;
            self.wire.report_abandoned_notices();
            match message {
                // A server that waits for the data of a COPY takes no cancellation, but a message that there are none.
                Some(message) if message.tag == b'G' => {
                    self.wire.refuse_copy_in("the statement was abandoned")?;
                }
                Some(_) => {}
                None => self.wire.fill().await?,
            }
        }
        Ok(())
    }
}
