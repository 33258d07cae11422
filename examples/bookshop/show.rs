//! The output of the bookshop: headings, tables, and a progress bar on a terminal.

use comfy_table::{Table, presets};
use indicatif::{ProgressBar, ProgressStyle};

/// Prints a line, and ignores a reader that has closed the output, as `head` does.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stdout(), $($text)*);
    }};
}

pub(crate) use say;

/// Prints a heading.
pub(crate) fn heading(text: &str) {
    say!("\n== {text} ==");
}

/// Prints rows under their columns' names.
pub(crate) fn table<const N: usize>(
    columns: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) {
    let mut table = Table::new();
    table.load_preset(presets::UTF8_FULL_CONDENSED);
    table.set_header(columns);
    table.add_rows(rows);
    say!("{table}");
}

/// A progress bar on the standard error, hidden if that is no terminal.
pub(crate) fn progress(what: &str, rows: usize) -> ProgressBar {
    let bar = ProgressBar::new(rows.try_into().unwrap_or(u64::MAX));
    match ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
    .with_message(what.to_owned())
}
