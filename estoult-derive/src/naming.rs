//! Names: from a struct to its table, from a field to its column, from a mistake to the name that was meant.

use proc_macro2::{Ident, Span};
use strsim::osa_distance;

/// How the words of a name are joined.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Case {
    Camel,
    Snake,
    ScreamingSnake,
    Pascal,
    Kebab,
}

impl Case {
    /// All cases with the names that `rename_all` takes.
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("camelCase", Self::Camel),
        ("snake_case", Self::Snake),
        ("SCREAMING_SNAKE_CASE", Self::ScreamingSnake),
        ("PascalCase", Self::Pascal),
        ("kebab-case", Self::Kebab),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        let known = Self::ALL.iter().find(|(known, _)| *known == name);
        known.map(|(_, case)| *case)
    }

    pub(crate) fn apply(self, name: &str) -> String {
        let words = words(name);
        match self {
            Self::Camel => {
                let mut words = words.iter();
                let first = words.next().cloned().unwrap_or_default();
                words.fold(first, |name, word| name + &capitalized(word))
            }
            Self::Snake => words.join("_"),
            Self::ScreamingSnake => words.join("_").to_uppercase(),
            Self::Pascal => words.iter().map(|word| capitalized(word)).collect(),
            Self::Kebab => words.join("-"),
        }
    }
}

/// The table of a struct: its name in snake case, the last word in the plural.
pub(crate) fn table(name: &str) -> String {
    plural(&Case::Snake.apply(name))
}

/// The foreign key that refers to a struct: `author_id` for `Author`.
pub(crate) fn foreign_key(name: &str) -> String {
    format!("{}_id", Case::Snake.apply(name))
}

/// An identifier of that text, raw where the text is a keyword; `None` where it can't be one.
pub(crate) fn identifier(text: &str, span: Span) -> Option<Ident> {
    let parsed = syn::parse_str::<Ident>(text);
    // A keyword such as `type` is a name only in its raw form.
    let mut ident = parsed
        .or_else(|_| syn::parse_str::<Ident>(&format!("r#{text}")))
        .ok()?;
    ident.set_span(span);
    Some(ident)
}

/// The candidate that was probably meant. Two swapped letters count as one mistake, the case of letters as none.
fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // One mistake in three letters; a short name may have one as well.
    let longest = name.chars().count().max(3) / 3;
    let name = name.to_ascii_lowercase();
    candidates
        .into_iter()
        .map(|candidate| {
            (
                osa_distance(&name, &candidate.to_ascii_lowercase()),
                candidate,
            )
        })
        .filter(|(distance, _)| *distance <= longest)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The question in a message if one of the candidates was probably meant; otherwise empty.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    nearest(name, candidates)
        .map(|meant| format!("did you mean `{meant}`? "))
        .unwrap_or_default()
}

/// The names for a message: each in backticks, separated by commas.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// The words of a name in lower case: `HTTPServer` is `http` and `server`.
fn words(name: &str) -> Vec<String> {
    let letters: Vec<char> = name.chars().collect();
    let mut words = vec![String::new()];
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let after = letters.get(at + 1);
        let is_separator = matches!(letter, '_' | '-');
        // The last capital of several begins the next word: `HTTPServer`.
        let is_start = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || after.is_some_and(|after| after.is_lowercase())
            });
        if is_separator || is_start {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| !is_separator) {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|first| first.to_uppercase());
    first
        .into_iter()
        .flatten()
        .chain(letters)
        .collect::<String>()
}

/// The plural by the common rules of English; a word that ends in a bare `s` is taken for a plural.
fn plural(word: &str) -> String {
    let ends_in = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    if let Some(stem) = word.strip_suffix("is") {
        format!("{stem}es")
    } else if ends_in(&["ss", "us", "as", "x", "z", "ch", "sh"]) {
        format!("{word}es")
    } else if ends_in(&["s"]) {
        word.to_owned()
    } else if let Some(stem) = word.strip_suffix('y')
        && !stem.ends_with(['a', 'e', 'i', 'o', 'u'])
    {
        format!("{stem}ies")
    } else {
        format!("{word}s")
    }
}

#[cfg(test)]
mod tests;
