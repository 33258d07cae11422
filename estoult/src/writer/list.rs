//! IN lists: one array or JSON parameter where the database has one, placeholders elsewhere.

use sea_query::{Expr as SqlExpr, ExprTrait};

use super::{Writer, origin::Origin, plain};
use crate::{
    backend::{Features, ListStyle},
    expr::Node,
    value::{Datum, Kind},
};

/// The length beyond which a list is sent as one JSON parameter instead of placeholders.
const MAX_PLACEHOLDERS: usize = 1024;
/// The same for a list in raw SQL on SQLite.
const MAX_RAW_PLACEHOLDERS: usize = 100;

/// Whether a list that is not empty is one parameter whatever its length, so that the text does not depend on it.
pub(super) fn is_one_parameter(kind: Kind, features: &Features) -> bool {
    match features.list {
        ListStyle::Array => true,
        ListStyle::Json => !is_rounded_in_json(kind),
        ListStyle::Placeholders => false,
    }
}

/// SQLite may round a float that it reads from JSON, so that it would match another value.
fn is_rounded_in_json(kind: Kind) -> bool {
    matches!(kind, Kind::Float32 | Kind::Float64)
}

impl Writer<'_> {
    /// `node in (values)`.
    pub(super) fn list(&mut self, node: &Node, kind: Kind, values: &[Datum]) -> SqlExpr {
        if values.is_empty() {
            // `in ()` is a syntax error on PostgreSQL and MySQL.
            return SqlExpr::cust("1 = 0");
        }
        let column = super::expr::name_of(node);
        values.iter().for_each(|value| self.check(value, &column));
        let left = self.collated(node, kind);
        match self.features.list {
            ListStyle::Array => {
                let label = match kind {
                    Kind::Enum(kind) => Some(kind.name),
                    _ => None,
                };
                let list = Datum::List(kind, values.to_vec());
                let list = self.value(list, Origin::list(node), &column);
                plain::any(self.features, left, list, label)
            }
            ListStyle::Json if is_rounded_in_json(kind) => self.placeholders(left, kind, values),
            ListStyle::Json => {
                let list = Datum::List(kind, values.to_vec());
                let list = self.value(list, Origin::list(node), &column);
                plain::json_each(self.features, left, list, kind == Kind::Bytes)
            }
            ListStyle::Placeholders => self.placeholders(left, kind, values),
        }
    }

    /// One placeholder per value; a long list is one JSON parameter.
    fn placeholders(&mut self, left: SqlExpr, kind: Kind, values: &[Datum]) -> SqlExpr {
        if values.len() > MAX_PLACEHOLDERS
            && let Some((column, list)) = json_table(kind, values)
        {
            let list = self.value(Datum::Text(list), Origin::Computed, "a list");
            return plain::json_table(self.features, left, list, column);
        }
        // Lists are padded to a power of two with their last value, which changes no result and keeps the number of
        // texts to prepare small. A list beyond the limit stays as it is, for the database to refuse.
        let most = self.features.max_parameters.max(values.len());
        let padding = values.len().next_power_of_two().min(most) - values.len();
        let last = values.last().into_iter().cycle().take(padding);
        let items: Vec<_> = values
            .iter()
            .chain(last)
            .map(|value| self.value(value.clone(), Origin::value(value), "a list"))
            .collect();
        left.is_in(items)
    }
}

/// A long list as JSON with the type of its items, for kinds that JSON represents exactly.
fn json_table(kind: Kind, values: &[Datum]) -> Option<(&'static str, String)> {
    let column = match kind {
        Kind::Bool | Kind::Int16 | Kind::Int32 | Kind::Int64 => "bigint",
        Kind::UInt64 => "bigint unsigned",
        // The type has a length, so `json_item` refuses longer texts.
        Kind::Text => "varchar(1000)",
        Kind::Uuid => "varchar(36)",
        // MySQL has at most 65 digits (manual, "DECIMAL"), `Decimal` at most 28 of them behind the point.
        Kind::Decimal => "decimal(65,28)",
        _ => return None,
    };
    let items: Option<Vec<_>> = values.iter().map(json_item).collect();
    Some((column, format!("[{}]", items?.join(","))))
}

fn json_item(value: &Datum) -> Option<String> {
    Some(match value {
        Datum::Bool(value) => u8::from(*value).to_string(),
        Datum::Int(value) => value.to_string(),
        Datum::UInt(value) => value.to_string(),
        // As a string: a JSON number may pass through a double.
        Datum::Decimal(value) => format!("\"{value}\""),
        Datum::Uuid(value) => format!("\"{}\"", uuid::Uuid::from_bytes(*value)),
        Datum::Text(text) if text.chars().count() <= 1000 => {
            let mut item = String::with_capacity(text.len() + 2);
            item.push('"');
            for character in text.chars() {
                match character {
                    '"' | '\\' => item.extend(['\\', character]),
                    control if u32::from(control) < 0x20 => {
                        item.push_str(&format!("\\u{:04x}", u32::from(control)));
                    }
                    other => item.push(other),
                }
            }
            item.push('"');
            item
        }
        _ => return None,
    })
}

/// Writes the list between the parentheses of raw SQL, `in (…)`, and stores its values.
pub(crate) fn write_list(
    text: &mut String,
    values: &mut Vec<Datum>,
    list: &[Datum],
    features: &Features,
) {
    if list.is_empty() {
        text.push_str(plain::NO_ROWS);
        return;
    }
    let is_in_json = !matches!(list.first(), Some(Datum::Bytes(_) | Datum::Float(_)));
    if features.list == ListStyle::Json && list.len() > MAX_RAW_PLACEHOLDERS && is_in_json {
        // One parameter, so that a long list neither exceeds SQLite's limit nor makes a text of its own. Bytes and
        // floats, which JSON can't represent exactly, are bound one by one.
        values.push(Datum::List(Kind::Text, list.to_vec()));
        text.push_str(&plain::select_json_each(features, values.len()));
        return;
    }
    for (index, datum) in list.iter().enumerate() {
        values.push(datum.clone());
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(&features.placeholder(values.len()));
    }
}
