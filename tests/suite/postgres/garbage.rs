//! Servers that send garbage, stop in the middle, or never answer: an error of the right kind, no hang, and a
//! connection that is not used again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use estoult::{Database, DatabaseBuilder, ErrorKind, Result, sql};

use super::refused;
use crate::support::{
    Dice, cases, eventually,
    fake_postgres::{
        FakePostgres, command_complete, data_row, error, message, parameter_types, ready,
        row_description, with_length,
    },
    first_seed, runtime,
};

/// What a test waits at most for an answer that never comes.
const LIMIT: Duration = Duration::from_millis(500);

fn builder(server: &FakePostgres) -> DatabaseBuilder {
    Database::builder(format!("{}?sslmode=disable", server.url()))
        .max_connections(1)
        .statement_timeout(LIMIT)
        .acquire_timeout(Duration::from_secs(20))
}

/// The answer to a first `select`, whose rows are these.
fn answer(rows: &[Vec<u8>]) -> Vec<u8> {
    let begin = [
        message(b'1', b""),
        parameter_types(&[]),
        row_description(&[("one", 23)]),
        message(b'2', b""),
    ];
    let end = [command_complete("SELECT 1"), ready(b'I')];
    [begin.concat(), rows.concat(), end.concat()].concat()
}

fn row() -> Vec<u8> {
    data_row(&[Some(&1_i32.to_be_bytes())])
}

/// Runs a statement on a server that sends these bytes and closes the connection, and gives its outcome.
fn after(bytes: Vec<u8>) -> Result<Vec<(i32,)>> {
    let server = FakePostgres::answering(bytes);
    let db = builder(&server).build()?;
    runtime().block_on(async {
        let lifespan = db.connect().await?;
        let outcome = sql("select 1 as one").all(&db).await;
        eventually("the connection is closed", async || db.status().in_use == 0).await;
        lifespan.close().await?;
        outcome
    })
}

#[track_caller]
fn is_lost(what: &str, bytes: Vec<u8>) {
    let begun = Instant::now();
    match after(bytes) {
        Ok(rows) => panic!("{what}: {rows:?}"),
        Err(error) => {
            let is_known = matches!(error.kind(), ErrorKind::Connection);
            assert!(is_known, "{what}: {error:?}");
        }
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{what}");
}

#[test]
fn the_right_answer_is_one() {
    assert_eq!(after(answer(&[row()])).unwrap(), [(1,)]);
}

#[test]
fn a_server_that_closes_anywhere_in_its_answer_is_lost() {
    let whole = answer(&[row(), row()]);
    for end in (0..whole.len()).step_by(3) {
        is_lost(&format!("{end} bytes"), whole[..end].to_vec());
    }
}

#[test]
fn lengths_that_no_message_has_are_refused() {
    for length in [i32::MIN, -1, 0, 3, i32::MAX] {
        let bytes = with_length(b'D', length, b"\0\x01");
        is_lost(
            &format!("the length {length}"),
            [&answer(&[])[..60], &bytes].concat(),
        );
        is_lost(&format!("the length {length} at first"), bytes);
    }
}

#[test]
fn answers_that_do_not_fit_the_statement_are_refused() {
    let (complete, idle) = (command_complete("SELECT 1"), ready(b'I'));
    let parsed = [message(b'1', b""), parameter_types(&[])].concat();
    let described = row_description(&[("one", 23)]);
    let unfit = [
        (
            "no end of the statement",
            [parsed.clone(), described.clone(), idle.clone()].concat(),
        ),
        ("nothing but an end", idle.clone()),
        (
            "a row that was not described",
            [parsed.clone(), row(), complete.clone(), idle.clone()].concat(),
        ),
        (
            "two ends",
            [
                answer(&[row()])[..].split_at(answer(&[row()]).len() - 6).0,
                &complete,
                &idle,
            ]
            .concat(),
        ),
        (
            "a row with two columns",
            answer(&[data_row(&[Some(b"\0\0\0\x01"), None])]),
        ),
        ("a row without columns", answer(&[message(b'D', b"")])),
        ("a tag that is not known", answer(&[message(b'?', b"what")])),
        ("a login", answer(&[message(b'R', &[0; 4])])),
        (
            "a state that is not known",
            [parsed.clone(), described, complete, ready(b'X')].concat(),
        ),
        (
            "a description that is cut short",
            [parsed, message(b'T', b"\0\x05one\0\0"), idle].concat(),
        ),
        ("a web server", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
    ];
    for (what, bytes) in unfit {
        is_lost(what, bytes);
    }
}

#[test]
fn a_row_that_is_cut_short_is_no_row() {
    let rows = [
        message(b'D', b"\0\x01"),
        message(b'D', b"\0\x01\0\0\0\x08\0\0\0\x01"),
        data_row(&[Some(b"\0\x01")]),
        data_row(&[Some(b"")]),
    ];
    for row in rows {
        let error = after(answer(&[row])).unwrap_err();
        let is_known = matches!(error.kind(), ErrorKind::Connection | ErrorKind::Decode);
        assert!(is_known, "{error:?}");
    }
}

#[test]
fn a_statement_that_fails_at_its_end_has_failed() {
    let whole = answer(&[row()]);
    let end = whole.len() - 6;
    let bytes = [&whole[..end], &error("23505", "late"), &whole[end..]].concat();
    let error = after(bytes).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Constraint(_)),
        "{error:?}"
    );
    let answered_sync = [error_and_ready("XX000"), Vec::new()].concat();
    let error = after(answered_sync).unwrap_err();
    assert_eq!(error.code(), Some("XX000"));
}

