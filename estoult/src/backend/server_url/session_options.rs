//! The `options` of a PostgreSQL URL: settings of the session, as the server's command line takes them.

/// Reads `-c name=value`, `-cname=value` and `--name=value`, separated by white space, in which a backslash escapes the
/// next character (libpq, "options"; the server's `pg_split_opts` and `process_postgres_switches`).
pub(super) fn session_options(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut settings = Vec::new();
    let mut words = split_words(text).into_iter();
    while let Some(word) = words.next() {
        let setting = match (word.strip_prefix("-c"), word.strip_prefix("--")) {
            (Some(""), _) => words.next(),
            (Some(setting), _) | (None, Some(setting)) => Some(setting.to_owned()),
            (None, None) => None,
        };
        let parts = setting
            .as_deref()
            .and_then(|setting| setting.split_once('='));
        let Some((name, value)) = parts.filter(|(name, _)| !name.is_empty()) else {
            // It does not repeat the word, which may belong to a password with unescaped characters.
            let problem = "`options` takes `-c name=value` and `--name=value`, separated by spaces";
            return Err(problem.to_owned());
        };
        settings.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(settings)
}

fn split_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character.is_ascii_whitespace() {
            words.extend(word.take());
            continue;
        }
        let literal = match character {
            '\\' => characters.next(),
            _ => Some(character),
        };
        word.get_or_insert_default().extend(literal);
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::session_options;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        session_options(text)
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec()
    }

    #[test]
    fn each_form_is_read() {
        assert_eq!(
            read(" -c work_mem=7MB  -cgeqo=off --search-path=a,b ").unwrap(),
            pairs([("work_mem", "7MB"), ("geqo", "off"), ("search_path", "a,b")])
        );
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn a_backslash_escapes_what_follows() {
        assert_eq!(
            read(r"-c search_path=a,\ b -c a.b=c\\d").unwrap(),
            pairs([("search_path", "a, b"), ("a.b", r"c\d")])
        );
    }

    #[test]
    fn what_is_no_setting_is_refused_without_being_shown() {
        for text in ["-c", "-c work_mem", "work_mem=7MB", "-x", "--=1", "-B 5"] {
            let problem = read(text).unwrap_err();
            assert!(problem.contains("-c name=value"), "{problem}");
            assert!(!problem.contains("work_mem"), "{problem}");
        }
    }
}
