//! Runs preloads: one statement per association and level, whatever the number of rows, and one round trip a level
//! where the database takes statements together.
//!
//! Invariant: nothing is loaded because a field was touched.

use std::{
    any::Any,
    collections::{HashMap, HashSet, VecDeque},
};

use foldhash::fast::RandomState;

use crate::{
    error::{Error, Result},
    expr::Node,
    query::{Children, Extend, HasRoot, Load, Loader, Loading, Preload, PreloadLoader, Request},
    row::{Collected, Decode, Sink},
    statement::Select,
    table::Model,
    value::Datum,
    verbs::target::Checkout,
};

/// Loads the rows of a query level by level; the selects of a level travel together.
pub(super) async fn load<R: Send + 'static>(
    loader: &Loader<R>,
    on: &mut Checkout<'_>,
    select: Select,
) -> Result<Vec<R>> {
    let mut loading = loader.begin(select);
    loop {
        let requests = loading.requests()?;
        if requests.is_empty() {
            return loading.finish();
        }
        let mut answers = on.fetch_all(requests).await?;
        loading.accept(&mut answers)?;
    }
}

impl<R: Send + 'static> Loader<R> {
    fn begin<'l>(&'l self, select: Select) -> Box<dyn Loading<R> + 'l> {
        match self {
            Self::Rows(decode) => Box::new(RowsLoading {
                table: select.table().name(),
                select: Some(select),
                decode: *decode,
                rows: None,
            }),
            Self::Preload(load) => load.begin(select),
        }
    }
}

/// Rows without associated rows: one select.
struct RowsLoading<R> {
    /// Until it is asked for.
    select: Option<Select>,
    table: &'static str,
    decode: Decode<R>,
    rows: Option<Vec<R>>,
}

impl<R: Send + 'static> Loading<R> for RowsLoading<R> {
    fn requests(&mut self) -> Result<Vec<Request>> {
        let request = self.select.take().map(|select| Request {
            select,
            sink: Box::new(Collected::new(self.decode, self.table)),
        });
        Ok(request.into_iter().collect())
    }

    fn accept(&mut self, answers: &mut VecDeque<Box<dyn Sink>>) -> Result<()> {
        let is_awaiting = self.select.is_none() && self.rows.is_none();
        if let Some(sink) = is_awaiting.then(|| answers.pop_front()).flatten() {
            self.rows = Some(Collected::from_sink(sink)?);
        }
        Ok(())
    }

    fn roots(&self) -> Option<&dyn Any> {
        self.rows.as_ref().map(|rows| -> &dyn Any { rows })
    }

    fn finish(self: Box<Self>) -> Result<Vec<R>> {
        self.rows
            .ok_or_else(|| Error::internal("preload rows: a select has no answer"))
    }
}

/// Rows that are loaded together with the associated rows of one more association.
struct PreloadLoading<'l, R, P, C, Q, N> {
    rows: Box<dyn Loading<R> + 'l>,
    preload: &'l Preload<P, C, Q, N>,
    /// The keys of the rows, once they are there, and the rows that refer to them.
    children: Option<ChildrenLoading<'l, Q>>,
}

struct ChildrenLoading<'l, Q> {
    keys: Vec<Option<Datum>>,
    /// `None` where no row has a key.
    rows: Option<Box<dyn Loading<Q> + 'l>>,
}

impl<R, P, C, Q, N> Load<R::With> for PreloadLoader<R, Preload<P, C, Q, N>, N::Loaded>
where
    R: Extend<N::Loaded, Schema = P> + Send + 'static,
    P: Model,
    C: Model,
    Q: HasRoot<Schema = C> + Clone,
    N: Children<Q>,
{
    fn begin<'l>(&'l self, select: Select) -> Box<dyn Loading<R::With> + 'l> {
        Box::new(PreloadLoading {
            rows: self.rows.begin(select),
            preload: &self.preload,
            children: None,
        })
    }
}

