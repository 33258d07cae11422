//! [`SharedState`]: what the sessions of one database share: its address, and what was learnt about its types and the
//! program's statements.

use std::{
    collections::HashSet,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use super::{
    bind::Declared,
    types::{TableCache, TypeCache},
};
use crate::backend::{Statement, address::PostgresAddress, tls::TlsConnector};

/// How many texts are remembered whose parameters need a type; a program that makes more of them starts again.
const MOST_TEXTS: usize = 4096;

/// What the sessions of one database share.
#[derive(Debug)]
pub(super) struct SharedState {
    pub(super) address: PostgresAddress,
    pub(super) tls: Option<TlsConnector>,
    /// What is being tried when a session is opened, for messages.
    pub(super) tried: String,
    /// How long opening a session may take.
    pub(super) connect_timeout: Duration,
    pub(super) types: TypeCache,
    pub(super) tables: TableCache,
    /// Texts whose parameters the server could not infer a type for.
    always_declared: RwLock<HashSet<Arc<str>>>,
}

impl SharedState {
    pub(super) fn new(
        address: PostgresAddress,
        tls: Option<TlsConnector>,
        connect_timeout: Duration,
    ) -> Self {
        Self {
            tried: format!("connect to postgres://{:?}", address.server),
            address,
            tls,
            connect_timeout,
            types: TypeCache::default(),
            tables: TableCache::default(),
            always_declared: RwLock::default(),
        }
    }

    /// How many statements a session keeps prepared; none where a pooler may give each unit another session.
    pub(super) fn statement_cache(&self) -> usize {
        self.address.server.statement_cache
    }

    /// How the parameters of a statement are declared.
    pub(super) fn declared(&self, statement: &Statement) -> Declared {
        let texts = self
            .always_declared
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        // Fast path: hardly any text needs it.
        if !texts.is_empty() && texts.contains(&statement.sql) {
            return Declared::Always;
        }
        if statement.is_raw {
            Declared::AsLiterals
        } else {
            Declared::ByKind
        }
    }

    /// Declares all parameters of a text from now on.
    pub(super) fn declare_always(&self, text: &Arc<str>) {
        let mut texts = self
            .always_declared
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if texts.len() >= MOST_TEXTS {
            texts.clear();
        }
        texts.insert(Arc::clone(text));
    }
}
