//! `rider migrations`.

use clap::Args;

use super::console::Console;
use crate::{
    exit::Exit,
    rider::{Error, Rider, State, Status},
};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Show ids, states and how long each took, too
    #[arg(short, long)]
    long: bool,
    /// Return 3 if something is pending
    #[arg(long)]
    check: bool,
}

pub(super) async fn run(
    arguments: &Arguments,
    rider: &Rider,
    console: &Console,
) -> Result<Exit, Error> {
    let list = rider.status().await?;
    for line in table(&list, arguments.long) {
        console.line(&line);
    }
    let ids = list.iter().filter(|status| status.state == State::Missing);
    let missing: Vec<String> = ids.map(|status| status.id.clone()).collect();
    console.warn_of_missing(&missing);
    let is_pending = list.iter().any(|status| status.state == State::Pending);
    Ok(if arguments.check && is_pending {
        Exit::Pending
    } else {
        Exit::Done
    })
}

/// The list with its header and the rule below it; the last column is not padded.
pub(super) fn table(list: &[Status], is_long: bool) -> Vec<String> {
    let mut header = vec!["index", "message", "applied"];
    if is_long {
        header.extend(["id", "state", "ms"]);
    }
    let mut rows = vec![header.into_iter().map(str::to_owned).collect()];
    rows.extend(list.iter().map(|status| cells(status, is_long)));
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| {
            let cells = rows.iter().map(|row| width(&row[column]));
            cells.fold(0, usize::max)
        })
        .collect();
    let mut lines: Vec<String> = rows.iter().map(|row| line(row, &widths)).collect();
    let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    lines.insert(1, dashes.join("-+-"));
    lines
}

fn cells(status: &Status, is_long: bool) -> Vec<String> {
    let index = status
        .index
        .map_or_else(|| "-".to_owned(), |index| index.to_string());
    let applied = match (status.applied_at, status.state) {
        (Some(time), _) => time.to_string(),
        // The word of the original rider, which scripts look for.
        (None, State::Pending) => "None".to_owned(),
        (None, State::Applied | State::Missing) => "unknown".to_owned(),
    };
    let mut cells = vec![index, status.message.clone(), applied];
    if is_long {
        let duration = status
            .duration
            .map(|duration| duration.as_millis().to_string());
        cells.extend([
            status.id.clone(),
            status.state.word().to_owned(),
            duration.unwrap_or_default(),
        ]);
    }
    cells
}

fn line(row: &[String], widths: &[usize]) -> String {
    let mut cells = Vec::with_capacity(row.len());
    for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
        let padding = " ".repeat(width - self::width(cell));
        cells.push(match column {
            0 => format!("{padding}{cell}"),
            _ => format!("{cell}{padding}"),
        });
    }
    cells.join(" | ").trim_end().to_owned()
}

fn width(text: &str) -> usize {
    text.chars().count()
}
