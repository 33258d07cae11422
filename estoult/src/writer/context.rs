//! [`SqlContext`]: the features, schemas and tenant that a statement is rendered for.
//!
//! Invariant: no connection here; a statement is rendered before one is acquired, or without any database.

use std::sync::Arc;

use super::limits::{check_datum, check_schema};
use crate::{
    backend::{Features, Statement},
    error::{Error, Result},
    sql::Dialect,
    statement::Route,
    table::{ColumnSpec, Table},
    value::Datum,
};

/// What a statement is rendered for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SqlContext<'a> {
    pub(crate) features: &'static Features,
    /// The schema that the statement names, and the table that it names it for.
    named: Option<(&'static Table, &'a Arc<str>)>,
    /// The schema that the statement, its handle or its scope chose for tables that name none.
    chosen: Option<&'a Arc<str>>,
    /// The schema of the database's settings, for tables that name none if none was chosen.
    default: Option<&'a Arc<str>>,
    tenant: Tenancy<'a>,
}

/// The tenant that a statement runs for.
#[derive(Debug, Clone, Copy)]
enum Tenancy<'a> {
    /// `to_sql` without a handle.
    Unknown,
    /// The handle is bound to no tenant.
    Unbound,
    Bound(&'a Datum),
}

impl<'a> SqlContext<'a> {
    /// The context of a database, with the schema that was chosen and the one of its settings.
    pub(crate) fn new(
        features: &'static Features,
        chosen: Option<&'a Arc<str>>,
        default: Option<&'a Arc<str>>,
    ) -> Self {
        Self {
            features,
            named: None,
            chosen,
            default,
            tenant: Tenancy::Unbound,
        }
    }

    /// The same context for a tenant, if there is one.
    pub(crate) fn for_tenant(mut self, tenant: Option<&'a Datum>) -> Self {
        self.tenant = tenant.map_or(Tenancy::Unbound, Tenancy::Bound);
        self
    }

    /// The context of a statement that is written without a database.
    pub(crate) fn without_database(
        dialect: Dialect,
        route: &'a Route,
        table: &'static Table,
    ) -> Self {
        let context = Self::new(dialect.features(), route.chosen(), None);
        let tenant = Tenancy::Unknown;
        Self { tenant, ..context }.of(route, table)
    }

    /// The same context for a statement on this table: a schema that the statement names overrides the table's own.
    pub(crate) fn of(mut self, route: &'a Route, table: &'static Table) -> Self {
        self.named = route.schema.as_ref().map(|schema| (table, schema));
        self
    }

    /// The schema of a table, unless it is the one that the table itself names.
    pub(crate) fn routed(&self, table: &Table) -> Option<&'a Arc<str>> {
        match self.named {
            // Each table is one static, so its address is its identity. Other tables keep the schema they name:
            // shared tables are marked so.
            Some((named, schema)) if std::ptr::eq(named, table) => Some(schema),
            _ if table.database_schema().is_some() => None,
            _ => self.chosen.or(self.default),
        }
    }

    /// The schema of a table.
    pub(crate) fn schema(&self, table: &Table) -> Option<&'a str> {
        match self.routed(table) {
            Some(schema) => Some(schema),
            None => table.database_schema(),
        }
    }

    /// What decides about the schemas of tables: the one that the statement names with its table, the one that was
    /// chosen, and the one of the settings.
    pub(super) fn schemas(&self) -> (Option<(&'static Table, &'a str)>, [Option<&'a str>; 2]) {
        let named = self.named.map(|(table, schema)| (table, &**schema));
        (
            named,
            [self.chosen, self.default].map(|schema| schema.map(|name| &**name)),
        )
    }

    /// The schema that raw SQL runs in, and whether it was chosen for this statement.
    pub(crate) fn of_raw(&self) -> (Option<&'a Arc<str>>, bool) {
        (self.chosen.or(self.default), self.chosen.is_some())
    }

    /// The table's schema, where a connection has to open each schema separately.
    pub(crate) fn schema_to_open(&self, table: &Table) -> Option<Arc<str>> {
        if !self.features.opens_schemas {
            return None;
        }
        let by_table = || table.database_schema().map(Arc::from);
        self.routed(table).cloned().or_else(by_table)
    }

    /// The tenant that a handle is bound to.
    pub(crate) fn tenant(&self) -> Option<&'a Datum> {
        match self.tenant {
            Tenancy::Bound(tenant) => Some(tenant),
            Tenancy::Unknown | Tenancy::Unbound => None,
        }
    }

    /// The column that restricts a statement on this table to a tenant, and the value it must have.
    pub(crate) fn restriction<'t>(
        &self,
        table: &'t Table,
    ) -> Result<Option<(&'t ColumnSpec, Datum)>> {
        let Some(column) = table.tenant() else {
            return Ok(None);
        };
        match self.tenant {
            Tenancy::Bound(tenant) => {
                check_datum(tenant, table, &column.name, self.features)?;
                Ok(Some((column, tenant.clone())))
            }
            // NULL takes the place of the tenant, so that `to_sql` shows the condition.
            Tenancy::Unknown => Ok(Some((column, Datum::Null(column.kind)))),
            Tenancy::Unbound => Err(Error::configuration(format!(
                "run a statement on the table `{0}`: its rows belong to tenants, by the column `{0}.{1}`, and the \
                 statement is for none; run it on a handle that `for_tenant` gives",
                table.name(),
                column.name
            ))),
        }
    }

    /// The values of a key with the tenant behind them, in the order of the conditions by key.
    pub(crate) fn with_tenant(&self, table: &Table, mut key: Vec<Datum>) -> Result<Vec<Datum>> {
        key.extend(self.restriction(table)?.map(|(_, tenant)| tenant));
        Ok(key)
    }

    /// A statement on one table.
    pub(crate) fn statement(
        &self,
        table: &Table,
        sql: impl Into<Arc<str>>,
        values: Vec<Datum>,
    ) -> Statement {
        Statement {
            sql: sql.into(),
            values,
            is_raw: false,
            schemas: self.schema_to_open(table).into_iter().collect(),
        }
    }

    /// Refuses schemas whose names the database would truncate, misread or open as another file.
    pub(crate) fn check(&self) -> Result<()> {
        let own = self.named.map(|(_, schema)| schema);
        let named = own.into_iter().chain(self.chosen).chain(self.default);
        named
            .into_iter()
            .try_for_each(|schema| check_schema(schema, self.features))
    }
}
