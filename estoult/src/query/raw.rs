//! Raw SQL with named parameters, for what the typed query does not write.

use std::{borrow::Cow, fmt, future::Future, sync::Arc};

use crate::{
    backend::{Features, ListStyle, Statement},
    database::{Reads, Writes, read, write},
    error::{Error, Result},
    query::{Call, Route, Site, refusal::check, render::quoted},
    row::{FromRow, Records},
    value::{Datum, Value},
};

/// A statement of the program's own: `:name` stands for a value, whatever the database's own placeholders are.
///
/// A name inside of quotes and comments is left alone, and so is `::`, PostgreSQL's cast.
///
/// `{schema}.` stands for the schema that was chosen with `using_schema` or by a scope, and for nothing where none was.
/// Where one was chosen, a text that does not say it is refused, since it would run in another schema.
///
/// `:tenant` stands for the tenant of a handle that is bound to one. There a text that does not say it is refused, too,
/// since it would reach the rows of all tenants.
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
        is_verbatim: false,
        is_across_tenants: false,
    }
}

/// Runs a script of several statements without parameters in one go. `{schema}.` stands for the chosen schema, as in
/// [`sql`].
///
/// # Errors
///
/// Whatever the database answers, by kind. Outside of a transaction the statements before the failing one may have
/// taken effect.
#[track_caller]
pub fn batch<'a>(
    on: &'a (impl Writes + ?Sized),
    script: &'a str,
) -> impl Future<Output = Result<()>> + Send + 'a {
    write::batch(on.executor().erased(), script, Call::here())
}

/// What raw SQL binds: any value, and borrowed text.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be bound",
    label = "not a column type, and not text",
    note = "derive `Value` for it, or bind a built-in type"
)]
pub trait Bindable {
    /// The value as it is bound.
    fn into_datum(self) -> Datum;
}

#[diagnostic::do_not_recommend]
impl<T: Value> Bindable for T {
    fn into_datum(self) -> Datum {
        self.to_datum()
    }
}

#[diagnostic::do_not_recommend]
impl Bindable for &str {
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
    is_verbatim: bool,
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
    pub fn bind(mut self, name: &str, value: impl Bindable) -> Self {
        let parameter = Parameter::One(value.into_datum());
        self.parameters.push((name.to_owned(), parameter));
        self
    }

    /// Binds a list of values to a name that stands in parentheses: `in (:ids)`. An empty list finds no row.
    pub fn bind_list(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = impl Bindable>,
    ) -> Self {
        let values = values.into_iter().map(Bindable::into_datum).collect();
        self.parameters
            .push((name.to_owned(), Parameter::List(values)));
        self
    }

    /// Runs on this database of the registry, whatever the default is.
    pub fn using(mut self, name: impl AsRef<str>) -> Self {
        self.route.database = Some(Arc::from(name.as_ref()));
        self
    }

    /// What `{schema}` stands for in the text.
    pub fn using_schema(mut self, name: impl AsRef<str>) -> Self {
        self.route.schema = Some(Arc::from(name.as_ref()));
        self
    }

    /// Runs in a scope with a schema, or on a handle with one, though the text does not say `{schema}`: it is about no
    /// schema, or names its schemas itself.
    pub fn across_schemas(mut self) -> Self {
        self.is_across_schemas = true;
        self
    }

    /// Runs on a handle that is bound to a tenant, though the text does not say `:tenant`: it is about tables whose
    /// rows belong to no tenant, or to all of them.
    pub fn across_tenants(mut self) -> Self {
        self.is_across_tenants = true;
        self
    }

    /// Sends the text as it is, about whatever schema it names: `:name` and `{schema}` stand for themselves. For SQL
    /// that a person has typed.
    pub fn verbatim(mut self) -> Self {
        self.is_verbatim = true;
        self.across_schemas()
    }