fn error_and_ready(code: &str) -> Vec<u8> {
    [error(code, "no"), ready(b'I')].concat()
}

/// A server that answers the first statement of its first session with these bytes, and hangs then; later sessions
/// are answered rightly. Also the number of sessions.
fn misbehaving_once(bytes: Vec<u8>) -> (FakePostgres, Arc<AtomicUsize>) {
    let sessions = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&sessions);
    let server = FakePostgres::start(move |wire| {
        wire.accept()?;
        let is_first = own.fetch_add(1, Ordering::SeqCst) == 0;
        loop {
            wire.read_until(b'S')?;
            if is_first {
                wire.send(&bytes)?;
                return wire.hang();
            }
            wire.send(&answer(&[row()]))?;
        }
    });
    (server, sessions)
}

/// Runs one statement after another on that server until one is answered rightly, and gives the outcomes.
fn until_answered(bytes: Vec<u8>) -> (Vec<Result<(i32,)>>, usize) {
    let (server, sessions) = misbehaving_once(bytes);
    let db = builder(&server).build().unwrap();
    let mut outcomes = Vec::new();
    let outcome: Result<()> = runtime().block_on(async {
        let lifespan = db.connect().await?;
        while outcomes.len() < 3 {
            outcomes.push(sql("select 1 as one").one(&db).await);
        }
        lifespan.close().await
    });
    outcome.unwrap();
    (outcomes, sessions.load(Ordering::SeqCst))
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let whole = answer(&[row()]);
    let huge = with_length(b'D', 0x3fff_ffff, b"\0\x01");
    for bytes in [Vec::new(), whole[..whole.len() - 3].to_vec(), huge] {
        let (outcomes, sessions) = until_answered(bytes);
        let error = outcomes[0].as_ref().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Timeout), "{error:?}");
        assert!(
            matches!(outcomes[1..], [Ok((1,)), Ok((1,))]),
            "{outcomes:?}"
        );
        assert_eq!(sessions, 2);
    }
}

#[test]
fn a_connection_that_was_not_understood_is_not_used_again() {
    let fatal = b"SFATAL\0VFATAL\0C57P01\0Mthe end\0\0";
    for bytes in [
        message(b'?', b"what"),
        answer(&[message(b'?', b"what")]),
        answer(&[data_row(&[None, None])]),
        ready(b'I'),
        message(b'E', fatal),
        with_length(b'E', 2, b""),
    ] {
        let (outcomes, sessions) = until_answered(bytes);
        let error = outcomes[0].as_ref().unwrap_err();
        let is_known = matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout);
        assert!(is_known, "{error:?}");
        assert!(
            matches!(outcomes[1..], [Ok((1,)), Ok((1,))]),
            "{outcomes:?}"
        );
        assert_eq!(sessions, 2);
    }
}

