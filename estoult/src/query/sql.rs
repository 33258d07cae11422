//! [`Sql`]: raw SQL with named parameters, for statements beyond the typed query.
//!
//! Invariant: only the crate `estoult-sql` finds parameters in a text, so strings and comments are never changed, and
//! only the writer writes SQL of its own in their place.

use std::{borrow::Cow, fmt, sync::Arc, time::Duration};

use crate::{
    backend::Statement,
    error::{Error, Result},
    sql::{Fragment, SCHEMA, fragments},
    statement::Route,
    value::{Datum, Value},
    writer::{SqlContext, check_value, quoted, write_list},
};

/// The parameter that is bound to the tenant of the handle.
const TENANT: &str = "tenant";

/// A raw statement, in which `:name` is a parameter, whatever the database's own placeholders are.
///
/// Names inside strings, quoted names and comments are left alone, and so are the colons of PostgreSQL's casts and of
/// its array slices, `tags[1:n]`; a parameter in a subscript is written `tags[(:n)]`.
///
/// `{schema}.` is replaced by the schema that `using_schema` or a scope chose, or by nothing if none was chosen. A text
/// without it is refused where one was chosen, since it would run in another schema.
///
/// On a handle that is bound to a tenant, `:tenant` is that tenant. A text without it is refused there, since it would
/// reach the rows of all tenants.
///
/// ```no_run
/// # async fn example(database: &estoult::Database) -> estoult::Result<()> {
/// let titles: Vec<(i64, String)> =
///     estoult::sql("select id, title from books where year between :from and :to and id in (:ids)")
///         .bind("from", 1900)
///         .bind("to", 1950)
///         .bind_list("ids", [1_i64, 2, 3])
///         .all(database)
///         .await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn sql(text: impl Into<String>) -> Sql {
    Sql {
        text: text.into(),
        parameters: Vec::new(),
        route: Route::here(),
        is_across_schemas: false,
        is_sent_unchanged: false,
        is_across_tenants: false,
    }
}

/// A value that raw SQL can bind: any [`Value`], or borrowed text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be bound",
    label = "not a column type, and not text",
    note = "derive `Value` for it, or bind a built-in type"
)]
pub trait ToSql {
    /// The value to bind.
    fn into_datum(self) -> Datum;
}

#[diagnostic::do_not_recommend]
impl<T: Value> ToSql for T {
    fn into_datum(self) -> Datum {
        self.to_datum()
    }
}

#[diagnostic::do_not_recommend]
impl ToSql for &str {
    fn into_datum(self) -> Datum {
        Datum::Text(self.to_owned())
    }
}

/// Raw SQL with its parameters; see [`sql`].
#[derive(Clone)]
pub struct Sql {
    text: String,
    parameters: Vec<(String, Parameter)>,
    pub(crate) route: Route,
    is_across_schemas: bool,
    is_sent_unchanged: bool,
    is_across_tenants: bool,
}

#[derive(Clone)]
enum Parameter {
    One(Datum),
    List(Vec<Datum>),
}

impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.parameters.iter().map(|(name, _)| name).collect();
        f.debug_struct("Sql")
            .field("text", &self.text)
            .field("parameters", &names)
            .finish()
    }
}

impl Sql {
    /// Binds a value to a name.
    pub fn bind(mut self, name: &str, value: impl ToSql) -> Self {
        let parameter = Parameter::One(value.into_datum());
        self.parameters.push((name.to_owned(), parameter));
        self
    }

    /// Binds a list of values to a name in parentheses: `in (:ids)`. An empty list matches no row.
    pub fn bind_list(mut self, name: &str, values: impl IntoIterator<Item = impl ToSql>) -> Self {
        let values = values.into_iter().map(ToSql::into_datum).collect();
        self.parameters
            .push((name.to_owned(), Parameter::List(values)));
        self
    }

    /// Runs on this database of the registry, whatever the default is.
    pub fn using(mut self, name: impl AsRef<str>) -> Self {
        self.route.database = Some(Arc::from(name.as_ref()));
        self
    }

