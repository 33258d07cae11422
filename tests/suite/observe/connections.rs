//! Connections: when one was opened, of which database; observers of a registry, and of a source of its own.

use std::{sync::Arc, time::Duration};

use estoult::{
    Database, DatabaseOptions, Registry,
    database::PoolStatus,
    extension::{Caller, ClosedConnections, Connection, ConnectionSource, Pool},
    observe::Operation,
    sql,
};

use super::{Events, Seen};
use crate::support::{Fresh, on_every_fresh, runtime};

fn counted(seen: &[Seen], operation: Operation) -> usize {
    seen.iter()
        .filter(|seen| seen.operation == operation)
        .count()
}

on_every_fresh!(connections_are_told_when_they_are_opened, |fresh| {
    let events = Events::default();
    let builder = Database::builder(fresh.url.clone()).observer(events.clone());
    let db = builder.min_connections(2).build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let seen = events.take();
        assert_eq!(counted(&seen, Operation::Connect), 2);
        // Estoult opens them by itself, for no place in the program.
        assert!(
            seen.iter()
                .all(|seen| seen.place.is_none() && !seen.run.is_zero())
        );
        let pinned = [db.pin().await?, db.pin().await?, db.pin().await?];
        let seen = events.take();
        assert_eq!(counted(&seen, Operation::Acquire), 3);
        assert_eq!(counted(&seen, Operation::Connect), 1);
        assert!(seen.iter().all(|seen| seen.place.is_some()));
        drop(pinned);
        lifespan.close().await
    })
});

on_every_fresh!(a_connection_that_fails_is_told, |fresh| {
    let events = Events::default();
    let url = format!("{}_missing/nothing", fresh.url);
    let db = Database::builder(url).observer(events.clone()).build()?;
    runtime().block_on(async {
        db.connect().await.unwrap_err();
        let seen = events.take();
        assert_eq!(counted(&seen, Operation::Connect), 1);
        assert!(seen[0].end.starts_with("failed: "), "{seen:?}");
        Ok(())
    })
});

on_every_fresh!(a_registry_has_observers_of_all_databases, |fresh| {
    let other = Fresh::new(fresh.backend());
    let (all, own) = (Events::default(), Events::default());
    let archive = Database::builder(other.url.clone()).observer(own.clone());
    let registry = Registry::builder(fresh.url.clone())
        .extra("archive", archive)
        .observer(all.clone())
        .build()?;
    runtime().block_on(async {
        let lifespan = registry.connect().await?;
        all.take();
        own.take();
        sql("select 1").execute(&registry).await?;
        sql("select 2").execute(&registry.using("archive")?).await?;
        let (all, own) = (all.statements(), own.statements());
        let told: Vec<_> = all
            .iter()
            .map(|seen| (&*seen.database, &*seen.sql))
            .collect();
        assert_eq!(told, [("default", "select 1"), ("archive", "select 2")]);
        assert_eq!(own.len(), 1);
        assert_eq!((&*own[0].database, &*own[0].sql), ("archive", "select 2"));
        lifespan.close().await
    })
});

/// A source with a pool of its own, as a cluster has one for each node.
#[derive(Debug)]
struct Node(Arc<Pool>);

#[async_trait::async_trait]
impl ConnectionSource for Node {
    fn dialect(&self) -> estoult::Dialect {
        ConnectionSource::dialect(&*self.0)
    }

    fn is_dialect_known(&self) -> bool {
        self.0.is_dialect_known()
    }

    async fn acquire(&self, caller: Caller<'_>) -> estoult::Result<Connection> {
        ConnectionSource::acquire(&*self.0, caller).await
    }

    async fn acquire_once(&self, caller: Caller<'_>) -> estoult::Result<Connection> {
        self.0.acquire_once(caller).await
    }

    async fn warm(&self, connections: usize, caller: Caller<'_>) -> estoult::Result<()> {
        self.0.warm(connections, caller).await
    }

    fn options(&self) -> &DatabaseOptions {
        self.0.options()
    }

    fn status(&self) -> PoolStatus {
        self.0.status()
    }

    fn held_by(&self) -> Vec<String> {
        ConnectionSource::held_by(&*self.0)
    }

    fn start_lifespan(&self) {
        ConnectionSource::start_lifespan(&*self.0);
    }

    fn end_lifespan(&self) {
        ConnectionSource::end_lifespan(&*self.0);
    }

    fn reap(&self) -> usize {
        ConnectionSource::reap(&*self.0)
    }

    async fn close_ended(&self, within: Duration) -> ClosedConnections {
        ConnectionSource::close_ended(&*self.0, within).await
    }
}

on_every_fresh!(connections_of_a_source_of_its_own_are_told, |fresh| {
    let events = Events::default();
    let pool = Database::builder(fresh.url.clone()).pool()?;
    let cluster = Database::from_source("cluster", Arc::new(Node(Arc::new(pool))));
    let registry = Registry::builder(fresh.url.clone())
        .extra("cluster", cluster)
        .observer(events.clone())
        .build()?;
    runtime().block_on(async {
        let lifespan = registry.connect().await?;
        sql("select 1").execute(&registry.using("cluster")?).await?;
        let mut seen = events.take();
        seen.retain(|seen| seen.database == "cluster");
        let operations: Vec<_> = seen.iter().map(|seen| seen.operation).collect();
        assert_eq!(
            operations,
            [Operation::Connect, Operation::Acquire, Operation::Statement]
        );
        lifespan.close().await
    })
});
