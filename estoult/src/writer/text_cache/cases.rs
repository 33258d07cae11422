//! [`Case`]: any statement that the cache may meet, and those that differ from it in one detail.

use std::sync::{Arc, LazyLock};

use proptest::{
    collection::vec,
    option,
    prelude::{BoxedStrategy, Just, Strategy, any},
    prop_oneof,
    sample::select as one_of,
};

use crate::{
    expr::{ColumnRef, Comparison, Exists, Function, Node, Nulls, OrderNode},
    statement::{Route, Select, Source},
    table::{ColumnSpec, Table},
    value::{Datum, EnumType, Kind},
};

static MOOD: EnumType = EnumType {
    name: "mood",
    labels: &["sad", "happy"],
};

static STATE: EnumType = EnumType {
    name: "state",
    labels: &["new"],
};

pub(super) static BOOKS: LazyLock<Table> = LazyLock::new(|| {
    Table::new("books")
        .column(ColumnSpec::of::<i64>("id", "id").key())
        .column(ColumnSpec::of::<String>("title", "title"))
        .column(text_column("price", Kind::Decimal))
        .column(text_column("mood", Kind::Enum(&MOOD)))
});

pub(super) static FEES: LazyLock<Table> = LazyLock::new(|| {
    Table::new("fees")
        .in_schema("shared")
        .column(ColumnSpec::of::<i64>("id", "id").key())
        .column(ColumnSpec::of::<String>("customer", "customer").tenant())
        .column(ColumnSpec::of::<f64>("share", "share"))
});

/// In another database than the other two.
static NOTES: LazyLock<Table> = LazyLock::new(|| {
    Table::new("notes")
        .in_database("archive")
        .column(ColumnSpec::of::<i64>("id", "id").key())
});

/// Values in the place of another one: of each form in a text, and some that a database can't store.
const VALUES: [Datum; 9] = [
    Datum::Int(7),
    Datum::Bool(true),
    Datum::Float(0.5),
    Datum::Null(Kind::Text),
    Datum::Null(Kind::Enum(&MOOD)),
    Datum::Enum(&MOOD, "happy"),
    Datum::Enum(&STATE, "new"),
    Datum::UInt(u64::MAX),
    Datum::Float(f64::INFINITY),
];

const KINDS: [Kind; 7] = [
    Kind::Int64,
    Kind::Text,
    Kind::Decimal,
    Kind::Float64,
    Kind::Bytes,
    Kind::Enum(&MOOD),
    Kind::Enum(&STATE),
];

const COMPARISONS: [Comparison; 6] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::Less,
    Comparison::LessOrEqual,
    Comparison::Greater,
    Comparison::GreaterOrEqual,
];

const FUNCTIONS: [Function; 6] = [
    Function::Count,
    Function::CountDistinct,
    Function::Sum,
    Function::Average,
    Function::Min,
    Function::Max,
];

const NULLS: [Nulls; 3] = [Nulls::Default, Nulls::First, Nulls::Last];

const PATTERNS: [&str; 5] = ["", "a", "b%", "[c_\\", "\0"];

const NAMES: [&str; 2] = ["estoult_row", "other"];

const ROWS: [u64; 5] = [0, 1, 2, 200, u64::MAX];

const SCHEMAS: [&str; 2] = ["a", "b"];

/// A column of a kind whose type belongs to a feature of the crate.
fn text_column(name: &'static str, kind: Kind) -> ColumnSpec {
    ColumnSpec {
        kind,
        ..ColumnSpec::of::<String>(name, name)
    }
}

/// The rows of a statement, the values that an update sets, and for whom it is written.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) rows: Select,
    pub(super) assignments: Vec<(usize, Node)>,
    pub(super) tenant: Option<Datum>,
    pub(super) chosen: Option<Arc<str>>,
    pub(super) default: Option<Arc<str>>,
}

fn tables() -> [&'static Table; 3] {
    [&BOOKS, &FEES, &NOTES]
}

fn column(table: &'static Table, index: usize) -> Node {
    let spec = &table.columns()[index % table.columns().len()];
    Node::Column(ColumnRef { table, spec })
}

fn table() -> impl Strategy<Value = &'static Table> {
    prop_oneof![4 => Just(&*BOOKS), 4 => Just(&*FEES), 1 => Just(&*NOTES)]
}

fn kind() -> impl Strategy<Value = Kind> {
    one_of(&KINDS[..])
}

/// A value that most databases store; those of the variants are others.
fn datum() -> impl Strategy<Value = Datum> {
    prop_oneof![
        any::<i64>().prop_map(Datum::Int),
        "[a-z]{1,3}".prop_map(Datum::Text),
        Just(Datum::Enum(&MOOD, "sad")),
    ]
}

fn leaf() -> impl Strategy<Value = Node> {
    prop_oneof![
        8 => (table(), 0..4_usize).prop_map(|(table, index)| column(table, index)),
        8 => datum().prop_map(Node::Value),
        2 => Just(Node::CountRows),
        2 => one_of(&NAMES[..]).prop_map(Node::SubqueryColumn),
        1 => kind().prop_map(Node::Parameter),
    ]
}