impl<R, P, C, Q, N> Loading<R::With> for PreloadLoading<'_, R, P, C, Q, N>
where
    R: Extend<N::Loaded, Schema = P> + Send + 'static,
    P: Model,
    C: Model,
    Q: HasRoot<Schema = C> + Clone,
    N: Children<Q>,
{
    fn requests(&mut self) -> Result<Vec<Request>> {
        let mut requests = self.rows.requests()?;
        if self.children.is_none()
            && let Some(roots) = self.rows.roots()
        {
            let keys = self.preload.keys(roots)?;
            let rows = self.preload.begin(&keys);
            self.children = Some(ChildrenLoading { keys, rows });
        }
        let children = self.children.as_mut();
        if let Some(children) = children.and_then(|children| children.rows.as_mut()) {
            requests.extend(children.requests()?);
        }
        Ok(requests)
    }

    fn accept(&mut self, answers: &mut VecDeque<Box<dyn Sink>>) -> Result<()> {
        self.rows.accept(answers)?;
        let children = self.children.as_mut();
        match children.and_then(|children| children.rows.as_mut()) {
            Some(children) => children.accept(answers),
            None => Ok(()),
        }
    }

    fn roots(&self) -> Option<&dyn Any> {
        self.rows.roots()
    }

    fn finish(self: Box<Self>) -> Result<Vec<R::With>> {
        let rows = self.rows.finish()?;
        let children = self
            .children
            .ok_or_else(|| Error::internal("preload rows: associated rows were not asked for"))?;
        let found = match children.rows {
            Some(rows) => rows.finish()?,
            None => Vec::new(),
        };
        let children = self.preload.distribute(found, children.keys)?;
        let joined = rows.into_iter().zip(children);
        Ok(joined.map(|(row, children)| row.with(children)).collect())
    }
}

impl<P, C, Q, N> Preload<P, C, Q, N>
where
    P: Model,
    C: Model,
    Q: HasRoot<Schema = C> + Clone,
    N: Children<Q>,
{
    /// The values by which the rows' associated rows are found.
    fn keys(&self, roots: &dyn Any) -> Result<Vec<Option<Datum>>> {
        let Some(roots) = roots.downcast_ref::<Vec<P>>() else {
            return Err(Error::internal(
                "preload rows: a query for rows of one schema has those of another",
            ));
        };
        let column = self.keys.own.to_string();
        let key = |root: &P| Ok(Some(value_of(root, &column)?).filter(|key| !key.is_null()));
        roots.iter().map(key).collect()
    }

    /// Begins to load the rows that refer to one of the keys, in the preload's order.
    fn begin(&self, keys: &[Option<Datum>]) -> Option<Box<dyn Loading<Q> + '_>> {
        // Parents may share a key, such as the author of many books; each is sent once.
        let mut known: HashSet<GroupKey, RandomState> = HashSet::default();
        let distinct: Vec<_> = keys
            .iter()
            .flatten()
            .filter(|key| known.insert(GroupKey::of(key)))
            .cloned()
            .collect();
        if distinct.is_empty() {
            return None;
        }
        let column = Node::column(C::table_spec(), self.keys.other);
        let mut select = self.query.select.clone();
        select.filters.push(column.clone().among(distinct));
        // The limit is one per parent, which LIMIT of the statement can't express.
        if let Some(limit) = self.limit {
            select = select.limit_per_group(column, limit);
        } else {
            select.groups = Some(column);
        }
        Some(self.query.loader.begin(select))
    }

    /// The rows of each key, in the order of the keys.
    fn distribute(&self, rows: Vec<Q>, keys: Vec<Option<Datum>>) -> Result<Vec<N::Loaded>> {
        let column = self.keys.other.to_string();
        let mut groups: HashMap<GroupKey, (usize, Vec<Q>), RandomState> = HashMap::default();
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