#[test]
fn an_answer_to_nothing_is_not_taken_for_that_of_the_next_statement() {
    let forged = answer(&[data_row(&[Some(&2_i32.to_be_bytes())])]);
    for more in [
        ready(b'I'),
        forged,
        error_and_ready("XX000"),
        command_complete("X"),
    ] {
        let (outcomes, _) = until_answered([answer(&[row()]), more].concat());
        assert!(matches!(outcomes[0], Ok((1,))), "{outcomes:?}");
        assert!(!matches!(outcomes[1], Ok((2,))), "{outcomes:?}");
        assert!(matches!(outcomes[2], Ok((1,))), "{outcomes:?}");
    }
}

#[test]
fn a_pipeline_that_is_lost_half_way_fails_in_all_its_rest() {
    let (server, _) = misbehaving_once([answer(&[row()]), message(b'?', b"what")].concat());
    let db = builder(&server).build().unwrap();
    let outcome: Result<()> = runtime().block_on(async {
        let lifespan = db.connect().await?;
        let begun = Instant::now();
        let statement = || sql("select 1 as one").into_rows::<(i32,)>();
        let outcomes = db.pipeline((statement(), statement(), statement())).await?;
        assert_eq!(outcomes.0?, [(1,)]);
        for outcome in [outcomes.1, outcomes.2] {
            let error = outcome.unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::Connection), "{error:?}");
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
        assert_eq!(sql("select 1 as one").one::<(i32,)>(&db).await?, (1,));
        lifespan.close().await
    });
    outcome.unwrap();
}

/// Changes some bytes, adds some, or takes some away.
fn spoil(mut bytes: Vec<u8>, dice: &mut Dice) -> Vec<u8> {
    for _ in 0..=dice.roll(4) {
        let at = dice.roll(bytes.len());
        let byte = u8::try_from(dice.roll(256)).unwrap();
        match dice.roll(3) {
            0 => bytes[at] = byte,
            1 => bytes.insert(at, byte),
            _ => {
                bytes.remove(at);
            }
        }
    }
    bytes
}

#[test]
fn any_garbage_is_an_answer_or_an_error() {
    let text = data_row(&[Some(b"\0\0\0\x07")]);
    let whole = [answer(&[row(), text]), error_and_ready("22012")].concat();
    let first = first_seed();
    for seed in first..first + cases(150, 3000) {
        let begun = Instant::now();
        let bytes = spoil(whole.clone(), &mut Dice::new(seed));
        let outcome = after(bytes);
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{seed}: {outcome:?}"
        );
        if let Err(error) = outcome {
            assert!(
                !matches!(error.kind(), ErrorKind::Internal),
                "{seed}: {error:?}"
            );
        }
    }
}

#[test]
fn a_server_that_hangs_while_it_is_connected_is_given_up() {
    let halves: [fn(&mut crate::support::fake_postgres::Wire) -> std::io::Result<()>; 4] = [
        |wire| wire.hang(),
        |wire| {
            wire.opening()?;
            wire.hang()
        },
        |wire| {
            wire.parameters()?;
            wire.hang()
        },
        |wire| {
            wire.parameters()?;
            wire.send(&message(b'R', &[0; 4]))?;
            wire.hang()
        },
    ];
    for half in halves {
        let server = FakePostgres::start(half);
        let db = Database::builder(server.url())
            .connect_timeout(LIMIT)
            .build()
            .unwrap();
        let begun = Instant::now();
        let outcome = runtime().block_on(db.connect());
        let error = outcome.unwrap_err();
        let is_known = matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout);
        assert!(is_known, "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn a_greeting_that_is_garbled_is_refused() {
    for bytes in [
        ready(b'X'),
        message(b'K', b"\0\0\0\x07"),
        message(b'K', b""),
        message(b'T', b""),
        message(b'D', b""),
        with_length(b'S', 1_000_000_000, b"x"),
    ] {
        let server = FakePostgres::start(move |wire| {
            wire.parameters()?;
            wire.send(&message(b'R', &[0; 4]))?;
            wire.send(&bytes)
        });
        let db = Database::builder(server.url()).build().unwrap();
        let outcome = runtime().block_on(db.connect());
        refused(outcome.map(drop), "connect to postgres://");
    }
}