fn node() -> BoxedStrategy<Node> {
    let node = leaf().prop_recursive(2, 5, 2, |inner| branch(&inner).boxed());
    node.boxed()
}

fn branch(inner: &BoxedStrategy<Node>) -> impl Strategy<Value = Node> + use<> {
    let boxed = || inner.clone().prop_map(Box::new);
    let table_and_column = (table(), table(), 0..3_usize);
    prop_oneof![
        (one_of(&COMPARISONS[..]), kind(), boxed(), boxed()).prop_map(
            |(comparison, kind, left, right)| Node::Compare(comparison, kind, left, right)
        ),
        boxed().prop_map(Node::IsNull),
        boxed().prop_map(Node::Not),
        vec(inner.clone(), 0..3).prop_map(Node::All),
        vec(inner.clone(), 0..3).prop_map(Node::Any),
        (boxed(), kind(), vec(datum(), 0..6))
            .prop_map(|(node, kind, items)| Node::List(node, kind, items)),
        (boxed(), one_of(&PATTERNS[..]), any::<bool>()).prop_map(|(node, text, ignores_case)| {
            Node::Like {
                node,
                pattern: text.to_owned(),
                ignores_case,
            }
        }),
        (one_of(&FUNCTIONS[..]), kind(), boxed())
            .prop_map(|(function, kind, argument)| Node::Call(function, kind, argument)),
        (table_and_column, inner.clone()).prop_map(|((outer, table, index), condition)| {
            Node::Exists(Box::new(Exists {
                outer,
                own: column(outer, 0),
                table,
                other: column(table, index),
                condition,
            }))
        }),
    ]
}

fn order() -> impl Strategy<Value = OrderNode> {
    (node(), kind(), any::<bool>(), one_of(&NULLS[..])).prop_map(
        |(node, kind, is_descending, nulls)| OrderNode {
            node,
            kind,
            is_descending,
            nulls,
        },
    )
}

fn schema() -> impl Strategy<Value = Option<Arc<str>>> {
    option::of(one_of(&SCHEMAS[..]).prop_map(Arc::from))
}

fn rows_of_a_table() -> impl Strategy<Value = Select> {
    let clauses = (
        vec(node(), 0..2),
        vec(node(), 0..3),
        vec(node(), 0..2),
        vec(node(), 0..2),
        (option::of(node()), vec(order(), 0..2)),
    );
    let rows = || option::of(prop_oneof![one_of(&ROWS[..]), any::<u64>()]);
    (table(), clauses, (rows(), rows(), any::<bool>()), schema()).prop_map(
        |(table, clauses, counts, schema)| {
            let mut select = Select::of(table);
            (
                select.columns,
                select.filters,
                select.group_by,
                select.having,
                (select.groups, select.order),
            ) = clauses;
            (select.limit, select.offset, select.is_distinct) = counts;
            select.route = Route {
                schema,
                ..Route::default()
            };
            select
        },
    )
}

fn rows() -> impl Strategy<Value = Select> {
    (rows_of_a_table(), 0..6_u8, 0..4_usize).prop_map(|(rows, change, index)| match change {
        0 => rows.counting(),
        1 => rows.at_most_one(),
        2 => {
            let partition = column(rows.table(), index);
            rows.limit_per_group(partition, 3)
        }
        3 => rows,
        _ => {
            let mut filtered = Select::of(rows.table());
            (filtered.filters, filtered.route) = (rows.filters, rows.route);
            filtered
        }
    })
}

pub(super) fn case() -> impl Strategy<Value = Case> {
    let assignments = vec((0..4_usize, node()), 1..3);
    let tenant = option::weighted(0.8, datum());
    (rows(), assignments, tenant, schema(), schema()).prop_map(
        |(rows, assignments, tenant, chosen, default)| Case {
            rows,
            assignments,
            tenant,
            chosen,
            default,
        },
    )
}

impl Case {
    /// All cases that differ from this one in one detail.
    pub(super) fn variants(&self) -> impl Iterator<Item = Self> {
        (0..).map_while(|place| {
            let mut case = self.clone();
            let mut details = Details { left: place };
            details.case(&mut case);
            // The count goes below zero at the place of the change.
            details.has_changed().then_some(case)
        })
    }
}

/// Goes through the details of a case, and changes the one in its place.
struct Details {
    left: isize,
}

impl Details {
    fn has_changed(&self) -> bool {
        self.left < 0
    }

    /// Puts each of these in its place.
    fn each<T: Clone>(&mut self, part: &mut T, others: &[T]) {
        for other in others {
            if self.left == 0 {
                part.clone_from(other);
            }
            self.left -= 1;
        }
    }

    fn flag(&mut self, flag: &mut bool) {
        let other = !*flag;
        self.each(flag, &[other]);
    }

