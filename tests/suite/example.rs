//! The examples as programs: here a command line tool, and workers that take jobs from a table.

mod server;

use estoult::{Registry, Result, sql};

use crate::support::{Ended, Fresh, Program, eventually, on_every_fresh, runtime, within};

fn cli(fresh: &Fresh, arguments: &[&str]) -> Ended {
    Program::start("cli", &fresh.url, arguments).end()
}

on_every_fresh!(a_command_line_tool_keeps_its_tasks, |fresh| {
    assert_eq!(cli(fresh, &["add", "milk"]).well(), ["   1 [ ] milk"]);
    assert_eq!(cli(fresh, &["add", "bread"]).well(), ["   2 [ ] bread"]);
    assert_eq!(cli(fresh, &["done", "1"]).well(), ["   1 [x] milk"]);
    assert_eq!(cli(fresh, &["list"]).well(), ["   2 [ ] bread"]);
    let all = cli(fresh, &["list", "--all"]).well();
    assert_eq!(all, ["   1 [x] milk", "   2 [ ] bread"]);
    Ok(())
});

on_every_fresh!(a_command_that_fails_says_why_and_with_a_code, |fresh| {
    for (arguments, code, reason) in [
        (
            &["add", "  "][..],
            1,
            "cli: invalid changes: text can't be blank",
        ),
        (
            &["done", "9"],
            1,
            "cli: mark 9 as done: there is nothing with this number",
        ),
        (&["done", "first"], 2, "invalid value 'first'"),
        (&["begin"], 2, "unrecognized subcommand 'begin'"),
    ] {
        let ended = cli(fresh, arguments);
        assert_eq!(ended.status.code(), Some(code), "{ended:#?}");
        assert!(ended.errors.contains(reason), "{ended:#?}");
        assert!(ended.lines.is_empty(), "{ended:#?}");
    }
    Ok(())
});

/// How many letters there are, and how many jobs were taken more than once.
async fn letters(registry: &Registry) -> Result<(i64, i64)> {
    let (letters,) = sql("select count(*) from letters").one(registry).await?;
    let (twice,) = sql("select count(*) from jobs where tries > 1")
        .one(registry)
        .await?;
    Ok((letters, twice))
}

on_every_fresh!(
    worker_processes_share_the_jobs_and_stop_on_ctrl_c,
    |fresh| {
        const LETTERS: usize = 60;
        let mut arguments = Vec::new();
        for _ in 0..LETTERS {
            arguments.extend(["--add", "Tove"]);
        }
        let added = Program::start("worker", &fresh.url, &arguments)
            .end()
            .well();
        assert_eq!(added.len(), LETTERS);
        let start = || Program::start("worker", &fresh.url, &["--workers", "3"]);
        let mut workers = [start(), start(), start(), start()];
        for worker in &mut workers {
            worker.hear("workers wait for jobs");
        }
        let registry = Registry::builder(&*fresh.url).build()?;
        runtime().block_on(async {
            let lifespan = registry.connect().await?;
            eventually("all letters are sent", async || {
                letters(&registry)
                    .await
                    .is_ok_and(|(letters, _)| letters == 60)
            })
            .await;
            assert_eq!(letters(&registry).await?, (60, 0));
            within("the lifespan ends", lifespan.close()).await
        })?;
        let mut sent = 0;
        for worker in workers {
            worker.signal("INT");
            let lines = worker.end().well();
            let last = lines.last().and_then(|line| line.strip_prefix("stopped; "));
            let number = last.and_then(|last| last.split(' ').next()?.parse::<usize>().ok());
            sent += number.unwrap_or_else(|| panic!("{lines:#?}"));
        }
        assert_eq!(sent, LETTERS);
        Ok(())
    }
);
