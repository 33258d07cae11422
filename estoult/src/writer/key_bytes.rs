//! [`KeyBytes`]: the parts of a key as bytes.
//!
//! Invariant: each part has a fixed length, or its length before it, so that different parts never give equal bytes.

use crate::{
    expr::{Comparison, Function, Nulls},
    value::{EnumType, Kind},
};

/// A key that grows part by part.
#[derive(Debug)]
pub(super) struct KeyBytes(Vec<u8>);

impl KeyBytes {
    pub(super) fn new() -> Self {
        Self(Vec::with_capacity(256))
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    pub(super) fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    pub(super) fn number(&mut self, number: usize) {
        self.0.extend_from_slice(&number.to_ne_bytes());
    }

    pub(super) fn rows(&mut self, rows: u64) {
        self.0.extend_from_slice(&rows.to_ne_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.number(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A text, if there is one.
    pub(super) fn optional(&mut self, text: Option<&str>) {
        self.flag(text.is_some());
        if let Some(text) = text {
            self.text(text);
        }
    }

    /// A description by its address: a static is neither freed nor changed, so one address has one meaning.
    pub(super) fn address<T>(&mut self, description: &'static T) {
        self.number(std::ptr::from_ref(description).addr());
    }

    /// The type of a label, if it is one.
    pub(super) fn label(&mut self, label: Option<&'static EnumType>) {
        self.flag(label.is_some());
        if let Some(label) = label {
            self.address(label);
        }
    }

    pub(super) fn comparison(&mut self, comparison: Comparison) {
        self.byte(match comparison {
            Comparison::Equal => 0,
            Comparison::NotEqual => 1,
            Comparison::Less => 2,
            Comparison::LessOrEqual => 3,
            Comparison::Greater => 4,
            Comparison::GreaterOrEqual => 5,
        });
    }

    pub(super) fn function(&mut self, function: Function) {
        self.byte(match function {
            Function::Count => 0,
            Function::CountDistinct => 1,
            Function::Sum => 2,
            Function::Average => 3,
            Function::Min => 4,
            Function::Max => 5,
        });
    }

    pub(super) fn nulls(&mut self, nulls: Nulls) {
        self.byte(match nulls {
            Nulls::Default => 0,
            Nulls::First => 1,
            Nulls::Last => 2,
        });
    }

    pub(super) fn kind(&mut self, kind: Kind) {
        self.byte(match kind {
            Kind::Bool => 0,
            Kind::Int16 => 1,
            Kind::Int32 => 2,
            Kind::Int64 => 3,
            Kind::UInt64 => 4,
            Kind::Float32 => 5,
            Kind::Float64 => 6,
            Kind::Text => 7,
            Kind::Bytes => 8,
            Kind::Uuid => 9,
            Kind::Decimal => 10,
            Kind::Date => 11,
            Kind::Time => 12,
            Kind::DateTime => 13,
            Kind::Timestamp => 14,
            Kind::Json => 15,
            Kind::Enum(_) => 16,
        });
        if let Kind::Enum(label) = kind {
            self.address(label);
        }
    }
}