    /// Gives the statement this much time, whatever the database's
    /// [`statement_timeout`](crate::DatabaseBuilder::statement_timeout) is.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.route.timeout = Some(limit);
        self
    }

    /// Sets the schema that replaces `{schema}` in the text.
    pub fn using_schema(mut self, name: impl AsRef<str>) -> Self {
        self.route.schema = Some(Arc::from(name.as_ref()));
        self
    }

    /// Allows a text without `{schema}` where a scope or the handle has a schema: it uses none, or names its schemas
    /// itself.
    pub fn across_schemas(mut self) -> Self {
        self.is_across_schemas = true;
        self
    }

    /// Allows a text without `:tenant` on a handle that is bound to a tenant: its tables have no tenant column, or it
    /// is meant for all tenants.
    pub fn across_tenants(mut self) -> Self {
        self.is_across_tenants = true;
        self
    }

    /// Sends the text unchanged: `:name` and `{schema}` have no meaning in it. For SQL that a person typed.
    pub fn raw(mut self) -> Self {
        self.is_sent_unchanged = true;
        self.across_schemas()
    }

    fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, parameter)| parameter)
    }

    /// The same with the tenant of the handle bound, if it has one.
    fn for_tenant_of(
        &self,
        fragments: &[Fragment<'_>],
        context: &SqlContext<'_>,
    ) -> Result<Cow<'_, Self>> {
        let Some(tenant) = context.tenant() else {
            return Ok(Cow::Borrowed(self));
        };
        let is_named = fragments.contains(&Fragment::Parameter(TENANT));
        // A program that binds the name itself could pass another tenant's key, so only the handle binds it.
        match (self.parameter(TENANT), is_named, self.is_across_tenants) {
            (None, true, _) => {
                let mut bound = self.clone();
                let parameter = Parameter::One(tenant.clone());
                bound.parameters.push((TENANT.to_owned(), parameter));
                Ok(Cow::Owned(bound))
            }
            (None, false, true) => Ok(Cow::Borrowed(self)),
            (Some(_), ..) => Err(self.refuse_tenant(
                "the value `tenant` is bound, but `:tenant` is the tenant of the handle; give the value another name",
            )),
            (None, false, false) => Err(self.refuse_tenant(
                "the text does not say `:tenant`, so it would reach the rows of all tenants; limit it with \
                 `… = :tenant`, or call `across_tenants()` when that is meant",
            )),
        }
    }

    fn refuse_tenant(&self, reason: &str) -> Error {
        let message = format!("run raw SQL on a handle that is bound to a tenant: {reason}");
        Error::configuration(message).with_statement(&Arc::from(self.text.as_str()))
    }
}

impl Sql {
    /// The statement for a context: parameters checked, placeholders and schema written.
    pub(crate) fn statement(&self, context: &SqlContext<'_>) -> Result<Statement> {
        let features = context.features;
        // A raw text is one fragment: nothing in it is replaced.
        let fragments = match self.is_sent_unchanged {
            true => vec![Fragment::Text(&self.text)],
            false => fragments(&self.text, features.dialect.syntax()),
        };
        // Everything that can be refused is refused before text or values are copied.
        let bound = self.for_tenant_of(&fragments, context)?;
        bound.check(&fragments)?;
        if !self.is_across_schemas {
            require_schema(&self.text, &fragments, context, ACROSS)?;
        }
        let schemas = schemas_to_open(&fragments, context);
        let mut text = String::with_capacity(self.text.len() + 16);
        let mut values = Vec::new();
        for fragment in fragments {
            match fragment {
                Fragment::Text(part) => text.push_str(part),
                Fragment::Schema(schema) => write_schema(&mut text, schema, context)?,
                Fragment::Parameter(name) => match bound.parameter(name) {
                    Some(Parameter::One(datum)) => {
                        check_value(datum, &format!(":{name}"), features)?;
                        values.push(datum.clone());
                        text.push_str(&features.placeholder(values.len()));
                    }
                    Some(Parameter::List(list)) => {
                        list.iter().try_for_each(|datum| {
                            check_value(datum, &format!(":{name}"), features)
                        })?;
                        write_list(&mut text, &mut values, list, features);
                    }
                    None => {
                        return Err(Error::internal(format!(
                            "bind `:{name}`: it has no value, which was to be refused earlier"
                        )));
                    }
                },
            }
        }
        Ok(Statement {
            sql: Arc::from(text),
            values,
            is_raw: true,
            schemas,
        })
    }
}

/// What to do with a text that is about no schema.
const ACROSS: &str = "call `across_schemas()` when it is about none";
const OTHER_HANDLE: &str =
    "run it on the database's own handle, outside of the scope, when it is about none";

