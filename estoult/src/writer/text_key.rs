//! [`TextKey`]: all that decides about the text of a statement, as bytes, and the parts that its values come from.
//!
//! Invariant: statements with equal keys have equal texts. Each part of a statement is written with a fixed length, or
//! with its length before it; what has no form here has no key, and is rendered each time.

use super::{
    SqlContext, input::Input, key_bytes::KeyBytes, label_of, list::is_one_parameter, origin::Origin,
};
use crate::{
    expr::{ColumnRef, Exists, Node, OrderNode},
    statement::{Select, Source, Update},
    table::Table,
    value::{Datum, Kind},
};

/// The number of values and bytes beyond which a statement has no key: it costs more to compare than it saves.
const MAX_INPUTS: usize = 64;
const MAX_BYTES: usize = 2048;

/// The longest list whose items have a placeholder each; the text of each length is another one.
const MAX_ITEMS: usize = 32;

/// The greatest LIMIT and OFFSET that are part of a text; a program that pages through a table would fill the cache.
const MAX_LITERAL: u64 = 100;

/// What decides about the text of a statement.
pub(super) struct TextKey<'a> {
    context: SqlContext<'a>,
    bytes: KeyBytes,
    inputs: Vec<Input<'a>>,
}

impl<'a> TextKey<'a> {
    /// The key of a select.
    pub(super) fn of_select(select: &'a Select, context: SqlContext<'a>) -> Option<Self> {
        let mut key = Self::new(b's', context);
        key.select(select)?;
        key.bounded()
    }

    /// The key of an update of the rows that the filters match.
    pub(super) fn of_update(
        update: &'a Update,
        rows: &'a Select,
        context: SqlContext<'a>,
    ) -> Option<Self> {
        let mut key = Self::new(b'u', context);
        key.table(update.table)?;
        key.bytes.number(update.assignments.len());
        for (spec, node) in &update.assignments {
            key.bytes.address(*spec);
            key.node(node)?;
        }
        key.nodes(&rows.filters)?;
        key.bounded()
    }

    /// The key of a delete of the rows that the filters match.
    pub(super) fn of_delete(rows: &'a Select, context: SqlContext<'a>) -> Option<Self> {
        let mut key = Self::new(b'd', context);
        key.table(rows.table())?;
        key.nodes(&rows.filters)?;
        key.bounded()
    }

