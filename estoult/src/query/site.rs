//! The [`Site`] that a statement is written for: what its database has and lacks, and in which schema its tables are.
//!
//! Invariant: no connection here; a site is known before anything is sent, and without a database, too.

use std::sync::Arc;

use crate::{
    backend::{Dialect, Features, Statement},
    error::{Error, Result},
    query::{Route, quoted, refusal::check_datum},
    schema::{ColumnSpec, Table},
    value::Datum,
};

/// Where a statement is to run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Site<'a> {
    pub(crate) features: &'static Features,
    /// The table of the statement with the schema that the statement names for it.
    own: Option<(&'static Table, &'a Arc<str>)>,
    /// The schema of tables that name none, when somebody chose one: the statement, its handle, its scope.
    chosen: Option<&'a Arc<str>>,
    /// The schema of tables that name none when nobody chose.
    default: Option<&'a Arc<str>>,
    tenant: Tenancy<'a>,
}

/// What is known of the tenant that a statement is for.
#[derive(Debug, Clone, Copy)]
enum Tenancy<'a> {
    /// There is no database yet, so there is no tenant.
    Open,
    /// It is for nobody in particular.
    Nobody,
    Of(&'a Datum),
}

impl<'a> Site<'a> {
    /// The site of a database, with the schema that was chosen and the one of its settings.
    pub(crate) fn new(
        features: &'static Features,
        chosen: Option<&'a Arc<str>>,
        default: Option<&'a Arc<str>>,
    ) -> Self {
        Self {
            features,
            own: None,
            chosen,
            default,
            tenant: Tenancy::Nobody,
        }
    }

    /// The same site for a tenant, if there is one.
    pub(crate) fn for_tenant(mut self, tenant: Option<&'a Datum>) -> Self {
        self.tenant = tenant.map_or(Tenancy::Nobody, Tenancy::Of);
        self
    }

    /// The site of a statement that is written without a database.
    pub(crate) fn without_database(
        dialect: Dialect,
        route: &'a Route,
        table: &'static Table,
    ) -> Self {
        let site = Self::new(dialect.features(), route.chosen(), None);
        let tenant = Tenancy::Open;
        Self { tenant, ..site }.of(route, table)
    }

    /// The same site for a statement on this table, whose own choice goes before what the table says.
    pub(crate) fn of(mut self, route: &'a Route, table: &'static Table) -> Self {
        self.own = route.schema.as_ref().map(|schema| (table, schema));
        self
    }

    /// The schema of a table that is not the one the table itself names.
    pub(crate) fn routed(&self, table: &Table) -> Option<&'a Arc<str>> {
        match self.own {
            Some((own, schema)) if std::ptr::eq(own, table) => Some(schema),
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

    /// The schema that raw SQL runs in, and whether somebody chose it for this statement.
    pub(crate) fn of_raw(&self) -> (Option<&'a Arc<str>>, bool) {
        (self.chosen.or(self.default), self.chosen.is_some())
    }

    /// A table's name in quotes, with its schema's before it.
    pub(crate) fn table(&self, table: &Table) -> String {
        let name = quoted(table.name(), self.features);
        match self.schema(table) {
            Some(schema) => format!("{}.{name}", quoted(schema, self.features)),
            None => name,
        }
    }

    /// The table's schema, for a database whose connections have to open each schema by itself.
    pub(crate) fn opened(&self, table: &Table) -> Option<Arc<str>> {
        if !self.features.opens_schemas {
            return None;
        }
        let named = || table.database_schema().map(Arc::from);
        self.routed(table).cloned().or_else(named)
    }

    /// The tenant that a handle is bound to.
    pub(crate) fn tenant(&self) -> Option<&'a Datum> {
        match self.tenant {
            Tenancy::Of(tenant) => Some(tenant),
            Tenancy::Open | Tenancy::Nobody => None,
        }
    }

    /// The column to which a statement on this table is limited, and the value that it has to have.
    pub(crate) fn limit<'t>(&self, table: &'t Table) -> Result<Option<(&'t ColumnSpec, Datum)>> {
        let Some(column) = table.tenant() else {
            return Ok(None);
        };
        match self.tenant {
            Tenancy::Of(tenant) => {
                check_datum(tenant, table, &column.name, self.features)?;
                Ok(Some((column, tenant.clone())))
            }
            Tenancy::Open => Ok(Some((column, Datum::Null(column.kind)))),
            Tenancy::Nobody => Err(Error::configuration(format!(
                "run a statement on the table `{0}`: its rows belong to tenants, by the column `{0}.{1}`, and the \
                 statement is for none; run it on a handle that `for_tenant` gives",
                table.name(),
                column.name
            ))),
        }
    }

    /// Adds to the values of a key the tenant, which the texts by key expect behind them.
    pub(crate) fn limit_key(&self, table: &Table, mut key: Vec<Datum>) -> Result<Vec<Datum>> {
        key.extend(self.limit(table)?.map(|(_, tenant)| tenant));
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
            schemas: self.opened(table).into_iter().collect(),
        }
    }

    /// Refuses schemas whose names the database would cut off, misread or open as another file.
    pub(crate) fn check(&self) -> Result<()> {
        let own = self.own.map(|(_, schema)| schema);
        let named = own.into_iter().chain(self.chosen).chain(self.default);
        named
            .into_iter()
            .try_for_each(|schema| check_schema(schema, self.features))
    }
}

/// Refuses the name of a schema that the database can't have.
pub(crate) fn check_schema(name: &str, features: &Features) -> Result<()> {
    let longest = features.longest_name;
    let is_plain = |letter: char| letter.is_alphanumeric() || "_-.".contains(letter);
    let reason = if name.trim().is_empty() {
        "the name is blank".to_owned()
    } else if name.trim() != name || name.contains('\0') {
        "the name begins or ends with a space, or holds the character NUL".to_owned()
    } else if name.len() > longest {
        format!(
            "the name is longer than the {longest} bytes that {} tells apart",
            features.dialect
        )
    } else if features.opens_schemas && (!name.chars().all(is_plain) || name.starts_with('.')) {
        "a schema of SQLite is a file, so its name may have letters, digits, `_`, `-` and `.` only"
            .to_owned()
    } else {
        return Ok(());
    };
    Err(Error::configuration(format!(
        "use the schema {name:?}: {reason}; choose another name"
    )))
}