/// Refuses a text without `{schema}` where a schema was chosen.
fn require_schema(
    text: &str,
    fragments: &[Fragment<'_>],
    context: &SqlContext<'_>,
    otherwise: &str,
) -> Result<()> {
    let (Some(schema), true) = context.of_raw() else {
        return Ok(());
    };
    if fragments
        .iter()
        .any(|fragment| matches!(fragment, Fragment::Schema(_)))
    {
        return Ok(());
    }
    Err(Error::configuration(format!(
        "run raw SQL in the schema `{schema}`: the text does not say in which schema its tables are; write \
         `{SCHEMA}.` before their names, or {otherwise}"
    ))
    .with_statement(&Arc::from(text)))
}

/// Writes the schema that was chosen, with the dot behind it.
fn write_schema(text: &mut String, written: &str, context: &SqlContext<'_>) -> Result<()> {
    match context.of_raw().0 {
        Some(schema) => {
            text.push_str(&quoted(schema, context.features));
            text.push_str(&written[SCHEMA.len()..]);
            Ok(())
        }
        // Without a schema `{schema}.` disappears with its dot; `{schema}` alone would leave a gap in the text.
        None if written.len() > SCHEMA.len() => Ok(()),
        None => Err(Error::configuration(format!(
            "run raw SQL: its text has `{SCHEMA}`, but no schema was chosen; choose one with `using_schema`"
        ))),
    }
}

/// A script with `{schema}` replaced by the chosen schema, and the schemas that a connection has to open for it.
pub(crate) fn script<'t>(
    text: &'t str,
    context: &SqlContext<'_>,
) -> Result<(Cow<'t, str>, Vec<Arc<str>>)> {
    let fragments = fragments(text, context.features.dialect.syntax());
    require_schema(text, &fragments, context, OTHER_HANDLE)?;
    if context.tenant().is_some() {
        return Err(Error::configuration(
            "run a script on a handle that is bound to a tenant: a script has no parameters, so it would reach the \
             rows of all tenants; run it on `handle.unbound()`, or statement by statement with `sql`",
        ));
    }
    if !fragments
        .iter()
        .any(|fragment| matches!(fragment, Fragment::Schema(_)))
    {
        return Ok((Cow::Borrowed(text), Vec::new()));
    }
    let mut written = String::with_capacity(text.len() + 16);
    for fragment in &fragments {
        match fragment {
            Fragment::Text(part) => written.push_str(part),
            // A script is sent without values, so a colon belongs to its SQL.
            Fragment::Parameter(name) => written.extend([":", name]),
            Fragment::Schema(schema) => write_schema(&mut written, schema, context)?,
        }
    }
    Ok((Cow::Owned(written), schemas_to_open(&fragments, context)))
}

/// The text of a COPY, with `{schema}` replaced as in a script.
pub(crate) fn copy_text<'t>(text: &'t str, context: &SqlContext<'_>) -> Result<Cow<'t, str>> {
    if context.tenant().is_some() {
        return Err(Error::configuration(
            "copy data on a handle that is bound to a tenant: a COPY has no parameters, so it would reach the rows of \
             all tenants; run it on `handle.unbound()`",
        ));
    }
    script(text, context).map(|(text, _)| text)
}

/// The schema of a text, where a connection has to open each schema separately.
fn schemas_to_open(fragments: &[Fragment<'_>], context: &SqlContext<'_>) -> Vec<Arc<str>> {
    let is_named = fragments
        .iter()
        .any(|fragment| matches!(fragment, Fragment::Schema(_)));
    let schema = context
        .of_raw()
        .0
        .filter(|_| is_named && context.features.opens_schemas);
    schema.into_iter().cloned().collect()
}

impl Sql {
    /// Refuses names without a value and values without a name, all in one error.
    fn check(&self, fragments: &[Fragment<'_>]) -> Result<()> {
        let mut problems = Vec::new();
        for fragment in fragments {
            if let Fragment::Parameter(name) = fragment
                && self.parameter(name).is_none()
            {
                problems.push(format!(
                    "`:{name}` has no value; add `.bind(\"{name}\", …)`"
                ));
            }
        }
        for (name, _) in &self.parameters {
            let is_used = fragments
                .iter()
                .any(|fragment| matches!(fragment, Fragment::Parameter(used) if used == name));
            if !is_used {
                problems.push(format!(
                    "the value `{name}` is bound, but `:{name}` is not in the text"
                ));
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        let text: Arc<str> = Arc::from(self.text.as_str());
        let message = format!("bind the parameters of raw SQL: {}", problems.join("; "));
        Err(Error::configuration(message).with_statement(&text))
    }
}
