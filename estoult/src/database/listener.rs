//! [`Listener`]: the messages that other sessions send to channels, with NOTIFY.

use std::{
    fmt,
    future::{Future, pending, poll_fn},
    panic::Location,
    pin::pin,
    task::Poll,
    time::{Duration, Instant},
};

use crate::{
    backend::Notification,
    connection::Connection,
    database::Database,
    error::{Error, ErrorKind, Result},
    observe::Caller,
    runtime,
    sql::quoted,
};

/// The pause between two tries to reconnect, at first and at most.
const PAUSE_FIRST: Duration = Duration::from_millis(50);
const PAUSE_MOST: Duration = Duration::from_secs(2);

/// A connection of its own that listens on channels; see [`Database::listen`]. Dropping it closes the connection.
pub struct Listener {
    channels: Channels,
    connection: Option<Connection>,
    /// Whether a lifespan kept the database connected when it began to listen.
    has_lifespan: bool,
}

/// What a [`Listener`] receives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A message.
    Notification(Notification),
    /// The connection was lost, and the listener listens again on another one. Messages that were sent in between are
    /// lost: read what they would have been about.
    Reconnected,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("channels", &self.channels)
            .finish_non_exhaustive()
    }
}

impl Database {
    /// Listens on channels, on a connection of its own that does not count to the pool's.
    ///
    /// Closing the database ends a wait for messages, and the connection.
    ///
    /// PostgreSQL alone has channels. A pooler that gives a session to another client after each transaction loses
    /// messages: connect to the server itself.
    ///
    /// ```no_run
    /// # async fn example(database: &estoult::Database) -> estoult::Result<()> {
    /// use estoult::listen::Event;
    ///
    /// let mut listener = database.listen(["orders"]).await?;
    /// loop {
    ///     match listener.next().await? {
    ///         Event::Notification(message) => println!("order {}", message.payload),
    ///         Event::Reconnected => println!("read all orders that are new"),
    ///         _ => {}
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Connection` when there is no connection; `Unsupported` on another database than PostgreSQL; `Configuration`
    /// when the database must be connected before it is used, and is not.
    #[track_caller]
    pub fn listen<C: Into<String>>(
        &self,
        channels: impl IntoIterator<Item = C>,
    ) -> impl Future<Output = Result<Listener>> + Send + 'static {
        let channels = Channels {
            database: self.clone(),
            names: channels.into_iter().map(Into::into).collect(),
            origin: Location::caller(),
        };
        async move {
            let has_lifespan = channels.database.check_open(channels.origin)?;
            let connected = channels.connect().await;
            let connection = connected.map_err(|error| error.at(channels.origin))?;
            Ok(Listener {
                channels,
                connection: Some(connection),
                has_lifespan,
            })
        }
    }
}

impl Listener {
    /// Waits for the next message. A future that is dropped loses none.
    ///
    /// When the connection is lost it connects again, for as long as
    /// [`connect_within`](crate::DatabaseBuilder::connect_within) says, and then gives [`Event::Reconnected`].
    ///
    /// # Errors
    ///
    /// `Connection` and `Timeout` when it could not connect again in that time; the next call tries further.
    /// `Configuration` when the database was closed; it listens again once the database is connected.
    pub async fn next(&mut self) -> Result<Event> {
        let (database, has_lifespan) = (self.channels.database.clone(), self.has_lifespan);
        let mut closed = pin!(async {
            // Opened without a lifespan, it ends with none.
            if !has_lifespan {
                pending::<()>().await;
            }
            database.lifespans().until_closed().await;
        });
        let event = {
            let mut waiting = pin!(self.wait());
            poll_fn(|context| match closed.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(None),
                Poll::Pending => waiting.as_mut().poll(context).map(Some),
            })
            .await
        };
        event.unwrap_or_else(|| {
            self.connection = None;
            let closed = Error::configuration(format!(
                "listen on {database}: it was closed; connect it again, or drop the listener before"
            ));
            Err(closed.at(self.channels.origin))
        })
    }

    /// The next message, or the end of an interruption.
    async fn wait(&mut self) -> Result<Event> {
        if let Some(connection) = &mut self.connection {
            match connection.notification().await {
                Ok(notification) => return Ok(Event::Notification(notification)),
                Err(error) if matches!(error.kind(), ErrorKind::Connection) => {
                    tracing::warn!(%error, "a listener has lost its connection, and connects again");
                    self.connection = None;
                }
                Err(error) => return Err(error.at(self.channels.origin)),
            }
        }
        self.connection = Some(self.channels.reconnect().await?);
        Ok(Event::Reconnected)
    }
}

/// What a connection listens to, apart from the connection itself.
#[derive(Debug, Clone)]
struct Channels {
    database: Database,
    names: Vec<String>,
    origin: &'static Location<'static>,
}

impl Channels {
    async fn connect(&self) -> Result<Connection> {
        let source = self.database.source();
        if source.is_dialect_known() && !source.dialect().features().notifications {
            return Err(Error::unsupported(format!(
                "listen on {}: {} has no messages between sessions; use PostgreSQL",
                self.database,
                source.dialect()
            )));
        }
        let caller = Caller::new(self.database.observers(), self.origin);
        let mut connection = source.acquire_once(caller).await?;
        let quote = connection.features().quote();
        for name in &self.names {
            let statement = format!("listen {}", quoted(name, quote));
            connection.control(&statement).await?;
        }
        Ok(connection)
    }

    async fn reconnect(&self) -> Result<Connection> {
        let begin = Instant::now();
        let limit = self.database.source().options().connect_within;
        let mut pause = PAUSE_FIRST;
        loop {
            match self.connect().await {
                Ok(connection) => return Ok(connection),
                Err(error) if begin.elapsed() + pause > limit => return Err(error.at(self.origin)),
                Err(_) => runtime::sleep(pause).await,
            }
            pause = PAUSE_MOST.min(pause * 2);
        }
    }
}
