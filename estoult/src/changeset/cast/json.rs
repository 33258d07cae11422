//! JSON objects as untrusted input.

use serde_json::{Map, Value};

use crate::{
    changeset::Params,
    value::{Datum, Kind},
};

/// Texts, numbers and booleans as they are; arrays and objects as JSON.
fn datum(value: &Value) -> Datum {
    match value {
        Value::Null => Datum::Null(Kind::Json),
        Value::Bool(value) => Datum::Bool(*value),
        Value::String(text) => Datum::Text(text.clone()),
        Value::Array(_) | Value::Object(_) => Datum::Json(value.to_string()),
        Value::Number(number) => {
            let whole = number.as_i64().map(Datum::Int);
            let whole = whole.or_else(|| number.as_u64().map(Datum::UInt));
            let other = || {
                number
                    .as_f64()
                    .map_or(Datum::Null(Kind::Json), Datum::Float)
            };
            whole.unwrap_or_else(other)
        }
    }
}

impl Params for Map<String, Value> {
    fn param(&self, name: &str) -> Option<Datum> {
        self.get(name).map(datum)
    }
}

impl Params for Value {
    fn param(&self, name: &str) -> Option<Datum> {
        self.as_object()?.param(name)
    }
}
