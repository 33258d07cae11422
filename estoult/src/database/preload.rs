//! Loading associated rows: one statement an association a level, whatever the number of rows.
//!
//! Invariant: nothing is loaded because a field was touched.

use std::collections::{HashMap, HashSet};

use crate::{
    database::Held,
    error::Result,
    expr::Node,
    query::{BoxFuture, Rooted},
    schema::{Children, Preload, Schema},
    value::{Datum, Kind},
};

/// Loads for rows of `P` what an association leads to, in the order of the rows.
pub(crate) trait LoadChildren<P, L>: Send + Sync + 'static {
    /// For each row the value by which its associated rows are found.
    fn keys(&self, parents: &[&P]) -> Vec<Option<Datum>>;

    /// What each row gets.
    fn load_children<'a>(
        &'a self,
        held: &'a mut Held<'_>,
        keys: Vec<Option<Datum>>,
    ) -> BoxFuture<'a, Result<Vec<L>>>;
}

impl<P, C, Q, N> LoadChildren<P, N::Loaded> for Preload<P, C, Q, N>
where
    P: Schema,
    C: Schema,
    Q: Rooted<Schema = C> + Clone,
    N: Children<Q>,
{
    fn keys(&self, parents: &[&P]) -> Vec<Option<Datum>> {
        let column = self.columns.own.to_string();
        let datums = parents.iter().map(|parent| parent.datum(&column));
        datums
            .map(|datum| datum.filter(|datum| !datum.is_null()))
            .collect()
    }

    fn load_children<'a>(
        &'a self,
        held: &'a mut Held<'_>,
        keys: Vec<Option<Datum>>,
    ) -> BoxFuture<'a, Result<Vec<N::Loaded>>> {
        Box::pin(async move {
            let rows = match held.elsewhere(C::table())? {
                Some(other) => self.rows(&mut other.lease().await?, &keys).await?,
                None => self.rows(held, &keys).await?,
            };
            Ok(self.hand_out(rows, keys))
        })
    }
}

impl<P, C, Q, N> Preload<P, C, Q, N>
where
    P: Schema,
    C: Schema,
    Q: Rooted<Schema = C> + Clone,
    N: Children<Q>,
{
    /// All rows that belong to one of the keys, in the preload's order.
    async fn rows(&self, held: &mut Held<'_>, keys: &[Option<Datum>]) -> Result<Vec<Q>> {
        let mut known = HashSet::new();
        let distinct: Vec<_> = keys
            .iter()
            .flatten()
            .filter(|key| known.insert(Group::of(key)))
            .cloned()
            .collect();
        if distinct.is_empty() {
            return Ok(Vec::new());
        }
        let column = self.columns.other.to_string();
        let kind = C::table()
            .find(&column)
            .map_or(Kind::Int64, |column| column.kind);
        let node = Node::column(C::table(), self.columns.other);
        let mut select = self.query.select.clone();
        select.per_group = self.limit.map(|limit| (node.clone(), limit));
        select
            .filters
            .push(Node::List(Box::new(node), kind, distinct));
        self.query.plan.run(held, &select).await
    }

    /// Gives each key its rows; a row that belongs to several keys' owners is cloned for all but the last.
    fn hand_out(&self, rows: Vec<Q>, keys: Vec<Option<Datum>>) -> Vec<N::Loaded> {
        let column = self.columns.other.to_string();
        let mut groups: HashMap<Group, (usize, Vec<Q>)> = HashMap::new();
        for key in keys.iter().flatten() {
            groups.entry(Group::of(key)).or_default().0 += 1;
        }
        for row in rows {
            let group = row.root().datum(&column).map(|datum| Group::of(&datum));
            if let Some((_, rows)) = group.and_then(|group| groups.get_mut(&group)) {
                rows.push(row);
            }
        }
        let hand_out = |key: Option<Datum>| {
            let Some((uses, rows)) = key.and_then(|key| groups.get_mut(&Group::of(&key))) else {
                return N::from_rows(Vec::new());
            };
            *uses -= 1;
            N::from_rows(if *uses == 0 {
                std::mem::take(rows)
            } else {
                rows.clone()
            })
        };
        keys.into_iter().map(hand_out).collect()
    }
}

/// A key as rows are grouped by it.
#[derive(PartialEq, Eq, Hash)]
enum Group {
    Number(i128),
    Text(String),
    Bytes(Vec<u8>),
}

impl Group {
    fn of(datum: &Datum) -> Self {
        match datum {
            Datum::Null(_) | Datum::List(..) => Self::Bytes(Vec::new()),
            Datum::Bool(value) => Self::Number((*value).into()),
            Datum::Int(value)
            | Datum::Time(value)
            | Datum::DateTime(value)
            | Datum::Timestamp(value) => Self::Number((*value).into()),
            Datum::UInt(value) => Self::Number((*value).into()),
            Datum::Date(value) => Self::Number((*value).into()),
            Datum::Float(value) => Self::Number(value.to_bits().into()),
            Datum::Text(value) | Datum::Json(value) => Self::Text(value.clone()),
            Datum::Enum(_, label) => Self::Text((*label).to_owned()),
            Datum::Bytes(value) => Self::Bytes(value.clone()),
            Datum::Uuid(value) => Self::Bytes(value.to_vec()),
            Datum::Decimal(value) => Self::Text(value.normalize().to_string()),
        }
    }
}
