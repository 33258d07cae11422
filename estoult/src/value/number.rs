//! [`Number`], the types that can be summed, and [`Text`], those that can be matched with a pattern.

use crate::value::Value;

/// A type whose values can be summed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be added up",
    label = "`sum` and `avg` need a column of numbers"
)]
pub trait Number: Value {
    /// The type of the sum: wide enough for many values.
    type Sum: Value;
    /// The type of the average.
    type Average: Value;
}

macro_rules! numbers {
    ($($type:ty => $sum:ty, $average:ty;)+) => {$(
        #[diagnostic::do_not_recommend]
        impl Number for $type {
            type Sum = $sum;
            type Average = $average;
        }

        #[diagnostic::do_not_recommend]
        impl Number for Option<$type> {
            type Sum = $sum;
            type Average = $average;
        }
    )+};
}

numbers! {
    i8 => i64, f64;
    i16 => i64, f64;
    i32 => i64, f64;
    i64 => i64, f64;
    u8 => i64, f64;
    u16 => i64, f64;
    u32 => i64, f64;
    u64 => u64, f64;
    f32 => f64, f64;
    f64 => f64, f64;
}

/// A type whose values can be matched with a pattern.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be matched with a pattern",
    label = "`like`, `starts_with` and other patterns need a column of text"
)]
pub trait Text: Value {}

#[diagnostic::do_not_recommend]
impl Text for String {}
#[diagnostic::do_not_recommend]
impl Text for Option<String> {}
