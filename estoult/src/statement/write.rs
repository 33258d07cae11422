//! [`Insert`], [`Update`], and the conditions that find one row by its key.

use crate::{
    error::{Error, Result},
    expr::{ColumnRef, Comparison, Node},
    statement::select::Select,
    table::{ColumnSpec, Table},
};

/// The insert of rows that all set the same columns.
#[derive(Debug, Clone)]
pub(crate) struct Insert {
    pub(crate) table: &'static Table,
    pub(crate) columns: Vec<&'static ColumnSpec>,
}

impl Insert {
    /// The insert that sets the columns of these names.
    pub(crate) fn new<'n>(
        table: &'static Table,
        columns: impl IntoIterator<Item = &'n str>,
    ) -> Result<Self> {
        let columns = columns.into_iter().map(|name| column(table, name));
        Ok(Self {
            table,
            columns: columns.collect::<Result<_>>()?,
        })
    }
}

/// The update of rows of one table.
#[derive(Debug, Clone)]
pub(crate) struct Update {
    pub(crate) table: &'static Table,
    pub(crate) assignments: Vec<(&'static ColumnSpec, Node)>,
}

impl Update {
    pub(crate) fn of(table: &'static Table) -> Self {
        Self {
            table,
            assignments: Vec::new(),
        }
    }

    /// Whether a column of this name is set.
    pub(crate) fn sets(&self, column: &ColumnSpec) -> bool {
        let mut set = self.assignments.iter();
        set.any(|(spec, _)| spec.name == column.name)
    }
}

/// The column of this name; a name without a column is a fault of the derive.
pub(crate) fn column(table: &'static Table, name: &str) -> Result<&'static ColumnSpec> {
    table.find(name).ok_or_else(|| {
        Error::internal(format!(
            "write a row of `{0}`: the table has no column `{name}`",
            table.name()
        ))
    })
}

/// The conditions that find one row by its key, and by its tenant if it has one. Both are bound at execution.
pub(crate) fn by_key(table: &'static Table) -> impl Iterator<Item = Node> {
    let columns = table.key().chain(table.tenant());
    columns.map(move |spec| {
        Node::Compare(
            Comparison::Equal,
            spec.kind,
            Box::new(Node::Column(ColumnRef { table, spec })),
            Box::new(Node::Parameter(spec.kind)),
        )
    })
}

impl Select {
    /// Refuses clauses that only reads have: a write would ignore them and change other rows.
    pub(crate) fn only_filters(&self, verb: &str) -> Result<()> {
        if !self.has_more_than_filters() {
            return Ok(());
        }
        Err(Error::unsupported(format!(
            "{verb} the rows of `{}` that a query finds: it may have filters only; \
             leave out order, limit, offset, distinct and groups, or filter by a list of keys",
            self.table().name()
        )))
    }
}
