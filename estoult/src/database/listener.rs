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
    backend::{Features, Notification},
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

/// The names of channels: one, or an array, slice or `Vec` of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name channels",
    label = "expected a name, or an array, a slice or a `Vec` of names"
)]
pub trait IntoChannels {
    /// The names.
    fn into_channels(self) -> Vec<String>;
}

impl IntoChannels for &str {
    fn into_channels(self) -> Vec<String> {
        vec![self.to_owned()]
    }
}

impl IntoChannels for String {
    fn into_channels(self) -> Vec<String> {
        vec![self]
    }
}

impl<C: Into<String>, const N: usize> IntoChannels for [C; N] {
    fn into_channels(self) -> Vec<String> {
        self.map(Into::into).into()
    }
}

impl<C: Into<String>> IntoChannels for Vec<C> {
    fn into_channels(self) -> Vec<String> {
        self.into_iter().map(Into::into).collect()
    }
}

impl<C: Into<String> + Clone> IntoChannels for &[C] {
    fn into_channels(self) -> Vec<String> {
        self.iter().cloned().map(Into::into).collect()
    }
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
    /// PostgreSQL alone has channels. A pooler gives a session to another client after each transaction, and with it
    /// what it listens to, so a database with `statement_cache_capacity=0` is refused: connect to the server itself.
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
    /// without a channel, behind a pooler, and when the database must be connected before it is used, and is not.
    #[track_caller]
    pub fn listen(
        &self,
        channels: impl IntoChannels,
    ) -> impl Future<Output = Result<Listener>> + Send + 'static {
        let channels = Channels {
            database: self.clone(),
            names: channels.into_channels(),
            origin: Location::caller(),
        };
        async move {
            channels
                .check()
                .map_err(|error| error.at(channels.origin))?;
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
    /// Listens on further channels. One that it listens on already counts once.
    ///
    /// # Errors
    ///
    /// `Configuration` without a channel, and for a name that is too long; `Query` when the server refuses one. A
    /// connection that was lost listens once it is there again.
    pub async fn listen(&mut self, channels: impl IntoChannels) -> Result<()> {
        let names = channels.into_channels();
        self.channels.check_names(&names)?;
        for name in names {
            self.run("listen", &name).await?;
            if !self.channels.names.contains(&name) {
                self.channels.names.push(name);
            }
        }
        Ok(())
    }

    /// Listens on these channels no longer. Messages that have arrived before are still given out; without any channel
    /// [`next`](Self::next) waits until the database is closed.
    ///
    /// # Errors
    ///
    /// `Configuration` without a channel, and for one that it does not listen on.
    pub async fn unlisten(&mut self, channels: impl IntoChannels) -> Result<()> {
        let names = channels.into_channels();
        self.channels.check_names(&names)?;
        let mut unknown = names
            .iter()
            .filter(|name| !self.channels.names.contains(name));
        if let Some(name) = unknown.next() {
            let error = Error::configuration(format!(
                "unlisten: the listener does not listen on `{name}`, but on {}",
                self.channels.names.join(", ")
            ));
            return Err(error.at(self.channels.origin));
        }
        for name in names {
            self.run("unlisten", &name).await?;
            self.channels.names.retain(|known| *known != name);
        }
        Ok(())
    }

    /// Runs a statement about a channel, unless the connection is lost, which is found out by waiting for messages.
    async fn run(&mut self, verb: &str, name: &str) -> Result<()> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        let quote = connection.features().quote();
        let statement = format!("{verb} {}", quoted(name, quote));
        match connection.control(&statement).await {
            Err(error) if matches!(error.kind(), ErrorKind::Connection) => Ok(()),
            ran => ran.map_err(|error| error.at(self.channels.origin)),
        }
    }

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

/// Refuses names that the server would cut, and so listen on another channel.
fn check_names(names: &[String], features: &Features) -> Result<()> {
    if names.is_empty() {
        return Err(Error::configuration(
            "name the channels of a listener: there is none; name at least one",
        ));
    }
    let longest = features.longest_name;
    match names.iter().find(|name| name.len() > longest) {
        Some(name) => Err(Error::configuration(format!(
            "name the channels of a listener: `{name}` is longer than the {longest} bytes that a channel has; choose a \
             shorter name"
        ))),
        None => Ok(()),
    }
}

impl Channels {
    /// Refuses what could not receive a message.
    fn check(&self) -> Result<()> {
        self.check_names(&self.names)?;
        let source = self.database.source();
        // The session is another client's after each transaction.
        if source.options().statement_cache_capacity == Some(0) {
            return Err(Error::configuration(format!(
                "listen on {}: behind a pooler (statement_cache_capacity=0) a session belongs to no client for longer \
                 than a transaction, so messages would be lost; connect to the server itself",
                self.database
            )));
        }
        Ok(())
    }

    fn check_names(&self, names: &[String]) -> Result<()> {
        let features = self.database.dialect().features();
        check_names(names, features).map_err(|error| error.at(self.origin))
    }

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
