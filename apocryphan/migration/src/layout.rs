//! Layouts of other migration tools, by the names and the first lines of their files. Read as rider's own they would
//! lose data: a file that undoes a migration would be one that is applied.
//!
//! Sources: the manuals of golang-migrate, Flyway, goose, sql-migrate, dbmate, Liquibase, Diesel and Prisma.

use std::path::{Path, PathBuf};

use crate::problem::Problem;

/// A tool whose files are not rider's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `1_users.up.sql` and `1_users.down.sql`, of golang-migrate and others.
    UpAndDown,
    /// `V1__users.sql`, `U1__users.sql` and `R__users.sql`.
    Flyway,
    /// `-- +goose Up`
    Goose,
    /// `-- +migrate Up`
    SqlMigrate,
    /// `-- migrate:up`
    Dbmate,
    /// `--liquibase formatted sql`
    Liquibase,
    /// `1_users/up.sql` and `1_users/down.sql`.
    Diesel,
    /// `1_users/migration.sql`
    Prisma,
    /// `1-users.SQL`
    Uppercase,
}

/// The markers of tools that write both directions into one file, each at the beginning of a comment line.
const MARKERS: [(&str, Layout); 5] = [
    ("+goose", Layout::Goose),
    ("+migrate", Layout::SqlMigrate),
    ("migrate:up", Layout::Dbmate),
    ("migrate:down", Layout::Dbmate),
    ("liquibase formatted", Layout::Liquibase),
];

impl Layout {
    /// The layout that the name of a file shows.
    pub(crate) fn of_name(stem: &str, extension: &str) -> Option<Self> {
        if extension != "sql" {
            return extension
                .eq_ignore_ascii_case("sql")
                .then_some(Self::Uppercase);
        }
        let lower = stem.to_ascii_lowercase();
        if lower.ends_with(".up") || lower.ends_with(".down") {
            return Some(Self::UpAndDown);
        }
        let (version, _) = stem.split_once("__")?;
        let is_number = |text: &str| {
            text.starts_with(|first: char| first.is_ascii_digit())
                && text
                    .chars()
                    .all(|letter| letter.is_ascii_digit() || letter == '.' || letter == '_')
        };
        let is_flyway = match version.split_at_checked(1)? {
            ("V" | "U" | "B", number) => is_number(number),
            ("R", rest) => rest.is_empty(),
            _ => false,
        };
        is_flyway.then_some(Self::Flyway)
    }

    /// The layout that a comment line of a text shows.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let comments = text
            .lines()
            .filter_map(|line| line.trim_start().strip_prefix("--"));
        comments.map(str::trim_start).find_map(|comment| {
            let found = MARKERS
                .iter()
                .find(|(marker, _)| comment.starts_with(marker));
            found.map(|(_, layout)| *layout)
        })
    }

    /// The layout that a folder within the folder shows, by the name of a file in it.
    pub(crate) fn of_nested(name: &str) -> Option<Self> {
        match name {
            "up.sql" | "down.sql" => Some(Self::Diesel),
            "migration.sql" => Some(Self::Prisma),
            _ => None,
        }
    }

    fn describe(self) -> (&'static str, &'static str) {
        match self {
            Self::UpAndDown => (
                "the layout of golang-migrate and others, a file for each direction",
                "rename `1_users.up.sql` to `1_users.sql` and `1_users.down.sql` to `1_users.rollback.sql`",
            ),
            Self::Flyway => (
                "the layout of Flyway",
                "rename `V1__users.sql` to `1-users.sql` and `U1__users.sql` to `1-users.rollback.sql`; what is \
                 repeated (`R__`) has no counterpart",
            ),
            Self::Goose => (
                "a file of goose, which has both directions",
                "write `-- step` in place of `-- +goose Up` and `-- rollback` in place of `-- +goose Down`, and leave \
                 out `StatementBegin` and `StatementEnd`",
            ),
            Self::SqlMigrate => (
                "a file of sql-migrate, which has both directions",
                "write `-- step` in place of `-- +migrate Up` and `-- rollback` in place of `-- +migrate Down`",
            ),
            Self::Dbmate => (
                "a file of dbmate, which has both directions",
                "write `-- step` in place of `-- migrate:up` and `-- rollback` in place of `-- migrate:down`",
            ),
            Self::Liquibase => (
                "a changelog of Liquibase",
                "make a file of each changeset, with `-- rollback` above what undoes it",
            ),
            Self::Diesel => (
                "the layout of Diesel, a folder for each migration",
                "move `1_users/up.sql` to `1_users.sql` and `1_users/down.sql` to `1_users.rollback.sql`",
            ),
            Self::Prisma => (
                "the layout of Prisma, a folder for each migration",
                "move `1_users/migration.sql` to `1_users.sql`",
            ),
            Self::Uppercase => (
                "an ending that rider does not read",
                "write `.sql` in small letters",
            ),
        }
    }
}

/// The files of another tool that a folder has: the first of each layout, and how many there are.
#[derive(Debug, Default)]
pub(crate) struct Foreign(Vec<(Layout, PathBuf, usize)>);

impl Foreign {
    pub(crate) fn note(&mut self, layout: Layout, file: &Path) {
        match self.0.iter_mut().find(|(known, ..)| *known == layout) {
            Some((_, _, count)) => *count += 1,
            None => self.0.push((layout, file.to_owned(), 1)),
        }
    }

    /// A problem for each layout.
    pub(crate) fn problems(self) -> impl Iterator<Item = Problem> {
        self.0.into_iter().map(|(layout, file, count)| {
            let (what, remedy) = layout.describe();
            let others = match count {
                1 => String::new(),
                count => format!(", as are {} more", count - 1),
            };
            let message = format!("this is {what}{others}, and not rider's: {remedy}");
            Problem::new(file.display().to_string(), message)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn files_of_other_tools_are_known_by_their_names() {
        for (stem, extension, layout) in [
            ("1_users.up", "sql", Some(Layout::UpAndDown)),
            ("20230101000000_users.DOWN", "sql", Some(Layout::UpAndDown)),
            ("V1__users", "sql", Some(Layout::Flyway)),
            ("V1.2_3__users", "sql", Some(Layout::Flyway)),
            ("U2__users", "sql", Some(Layout::Flyway)),
            ("R__views", "sql", Some(Layout::Flyway)),
            ("1-users", "SQL", Some(Layout::Uppercase)),
            ("1-users", "sql", None),
            ("1__users", "sql", None),
            ("Version__users", "sql", None),
            ("1-make.it.up-now", "sql", None),
            ("1-users", "md", None),
        ] {
            assert_eq!(Layout::of_name(stem, extension), layout, "{stem}");
        }
    }

    #[test]
    fn files_of_other_tools_are_known_by_their_markers() {
        for (text, layout) in [
            ("-- +goose Up\nselect 1;", Some(Layout::Goose)),
            (
                "-- a comment\n--+goose StatementBegin\n",
                Some(Layout::Goose),
            ),
            ("-- migrate:up transaction:false\n", Some(Layout::Dbmate)),
            ("-- +migrate Up\n", Some(Layout::SqlMigrate)),
            ("--liquibase formatted sql\n", Some(Layout::Liquibase)),
            ("-- migrate the users\nselect 1;", None),
            ("select '-- +goose Up';", None),
        ] {
            assert_eq!(Layout::of_text(text), layout, "{text}");
        }
    }
}