    fn schema(&mut self, schema: &mut Option<Arc<str>>) {
        let [one, other] = SCHEMAS.map(|name| Some(Arc::from(name)));
        self.each(schema, &[None, one, other]);
    }

    fn case(&mut self, case: &mut Case) {
        self.select(&mut case.rows);
        for (index, node) in &mut case.assignments {
            let next = *index + 1;
            self.each(index, &[next]);
            self.node(node);
        }
        self.list(&mut case.assignments);
        self.schema(&mut case.chosen);
        self.schema(&mut case.default);
        self.each(&mut case.tenant, &[None]);
        self.each(&mut case.tenant, &VALUES.map(Some));
    }

    fn select(&mut self, select: &mut Select) {
        match &mut select.source {
            Source::Table(table) => self.each(table, &tables()),
            Source::Query(inner, name) => {
                self.each(name, &NAMES);
                self.select(inner);
            }
        }
        for nodes in [
            &mut select.columns,
            &mut select.filters,
            &mut select.group_by,
            &mut select.having,
        ] {
            self.nodes(nodes);
        }
        // The same conditions in other clauses.
        let mut moved = select.clone();
        std::mem::swap(&mut moved.filters, &mut moved.having);
        self.each(select, &[moved]);
        if let Some(group) = &mut select.groups {
            self.node(group);
        }
        self.each(&mut select.groups, &[None]);
        self.order(&mut select.order);
        for rows in [&mut select.limit, &mut select.offset] {
            self.each(rows, &ROWS.map(Some));
            self.each(rows, &[None]);
        }
        self.flag(&mut select.is_distinct);
        self.schema(&mut select.route.schema);
    }

    /// A list without its last, and with one more.
    fn list<T: Clone>(&mut self, list: &mut Vec<T>) {
        let Some(last) = list.last().cloned() else {
            return;
        };
        let shorter = list[..list.len() - 1].to_vec();
        let mut longer = list.clone();
        longer.push(last);
        self.each(list, &[shorter, longer]);
    }

    fn nodes(&mut self, nodes: &mut Vec<Node>) {
        nodes.iter_mut().for_each(|node| self.node(node));
        self.list(nodes);
    }

    fn order(&mut self, order: &mut Vec<OrderNode>) {
        for term in order.iter_mut() {
            self.node(&mut term.node);
            self.each(&mut term.kind, &KINDS);
            self.flag(&mut term.is_descending);
            self.each(&mut term.nulls, &NULLS);
        }
        self.list(order);
    }

    fn datum(&mut self, datum: &mut Datum) {
        self.each(datum, &VALUES);
        self.each(datum, &["z", "\0"].map(|text| Datum::Text(text.to_owned())));
    }

    fn node(&mut self, node: &mut Node) {
        self.parts(node);
        let (one, other) = (node.clone(), node.clone());
        self.each(
            node,
            &[Node::IsNull(Box::new(one)), Node::Not(Box::new(other))],
        );
        if let Node::All(nodes) | Node::Any(nodes) = node {
            let nodes = nodes.clone();
            self.each(node, &[Node::All(nodes.clone()), Node::Any(nodes)]);
        }
    }

    fn parts(&mut self, node: &mut Node) {
        match node {
            Node::Value(datum) => self.datum(datum),
            Node::Column(column) => {
                let others = tables().into_iter().flat_map(Table::columns);
                let table = column.table;
                let others = others.map(|spec| ColumnRef { table, spec });
                self.each(column, &others.collect::<Vec<_>>());
                self.each(&mut column.table, &tables());
            }
            Node::SubqueryColumn(name) => self.each(name, &NAMES),
            Node::Aliased(node, name) => {
                self.each(name, &NAMES);
                self.node(node);
            }
            Node::Compare(comparison, kind, left, right) => {
                self.each(comparison, &COMPARISONS);
                self.each(kind, &KINDS);
                self.node(left);
                self.node(right);
            }
            Node::IsNull(node) | Node::Not(node) => self.node(node),
            Node::All(nodes) | Node::Any(nodes) => self.nodes(nodes),
            Node::List(node, kind, items) => {
                self.node(node);
                self.each(kind, &KINDS);
                items.iter_mut().for_each(|item| self.datum(item));
                self.list(items);
            }
            Node::Like {
                node,
                pattern,
                ignores_case,
            } => {
                self.node(node);
                self.each(pattern, &PATTERNS.map(str::to_owned));
                self.flag(ignores_case);
            }
            Node::Call(function, kind, argument) => {
                self.each(function, &FUNCTIONS);
                self.each(kind, &KINDS);
                self.node(argument);
            }
            Node::RowNumber(partition, order) => {
                self.node(partition);
                self.order(order);
            }
            Node::Exists(exists) => {
                self.each(&mut exists.outer, &tables());
                self.each(&mut exists.table, &tables());
                self.node(&mut exists.own);
                self.node(&mut exists.other);
                self.node(&mut exists.condition);
            }
            Node::CountRows | Node::Parameter(_) | Node::UnknownColumn(..) => {}
        }
    }
}
