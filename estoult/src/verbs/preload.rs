//! Runs preloads: one statement per association and level, whatever the number of rows.
//!
//! Invariant: nothing is loaded because a field was touched.

use std::collections::{HashMap, HashSet};

use crate::{
    error::{Error, Result},
    expr::Node,
    query::{Children, Extend, Fetch, HasRoot, Load, Loader, Preload, PreloadLoader},
    row::Collected,
    runtime::BoxFuture,
    statement::Select,
    table::Model,
    value::Datum,
};

impl<R: Send + 'static> Loader<R> {
    /// Runs the query and the selects of its preloads.
    pub(super) async fn run(&self, on: &mut dyn Fetch, select: &Select) -> Result<Vec<R>> {
        match self {
            Self::Rows(decode) => {
                let sink = Collected::new(*decode, select.table().name());
                Collected::from_sink(on.fetch(select, Box::new(sink)).await?)
            }
            Self::Preload(load) => load.load(on, select).await,
        }
    }
}

impl<R, P, C, Q, N> Load<R::With> for PreloadLoader<R, Preload<P, C, Q, N>, N::Loaded>
where
    R: Extend<N::Loaded, Schema = P> + Send + 'static,
    P: Model,
    C: Model,
    Q: HasRoot<Schema = C> + Clone,
    N: Children<Q>,
{
    fn load<'a>(
        &'a self,
        on: &'a mut dyn Fetch,
        select: &'a Select,
    ) -> BoxFuture<'a, Result<Vec<R::With>>> {
        Box::pin(async move {
            // Three stages: the parents, the children of all parents in one select, each child to its parents.
            let rows = self.rows.run(on, select).await?;
            let keys: Vec<_> = rows
                .iter()
                .map(|row| self.preload.key(row.root()))
                .collect::<Result<_>>()?;
            let children = self.preload.rows(on, &keys).await?;
            let children = self.preload.distribute(children, keys)?;
            let joined = rows.into_iter().zip(children);
            Ok(joined.map(|(row, children)| row.with(children)).collect())
        })
    }
}

impl<P, C, Q, N> Preload<P, C, Q, N>
where
    P: Model,
    C: Model,
    Q: HasRoot<Schema = C> + Clone,
    N: Children<Q>,
{
    /// The value by which a row's associated rows are found.
    fn key(&self, parent: &P) -> Result<Option<Datum>> {
        let key = value_of(parent, &self.keys.own.to_string())?;
        Ok(Some(key).filter(|key| !key.is_null()))
    }

    /// The rows that refer to one of the keys, in the preload's order.
    async fn rows(&self, on: &mut dyn Fetch, keys: &[Option<Datum>]) -> Result<Vec<Q>> {
        // Parents may share a key, such as the author of many books; each is sent once.
        let mut known = HashSet::new();
        let distinct: Vec<_> = keys
            .iter()
            .flatten()
            .filter(|key| known.insert(GroupKey::of(key)))
            .cloned()
            .collect();
        if distinct.is_empty() {
            return Ok(Vec::new());
        }
        let column = Node::column(C::table_spec(), self.keys.other);
        let mut select = self.query.select.clone();
        select.filters.push(column.clone().among(distinct));
        // The limit is one per parent, which LIMIT of the statement can't express.
        if let Some(limit) = self.limit {
            select = select.limit_per_group(column, limit);
        }
        self.query.loader.run(on, &select).await
    }

    /// The rows of each key, in the order of the keys.
    fn distribute(&self, rows: Vec<Q>, keys: Vec<Option<Datum>>) -> Result<Vec<N::Loaded>> {
        let column = self.keys.other.to_string();
        let mut groups: HashMap<GroupKey, (usize, Vec<Q>)> = HashMap::new();
        // Each group counts its parents: all but the last get clones, and the last gets the rows themselves.
        for key in keys.iter().flatten() {
            groups.entry(GroupKey::of(key)).or_default().0 += 1;
        }
        for row in rows {
            let group = GroupKey::of(&value_of(row.root(), &column)?);
            // A collation may have matched a key that equals no parent's, such as `A` for `a`; it goes to none.
            if let Some((_, rows)) = groups.get_mut(&group) {
                rows.push(row);
            }
        }
        let share = |key: Option<Datum>| {
            let Some((uses, rows)) = key.and_then(|key| groups.get_mut(&GroupKey::of(&key))) else {
                return N::from_rows(Vec::new());
            };
            *uses -= 1;
            N::from_rows(if *uses == 0 {
                std::mem::take(rows)
            } else {
                rows.clone()
            })
        };
        Ok(keys.into_iter().map(share).collect())
    }
}

/// A key in the form by which rows are grouped.
#[derive(PartialEq, Eq, Hash)]
enum GroupKey {
    Number(i128),
    Text(String),
    Bytes(Vec<u8>),
}

impl GroupKey {
    fn of(datum: &Datum) -> Self {
        match datum {
            // `Preload::key` lets no NULL through, and no column is a list.
            Datum::Null(_) | Datum::List(..) => Self::Bytes(Vec::new()),
            Datum::Bool(value) => Self::Number((*value).into()),
            Datum::Int(value)
            | Datum::Time(value)
            | Datum::DateTime(value)
            | Datum::Timestamp(value) => Self::Number((*value).into()),
            Datum::UInt(value) => Self::Number((*value).into()),
            Datum::Date(value) => Self::Number((*value).into()),
            // Floats have no `Eq`; the bits of a value that was stored and read again are the same.
            Datum::Float(value) => Self::Number(value.to_bits().into()),
            Datum::Text(value) | Datum::Json(value) => Self::Text(value.clone()),
            Datum::Enum(_, label) => Self::Text((*label).to_owned()),
            Datum::Bytes(value) => Self::Bytes(value.clone()),
            Datum::Uuid(value) => Self::Bytes(value.to_vec()),
            // 1.0 and 1.00 are one key.
            Datum::Decimal(value) => Self::Text(value.normalize().to_string()),
        }
    }
}

/// The value of a column that the association names; the derive macro has checked that the row has it.
fn value_of<S: Model>(row: &S, column: &str) -> Result<Datum> {
    row.datum(column).ok_or_else(|| {
        let table = S::table_spec().name();
        Error::internal(format!(
            "preload rows: a row of `{table}` has no column `{column}`"
        ))
    })
}