    /// The key as bytes.
    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.as_slice()
    }

    /// For each of these origins the place of the part that it names; `None` if one is unknown.
    pub(super) fn places(&self, origins: &[Origin]) -> Option<Box<[usize]>> {
        let known: Vec<_> = self.inputs.iter().map(Input::origin).collect();
        let place = |origin| known.iter().position(|known| known == origin);
        origins.iter().map(place).collect()
    }

    /// The values of the parts in these places; `None` if the database can't store one.
    pub(super) fn values(&self, places: &[usize]) -> Option<Vec<Datum>> {
        let mut values = Vec::with_capacity(places.len());
        for place in places {
            values.push(self.inputs.get(*place)?.datum(self.context.features)?);
        }
        Some(values)
    }

    fn new(statement: u8, context: SqlContext<'a>) -> Self {
        let mut bytes = KeyBytes::new();
        bytes.byte(statement);
        bytes.address(context.features);
        let (named, others) = context.schemas();
        bytes.optional(named.map(|(_, schema)| schema));
        if let Some((table, _)) = named {
            bytes.address(table);
        }
        for schema in others {
            bytes.optional(schema);
        }
        Self {
            context,
            bytes,
            inputs: Vec::with_capacity(4),
        }
    }

    fn bounded(self) -> Option<Self> {
        (self.bytes.as_slice().len() <= MAX_BYTES).then_some(self)
    }

    fn input(&mut self, input: Input<'a>) -> Option<()> {
        self.inputs.push(input);
        (self.inputs.len() <= MAX_INPUTS).then_some(())
    }

    fn select(&mut self, select: &'a Select) -> Option<()> {
        // All fields by name, so that a new one fails to compile until it is part of the key. The route is part of the
        // context.
        let Select {
            source,
            columns,
            is_distinct,
            filters,
            group_by,
            having,
            groups,
            order,
            limit,
            offset,
            route: _,
        } = select;
        match source {
            Source::Table(table) => {
                self.bytes.byte(b't');
                self.table(table)?;
            }
            Source::Query(inner, name) => {
                self.bytes.byte(b'q');
                self.bytes.text(name);
                self.select(inner)?;
            }
        }
        self.bytes.flag(*is_distinct);
        for nodes in [columns, filters, group_by, having] {
            self.nodes(nodes)?;
        }
        self.nodes(groups.as_slice())?;
        self.order(order)?;
        self.rows(limit.as_ref())?;
        self.rows(offset.as_ref())
    }

    /// LIMIT or OFFSET: a value where it is bound, else a part of the text.
    fn rows(&mut self, rows: Option<&'a u64>) -> Option<()> {
        self.bytes.flag(rows.is_some());
        match rows {
            None => Some(()),
            Some(rows) if self.context.features.bound_limit => self.input(Input::Rows(rows)),
            Some(rows) => {
                self.bytes.rows(*rows);
                (*rows <= MAX_LITERAL).then_some(())
            }
        }
    }

    /// A table with the tenant that restricts it.
    fn table(&mut self, table: &'static Table) -> Option<()> {
        self.bytes.address(table);
        // The writer refuses a table whose tenant is missing.
        match self.context.restriction(table).ok()? {
            Some((_, tenant)) => {
                self.bytes.label(label_of(&tenant));
                self.input(Input::Tenant(table, tenant))
            }
            None => Some(()),
        }
    }

    fn nodes(&mut self, nodes: &'a [Node]) -> Option<()> {
        self.bytes.number(nodes.len());
        nodes.iter().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &'a Node) -> Option<()> {
        self.bytes.byte(node_byte(node)?);
        match node {
            Node::UnknownColumn(..) | Node::Parameter(_) => return None,
            Node::Column(ColumnRef { table, spec }) => {
                self.bytes.address(*table);
                self.bytes.address(*spec);
            }
            Node::SubqueryColumn(name) => self.bytes.text(name),
            Node::Aliased(node, name) => {
                self.bytes.text(name);
                self.node(node)?;
            }
            Node::Value(datum) => self.value(datum)?,
            Node::Compare(comparison, kind, left, right) => {
                self.bytes.comparison(*comparison);
                self.bytes.kind(*kind);
                self.node(left)?;
                self.node(right)?;
            }
            Node::IsNull(node) | Node::Not(node) => self.node(node)?,
            Node::All(nodes) | Node::Any(nodes) => self.nodes(nodes)?,
            Node::List(node, kind, items) => self.list(node, *kind, items)?,
            Node::Like {
                node,
                pattern,
                ignores_case,
            } => {
                self.bytes.flag(*ignores_case);
                self.node(node)?;
                self.input(Input::Pattern {
                    matched: node,
                    text: pattern,
                    ignores_case: *ignores_case,
                })?;
            }
            Node::Call(function, kind, argument) => {
                self.bytes.function(*function);
                self.bytes.kind(*kind);
                self.node(argument)?;
            }
            Node::CountRows => {}
            Node::RowNumber(partition, order) => {
                self.node(partition)?;
                self.order(order)?;
            }
            Node::Exists(exists) => self.exists(exists)?,
        }
        Some(())
    }

    fn value(&mut self, datum: &'a Datum) -> Option<()> {
        self.bytes.label(label_of(datum));
        self.input(Input::Value(datum))
    }

    fn list(&mut self, compared: &'a Node, kind: Kind, items: &'a [Datum]) -> Option<()> {
        self.bytes.kind(kind);
        self.node(compared)?;
        if is_one_parameter(kind, self.context.features) {
            // An empty list is written without a value.
            self.bytes.flag(items.is_empty());
            return self.input(Input::List(compared, kind, items));
        }
        if items.len() > MAX_ITEMS {
            return None;
        }
        self.bytes.number(items.len());
        items.iter().try_for_each(|item| self.value(item))
    }

    fn exists(&mut self, exists: &'a Exists) -> Option<()> {
        let Exists {
            outer,
            own,
            table,
            other,
            condition,
        } = exists;
        self.bytes.address(*outer);
        self.table(table)?;
        [own, other, condition]
            .into_iter()
            .try_for_each(|node| self.node(node))
    }

    fn order(&mut self, order: &'a [OrderNode]) -> Option<()> {
        self.bytes.number(order.len());
        for term in order {
            let OrderNode {
                node,
                kind,
                is_descending,
                nulls,
            } = term;
            self.node(node)?;
            self.bytes.kind(*kind);
            self.bytes.flag(*is_descending);
            self.bytes.nulls(*nulls);
        }
        Some(())
    }
}

/// The byte that says which node follows; `None` for those that have no text of their own: the writer refuses a column
/// that its table lacks, and the value of a parameter is bound elsewhere.
fn node_byte(node: &Node) -> Option<u8> {
    Some(match node {
        Node::UnknownColumn(..) | Node::Parameter(_) => return None,
        Node::Column(_) => 0,
        Node::SubqueryColumn(_) => 1,
        Node::Aliased(..) => 2,
        Node::Value(_) => 3,
        Node::Compare(..) => 4,
        Node::IsNull(_) => 5,
        Node::Not(_) => 6,
        Node::All(_) => 7,
        Node::Any(_) => 8,
        Node::List(..) => 9,
        Node::Like { .. } => 10,
        Node::Call(..) => 11,
        Node::CountRows => 12,
        Node::RowNumber(..) => 13,
        Node::Exists(_) => 14,
    })
}