    /// All rows, whatever columns they have.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> estoult::Result<()> {
    /// # let database = estoult::Database::builder("sqlite::memory:").build()?;
    /// # let _lifespan = database.connect().await?;
    /// let records = estoult::sql("select 1 as id, null as title").records(&database).await?;
    /// assert_eq!(records.columns(), ["id", "title"]);
    /// assert_eq!(records.rows()[0][1].to_string(), "NULL");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`all`](Self::all), but that a value that can't be read is no error: its [`Cell`](crate::Cell) says why.
    #[track_caller]
    pub fn records<'a>(
        self,
        on: &'a (impl Reads + ?Sized),
    ) -> impl Future<Output = Result<Records>> + Send + 'a {
        read::records(on.executor().erased(), self, Call::here())
    }

    /// All rows. A struct's columns are found by name, a tuple's are taken in order.
    ///
    /// # Errors
    ///
    /// `Configuration` when a name has no value or a value no name; `Query` when the database refuses the statement;
    /// `Decode` when a row does not fit.
    #[track_caller]
    pub fn all<'a, R: FromRow>(
        self,
        on: &'a (impl Reads + ?Sized),
    ) -> impl Future<Output = Result<Vec<R>>> + Send + 'a {
        read::raw(on.executor().erased(), self, Call::here())
    }

    /// The only row.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none, `TooMany` when there are several; else as for [`all`](Self::all).
    #[track_caller]
    pub fn one<'a, R: FromRow>(
        self,
        on: &'a (impl Reads + ?Sized),
    ) -> impl Future<Output = Result<R>> + Send + 'a {
        let call = Call::here();
        let origin = call.origin;
        let rows = read::raw(on.executor().erased(), self, call);
        async move { read::only(rows.await?, "the statement").map_err(|error| error.at(origin)) }
    }

    /// The only row, or none.
    ///
    /// # Errors
    ///
    /// `TooMany` when there are several; else as for [`all`](Self::all).
    #[track_caller]
    pub fn optional<'a, R: FromRow>(
        self,
        on: &'a (impl Reads + ?Sized),
    ) -> impl Future<Output = Result<Option<R>>> + Send + 'a {
        let call = Call::here();
        let origin = call.origin;
        let rows = read::raw(on.executor().erased(), self, call);
        async move { read::at_most_one(rows.await?, "the statement").map_err(|error| error.at(origin)) }
    }

    /// Runs the statement, and tells how many rows it changed.
    ///
    /// # Errors
    ///
    /// As for [`all`](Self::all), and `Constraint` when a row would break one.
    #[track_caller]
    pub fn execute<'a>(
        self,
        on: &'a (impl Writes + ?Sized),
    ) -> impl Future<Output = Result<u64>> + Send + 'a {
        write::raw(on.executor().erased(), self, Call::here())
    }

    fn parameter(&self, name: &str) -> Option<&Parameter> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, parameter)| parameter)
    }

    /// The same with the tenant of the site bound, where there is one.
    fn for_tenant_of(&self, pieces: &[Piece<'_>], site: &Site<'_>) -> Result<Cow<'_, Self>> {
        let Some(tenant) = site.tenant() else {
            return Ok(Cow::Borrowed(self));
        };
        let is_named = pieces.contains(&Piece::Name(TENANT));
        match (self.parameter(TENANT), is_named, self.is_across_tenants) {
            (None, true, _) => {
                let mut bound = self.clone();
                let parameter = Parameter::One(tenant.clone());
                bound.parameters.push((TENANT.to_owned(), parameter));
                Ok(Cow::Owned(bound))
            }
            (None, false, true) => Ok(Cow::Borrowed(self)),
            (Some(_), ..) => Err(self.refuse_tenant(
                "the value `tenant` is bound, but `:tenant` stands for the tenant of the handle; give it another name",
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
    /// The statement for a site.
    pub(crate) fn statement(&self, site: &Site<'_>) -> Result<Statement> {
        let features = site.features;
        let pieces = match self.is_verbatim {
            true => vec![Piece::Text(&self.text)],
            false => pieces(&self.text),
        };
        let bound = self.for_tenant_of(&pieces, site)?;
        bound.check(&pieces)?;
        if !self.is_across_schemas {
            require_schema(&self.text, &pieces, site)?;
        }
        let schemas = opened(&pieces, site);
        let mut text = String::with_capacity(self.text.len() + 16);
        let mut values = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(part) => text.push_str(part),
                Piece::Schema(schema) => write_schema(&mut text, schema, site)?,
                Piece::Name(name) => match bound.parameter(name) {
                    Some(Parameter::One(datum)) => {
                        check(datum, &format!(":{name}"), features)?;
                        values.push(datum.clone());
                        text.push_str(&features.mark(values.len()));
                    }
                    Some(Parameter::List(list)) => {
                        list.iter()
                            .try_for_each(|datum| check(datum, &format!(":{name}"), features))?;
                        write_list(&mut text, &mut values, list, features);
                    }
                    None => {}
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

/// Refuses a text that does not say which schema it is about, where one was chosen.
fn require_schema(text: &str, pieces: &[Piece<'_>], site: &Site<'_>) -> Result<()> {
    let (Some(schema), true) = site.of_raw() else {
        return Ok(());
    };
    if pieces.iter().any(|piece| matches!(piece, Piece::Schema(_))) {
        return Ok(());
    }
    Err(Error::configuration(format!(
        "run raw SQL in the schema `{schema}`: the text does not say in which schema its tables are; write \
         `{SCHEMA}.` before their names, or call `across_schemas()` when it is about none"
    ))
    .with_statement(&Arc::from(text)))
}

/// Writes the schema that was chosen, with the full stop behind it.
fn write_schema(text: &mut String, written: &str, site: &Site<'_>) -> Result<()> {
    match site.of_raw().0 {
        Some(schema) => {
            text.push_str(&quoted(schema, site.features));
            text.push_str(&written[SCHEMA.len()..]);
            Ok(())
        }
        None if written.len() > SCHEMA.len() => Ok(()),
        None => Err(Error::configuration(format!(
            "run raw SQL: its text has `{SCHEMA}`, but no schema was chosen; choose one with `using_schema`"
        ))),
    }
}

/// A script for a site: with the chosen schema in the place of `{schema}`, and the schemas that it is about.
pub(crate) fn script<'t>(text: &'t str, site: &Site<'_>) -> Result<(Cow<'t, str>, Vec<Arc<str>>)> {
    let pieces = pieces(text);
    require_schema(text, &pieces, site)?;
    if site.tenant().is_some() {
        return Err(Error::configuration(
            "run a script on a handle that is bound to a tenant: a script has no parameters, so it would reach the \
             rows of all tenants; run it on `handle.unbound()`, or statement by statement with `sql`",
        ));
    }
    if !pieces.iter().any(|piece| matches!(piece, Piece::Schema(_))) {
        return Ok((Cow::Borrowed(text), Vec::new()));
    }
    let mut written = String::with_capacity(text.len() + 16);
    for piece in &pieces {
        match piece {
            Piece::Text(part) => written.push_str(part),
            Piece::Name(name) => written.extend([":", name]),
            Piece::Schema(schema) => write_schema(&mut written, schema, site)?,
        }
    }
    Ok((Cow::Owned(written), opened(&pieces, site)))
}

/// The schema that a text is about, for a database whose connections have to open each by itself.
fn opened(pieces: &[Piece<'_>], site: &Site<'_>) -> Vec<Arc<str>> {
    let is_named = pieces.iter().any(|piece| matches!(piece, Piece::Schema(_)));
    let schema = site
        .of_raw()
        .0
        .filter(|_| is_named && site.features.opens_schemas);
    schema.into_iter().cloned().collect()
}

/// A list between the parentheses of the statement.
fn write_list(text: &mut String, values: &mut Vec<Datum>, list: &[Datum], features: &Features) {
    if list.is_empty() {
        text.push_str("select null where 1 = 0");
        return;
    }
    let is_in_json = !matches!(list.first(), Some(Datum::Bytes(_) | Datum::Float(_)));
    if features.list == ListStyle::Json && list.len() > 100 && is_in_json {
        // SQLite takes long lists as one JSON parameter, but for what JSON does not hold exactly.
        values.push(Datum::List(crate::value::Kind::Text, list.to_vec()));
        text.push_str(&format!(
            "select value from json_each({})",
            features.mark(values.len())
        ));
        return;
    }
    for (index, datum) in list.iter().enumerate() {
        values.push(datum.clone());
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&features.mark(values.len()));
    }
}

impl Sql {
    /// All names without a value and all values without a name, at once.
    fn check(&self, pieces: &[Piece<'_>]) -> Result<()> {
        let mut problems = Vec::new();
        for piece in pieces {
            if let Piece::Name(name) = piece
                && self.parameter(name).is_none()
            {
                problems.push(format!(
                    "`:{name}` has no value; add `.bind(\"{name}\", …)`"
                ));
            }
        }
        for (name, _) in &self.parameters {
            let is_used = pieces
                .iter()
                .any(|piece| matches!(piece, Piece::Name(used) if used == name));
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

#[derive(Debug, PartialEq)]
enum Piece<'t> {
    Text(&'t str),
    Name(&'t str),
    /// `{schema}`, with the full stop behind it if there is one.
    Schema(&'t str),
}

/// What stands in a text for the schema that it runs in.
const SCHEMA: &str = "{schema}";

/// The name that stands in a text for the tenant that it runs for.
const TENANT: &str = "tenant";

/// Takes a text apart at its names and at `{schema}`; quotes, comments and `::` are passed over.
fn pieces(text: &str) -> Vec<Piece<'_>> {
    let bytes = text.as_bytes();
    let (mut pieces, mut start, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        let next = match bytes[at] {
            quote @ (b'\'' | b'"' | b'`') => end_of_quote(bytes, at, quote),
            b'-' if bytes.get(at + 1) == Some(&b'-') => find(bytes, at, b"\n"),
            b'/' if bytes.get(at + 1) == Some(&b'*') => find(bytes, at + 2, b"*/"),
            b'$' => end_of_dollar_quote(bytes, at),
            b'{' if text[at..].starts_with(SCHEMA) => {
                let stop = usize::from(bytes.get(at + SCHEMA.len()) == Some(&b'.'));
                pieces.push(Piece::Text(&text[start..at]));
                start = at + SCHEMA.len() + stop;
                pieces.push(Piece::Schema(&text[at..start]));
                start
            }
            b':' if bytes.get(at + 1) == Some(&b':') => at + 2,
            b':' => {
                let length = name_length(&bytes[at + 1..]);
                if length > 0 {
                    pieces.push(Piece::Text(&text[start..at]));
                    pieces.push(Piece::Name(&text[at + 1..at + 1 + length]));
                    start = at + 1 + length;
                }
                at + 1 + length
            }
            _ => at + 1,
        };
        at = next;
    }
    pieces.push(Piece::Text(&text[start..]));
    pieces
}

fn name_length(bytes: &[u8]) -> usize {
    match bytes.first() {
        Some(first) if first.is_ascii_alphabetic() || *first == b'_' => bytes
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
            .count(),
        _ => 0,
    }
}

/// Behind the closing quote; a doubled quote closes and opens again, which comes to the same.
fn end_of_quote(bytes: &[u8], start: usize, quote: u8) -> usize {
    let length = bytes[start + 1..].iter().position(|byte| *byte == quote);
    length.map_or(bytes.len(), |length| start + length + 2)
}

fn find(bytes: &[u8], from: usize, end: &[u8]) -> usize {
    let from = from.min(bytes.len());
    let found = bytes[from..]
        .windows(end.len())
        .position(|window| window == end);
    found.map_or(bytes.len(), |length| from + length + end.len())
}

/// Behind `$tag$ … $tag$`; a `$` that opens no such quote stands for itself.
fn end_of_dollar_quote(bytes: &[u8], start: usize) -> usize {
    let tag = name_length(&bytes[start + 1..]);
    let open = start + 1 + tag;
    if bytes.get(open) != Some(&b'$') {
        return start + 1;
    }
    find(bytes, open + 1, &bytes[start..=open])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&str> {
        let pieces = pieces(text).into_iter();
        pieces
            .filter_map(|piece| match piece {
                Piece::Name(name) => Some(name),
                Piece::Text(_) | Piece::Schema(_) => None,
            })
            .collect()
    }

    #[test]
    fn names_are_found_outside_of_quotes_and_comments() {
        assert_eq!(
            names("select :a, ':b', \":c\", `:d` -- :e\n, :f /* :g */"),
            ["a", "f"]
        );
    }

    #[test]
    fn casts_and_dollar_quotes_are_left_alone() {
        assert_eq!(
            names("select :a::int, $$ :b $$, $x$ :c $x$, $1, :d"),
            ["a", "d"]
        );
    }

    #[test]
    fn doubled_quotes_do_not_end_a_text() {
        assert_eq!(names("select 'it''s :a', :b"), ["b"]);
    }
}
