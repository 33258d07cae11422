//! Rules of types that are stored in a column.

use crate::{
    errors::Errors,
    model::{Representation, Value},
};

/// The arguments that set how a value is stored.
const REPRESENTATIONS: [&str; 4] = ["text", "integer", "postgres_enum", "json"];

pub(super) fn has_one_form(value: &Value, errors: &mut Errors) {
    let words = &value.given.names;
    let mut forms = words
        .iter()
        .filter(|word| REPRESENTATIONS.contains(&word.value));
    let Some(first) = forms.next() else {
        return;
    };
    for other in forms {
        let message = format!(
            "`{}` and `{}` both say how the value is kept: remove one of the two",
            first.value, other.value
        );
        errors.at(other.span, message);
    }
}

pub(super) fn form_fits_the_type(value: &Value, errors: &mut Errors) {
    let (kept, meaningless): (_, &[&str]) = match &value.representation {
        Representation::Newtype(..) => (
            "a struct is kept as its field",
            &["text", "integer", "postgres_enum", "rename_all"],
        ),
        Representation::Numbers(_) => ("an integer has no label", &["rename_all"]),
        Representation::Json => ("the names of JSON are serde's", &["rename_all"]),
        Representation::Labels(..) => return,
    };
    for word in &value.given.names {
        if meaningless.contains(&word.value) {
            let message = format!("`{}` has no meaning here: {kept}, remove it", word.value);
            errors.at(word.span, message);
        }
    }
}

pub(super) fn has_variants(value: &Value, errors: &mut Errors) {
    let count = match &value.representation {
        Representation::Labels(labels, _) => labels.len(),
        Representation::Numbers(numbers) => numbers.len(),
        Representation::Newtype(..) | Representation::Json => return,
    };
    if count == 0 {
        let name = &value.target.ident;
        let message = format!("`{name}` has no variant and so no value: add one");
        errors.at(name.span(), message);
    }
}

pub(super) fn labels_differ(value: &Value, errors: &mut Errors) {
    let Representation::Labels(labels, _) = &value.representation else {
        return;
    };
    for (at, label) in labels.iter().enumerate() {
        let text = &label.text.value;
        let mut earlier = labels.iter().take(at);
        if let Some(same) = earlier.find(|earlier| earlier.text.value == *text) {
            let message = format!(
                "`{}` and `{}` are both kept as `{text}`: rename one of the two",
                label.ident, same.ident
            );
            errors.at(label.text.span, message);
        }
    }
}

pub(super) fn enum_type_has_a_name(value: &Value, errors: &mut Errors) {
    if let Representation::Labels(_, Some(native)) = &value.representation
        && native.value.is_empty()
    {
        let message = "an enum type of PostgreSQL needs a name: write `postgres_enum = \"mood\"`";
        errors.at(native.span, message);
    }
}
